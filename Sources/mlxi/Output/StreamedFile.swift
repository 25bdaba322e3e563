import Glibc
import Kernels

/// A file that is written piece by piece and appears under its name only when it is complete.
final class StreamedFile {
    private let path: String
    private let temporary: String
    private let file: Descriptor
    private var isCommitted = false

    /// Starts the file beside its target.
    ///
    /// - Throws: `FileError` naming `path`.
    init(_ path: String) throws {
        self.path = path
        let directory = Path.directory(of: path)
        temporary = Path.join(directory, AtomicFile.temporaryName())
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC
        guard let file = Descriptor(open(temporary, flags, 0o644)) else {
            throw FileError(operation: "write the file", path: path, code: errno)
        }
        self.file = file
    }

    deinit {
        if !isCommitted { unlink(temporary) }
    }

    /// Appends bytes.
    func write(_ bytes: [UInt8]) throws {
        try writeAll(bytes, to: file.number) { [path] code in
            FileError(operation: "write the file", path: path, code: code)
        }
    }

    /// Appends memory.
    func write(_ bytes: UnsafeRawBufferPointer) throws { try write(Array(bytes)) }

    /// Writes over the first bytes.
    func overwriteStart(with bytes: [UInt8]) throws {
        guard pwrite(file.number, bytes, bytes.count, 0) == bytes.count else {
            throw FileError(operation: "write the file", path: path, code: errno)
        }
    }

    /// Puts the file in its place.
    func commit() throws {
        guard fsync(file.number) == 0 else {
            throw FileError(operation: "write the file", path: path, code: errno)
        }
        let files = PosixFileSystem()
        try files.rename(temporary, over: path)
        isCommitted = true
        try files.syncDirectory(Path.directory(of: path))
    }
}
