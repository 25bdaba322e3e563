import Audio
import Foundation
import Glibc
import Testing
import Text

@testable import mlxi

@Suite struct AtomicFileTests {
    @Test func everyFailingCallLeavesOldOrNewAndNoTemporaryFile() throws {
        for failAt in 0... {
            let folder = try TestFolder()
            try folder.write("page.md", "old")
            let plan = FaultPlan(failAt: failAt, mode: .once)
            do {
                try AtomicFile.replace(
                    folder.path("page.md"), with: "new text", in: FaultyFileSystem(plan: plan))
            } catch {
                #expect(plan.wasReached)
            }
            #expect(try folder.files() == ["page.md"])
            let text = try folder.read("page.md")
            #expect(text == "old" || text == "new text")
            if !plan.wasReached {
                #expect(text == "new text")
                #expect(failAt == 3, "create, rename, sync of the folder")
                return
            }
        }
    }

    @Test func aFolderThatIsNotThereIsNamedWithTheTarget() throws {
        let folder = try TestFolder()
        let error = #expect(throws: FileError.self) {
            try AtomicFile.replace(folder.path("no/page.md"), with: "x")
        }
        #expect(
            error?.description
                == "\(folder.path)/no/page.md: cannot write the file: No such file or directory")
    }

    @Test(arguments: [
        ("a", "."), (".", "."), ("..", "."), ("", "."), ("/", "/"), ("//", "/"), ("/a", "/"),
        ("//a/", "/"), ("a/", "."), ("a/b", "a"), ("a//b//", "a"), ("/a/b.wav", "/a"),
        ("./a", "."), ("/tmp/ü", "/tmp"),
    ])
    func foldersOfPaths(path: String, folder: String) {
        #expect(Path.directory(of: path) == folder)
    }

    /// `/dev/full` refuses every byte, as a full disk does.
    @Test func aFullDiskIsOneClearLine() throws {
        let descriptor = open("/dev/full", O_WRONLY)
        defer { close(descriptor) }
        let error = #expect(throws: FileError.self) {
            try writeAll([1, 2, 3], to: descriptor) {
                FileError(operation: "write the file", path: "page.md", code: $0)
            }
        }
        #expect(error?.description == "page.md: cannot write the file: No space left on device")
    }

    @Test func onlyDeadTemporaryFilesAreSwept() throws {
        let folder = try TestFolder()
        try folder.write(".mlxi-\(getpid())-1.tmp", "left by a former process of our number")
        try folder.write(".mlxi-1-1.tmp", "init lives")
        try folder.write(".mlxi-999999999-1.tmp", "nobody has this number")
        try folder.write("mine.tmp", "not ours")
        try AtomicFile.sweep(folder.path, in: PosixFileSystem())
        #expect(try folder.files() == [".mlxi-1-1.tmp", "mine.tmp"])
    }
}

@Suite struct TimestampTests {
    @Test func subtitleTimes() {
        #expect(Timestamp.subtitle(0, mark: ",") == "00:00:00,000")
        #expect(Timestamp.subtitle(3661.0005, mark: ".") == "01:01:01.001")
        #expect(Timestamp.subtitle(59.9996, mark: ",") == "00:01:00,000")
        #expect(Timestamp.subtitle(360_000, mark: ",") == "100:00:00,000")
        #expect(Timestamp.subtitle(-1, mark: ",") == "00:00:00,000")
        #expect(Timestamp.subtitle(.nan, mark: ",") == "00:00:00,000")
    }

    @Test func lengthsAndPlaces() {
        #expect(Timestamp.length(12.44) == "12.4 s")
        #expect(Timestamp.length(187) == "3 min 07 s")
        #expect(Timestamp.length(7500) == "2 h 05 min")
        #expect(Timestamp.clock(62) == "1:02")
        #expect(Timestamp.clock(3723) == "1:02:03")
        #expect(Timestamp.fixed(0.0449, places: 2) == "0.04")
        #expect(Timestamp.fixed(-0.001, places: 2) == "0.00")
    }
}

