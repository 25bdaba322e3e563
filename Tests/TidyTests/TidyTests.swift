import Foundation
import Testing

/// The style rules that a compiler does not know. Each failure names file and line.
@Suite struct TidyTests {
    private static let fileLinesMax = 600
    /// Of code; a comment or a table of words may run on a little.
    private static let codeColumnsMax = 100
    private static let columnsMax = 120
    private static let swiftFunctionLinesMax = 70
    private static let cFunctionLinesMax = 120
    /// `@unchecked Sendable` and `nonisolated(unsafe)` in the whole project, each with its proof.
    private static let uncheckedMax = 3

    private func places(
        _ files: [SourceFile], where matches: (SourceFile, String) -> Bool
    ) -> [String] {
        files.flatMap { file in
            file.codeLines.enumerated().filter { matches(file, $0.element) }
                .map { "\(file.path):\($0.offset + 1)" }
        }
    }

    @Test func theCheckSeesTheProject() {
        #expect(SourceFile.all.contains { $0.path == "Sources/mlxi/Mlxi.swift" })
        #expect(SourceFile.all.contains { $0.path.hasSuffix(".c") })
    }

    @Test func filesAreShort() {
        let long = SourceFile.all.filter { $0.lines.count > Self.fileLinesMax + 1 }
        #expect(long.map { "\($0.path): \($0.lines.count) lines" } == [])
    }

    @Test func linesAreShort() {
        let long = SourceFile.all.flatMap { file in
            zip(file.lines, file.codeLines).enumerated().filter { _, line in
                let code = line.1.reversed().drop(while: \.isWhitespace).count
                return line.0.count > Self.columnsMax || code > Self.codeColumnsMax
            }.map { "\(file.path):\($0.offset + 1)" }
        }
        #expect(long == [])
    }

    @Test func functionsAreShort() {
        let long = SourceFile.all.flatMap { file in
            let limit = file.isSwift ? Self.swiftFunctionLinesMax : Self.cFunctionLinesMax
            return file.functions().filter { $0.lines > limit }
                .map { "\(file.path):\($0.line): \($0.lines) lines" }
        }
        #expect(long == [])
    }

    @Test(arguments: [
        ("try!", "throw, or precondition with a reason"),
        ("as!", "as? with an error that names what was found"),
        ("fatalError(", "throw what a user can meet; precondition what only we can cause"),
        ("NSRegularExpression", "a scanner over the characters"),
        ("exit(", "throw an ExitStatus; Mlxi.main exits"),
    ])
    func banned(call: String, instead: String) {
        // The one exit, and the one `require` that stops on our own mistakes with a message.
        let allowed = [
            "exit(": "Sources/mlxi/Mlxi.swift", "fatalError(": "Sources/Kernels/Workspace.swift",
        ]
        let found = places(SourceFile.all.filter { $0.isSwift && !$0.isTest }) { file, line in
            allowed[call] != file.path && contains(line, call: call)
        }
        #expect(found == [], "instead of \(call) use \(instead)")
    }

    /// The call itself, not a longer name that ends like it.
    private func contains(_ line: String, call: String) -> Bool {
        var rest = line[...]
        while let range = rest.range(of: call) {
            let before = rest[..<range.lowerBound].last
            if !(before?.isLetter ?? false), before != "_", before != "." { return true }
            rest = rest[range.upperBound...]
        }
        return false
    }

    @Test func onlyOutputPrints() {
        let found = places(SourceFile.all.filter { $0.isSwift && !$0.isTest }) { file, line in
            !file.path.hasPrefix("Sources/mlxi/Output/")
                && (contains(line, call: "print(") || contains(line, call: "debugPrint("))
        }
        #expect(found == [])
    }

    @Test func concurrencyChecksAreSilencedAtMostThreeTimes() {
        let found = places(SourceFile.all.filter { !$0.isTest }) { _, line in
            line.contains("@unchecked") || line.contains("nonisolated(unsafe)")
        }
        #expect(found.count <= Self.uncheckedMax, "\(found)")
    }

