import Foundation
import GRDB
import Glibc
import Testing

@testable import mlxi

/// `mlxi watch` with the real binary and the real families, two layers small.
@Suite(.serialized) struct DaemonTests {
    private func watch(_ folder: TestFolder, _ more: String...) throws -> Program {
        try Program(["watch", folder.path, "--settle", "0.2"] + more)
    }

    @Test func onceDrainsTheFolder() async throws {
        let folder = try TestFolder()
        try folder.write("a.wav", Recording.wav(seconds: 1, seed: 1))
        try folder.write("b.wav", Recording.wav(seconds: 1, seed: 1))
        try folder.write("c.wav", "no audio")
        try folder.write("d.wav.part", "still coming")
        try folder.write("notes.md", "left alone")
        let run = try await watch(folder, "--once").result()
        #expect(run.status == 1, "\(run.err)")
        #expect(run.err.contains("2 done, 1 failed"))
        #expect(
            try folder.files() == [
                "d.wav.part", "done/a.wav", "done/a_corrected.md", "done/a_raw.md", "done/b.wav",
                "done/b_duplicate.txt", "failed/c.wav", "failed/c_error.txt", "notes.md",
            ])
        let reason = try folder.read("failed/c_error.txt")
        #expect(reason.hasPrefix("c.wav: "))
        let page = try folder.read("done/a_corrected.md")
        #expect(page.contains("- proofread by: qwen3-q4"))
        #expect(page.contains("- edits: "))
        let again = try await watch(folder, "--once").result()
        #expect(again.status == 0)
        #expect(again.err.contains("0 done"))
    }

    @Test func tracesAreKeptApartByRecording() async throws {
        let folder = try TestFolder()
        let traces = try TestFolder()
        try folder.write("a.wav", Recording.wav(seconds: 1, seed: 1))
        try folder.write("b.wav", Recording.wav(seconds: 1, seed: 2))
        let run = try await watch(folder, "--once", "--trace", traces.path).result()
        #expect(run.status == 0, "\(run.err)")
        let names = try traces.files()
        for stem in ["a", "b"] {
            #expect(names.contains("\(stem)/mel.npy"), "\(names)")
            #expect(names.contains("\(stem)/encoder_output.npy"))
        }
    }

    @Test func aFileDroppedLaterIsTakenAndTerminationIsInOrder() async throws {
        let folder = try TestFolder()
        let program = try watch(folder)
        defer { program.send(SIGKILL) }
        try wait { folder.exists(".mlxi/ledger.sqlite") }
        let recording = Recording.wav(seconds: 1)
        try folder.write("late.wav.part", recording)
        try PosixFileSystem().rename(folder.path("late.wav.part"), over: folder.path("late.wav"))
        try wait { folder.exists("done/late.wav") }
        program.send(SIGTERM)
        let result = try await program.result()
        #expect(result.signal == nil)
        #expect(result.status == 0)
        #expect(result.out == folder.path("done/late_corrected.md") + "\n")
    }

    @Test func theRecordingInHandIsAbandonedSafelyOnCtrlC() async throws {
        // A busy machine may wake the test only after a short recording is done: then a longer one.
        for times in [1, 4, 16] {
            let folder = try TestFolder()
            try folder.write("long.wav", Recording.wav(seconds: 300, times: times))
            let program = try watch(folder, "--precise")
            try wait {
                isRunning(folder) || folder.exists("done/long.wav") || !program.isRunning
            }
            program.send(SIGINT)
            let result = try await program.result()
            #expect(result.status == 130, "\(result.err)")
            if folder.exists("done/long.wav") { continue }
            #expect(try folder.files() == ["long.wav"])
            let item = try #require(
                try Ledger(FolderLayout(root: folder.path).ledger).nextReady())
            #expect(item.attempts == 0)
            return
        }
        Issue.record("no recording was long enough to be interrupted")
    }

    @Test func aSecondDaemonOnTheFolderRefuses() async throws {
        let folder = try TestFolder()
        let first = try watch(folder)
        defer { first.send(SIGKILL) }
        try wait { folder.exists(".mlxi/ledger.sqlite") }
        let second = try await watch(folder).result()
        #expect(second.status == 3)
        #expect(second.err.contains("another mlxi watch (process \(first.pid)) is at work here"))
    }

    /// Killed at random moments, the program always goes on, and in the end every recording is in
    /// `done` with both pages, exactly once.
    @Test func killedAtRandomMomentsNothingIsLostOrDoneTwice() async throws {
        let folder = try TestFolder()
        let recordings = (1...4).map { Recording.wav(seconds: 15, seed: UInt64($0)) }
        for (index, recording) in recordings.enumerated() {
            try folder.write("r\(index).wav", recording)
        }
        var generator = SystemRandomNumberGenerator()
        var kills = 0
        for _ in 0..<Worker.attemptsMax - 2 {
            let program = try watch(folder, "--once", "--precise")
            // Most of the writing happens around these moments; which one is met is chance.
            let pages = try folder.files().count { $0.hasSuffix(".md") }
            try wait {
                !program.isRunning || (try? folder.files().count { $0.hasSuffix(".md") }) != pages
            }
            usleep(UInt32.random(in: 0...60_000, using: &generator))
            program.send(SIGKILL)
            kills += try await program.result().signal == SIGKILL ? 1 : 0
            if try !folder.files().contains(where: { !$0.hasPrefix("done/") }) { break }
        }
        let last = try await watch(folder, "--once").result()
        #expect(last.status == 0, "\(last.err)")
        #expect(kills > 0)
        let expected = (0..<4).flatMap { index in
            ["r\(index).wav", "r\(index)_corrected.md", "r\(index)_raw.md"].map { "done/\($0)" }
        }
        #expect(try folder.files() == expected.sorted())
        for (index, recording) in recordings.enumerated() {
            let url = URL(fileURLWithPath: folder.path("done/r\(index).wav"))
            #expect(try Data(contentsOf: url) == recording)
        }
        let items = try Ledger(FolderLayout(root: folder.path).ledger).all()
        #expect(items.map(\.state) == [.done, .done, .done, .done])
    }

    @Test func aFolderWithoutPermissionIsSaidAtOnce() async throws {
        let folder = try TestFolder()
        try folder.write("done", "a file where the folder should be")
        let run = try await watch(folder, "--once").result()
        #expect(run.status == 3)
        #expect(run.err.contains("\(folder.path("done")): cannot make the folder: File exists"))
    }

    @Test func aMissingModelIsSaidBeforeTheFolderIsTouched() async throws {
        let folder = try TestFolder()
        let run = try await watch(folder, "-m", "nosuch").result()
        #expect(run.status == 3)
        #expect(run.err.contains("model nosuch not found"))
        #expect(!folder.exists("done"))
    }

    @Test func foldersThatCannotBeSaySo() async throws {
        let folder = try TestFolder()
        try folder.write("mine.txt", "a file")
        for (name, status, words) in [
            ("", 2, "the folder's name is empty"),
            (folder.path("mine.txt"), 3, "mine.txt: cannot make the folder: File exists"),
            ("/proc/1/absent", 3, "absent: cannot make the folder: No such file or directory"),
        ] {
            let run = try await Program.run("watch", name, "--once", folder: folder.path)
            #expect(run.status == Int32(status), "\(name)")
            #expect(run.err.contains(words), "\(name): \(run.err)")
        }
        #expect(try folder.files() == ["mine.txt"])
    }

    /// Looks into the ledger without a lock that the daemon could have to wait for: one that looks
    /// as a daemon does, with writing, over and over, can keep a slow one from ever getting in.
    private func isRunning(_ folder: TestFolder) -> Bool {
        let path = FolderLayout(root: folder.path).ledger
        guard FileManager.default.fileExists(atPath: path) else { return false }
        var configuration = Configuration()
        configuration.readonly = true
        let running = try? DatabaseQueue(path: path, configuration: configuration).read {
            try Int.fetchOne($0, sql: "SELECT count(*) FROM recording WHERE state = 'running'")
        }
        return (running ?? 0) > 0
    }
}
