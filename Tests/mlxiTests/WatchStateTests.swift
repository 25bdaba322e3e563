import Testing

@testable import mlxi

@Suite struct WatchStateTests {
    private let small = FileStamp(sizeBytes: 10, modifiedNanoseconds: 1, inode: 7)
    private let grown = FileStamp(sizeBytes: 20, modifiedNanoseconds: 2, inode: 7)

    private func state() -> WatchState { WatchState(settleSeconds: 3, rescanSeconds: 60) }

    @Test func aFileIsTakenWhenItHasBeenStillLongEnough() {
        var state = state()
        #expect(state.observe(.present("a.wav", small), at: 0) == [])
        #expect(state.observe(.tick, at: 1) == [.rescan])
        #expect(state.observe(.tick, at: 3) == [.look("a.wav")])
        #expect(state.observe(.present("a.wav", small), at: 3) == [.take("a.wav", small)])
        #expect(state.observe(.present("a.wav", small), at: 9) == [], "taken once")
        #expect(state.isSettled)
    }

    @Test func aFileThatGrowsWaitsAnew() {
        var state = state()
        _ = state.observe(.present("a.wav", small), at: 0)
        #expect(state.observe(.present("a.wav", grown), at: 2.9) == [])
        #expect(state.observe(.present("a.wav", grown), at: 5) == [])
        #expect(state.observe(.present("a.wav", grown), at: 5.9) == [.take("a.wav", grown)])
    }

    @Test func aSlowCopyIsNeverTakenHalf() {
        var state = state()
        var taken: [WatchAction] = []
        for second in 0..<3600 {
            let stamp = FileStamp(
                sizeBytes: Int64(second / 2), modifiedNanoseconds: Int64(second / 2), inode: 1)
            taken += state.observe(.present("long.wav", stamp), at: Double(second))
        }
        #expect(taken.isEmpty)
    }

    @Test func aNewFileUnderATakenNameIsTakenAgain() {
        var state = state()
        for time in [0.0, 3.0] { _ = state.observe(.present("a.wav", small), at: time) }
        _ = state.observe(.present("a.wav", grown), at: 10)
        #expect(state.observe(.present("a.wav", grown), at: 13) == [.take("a.wav", grown)])
    }

    @Test func aFileThatWentAwayIsForgotten() {
        var state = state()
        _ = state.observe(.present("a.wav", small), at: 0)
        _ = state.observe(.absent("a.wav"), at: 1)
        #expect(state.observe(.present("a.wav", small), at: 4) == [])
        #expect(state.observe(.present("a.wav", small), at: 7) == [.take("a.wav", small)])
    }

    @Test func aFilePutBackMayBeTakenUnchanged() {
        var state = state()
        for time in [0.0, 3.0] { _ = state.observe(.present("a.wav", small), at: time) }
        state.release("a.wav")
        _ = state.observe(.present("a.wav", small), at: 5)
        #expect(state.observe(.present("a.wav", small), at: 8) == [.take("a.wav", small)])
    }

    @Test func theFolderIsReadAgainNowAndThen() {
        var state = state()
        let times = (0..<200).filter { state.observe(.tick, at: Double($0)).contains(.rescan) }
        #expect(times == [0, 60, 120, 180])
    }

    @Test(arguments: [
        ".talk.wav", "talk.wav.part", "talk.m4a.crdownload", "TALK.WAV.PART", "x.tmp", "~$x.wav",
        "talk_raw.md", "talk_corrected.md", ".mlxi-12-1.tmp", "Thumbs.db",
    ])
    func theseNamesAreNeverTaken(name: String) {
        var state = state()
        for time in [0.0, 5.0, 10.0] {
            #expect(state.observe(.present(name, small), at: time) == [])
        }
    }

    @Test func textBesideRecordingsIsLeftAloneAndSaidOnce() {
        var state = state()
        let first = state.observe(.present("notes.txt", small), at: 0)
        #expect(first == [.ignore("notes.txt", reason: ".txt files are not recordings")])
        #expect(state.observe(.present("notes.txt", small), at: 9) == [])
    }

    @Test(arguments: ["talk.wav", "talk", "talk.xyz", "会议.m4a", "a b (2).opus", "part.mp3"])
    func theseNamesAreCandidates(name: String) {
        #expect(WatchRules.verdict(name) == .candidate)
    }

    @Test func inotifyReportsWhatHappensInTheFolder() throws {
        let folder = try TestFolder()
        let inotify = try Inotify(folder: folder.path)
        #expect(inotify.events().isEmpty)
        try folder.write("a.wav", "x")
        try PosixFileSystem().rename(folder.path("a.wav"), over: folder.path("b.wav"))
        let events = inotify.events()
        #expect(events.contains(.touched("a.wav")))
        #expect(events.contains(.touched("b.wav")))
    }

    @Test func watchingNoFolderIsAnErrorWithItsName() {
        let error = #expect(throws: FileError.self) { _ = try Inotify(folder: "/no/such/folder") }
        #expect(error?.description.hasPrefix("/no/such/folder: cannot watch the folder") == true)
    }
}
