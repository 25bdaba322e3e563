import GRDB
import Synchronization

@testable import mlxi

/// The fault that a test planned.
struct PlannedFault: Error {}

/// Counts writing calls and makes the n-th fail: once (a full disk that is emptied again) or from
/// then on for ever (the process died there).
final class FaultPlan: Sendable {
    enum Mode: CaseIterable, Sendable { case once, crash }

    let failAt: Int
    let mode: Mode
    private let count = Mutex(0)

    init(failAt: Int, mode: Mode) {
        self.failAt = failAt
        self.mode = mode
    }

    var wasReached: Bool { count.withLock { $0 > failAt } }

    func step() throws {
        let number = count.withLock { count in
            defer { count += 1 }
            return count
        }
        if mode == .crash ? number >= failAt : number == failAt { throw PlannedFault() }
    }
}

/// The real file system with planned faults. A create that fails leaves half a file behind.
struct FaultyFileSystem: FileSystem {
    let plan: FaultPlan
    private let real = PosixFileSystem()

    init(plan: FaultPlan) { self.plan = plan }

    func status(_ path: String) throws -> FileStatus? { try real.status(path) }
    func names(in directory: String) throws -> [String] { try real.names(in: directory) }

    func create(_ path: String, bytes: [UInt8]) throws {
        do {
            try plan.step()
        } catch {
            try? real.create(path, bytes: Array(bytes.prefix(bytes.count / 2)))
            throw error
        }
        try real.create(path, bytes: bytes)
    }

    func rename(_ source: String, over target: String) throws {
        try plan.step()
        try real.rename(source, over: target)
    }

    func link(_ source: String, toNew target: String) throws {
        try plan.step()
        try real.link(source, toNew: target)
    }

    func remove(_ path: String) throws {
        try plan.step()
        try real.remove(path)
    }

    func makeDirectory(_ path: String) throws {
        try plan.step()
        try real.makeDirectory(path)
    }

    func syncDirectory(_ path: String) throws {
        try plan.step()
        try real.syncDirectory(path)
    }
}

/// Makes SQLite transactions fail at commit, counted together with the file calls.
final class FaultyCommits: TransactionObserver, Sendable {
    let plan: FaultPlan

    init(plan: FaultPlan) { self.plan = plan }

    func observes(eventsOfKind eventKind: DatabaseEventKind) -> Bool { true }
    func databaseDidChange(with event: DatabaseEvent) {}
    func databaseWillCommit() throws { try plan.step() }
    func databaseDidCommit(_ database: Database) {}
    func databaseDidRollback(_ database: Database) {}
}
