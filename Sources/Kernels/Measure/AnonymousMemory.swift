import Foundation

/// Zeroed memory of the process for the life of the object; pages are used when they are touched.
final class AnonymousMemory {
    let base: UnsafeMutableRawPointer
    let byteCount: Int

    /// - Throws: `KernelError.setting` when the system has no room.
    init(byteCount: Int, purpose: String) throws {
        let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
        let address = mmap(nil, max(byteCount, 1), PROT_READ | PROT_WRITE, flags, -1, 0)
        guard let address, address != MAP_FAILED else {
            let reason = String(cString: strerror(errno))
            throw KernelError.setting("\(purpose): no room for \(byteCount) bytes: \(reason)")
        }
        madvise(address, max(byteCount, 1), Int32(MADV_HUGEPAGE))
        base = address
        self.byteCount = byteCount
    }

    deinit { munmap(base, max(byteCount, 1)) }
}