@Suite struct TranscriptWriterTests {
    private var document: TranscriptDocument {
        TranscriptDocument(
            transcript: Transcript(
                segments: [
                    .init(
                        start: 0, end: 1.5, text: "Tom & <Ann> --> go\n\nhome\tnow",
                        language: "English", kind: .speech),
                    .init(start: 1.5, end: 3, text: "", language: "", kind: .silence),
                    .init(
                        start: 3, end: 4, text: "", language: "", kind: .failed(reason: "no end")),
                    .init(start: 4, end: 5.25, text: "# two", language: "English", kind: .speech),
                ], duration: 5.25, damage: "the last 2.0 s could not be decoded"),
            facts: PageFacts(
                title: "talk", source: "talk.wav", model: "nano-asr", transcribeSeconds: 1.05))
    }

    private func render(_ format: TranscriptFormat) throws -> String {
        try TranscriptWriter.render(document, as: format)
    }

    @Test func subRip() throws {
        #expect(
            try render(.srt) == """
                1
                00:00:00,000 --> 00:00:01,500
                Tom & <Ann> -> go
                home\tnow

                2
                00:00:04,000 --> 00:00:05,250
                # two


                """)
    }

    @Test func webVTT() throws {
        #expect(
            try render(.vtt) == """
                WEBVTT

                00:00:00.000 --> 00:00:01.500
                Tom &amp; &lt;Ann&gt; --&gt; go
                home\tnow

                00:00:04.000 --> 00:00:05.250
                # two


                """)
    }

    @Test func tabSeparated() throws {
        #expect(
            try render(.tsv)
                == "start\tend\ttext\n0\t1500\tTom & <Ann> --> go home now\n4000\t5250\t# two\n")
    }

    @Test func markdownTellsWhatIsMissing() throws {
        #expect(
            try render(.md) == """
                # talk

                - source: talk.wav
                - length: 5.3 s
                - model: nano-asr
                - language: English
                - transcribed in: 1.1 s (real-time factor 0.200)
                - damage: the last 2.0 s could not be decoded

                Tom & <Ann> --> go
                home\tnow

                > 0:03–0:04 could not be transcribed: no end

                \\# two

                """)
    }

    @Test func jsonAccountsForEverySecond() throws {
        let data = Data(try render(.json).utf8)
        let object = try #require(
            try JSONSerialization.jsonObject(with: data) as? [String: Any])
        let segments = try #require(object["segments"] as? [[String: Any]])
        #expect(
            segments.map { $0["kind"] as? String } == ["speech", "silence", "failed", "speech"])
        #expect(segments.map { $0["end"] as? Double } == [1.5, 3, 4, 5.25])
        #expect(segments[2]["reason"] as? String == "no end")
        #expect(object["duration"] as? Double == 5.25)
        #expect(object["transcribe_seconds"] as? Double == 1.05)
    }

    @Test func correctedTextKeepsTheRawBesideIt() throws {
        var document = document
        document.transcript = Transcript(
            segments: [
                .init(start: 0, end: 1, text: "tom goes home", language: "", kind: .speech),
                .init(start: 5, end: 6, text: "with 3 cats", language: "", kind: .speech),
            ], duration: 6)
        var replies = ["Tom goes home.", ""].makeIterator()
        document.corrected = Proofreader.correct(
            paragraphs: document.transcript.spokenTexts, generate: { _ in replies.next() ?? "" })
        #expect(try TranscriptWriter.render(document, as: .txt) == "Tom goes home.\nwith 3 cats\n")
        let json = try TranscriptWriter.render(document, as: .json)
        #expect(json.contains("\"raw_text\" : \"tom goes home\""))
        #expect(json.contains("\"refused\" : "))
        let page = try TranscriptWriter.render(document, as: .md)
        #expect(page.contains("- edits: "))
        #expect(page.contains("with 3 cats\n\n> in part as heard, not corrected: "))
    }

    @Test func aSilentRecordingGivesNoText() throws {
        let silent = TranscriptDocument(
            transcript: Transcript(),
            facts: PageFacts(title: "t", source: "t.wav", model: "m"))
        #expect(try TranscriptWriter.render(silent, as: .txt) == "")
        let page = try TranscriptWriter.render(silent, as: .md)
        #expect(page.contains("*(no speech)*"))
    }

    @Test func aWriteThatFailsLeavesNoHalfFile() throws {
        let count = TranscriptFormat.allCases.count
        for failAt in 0..<(count * 3) {
            let folder = try TestFolder()
            let plan = FaultPlan(failAt: failAt, mode: .once)
            #expect(throws: PlannedFault.self) {
                _ = try TranscriptWriter.write(
                    document, formats: TranscriptFormat.allCases, folder: folder.path, stem: "t",
                    files: FaultyFileSystem(plan: plan))
            }
            for name in try folder.files() {
                let format = try #require(TranscriptFormat(rawValue: String(name.dropFirst(2))))
                #expect(try folder.read(name) == render(format))
            }
        }
    }
}

