import Glibc
import Kernels

/// One daemon a folder. The kernel drops the lock with the process, however it ends.
final class FolderLock: Sendable {
    private let file: Descriptor

    /// - Throws: `CommandError` naming the folder and the other process where it is taken.
    init(_ path: String, folder: String) throws {
        guard let file = Descriptor(open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)) else {
            throw FileError(operation: "open the lock", path: path, code: errno)
        }
        guard flock(file.number, LOCK_EX | LOCK_NB) == 0 else {
            let code = errno
            let owner = Self.owner(file.number)
            guard code == EWOULDBLOCK else {
                throw FileError(operation: "lock", path: path, code: code)
            }
            throw CommandError.cannotRun(
                "\(folder): another mlxi watch (process \(owner)) is at work here")
        }
        let text = Array("\(getpid())\n".utf8)
        guard ftruncate(file.number, 0) == 0,
            pwrite(file.number, text, text.count, 0) == text.count
        else { throw FileError(operation: "write", path: path, code: errno) }
        self.file = file
    }

    private static func owner(_ descriptor: Int32) -> String {
        var bytes = [UInt8](repeating: 0, count: 32)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        let text = String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self)
        return text.split(separator: "\n").first.map(String.init) ?? "unknown"
    }
}
