import Foundation

/// A file mapped read-only for the life of the object.
public final class MappedFile {
    /// The path it was opened with, as errors print it.
    public let path: String
    /// The bytes of the file; valid as long as the object lives.
    public let bytes: UnsafeRawBufferPointer

    /// Maps `path`.
    ///
    /// - Throws: `KernelError.unreadable` when the file cannot be opened or mapped.
    public init(path: String) throws {
        guard let file = Descriptor(open(path, O_RDONLY | O_CLOEXEC)) else {
            throw Self.failure(path)
        }
        var status = stat()
        guard fstat(file.number, &status) == 0 else { throw Self.failure(path) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw KernelError.unreadable(file: path, reason: "is not a regular file")
        }
        let size = Int(status.st_size)
        self.path = path
        guard size > 0 else {
            bytes = UnsafeRawBufferPointer(start: nil, count: 0)
            return
        }
        let address = mmap(nil, size, PROT_READ, MAP_SHARED, file.number, 0)
        guard let address, address != MAP_FAILED else { throw Self.failure(path) }
        // Fewer page faults on a first pass over gigabytes; a hint that may be ignored.
        madvise(address, size, Int32(MADV_HUGEPAGE))
        madvise(address, size, Int32(MADV_WILLNEED))
        bytes = UnsafeRawBufferPointer(start: address, count: size)
    }

    deinit {
        if let address = bytes.baseAddress {
            munmap(UnsafeMutableRawPointer(mutating: address), bytes.count)
        }
    }

    private static func failure(_ path: String) -> KernelError {
        KernelError.unreadable(file: path, reason: String(cString: strerror(errno)))
    }
}
