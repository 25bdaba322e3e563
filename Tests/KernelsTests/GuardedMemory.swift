import Foundation

/// Memory behind which nothing may be touched: a page that traps follows, as nothing follows the last
/// tensor of a mapped checkpoint.
final class GuardedMemory {
    /// The first of `byteCount` bytes.
    let base: UnsafeMutableRawPointer
    private let mapping: UnsafeMutableRawPointer
    private let mappedBytes: Int

    /// - Parameter slackBytes: bytes between the end and the page that traps.
    init(byteCount: Int, slackBytes: Int) {
        let page = Int(getpagesize())
        let usedBytes = (byteCount + slackBytes + page - 1) / page * page
        mappedBytes = usedBytes + page
        let mapped = mmap(
            nil, mappedBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let mapped, mapped != MAP_FAILED, mprotect(mapped + usedBytes, page, PROT_NONE) == 0
        else { fatalError("no memory for a test") }
        mapping = mapped
        base = mapped + usedBytes - byteCount - slackBytes
    }

    deinit { munmap(mapping, mappedBytes) }
}
