import Glibc

/// One daemon a folder. The kernel drops the lock with the process, however it ends.
final class FolderLock: Sendable {
    private let descriptor: Int32

    /// - Throws: `CommandError` naming the folder and the other process where it is taken.
    init(_ path: String, folder: String) throws {
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            throw FileError(operation: "open the lock", path: path, code: errno)
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let code = errno
            let owner = Self.owner(descriptor)
            close(descriptor)
            guard code == EWOULDBLOCK else {
                throw FileError(operation: "lock", path: path, code: code)
            }
            throw CommandError.cannotRun(
                "\(folder): another mlxi watch (process \(owner)) is at work here")
        }
        let text = Array("\(getpid())\n".utf8)
        guard ftruncate(descriptor, 0) == 0,
            pwrite(descriptor, text, text.count, 0) == text.count
        else {
            let code = errno
            close(descriptor)
            throw FileError(operation: "write", path: path, code: code)
        }
    }

    deinit { close(descriptor) }

    private static func owner(_ descriptor: Int32) -> String {
        var bytes = [UInt8](repeating: 0, count: 32)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        let text = String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self)
        return text.split(separator: "\n").first.map(String.init) ?? "unknown"
    }
}
