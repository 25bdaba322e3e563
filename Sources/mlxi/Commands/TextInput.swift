import Foundation

/// Text that a command reads whole.
enum TextInput {
    /// Longest text read from stdin.
    static let bytesMax = 64 << 20

    /// All of stdin.
    ///
    /// - Throws: `CommandError.cannotRun` for more than `bytesMax` bytes and for other text than
    ///   UTF-8.
    static func standardInput() throws -> String {
        let data = FileHandle.standardInput.readData(ofLength: bytesMax + 1)
        guard data.count <= bytesMax else {
            throw CommandError.cannotRun("stdin: more than \(bytesMax >> 20) MiB of text")
        }
        return try decoded(data, label: "stdin")
    }

    /// - Throws: `CommandError.cannotRun` naming `label` where the bytes are not UTF-8.
    static func decoded(_ data: Data, label: String) throws -> String {
        guard let text = String(data: data, encoding: .utf8) else {
            throw CommandError.cannotRun("\(label): not UTF-8 text")
        }
        return text
    }
}
