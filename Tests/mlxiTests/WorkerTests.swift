import Foundation
import Testing

@testable import mlxi

@Suite struct WorkerTests {
    private func worker(
        _ folder: TestFolder, _ door: any JobDoor, _ ledger: Ledger
    ) -> Worker {
        Worker(
            layout: FolderLayout(root: folder.path), settings: .test, door: door, ledger: ledger,
            files: PosixFileSystem(), now: { Date(timeIntervalSince1970: 0) },
            listener: { _, _ in })
    }

    private func ledger(_ folder: TestFolder) throws -> Ledger {
        let layout = FolderLayout(root: folder.path)
        for path in [layout.state, layout.done, layout.failed] {
            try PosixFileSystem().makeDirectory(path)
        }
        return try Ledger(layout.ledger)
    }

    private func see(_ name: String, _ folder: TestFolder, _ ledger: Ledger) throws -> LedgerItem {
        let status = try #require(try PosixFileSystem().status(folder.path(name)))
        try ledger.noteSeen(name, FileStamp(status), at: Date(timeIntervalSince1970: 0))
        return try #require(try ledger.nextReady())
    }

    @Test func cancelledWorkStaysInTheFolderAndDoesNotCountAsAnAttempt() async throws {
        let folder = try TestFolder()
        let ledger = try ledger(folder)
        try folder.write("talk.wav", "words")
        let item = try see("talk.wav", folder, ledger)
        let cancellation = Cancellation()
        cancellation.request()
        await #expect(throws: Cancelled.self) {
            try await worker(folder, FakeDoor(), ledger).process(item, cancellation: cancellation)
        }
        #expect(try folder.files() == ["talk.wav"])
        let waiting = try #require(try ledger.nextReady())
        #expect(waiting.attempts == 0)
    }

    @Test func aFileThatChangedBeforeItsTurnIsReleased() async throws {
        let folder = try TestFolder()
        let ledger = try ledger(folder)
        try folder.write("talk.wav", "words")
        let item = try see("talk.wav", folder, ledger)
        try folder.write("talk.wav", "other words, longer")
        let door = FakeDoor()
        let outcome = try await worker(folder, door, ledger).process(
            item, cancellation: Cancellation())
        #expect(outcome == .released(reason: "went away or changed before its turn"))
        #expect(door.paths.isEmpty)
        #expect(try ledger.all().isEmpty)
        #expect(try folder.read("talk.wav") == "other words, longer")
    }

    @Test func aFileThatKillsTheProgramAgainAndAgainIsBlamed() throws {
        let folder = try TestFolder()
        let ledger = try ledger(folder)
        try folder.write("talk.wav", "words")
        var item = try see("talk.wav", folder, ledger)
        item.attempts = Worker.attemptsMax
        try ledger.update(item, to: .running, at: Date(timeIntervalSince1970: 0))
        try worker(folder, FakeDoor(), ledger).recover()
        #expect(try folder.files() == ["failed/talk.wav", "failed/talk_error.txt"])
        let why = try folder.read("failed/talk_error.txt")
        #expect(why.contains("ended 10 times"))
    }

    @Test func theSameContentIsDoneAgainWhereTheEarlierResultIsGone() async throws {
        let folder = try TestFolder()
        let ledger = try ledger(folder)
        let door = FakeDoor()
        for stem in ["talk", "talk (2)"] {
            try folder.write("talk.wav", "words")
            let item = try see("talk.wav", folder, ledger)
            _ = try await worker(folder, door, ledger).process(item, cancellation: Cancellation())
            try FileManager.default.removeItem(atPath: folder.path("done/\(stem)_raw.md"))
        }
        #expect(door.paths.count == 2)
    }

    @Test func longNamesStillFitWithTheirEndings() async throws {
        let folder = try TestFolder()
        let ledger = try ledger(folder)
        let name = String(repeating: "é", count: 125) + ".wav"
        try folder.write(name, "words")
        let item = try see(name, folder, ledger)
        let outcome = try await worker(folder, FakeDoor(), ledger).process(
            item, cancellation: Cancellation())
        guard case .done = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(try folder.files().count == 3)
    }

    @Test func aSecondLockOnTheFolderIsRefusedByName() throws {
        let folder = try TestFolder()
        let lock = try FolderLock(folder.path("lock"), folder: folder.path)
        let error = #expect(throws: CommandError.self) {
            _ = try FolderLock(folder.path("lock"), folder: folder.path)
        }
        #expect(error?.description.contains("\(getpid())") == true)
        withExtendedLifetime(lock) {}
    }

    @Test func aDamagedLedgerIsNamed() throws {
        let folder = try TestFolder()
        try folder.write("ledger.sqlite", String(repeating: "no database ", count: 100))
        let error = #expect(throws: CommandError.self) {
            _ = try Ledger(folder.path("ledger.sqlite"))
        }
        #expect(error?.description.contains("ledger.sqlite") == true)
    }
}
