import Foundation
import Glibc
import Synchronization

/// Files that are old or new, never half: temporary file beside the target, sync, rename, sync of
/// the folder.
enum AtomicFile {
    /// What temporary names look like; watch never takes such a file and sweeps dead ones away.
    static let temporaryPrefix = ".mlxi-"
    static let temporarySuffix = ".tmp"

    private static let serial = Atomic<Int>(0)

    /// Puts `bytes` at `path`, replacing what is there.
    ///
    /// On failure the target is as it was and the temporary file is gone (unless the machine
    /// refuses even that; `sweep` then removes it later).
    static func replace(
        _ path: String, with bytes: [UInt8], in files: any FileSystem = PosixFileSystem()
    ) throws {
        let directory = Path.directory(of: path)
        let temporary = Path.join(directory, temporaryName())
        do {
            try files.create(temporary, bytes: bytes)
            try files.rename(temporary, over: path)
        } catch {
            // The error that matters is the first one; a temporary file that cannot be removed is
            // swept at the next start.
            try? files.remove(temporary)
            throw nameTheTarget(error, temporary: temporary, path: path)
        }
        try files.syncDirectory(directory)
    }

    /// A name that no other file of this machine's processes has.
    static func temporaryName() -> String {
        let number = serial.add(1, ordering: .relaxed).newValue
        return "\(temporaryPrefix)\(getpid())-\(number)\(temporarySuffix)"
    }

    static func replace(
        _ path: String, with text: String, in files: any FileSystem = PosixFileSystem()
    ) throws {
        try replace(path, with: Array(text.utf8), in: files)
    }

    /// Removes temporary files of processes that no longer live.
    static func sweep(_ directory: String, in files: any FileSystem) throws {
        for name in try files.names(in: directory) {
            guard name.hasPrefix(temporaryPrefix), name.hasSuffix(temporarySuffix) else { continue }
            let owner = name.dropFirst(temporaryPrefix.count).prefix { $0.isNumber }
            guard let pid = pid_t(owner), pid == getpid() || !isAlive(pid) else { continue }
            try files.remove(Path.join(directory, name))
        }
    }

    private static func isAlive(_ pid: pid_t) -> Bool { kill(pid, 0) == 0 || errno == EPERM }

    /// A user asked for `talk.srt`; the name of the temporary file would only puzzle.
    private static func nameTheTarget(
        _ error: any Error, temporary: String, path: String
    ) -> any Error {
        guard var failure = error as? FileError, failure.path == temporary else { return error }
        failure.path = path
        failure.operation = "write the file"
        return failure
    }
}
