/// What makes a file the same file as a moment ago.
struct FileStamp: Equatable, Sendable {
    var sizeBytes: Int64
    var modifiedNanoseconds: Int64
    var inode: UInt64

    init(sizeBytes: Int64, modifiedNanoseconds: Int64, inode: UInt64) {
        self.sizeBytes = sizeBytes
        self.modifiedNanoseconds = modifiedNanoseconds
        self.inode = inode
    }

    init(_ status: FileStatus) {
        self.init(
            sizeBytes: status.sizeBytes, modifiedNanoseconds: status.modifiedNanoseconds,
            inode: status.inode)
    }
}

/// What happened, as the loop around `WatchState` saw it.
enum WatchChange: Equatable, Sendable {
    /// A regular file of this name was looked at.
    case present(String, FileStamp)
    /// Nothing to take has this name: it is gone, or a folder, or a link.
    case absent(String)
    /// Time passed.
    case tick
}

/// What the loop must do next.
enum WatchAction: Equatable, Sendable {
    /// Look at the file again and report what is there.
    case look(String)
    /// The file has been still for the settle time: hand it over.
    case take(String, FileStamp)
    /// Look at every file of the folder.
    case rescan
    /// Tell the user once that this file is left alone, and why.
    case ignore(String, reason: String)
}

/// Decides when a file is complete. A value without a clock or input and output: time comes in as
/// seconds of any monotonic clock, so a test lives through an hour in a microsecond.
struct WatchState: Sendable {
    let settleSeconds: Double
    let rescanSeconds: Double

    private struct Pending {
        var stamp: FileStamp
        var stillSince: Double
    }

    private var pending: [String: Pending] = [:]
    private var taken: [String: FileStamp] = [:]
    private var ignored: Set<String> = []
    private var rescannedAt: Double?

    init(settleSeconds: Double, rescanSeconds: Double) {
        self.settleSeconds = settleSeconds
        self.rescanSeconds = rescanSeconds
    }

    /// Nothing is waiting to become still.
    var isSettled: Bool { pending.isEmpty }

    mutating func observe(_ change: WatchChange, at now: Double) -> [WatchAction] {
        switch change {
        case .present(let name, let stamp):
            return look(at: name, stamp, now)
        case .absent(let name):
            pending[name] = nil
            taken[name] = nil
            ignored.remove(name)
            return []
        case .tick:
            return tick(now)
        }
    }

    /// The file was put back: it may be taken again without having changed.
    mutating func release(_ name: String) { taken[name] = nil }

    private mutating func look(
        at name: String, _ stamp: FileStamp, _ now: Double
    ) -> [WatchAction] {
        switch WatchRules.verdict(name) {
        case .silent:
            return []
        case .leave(let reason):
            return ignored.insert(name).inserted ? [.ignore(name, reason: reason)] : []
        case .candidate:
            break
        }
        guard taken[name] != stamp else { return [] }
        guard let known = pending[name], known.stamp == stamp else {
            pending[name] = Pending(stamp: stamp, stillSince: now)
            return []
        }
        guard now - known.stillSince >= settleSeconds else { return [] }
        pending[name] = nil
        taken[name] = stamp
        return [.take(name, stamp)]
    }

    private mutating func tick(_ now: Double) -> [WatchAction] {
        var actions: [WatchAction] = []
        if rescannedAt.map({ now - $0 >= rescanSeconds }) ?? true {
            rescannedAt = now
            actions.append(.rescan)
        }
        let due = pending.filter { now - $0.value.stillSince >= settleSeconds }
        return actions + due.keys.sorted().map { .look($0) }
    }
}

/// Which names are anybody's recording. The results lie beside the recordings, so the program must
/// know its own.
enum WatchRules {
    enum Verdict: Equatable { case candidate, silent, leave(String) }

    /// Endings of files that are still being written by somebody.
    static let partialSuffixes = [
        ".part", ".partial", ".crdownload", ".download", ".tmp", ".temp", ".opdownload", ".aria2",
    ]
    /// Endings of text that people keep beside recordings; a recording never has them.
    static let textSuffixes = [".md", ".txt", ".json", ".jsonl", ".srt", ".vtt", ".tsv", ".pdf"]
    static let clutter: Set<String> = ["Thumbs.db", "desktop.ini"]

    static func verdict(_ name: String) -> Verdict {
        let lower = name.lowercased()
        if name.hasPrefix(".") || name.hasPrefix("~$") || clutter.contains(name) { return .silent }
        if partialSuffixes.contains(where: lower.hasSuffix) { return .silent }
        if lower.hasSuffix("_raw.md") || lower.hasSuffix("_corrected.md") { return .silent }
        if let suffix = textSuffixes.first(where: lower.hasSuffix) {
            return .leave("\(suffix) files are not recordings")
        }
        return .candidate
    }
}
