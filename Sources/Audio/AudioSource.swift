import Kernels

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// An open, seekable file descriptor: a regular file, or a pipe copied to a file without a name.
final class AudioSource {
    /// Most that is copied from a pipe.
    static let spoolBytesMax = 8 << 30
    private static let copyBytes = 1 << 16

    /// The name for messages.
    let name: String
    private let file: Descriptor
    /// Opened for reading.
    var descriptor: Int32 { file.number }
    /// A path that opens the same bytes again.
    let path: String
    let byteCount: Int

    /// Opens `name`; `-` is standard input.
    init(_ name: String) throws(AudioError) {
        let isStandardInput = name == "-"
        let input =
            isStandardInput
            ? Descriptor(copying: STDIN_FILENO) : Descriptor(open(name, O_RDONLY | O_CLOEXEC))
        guard let opened = input else { throw Self.refusal(name, errno) }
        var status = stat()
        guard fstat(opened.number, &status) == 0 else { throw Self.refusal(name, errno) }
        self.name = name
        switch status.st_mode & S_IFMT {
        case S_IFREG:
            path = isStandardInput ? "/dev/fd/\(opened.number)" : name
            file = opened
        case S_IFIFO, S_IFSOCK:
            file = try Self.spool(opened.number, name: name)
            path = "/dev/fd/\(file.number)"
            _ = fstat(file.number, &status)
        default:
            let isDirectory = status.st_mode & S_IFMT == S_IFDIR
            throw AudioError(
                kind: .notAFile, file: name, found: isDirectory ? "a directory" : "a device",
                wanted: "an audio file")
        }
        byteCount = Int(status.st_size)
        guard byteCount > 0 else {
            throw AudioError(
                kind: .empty, file: name, found: "an empty file", wanted: "an audio file")
        }
    }

    /// Up to `count` bytes from `offset` (from the end where negative).
    func bytes(at offset: Int, count: Int) -> [UInt8] {
        let start = max(0, offset < 0 ? byteCount + offset : offset)
        return [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            filled = max(0, pread(descriptor, buffer.baseAddress, count, off_t(start)))
        }
    }

    private static func refusal(_ name: String, _ code: Int32) -> AudioError {
        AudioError(
            kind: code == ENOENT ? .missing : .unreadable, file: name,
            found: String(cString: strerror(code)).lowercased(), wanted: "a readable audio file")
    }

    /// Copies a pipe to a temporary file that has no name any more, so that nothing is left behind
    /// however the program ends. Decoders need to seek.
    private static func spool(
        _ pipe: Int32, name: String
    ) throws(AudioError) -> Descriptor {
        let folder = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array("\(folder)/mlxi-XXXXXX".utf8CString)
        guard let file = Descriptor(mkstemp(&template)) else {
            throw spoolRefusal(name, folder)
        }
        unlink(template)
        var buffer = [UInt8](repeating: 0, count: copyBytes)
        var total = 0
        while true {
            let count = read(pipe, &buffer, copyBytes)
            if count < 0 && errno == EINTR { continue }
            if count == 0 { break }
            guard count > 0 else { throw refusal(name, errno) }
            guard total + count <= spoolBytesMax else {
                throw AudioError(
                    kind: .unsupported, file: name, found: "more than \(spoolBytesMax >> 30) GiB",
                    wanted: "at most that much from a pipe")
            }
            var written = 0
            while written < count {
                let step = buffer.withUnsafeBytes {
                    write(file.number, $0.baseAddress?.advanced(by: written), count - written)
                }
                guard step > 0 || errno == EINTR else { throw spoolRefusal(name, folder) }
                written += max(0, step)
            }
            total += count
        }
        return file
    }

    private static func spoolRefusal(_ name: String, _ folder: String) -> AudioError {
        AudioError(
            kind: .unreadable, file: name,
            found: "\(String(cString: strerror(errno)).lowercased()) in \(folder)",
            wanted: "room there for a copy of the pipe (TMPDIR chooses the folder)")
    }
}
