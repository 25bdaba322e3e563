import Dispatch
import Foundation
import Glibc
import Text

/// The loop of `mlxi watch`: kernel events and the clock wake it, `WatchState` decides, the ledger
/// remembers, `Worker` works, one recording at a time.
struct Daemon: Sendable {
    let layout: FolderLayout
    let settings: WatchSettings
    let door: any JobDoor
    let terminal: Terminal
    let settleSeconds: Double
    /// Ends when the folder holds nothing more to do.
    let drainsOnce: Bool

    /// Events get lost on network shares and when there are too many; looking is certain.
    static let rescanSeconds = 60.0
    /// After trouble with the place (a full disk), the next try waits.
    static let retrySeconds = 60.0
    private static let tickMilliseconds = 250

    private enum Wake: Sendable { case folder, tick, signal }

    func run() async throws -> ExitStatus {
        let files = PosixFileSystem()
        for folder in [layout.root, layout.state, layout.done, layout.failed] {
            try files.makeDirectory(folder)
        }
        let lock = try FolderLock(layout.lock, folder: layout.root)
        defer { withExtendedLifetime(lock) {} }
        try Self.checkWritable([layout.root, layout.done, layout.failed], files)
        let ledger = try Ledger(layout.ledger)
        let inotify = try Inotify(folder: layout.root)
        for try await event in door.submit(
            .open(OpenJob(transcriber: settings.model, proofreader: settings.proofreader)),
            cancellation: Cancellation())
        {
            if let line = event.progressLine { terminal.progress(line) }
        }
        let (wakes, wake) = AsyncStream.makeStream(
            of: Wake.self, bufferingPolicy: .bufferingNewest(4))
        let cancellation = Cancellation()
        let interrupts = Interrupts { _ in
            cancellation.request()
            wake.yield(.signal)
        }
        let sources = Self.wakeSources(inotify.descriptor, wake)
        defer { sources.cancel() }
        let terminal = terminal
        let worker = Worker(
            layout: layout, settings: settings, door: door, ledger: ledger, files: files,
            now: { Date() },
            listener: { item, event in
                if let line = event.progressLine { terminal.progress("\(item.name): \(line)") }
            })
        terminal.say("watching \(layout.root) (drop recordings there; Ctrl-C stops)")
        var turn = DaemonTurn(
            daemon: self, worker: worker, inotify: inotify, cancellation: cancellation)
        try turn.begin()
        for await _ in wakes {
            if interrupts.signal != nil { break }
            let isDrained = try await turn.next()
            if interrupts.signal != nil || (drainsOnce && isDrained) { break }
        }
        return end(turn, signal: interrupts.signal)
    }

    private func end(_ turn: DaemonTurn, signal: Int32?) -> ExitStatus {
        terminal.wipeProgress()
        if let signal {
            terminal.say("stopped; what was in hand stays in the folder")
            // SIGTERM is how a service is stopped in order.
            return signal == SIGTERM ? .done : .interrupted
        }
        terminal.say(turn.summary)
        return turn.troubles == 0 ? .done : .partial
    }

    /// A folder that cannot be written is said before hours of work, not after.
    private static func checkWritable(
        _ folders: [String], _ files: PosixFileSystem
    ) throws {
        for folder in folders {
            try AtomicFile.sweep(folder, in: files)
            guard access(folder, W_OK | X_OK) == 0 else {
                throw FileError(operation: "write in the folder", path: folder, code: errno)
            }
        }
    }

    /// Everything that wakes the loop, until cancelled.
    private struct WakeSources {
        let folder: any DispatchSourceRead
        let clock: any DispatchSourceTimer

        func cancel() {
            folder.cancel()
            clock.cancel()
        }
    }

    private static func wakeSources(
        _ descriptor: Int32, _ wake: AsyncStream<Wake>.Continuation
    ) -> WakeSources {
        let queue = DispatchQueue(label: "mlxi-watch")
        let folder = DispatchSource.makeReadSource(fileDescriptor: descriptor, queue: queue)
        folder.setEventHandler { wake.yield(.folder) }
        folder.resume()
        let clock = DispatchSource.makeTimerSource(queue: queue)
        clock.schedule(deadline: .now(), repeating: .milliseconds(tickMilliseconds))
        clock.setEventHandler { wake.yield(.tick) }
        clock.resume()
        return WakeSources(folder: folder, clock: clock)
    }
}
