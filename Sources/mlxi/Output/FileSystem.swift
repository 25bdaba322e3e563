import Glibc
import Kernels

/// What a path names, by `lstat`: links are not followed.
struct FileStatus: Equatable, Sendable {
    enum Kind: Equatable, Sendable { case file, directory, other }

    var kind: Kind
    var sizeBytes: Int64
    var modifiedNanoseconds: Int64
    var device: UInt64
    var inode: UInt64
}

/// A system call that failed, printed as one line: the path, what was tried, what the system said.
struct FileError: Error, CustomStringConvertible, Equatable {
    var operation: String
    var path: String
    var code: Int32

    var description: String { "\(path): cannot \(operation): \(String(cString: strerror(code)))" }

    /// The disk or the folder refused; the content of the file at hand is not to blame, and the
    /// same work may succeed later.
    var isAboutThePlace: Bool {
        [ENOSPC, EDQUOT, EROFS, EACCES, EPERM, EMFILE, ENFILE, ENOMEM].contains(code)
    }
}

/// The few file operations that write: one seam, so that tests can make the n-th call fail and
/// see what a crash at that point leaves behind.
protocol FileSystem: Sendable {
    /// The status of `path`, or nil where nothing is there.
    func status(_ path: String) throws -> FileStatus?
    /// Names in a folder, sorted, without `.` and `..`.
    func names(in directory: String) throws -> [String]
    /// Creates a file that must not exist, writes and syncs it.
    func create(_ path: String, bytes: [UInt8]) throws
    /// Renames over whatever is at `target`.
    func rename(_ source: String, over target: String) throws
    /// Gives a file a second name; throws `EEXIST` where `target` exists.
    func link(_ source: String, toNew target: String) throws
    func remove(_ path: String) throws
    /// Makes a directory and its parents; no error where it exists.
    func makeDirectory(_ path: String) throws
    /// Makes renames and creations in a directory survive a power cut.
    func syncDirectory(_ path: String) throws
}

extension FileSystem {
    func exists(_ path: String) throws -> Bool { try status(path) != nil }

    /// Moves a file without ever overwriting: a second name, then the first one away. A crash in
    /// between leaves both names on one file, and `move` called again finishes.
    ///
    /// - Throws: `FileError` with `EEXIST` where `target` is another file.
    func move(_ source: String, toNew target: String) throws {
        do {
            try link(source, toNew: target)
        } catch let error as FileError where error.code == EEXIST {
            guard let there = try status(target), let here = try status(source),
                there.inode == here.inode, there.device == here.device
            else { throw error }
        } catch let error as FileError where Self.lacksLinks.contains(error.code) {
            // FAT and some network shares have no links. There the check and the rename are two
            // steps, which the folder lock makes safe against our own kind.
            if try exists(target) {
                throw FileError(operation: "move to \(target)", path: source, code: EEXIST)
            }
            return try rename(source, over: target)
        }
        try remove(source)
    }

    private static var lacksLinks: Set<Int32> { [EPERM, EOPNOTSUPP, ENOSYS, EMLINK] }
}

/// The operating system's files.
struct PosixFileSystem: FileSystem {
    func status(_ path: String) throws -> FileStatus? {
        var raw = stat()
        guard lstat(path, &raw) == 0 else {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw FileError(operation: "look at the file", path: path, code: errno)
        }
        let kind: FileStatus.Kind =
            switch raw.st_mode & S_IFMT {
            case S_IFREG: .file
            case S_IFDIR: .directory
            default: .other
            }
        return FileStatus(
            kind: kind, sizeBytes: Int64(raw.st_size),
            modifiedNanoseconds: Int64(raw.st_mtim.tv_sec) * 1_000_000_000
                + Int64(raw.st_mtim.tv_nsec),
            device: UInt64(raw.st_dev), inode: UInt64(raw.st_ino))
    }

    func names(in directory: String) throws -> [String] {
        guard let stream = opendir(directory) else {
            throw FileError(operation: "list the folder", path: directory, code: errno)
        }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: Int(NAME_MAX) + 1) {
                    String(cString: $0)
                }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    func create(_ path: String, bytes: [UInt8]) throws {
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC
        guard let file = Descriptor(open(path, flags, 0o644)) else {
            throw FileError(operation: "create the file", path: path, code: errno)
        }
        try writeAll(bytes, to: file.number) {
            FileError(operation: "write", path: path, code: $0)
        }
        guard fsync(file.number) == 0 else {
            throw FileError(operation: "write", path: path, code: errno)
        }
    }

    func rename(_ source: String, over target: String) throws {
        guard Glibc.rename(source, target) == 0 else {
            throw FileError(operation: "move to \(target)", path: source, code: errno)
        }
    }

    func link(_ source: String, toNew target: String) throws {
        guard Glibc.link(source, target) == 0 else {
            throw FileError(operation: "move to \(target)", path: source, code: errno)
        }
    }

    func remove(_ path: String) throws {
        guard unlink(path) == 0 else {
            throw FileError(operation: "remove the file", path: path, code: errno)
        }
    }

    func makeDirectory(_ path: String) throws {
        if mkdir(path, 0o755) == 0 { return }
        var code = errno
        let parent = Path.directory(of: path)
        if code == ENOENT, parent != path {
            try makeDirectory(parent)
            // Once more only: a parent that is there and takes no folder (/proc) says ENOENT again.
            if mkdir(path, 0o755) == 0 { return }
            code = errno
        }
        var raw = stat()
        // A link to a folder is a folder to its user, hence stat and not lstat.
        let isThere = code == EEXIST && stat(path, &raw) == 0 && raw.st_mode & S_IFMT == S_IFDIR
        guard isThere else {
            throw FileError(operation: "make the folder", path: path, code: code)
        }
    }

    func syncDirectory(_ path: String) throws {
        guard let folder = Descriptor(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) else {
            throw FileError(operation: "open the folder", path: path, code: errno)
        }
        // EINVAL: a file system that has nothing to sync.
        guard fsync(folder.number) == 0 || errno == EINVAL else {
            throw FileError(operation: "sync the folder", path: path, code: errno)
        }
    }
}

/// Writes every byte or throws what `failure` makes of the error number.
func writeAll(_ bytes: [UInt8], to descriptor: Int32, failure: (Int32) -> any Error) throws {
    try bytes.withUnsafeBytes { raw in
        guard let base = raw.baseAddress else { return }
        var written = 0
        while written < raw.count {
            let count = write(descriptor, base + written, raw.count - written)
            if count < 0 {
                if errno == EINTR { continue }
                throw failure(errno)
            }
            written += count
        }
    }
}
