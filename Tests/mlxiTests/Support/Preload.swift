import Foundation
import Testing

/// C code that is loaded into the program before everything else, to watch what it asks of libc.
struct Preload {
    /// For `Program.run`.
    let environment: [String: String]

    init(_ code: String, in folder: TestFolder) throws {
        let (source, library) = (folder.path("preload.c"), folder.path("preload.so"))
        try code.write(toFile: source, atomically: true, encoding: .utf8)
        let compiler = Process()
        compiler.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        compiler.arguments = ["clang", "-shared", "-fPIC", "-O2", source, "-o", library]
        try compiler.run()
        compiler.waitUntilExit()
        try #require(compiler.terminationStatus == 0)
        environment = ["LD_PRELOAD": library]
    }

    /// The number that the code printed to stderr behind `label`, at the end of the program.
    static func number(_ label: String, in story: String) -> Int? {
        let line = story.split(separator: "\n").last { $0.hasPrefix("\(label) ") }
        return line.flatMap { Int($0.dropFirst(label.count + 1)) }
    }
}
