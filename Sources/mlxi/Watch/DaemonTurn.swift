import Foundation
import Text

/// What the daemon does each time it wakes: read events, ask the state, note what is complete, work
/// on what waits.
struct DaemonTurn {
    let daemon: Daemon
    let worker: Worker
    let inotify: Inotify
    let cancellation: Cancellation

    private var state: WatchState
    private let clock = ContinuousClock()
    private let start: ContinuousClock.Instant
    /// Seconds of the clock before which nothing is tried after trouble with the place.
    private var pausedUntil = 0.0
    /// Rows whose moves were cut short wait for `recover`.
    private var needsRecovery = true
    private var hasRescanned = false
    private var lastTrouble: String?

    private(set) var done = 0
    /// Recordings that failed, and recordings left in the folder because of the place.
    private(set) var troubles = 0
    private var audioSeconds = 0.0
    private var workSeconds = 0.0

    init(daemon: Daemon, worker: Worker, inotify: Inotify, cancellation: Cancellation) {
        self.daemon = daemon
        self.worker = worker
        self.inotify = inotify
        self.cancellation = cancellation
        state = WatchState(
            settleSeconds: daemon.settleSeconds, rescanSeconds: Daemon.rescanSeconds)
        start = clock.now
    }

    var summary: String {
        var line = "\(done) done"
        if troubles > 0 { line += ", \(troubles) failed" }
        guard audioSeconds > 0 else { return line }
        let factor = Timestamp.fixed(workSeconds / audioSeconds, places: 3)
        return line + " in \(Timestamp.length(workSeconds)), real-time factor \(factor)"
    }

    private var now: Double { (clock.now - start).seconds }

    /// Completes what the last process left.
    mutating func begin() throws {
        try worker.recover()
        needsRecovery = false
    }

    /// One turn; true when nothing is left to do now.
    mutating func next() async throws -> Bool {
        try observeFolder()
        guard now >= pausedUntil else { return false }
        do {
            if needsRecovery {
                try worker.recover()
                needsRecovery = false
            }
            while !cancellation.isRequested, let item = try worker.ledger.nextReady() {
                try await work(on: item)
                try observeFolder()
            }
        } catch is Cancelled {
            return false
        } catch {
            // The place is to blame. The recording waits in the folder; so do we.
            return pause(after: error)
        }
        return hasRescanned && state.isSettled
    }

    private mutating func pause(after error: any Error) -> Bool {
        needsRecovery = true
        let line = "\(error)"
        if line != lastTrouble {
            daemon.terminal.error(line)
            lastTrouble = line
        }
        if daemon.drainsOnce {
            troubles += 1
            return true
        }
        daemon.terminal.warn("trying again in \(Timestamp.length(Daemon.retrySeconds))")
        pausedUntil = now + Daemon.retrySeconds
        return false
    }

    private mutating func observeFolder() throws {
        for event in inotify.events() {
            switch event {
            case .touched(let name): try look(name)
            case .overflowed: try rescan()
            case .folderGone:
                throw CommandError.cannotRun("\(daemon.layout.root): the folder went away")
            }
        }
        try act(state.observe(.tick, at: now))
    }

    private mutating func look(_ name: String) throws {
        let path = Path.join(daemon.layout.root, name)
        guard let status = try worker.files.status(path), status.kind == .file else {
            return try act(state.observe(.absent(name), at: now))
        }
        try act(state.observe(.present(name, FileStamp(status)), at: now))
    }

    private mutating func rescan() throws {
        for name in try worker.files.names(in: daemon.layout.root) { try look(name) }
        hasRescanned = true
    }

    private mutating func act(_ actions: [WatchAction]) throws {
        for action in actions {
            switch action {
            case .look(let name): try look(name)
            case .rescan: try rescan()
            case .take(let name, let stamp):
                try worker.ledger.noteSeen(name, stamp, at: worker.now())
            case .ignore(let name, let reason):
                daemon.terminal.say("\(name): left alone, \(reason)")
            }
        }
    }

    private mutating func work(on item: LedgerItem) async throws {
        let outcome: WorkOutcome
        do {
            outcome = try await worker.process(item, cancellation: cancellation)
        } catch {
            daemon.terminal.wipeProgress()
            throw error
        }
        daemon.terminal.wipeProgress()
        lastTrouble = nil
        let folder = daemon.layout
        switch outcome {
        case .done(let stem, let audio, let work):
            done += 1
            audioSeconds += audio
            workSeconds += work
            let factor = audio > 0 ? Timestamp.fixed(work / audio, places: 3) : "-"
            daemon.terminal.say(
                "\(item.name): done, \(Timestamp.length(audio)) in \(Timestamp.length(work)), "
                    + "real-time factor \(factor)")
            try daemon.terminal.resultLine(Path.join(folder.done, FolderLayout.corrected(stem)))
        case .duplicate(let stem, let earlier):
            done += 1
            daemon.terminal.say("\(item.name): same content as \(earlier), not transcribed again")
            try daemon.terminal.resultLine(Path.join(folder.done, FolderLayout.note(stem)))
        case .failed(let stem, let reason):
            troubles += 1
            daemon.terminal.error("\(item.name): \(reason)")
            try daemon.terminal.resultLine(Path.join(folder.failed, FolderLayout.error(stem)))
        case .released(let reason):
            state.release(item.name)
            daemon.terminal.say("\(item.name): \(reason)")
        }
    }
}