@Suite struct SubtitleCueTests {
    private func texts(_ text: String, seconds: Double = 10) -> [String] {
        SubtitleCue(start: 0, end: seconds, text: text).split().map(\.text)
    }

    @Test func shortTextIsOneCue() {
        #expect(
            SubtitleCue(start: 1, end: 2, text: "Hello there.").split()
                == [SubtitleCue(start: 1, end: 2, text: "Hello there.")])
        #expect(texts("").isEmpty)
    }

    @Test func longTextIsCutAtSentencesThenCommasThenWords() {
        let sentence = "The quick brown fox jumps over the lazy dog again."
        #expect(texts(sentence + " " + sentence) == [sentence, sentence])
        let clauses =
            "When all the bells of the old town had rung, nobody remembered who was there, or why at all"
        #expect(
            texts(clauses).first
                == "When all the bells of the old town had rung, nobody remembered who was there,")
        let words = String(repeating: "word ", count: 40)
        #expect(
            texts(words).allSatisfy {
                $0.count <= SubtitleCue.charactersMax && $0.hasSuffix("word")
            })
    }

    @Test func textWithoutSpacesIsCutToo() {
        let han = String(repeating: "我哋今日去咗", count: 40)
        #expect(texts(han).joined() == han)
        #expect(texts(han).allSatisfy { $0.count <= SubtitleCue.charactersMax })
    }

    @Test func timesAreInOrderAndCoverTheWhole() {
        let cues = SubtitleCue(
            start: 3, end: 33, text: String(repeating: "some words, and more. ", count: 30)
        ).split()
        #expect(cues.first?.start == 3)
        #expect(abs((cues.last?.end ?? 0) - 33) < 1e-9)
        #expect(zip(cues, cues.dropFirst()).allSatisfy { $0.end == $1.start })
    }
}

@Suite struct ContentHashTests {
    /// FIPS 180-4 examples and the lengths around a block's padding.
    @Test func publishedVectors() {
        #expect(
            ContentHash.bytes([])
                == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        #expect(
            ContentHash.bytes(Array("abc".utf8))
                == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(
            ContentHash.bytes(
                Array("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq".utf8))
                == "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1")
        #expect(
            ContentHash.bytes([UInt8](repeating: 0x61, count: 100_000))
                == "6d1cf22d7cc09b085dfc25ee1a1f3ae0265804c607bc2074ad253bcc82fd81ee")
    }

    @Test func aFileAndItsBytesAgree() throws {
        let folder = try TestFolder()
        try folder.write("a", String(repeating: "0123456789", count: 200))
        #expect(
            try ContentHash.file(folder.path("a"))
                == ContentHash.bytes(Array(try folder.read("a").utf8)))
    }
}
