import Glibc
import Kernels

/// What the kernel reports of the watched folder.
enum FolderEvent: Equatable, Sendable {
    /// Something about the file of this name changed; look at it.
    case touched(String)
    /// Events were dropped; look at everything.
    case overflowed
    /// The folder itself was removed or moved away.
    case folderGone
}

/// The kernel's notification of changes in one folder. Non-blocking: `descriptor` becomes readable
/// when `events()` has something to return.
final class Inotify: Sendable {
    private let queue: Descriptor
    /// Readable when something happened.
    var descriptor: Int32 { queue.number }

    private static let fileEvents =
        IN_CREATE | IN_MODIFY | IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE
    private static let folderEvents = IN_DELETE_SELF | IN_MOVE_SELF
    private static let bufferBytes = 64 << 10

    /// - Throws: `FileError` where the folder cannot be watched (no such folder, no permission,
    ///   the user's limit of watches reached).
    init(folder: String) throws {
        guard let queue = Descriptor(inotify_init1(Int32(IN_NONBLOCK | IN_CLOEXEC))) else {
            throw FileError(operation: "watch the folder", path: folder, code: errno)
        }
        let mask = UInt32(Self.fileEvents | Self.folderEvents | IN_ONLYDIR)
        guard inotify_add_watch(queue.number, folder, mask) >= 0 else {
            throw FileError(operation: "watch the folder", path: folder, code: errno)
        }
        self.queue = queue
    }

    /// Everything that is waiting, oldest first; empty when nothing is.
    func events() -> [FolderEvent] {
        var events: [FolderEvent] = []
        let buffer = UnsafeMutableRawBufferPointer.allocate(
            byteCount: Self.bufferBytes, alignment: 8)
        defer { buffer.deallocate() }
        while true {
            let count = read(descriptor, buffer.baseAddress, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return events }
            events += Self.parse(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        }
    }

    /// Splits the kernel's records: watch, mask, cookie, length of the padded name, name.
    private static func parse(_ bytes: UnsafeRawBufferPointer) -> [FolderEvent] {
        let headerBytes = MemoryLayout<inotify_event>.size
        var events: [FolderEvent] = []
        var offset = 0
        while offset + headerBytes <= bytes.count {
            let header = bytes.loadUnaligned(fromByteOffset: offset, as: inotify_event.self)
            let end = min(offset + headerBytes + Int(header.len), bytes.count)
            let name = String(
                decoding: bytes[(offset + headerBytes)..<end].prefix { $0 != 0 }, as: UTF8.self)
            if header.mask & UInt32(IN_Q_OVERFLOW) != 0 {
                events.append(.overflowed)
            } else if header.mask & UInt32(folderEvents | IN_IGNORED) != 0 {
                events.append(.folderGone)
            } else if !name.isEmpty {
                events.append(.touched(name))
            }
            offset = end
        }
        return events
    }
}
