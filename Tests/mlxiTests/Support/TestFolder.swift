import Foundation

@testable import mlxi

/// A private folder that goes away with the value.
final class TestFolder: Sendable {
    let path: String

    init() throws {
        // In memory where that exists: the fault tests sync thousands of times.
        let memory = "/dev/shm"
        let parent =
            FileManager.default.isWritableFile(atPath: memory)
            ? URL(fileURLWithPath: memory) : FileManager.default.temporaryDirectory
        let url = parent.appendingPathComponent("mlxi-test-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        path = url.path
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func path(_ name: String) -> String { Path.join(path, name) }

    func write(_ name: String, _ text: String) throws {
        let target = path(name)
        try FileManager.default.createDirectory(
            atPath: Path.directory(of: target), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: URL(fileURLWithPath: target))
    }

    func read(_ name: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(fileURLWithPath: path(name))), as: UTF8.self)
    }

    func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: path(name)) }

    /// Every file below, relative, sorted, without the daemon's own state.
    func files() throws -> [String] {
        try FileManager.default.subpathsOfDirectory(atPath: path).filter { name in
            var isFolder: ObjCBool = false
            _ = FileManager.default.fileExists(atPath: path(name), isDirectory: &isFolder)
            return !isFolder.boolValue && !name.hasPrefix(".mlxi/")
        }.sorted()
    }
}
