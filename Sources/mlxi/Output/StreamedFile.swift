import Glibc

/// A file that is written piece by piece and appears under its name only when it is complete.
final class StreamedFile {
    private let path: String
    private let temporary: String
    private let descriptor: Int32
    private var isCommitted = false

    /// Starts the file beside its target.
    ///
    /// - Throws: `FileError` naming `path`.
    init(_ path: String) throws {
        self.path = path
        let directory = Path.directory(of: path)
        temporary = Path.join(directory, AtomicFile.temporaryName())
        descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            throw FileError(operation: "write the file", path: path, code: errno)
        }
    }

    deinit {
        close(descriptor)
        if !isCommitted { unlink(temporary) }
    }

    /// Appends bytes.
    func write(_ bytes: [UInt8]) throws {
        try writeAll(bytes, to: descriptor) { [path] code in
            FileError(operation: "write the file", path: path, code: code)
        }
    }

    /// Appends memory.
    func write(_ bytes: UnsafeRawBufferPointer) throws { try write(Array(bytes)) }

    /// Writes over the first bytes.
    func overwriteStart(with bytes: [UInt8]) throws {
        guard pwrite(descriptor, bytes, bytes.count, 0) == bytes.count else {
            throw FileError(operation: "write the file", path: path, code: errno)
        }
    }

    /// Puts the file in its place.
    func commit() throws {
        guard fsync(descriptor) == 0 else {
            throw FileError(operation: "write the file", path: path, code: errno)
        }
        let files = PosixFileSystem()
        try files.rename(temporary, over: path)
        isCommitted = true
        try files.syncDirectory(Path.directory(of: path))
    }
}
