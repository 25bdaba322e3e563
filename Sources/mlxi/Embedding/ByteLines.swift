import Glibc
import Kernels

/// Bytes of a file or of stdin, a buffer at a time.
final class ByteLines {
    private static let chunkBytes = 1 << 16
    /// Longest line, and longest field of a table.
    static let lineBytesMax = TextInput.bytesMax

    /// What errors call the input.
    let label: String
    private let file: Descriptor
    private var chunk = [UInt8](repeating: 0, count: chunkBytes)
    private var next = 0
    private var end = 0

    /// - Parameter path: nil for stdin.
    init(_ path: String?) throws {
        label = path ?? "stdin"
        let opened =
            if let path { Descriptor(open(path, O_RDONLY | O_CLOEXEC)) } else {
                Descriptor(copying: STDIN_FILENO)
            }
        guard let file = opened else {
            throw FileError(operation: "open", path: label, code: errno)
        }
        self.file = file
    }

    /// The next byte; nil at the end.
    func byte() throws -> UInt8? {
        if next == end {
            repeat {
                end = read(file.number, &chunk, Self.chunkBytes)
            } while end < 0 && errno == EINTR
            guard end >= 0 else { throw FileError(operation: "read", path: label, code: errno) }
            next = 0
            if end == 0 { return nil }
        }
        defer { next += 1 }
        return chunk[next]
    }

    /// The next line without its end; nil behind the last one.
    func line() throws -> [UInt8]? {
        guard var current = try byte() else { return nil }
        var line: [UInt8] = []
        while current != UInt8(ascii: "\n") {
            line.append(current)
            guard line.count <= Self.lineBytesMax else {
                throw CommandError.cannotRun(
                    "\(label): a line of more than \(Self.lineBytesMax >> 20) MiB")
            }
            guard let following = try byte() else { break }
            current = following
        }
        if line.last == UInt8(ascii: "\r") { line.removeLast() }
        return line
    }
}
