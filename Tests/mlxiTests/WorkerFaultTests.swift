import Foundation
import Testing

@testable import mlxi

/// A watched folder is cut at every single write (files and ledger commits), then continued. The
/// goal is always the same end: nothing lost, nothing twice, nothing overwritten.
@Suite struct WorkerFaultTests {
    /// One process's life on a folder.
    private struct Life {
        let layout: FolderLayout
        let worker: Worker
        let ledger: Ledger
        let door = FakeDoor()

        init(_ folder: TestFolder, plan: FaultPlan?) throws {
            layout = FolderLayout(root: folder.path)
            let files: any FileSystem =
                plan.map { FaultyFileSystem(plan: $0) } ?? PosixFileSystem()
            for path in [layout.state, layout.done, layout.failed] {
                try PosixFileSystem().makeDirectory(path)
            }
            ledger = try Ledger(layout.ledger, observer: plan.map { FaultyCommits(plan: $0) })
            worker = Worker(
                layout: layout, settings: .test, door: door, ledger: ledger, files: files,
                now: { Date(timeIntervalSince1970: 0) }, listener: { _, _ in })
        }

        /// What the daemon does: complete the past, note what is there, work until nothing waits.
        func drain() async throws {
            let files = PosixFileSystem()
            for folder in [layout.root, layout.done, layout.failed] {
                try AtomicFile.sweep(folder, in: files)
            }
            try worker.recover()
            for name in try files.names(in: layout.root) {
                guard WatchRules.verdict(name) == .candidate,
                    let status = try files.status(Path.join(layout.root, name)),
                    status.kind == .file
                else { continue }
                try ledger.noteSeen(name, FileStamp(status), at: Date(timeIntervalSince1970: 0))
            }
            while let item = try ledger.nextReady() {
                _ = try await worker.process(item, cancellation: Cancellation())
            }
        }
    }

    /// Cuts the work at every point in both ways, continues, and checks the end.
    private func cutEverywhere(
        prepare: (TestFolder) async throws -> Void, check: (TestFolder, Ledger) throws -> Void
    ) async throws {
        for mode in FaultPlan.Mode.allCases {
            var cuts = 0
            while true {
                let folder = try TestFolder()
                try await prepare(folder)
                let plan = FaultPlan(failAt: cuts, mode: mode)
                var transcribed = 0
                do {
                    let first = try Life(folder, plan: plan)
                    do { try await first.drain() } catch {
                        #expect(plan.wasReached, "unplanned: \(error)")
                        if mode == .once { try await first.drain() }
                    }
                    transcribed = first.door.paths.count
                } catch { #expect(plan.wasReached, "unplanned: \(error)") }
                let second = try Life(folder, plan: nil)
                try await second.drain()
                transcribed += second.door.paths.count
                let recordings = try second.ledger.all().filter { $0.duplicateOf == nil }.count
                #expect(transcribed <= recordings + 1, "more than the file in hand was repeated")
                try check(folder, second.ledger)
                if !plan.wasReached { break }
                cuts += 1
            }
            #expect(cuts > 10, "the plan hardly met a call: \(cuts)")
        }
    }

    @Test func aRecordingIsDoneOnceWhereverItIsCut() async throws {
        try await cutEverywhere { folder in
            try folder.write("talk.wav", "hello there")
        } check: { (folder, ledger) throws in
            #expect(
                try folder.files() == [
                    "done/talk.wav", "done/talk_corrected.md", "done/talk_raw.md",
                ])
            #expect(try folder.read("done/talk.wav") == "hello there")
            let raw = try folder.read("done/talk_raw.md")
            let corrected = try folder.read("done/talk_corrected.md")
            #expect(raw.hasSuffix("\n\nhello there\n"))
            #expect(corrected.hasSuffix("\n\nHello there.\n"))
            #expect(try ledger.all().map(\.state) == [.done])
        }
    }

    @Test func nothingInDoneIsOverwrittenAndTheThreeKeepOneName() async throws {
        try await cutEverywhere { folder in
            try folder.write("talk.wav", "new words")
            try folder.write("done/talk_corrected.md", "precious")
            try folder.write("done/talk (2).wav", "precious too")
        } check: { (folder, _) throws in
            #expect(try folder.read("done/talk_corrected.md") == "precious")
            #expect(try folder.read("done/talk (2).wav") == "precious too")
            #expect(try folder.read("done/talk (3).wav") == "new words")
            #expect(folder.exists("done/talk (3)_raw.md"))
            #expect(folder.exists("done/talk (3)_corrected.md"))
            #expect(try folder.files().count == 5)
        }
    }

    @Test func someonesNotesBesideTheAudioAreNotTouched() async throws {
        try await cutEverywhere { folder in
            try folder.write("talk.wav", "words")
            try folder.write("talk_raw.md", "my own notes")
        } check: { (folder, _) throws in
            #expect(try folder.read("talk_raw.md") == "my own notes")
            #expect(try folder.read("done/talk (2).wav") == "words")
            #expect(folder.exists("done/talk (2)_raw.md"))
        }
    }

    @Test func aBadFileGoesToFailedWithTheReason() async throws {
        try await cutEverywhere { folder in
            try folder.write("talk.wav", "BAD bytes")
            try folder.write("failed/talk.wav", "an older failure")
        } check: { (folder, ledger) throws in
            #expect(try folder.read("failed/talk.wav") == "an older failure")
            #expect(try folder.read("failed/talk (2).wav") == "BAD bytes")
            let why = try folder.read("failed/talk (2)_error.txt")
            #expect(why.contains("not an audio file"))
            #expect(try folder.files().count == 3)
            #expect(try ledger.all().map(\.state) == [.failed])
        }
    }

    @Test func theSameContentIsRecognisedUnderAnotherName() async throws {
        try await cutEverywhere { folder in
            try folder.write("a.wav", "same")
            try folder.write("b.wav", "same")
        } check: { (folder, ledger) throws in
            #expect(
                try folder.files() == [
                    "done/a.wav", "done/a_corrected.md", "done/a_raw.md", "done/b.wav",
                    "done/b_duplicate.txt",
                ])
            let note = try folder.read("done/b_duplicate.txt")
            #expect(note.contains("a.wav"))
            #expect(try ledger.all().map(\.state) == [.done, .done])
        }
    }

    @Test func twoRecordingsOfOneNameBothArrive() async throws {
        try await cutEverywhere { folder in
            try folder.write("talk.mp3", "first")
            try folder.write("talk.wav", "second")
        } check: { (folder, _) throws in
            #expect(try folder.read("done/talk.mp3") == "first")
            #expect(try folder.read("done/talk (2).wav") == "second")
            let pages = try ["talk", "talk (2)"].map { try folder.read("done/\($0)_raw.md") }
            #expect(pages[0].contains("first"))
            #expect(pages[1].contains("second"))
            #expect(try folder.files().count == 6)
        }
    }
}