    @Test func nothingIsLeftForLater() {
        let words = ["TO" + "DO", "FIX" + "ME"]
        let found = SourceFile.all.flatMap { file in
            file.lines.enumerated().filter { line in words.contains { line.element.contains($0) } }
                .map { "\(file.path):\($0.offset + 1)" }
        }
        #expect(found == [])
    }

    /// Arrows point down: what each target may import beside the system.
    @Test func importsPointDown() {
        let system: Set<String> = [
            "Foundation", "Glibc", "Darwin", "Synchronization", "Dispatch",
        ]
        let allowed: [String: Set<String>] = [
            "Kernels": ["CKernels"],
            "Text": ["Kernels"],
            "Audio": ["Kernels", "Text", "CSndfile", "CLibAV"],
            "Vision": ["Kernels", "CImage"],
            "mlxi": ["Kernels", "Text", "Audio", "Vision", "CEdit", "ArgumentParser", "GRDB"],
        ]
        for file in SourceFile.all where file.isSwift && !file.isTest {
            for line in file.codeLines where line.contains("import ") {
                let words = line.split(separator: " ").map(String.init)
                guard let index = words.firstIndex(of: "import"), index + 1 < words.count,
                    index == 0 || ["public", "internal", "private"].contains(words[index - 1])
                else { continue }
                let module = words[index + 1]
                let isAllowed = system.union(allowed[file.target] ?? []).contains(module)
                #expect(isAllowed, "\(file.path) imports \(module)")
            }
        }
    }

    /// A family is a file in `Models` and a line in `Registry.swift`; the rest must not know it.
    /// Tokenizer files and RoPE settings call their own variants by the names of families.
    @Test func sharedModulesNameNoFamily() {
        let families = [
            "qwen", "whisper", "gemma", "llama", "deepseek", "bert", "mistral", "paddle", "ernie",
        ]
        let formats = ["Sources/Text/Tokenizer/", "Sources/Kernels/Rope.swift"]
        let shared = SourceFile.all.filter { file in
            ["Kernels", "Text", "Audio", "Vision"].contains(file.target) && !file.isTest
                && !file.path.contains("/Models/") && !file.path.hasSuffix("/Registry.swift")
                && !formats.contains(where: file.path.hasPrefix)
        }
        let found = places(shared) { _, line in
            families.contains { line.lowercased().contains($0) }
        }
        #expect(found == [])
    }

    /// `Family(name: "asr-x", ...)` has its page `references/asr-x.md`.
    @Test func everyFamilyHasAReferencePage() {
        let models = SourceFile.all.filter { $0.path.contains("/Models/") && !$0.isTest }
        let names = models.flatMap { file in
            file.lines.indices.filter { file.lines[$0].contains("= Family<") }.compactMap { index in
                file.lines[index...].first { $0.contains("name: \"") }?
                    .components(separatedBy: "name: \"").last?
                    .components(separatedBy: "\"").first
            }
        }
        #expect(!names.isEmpty)
        for name in names {
            let path = "\(SourceFile.root)/references/\(name).md"
            #expect(FileManager.default.fileExists(atPath: path), "no references/\(name).md")
        }
    }
}

/// The checker is code too.
@Suite struct SourceFileTests {
    @Test func commentsAndStringsAreNotCode() {
        let file = SourceFile(
            path: "Sources/X/a.swift",
            text: "let a = \"try! { \\\" as!\" // fatalError(\n/* { */ let b = \"\"\"\n{\n\"\"\"\n")
        #expect(!file.codeLines.joined().contains("try!"))
        #expect(!file.codeLines.joined().contains("{"))
        #expect(!file.codeLines.joined().contains("fatalError"))
        #expect(file.codeLines.count == file.lines.count)
        #expect(file.codeLines[1].contains("let b"))
    }

    @Test func functionsAreMeasured() {
        let swift = SourceFile(
            path: "Sources/X/a.swift",
            text: "protocol P {\n  func a()\n\n  func b(\n  )\n}\nfunc c() {\n  x { y }\n}\n")
        #expect(swift.functions().map(\.lines) == [3])
        let c = SourceFile(
            path: "Sources/X/a.c",
            text: "struct s { int a; };\nint f(int a)\n{\n  if (a) {\n  }\n}\nint g(void) { }\n")
        #expect(c.functions().map(\.lines) == [4, 1])
    }
}
