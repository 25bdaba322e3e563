import Foundation
import Testing

@testable import mlxi

/// `mlxi transcribe` from outside: what a user types, sees, and gets as exit status.
@Suite struct TranscribeCommandTests {
    private let short = Recording.wav(seconds: 2)

    @Test func oneFilePrintsItsTextAndTheStoryGoesToStderr() async throws {
        let folder = try TestFolder()
        try folder.write("a.wav", short)
        let run = try await Program.run("transcribe", folder.path("a.wav"))
        #expect(run.status == 0)
        #expect(run.err.contains("2.0 s of audio"))
        #expect(!run.err.contains("\u{1B}"), "no colours or progress where stderr is no terminal")
        let quiet = try await Program.run("transcribe", "--quiet", folder.path("a.wav"))
        #expect(quiet.out == run.out)
        #expect(!quiet.err.contains("of audio"))
    }

    @Test func stdinAndFileAndTextFileAgree() async throws {
        let folder = try TestFolder()
        try folder.write("a.wav", short)
        let file = try await Program.run("transcribe", folder.path("a.wav"))
        let piped = try await Program.run("transcribe", "-", input: short)
        #expect(piped.out == file.out)
        let written = try await Program.run(
            "transcribe", folder.path("a.wav"), "-o", folder.path("out"))
        #expect(written.out == folder.path("out/a.txt") + "\n")
        #expect(try folder.read("out/a.txt") == file.out)
    }

    @Test func namesOfOneLetterAreNames() async throws {
        let folder = try TestFolder()
        try folder.write("a", short)
        for arguments in [["a", "-o", "b"], [".", "-o", "c"], ["a", "-o", "."]] {
            let run = try await Program(["transcribe"] + arguments, folder: folder.path).result()
            #expect(run.status == 0, "\(arguments): \(run.err)")
        }
        #expect(folder.exists("b/a.txt") && folder.exists("a.txt"))
    }

    /// Files that are no libraries stand in the way of the real ones, whatever their version is.
    @Test func withoutLibavUncompressedRecordingsAreStillRead() async throws {
        let folder = try TestFolder()
        try folder.write("a.wav", short)
        try folder.write("b.mp3", Data("no recording".utf8))
        for version in 55...70 { try folder.write("lib/libavformat.so.\(version)", Data()) }
        let environment = ["LD_LIBRARY_PATH": folder.path("lib")]
        let wav = try await Program.run(
            "transcribe", folder.path("a.wav"), environment: environment)
        #expect(wav.status == 0)
        let mp3 = try await Program.run(
            "transcribe", folder.path("b.mp3"), environment: environment)
        #expect(mp3.status == 3)
        #expect(mp3.err.contains("b.mp3: no library to read it with"), "\(mp3.err)")
        let doctor = try await Program.run("doctor", environment: environment)
        #expect(doctor.status == 1)
        #expect(doctor.out.contains("compressed recordings cannot be read"))
    }

    @Test func everyFormatIsWritten() async throws {
        let folder = try TestFolder()
        try folder.write("a.wav", short)
        let run = try await Program.run(
            "transcribe", folder.path("a.wav"), "-f", "all", "--output_dir", folder.path("out"))
        #expect(run.status == 0)
        let names = try folder.files().filter { $0.hasPrefix("out/a.") }
        #expect(names == ["json", "md", "srt", "tsv", "txt", "vtt"].map { "out/a.\($0)" })
        let json = try await Program.run("transcribe", folder.path("a.wav"), "--json")
        let object = try JSONSerialization.jsonObject(with: Data(json.out.utf8)) as? [String: Any]
        #expect(object?["duration"] as? Double == 2)
    }

    @Test func referencesGiveErrorRates() async throws {
        let folder = try TestFolder()
        for name in ["a", "b", "c"] {
            try folder.write("in/\(name).wav", Recording.wav(seconds: 1, silent: true))
        }
        try folder.write("texts/a.txt", Data("One two, three.".utf8))
        try folder.write("texts/b.txt", Data("four".utf8))
        let run = try await Program.run(
            "transcribe", folder.path("in"), "-o", folder.path("out"), "--reference",
            folder.path("texts"), "--json")
        #expect(run.status == 0)
        #expect(run.err.contains("a.wav: WER 100.0 % (3 of 3 words), CER 100.0 %"))
        #expect(run.err.contains("2 with a reference: WER 100.0 % (4 of 4 words)"))
        #expect(run.err.contains("c.txt: no reference text"))
        #expect(run.out.contains("\"word_error_rate\":1"))
        let absent = try await Program.run(
            "transcribe", folder.path("in"), "-o", folder.path("out"), "--reference", "/nowhere")
        #expect(absent.status == 3)
        #expect(absent.err.contains("/nowhere: no such folder of reference texts"))
    }

    @Test func pureSilenceGivesNoText() async throws {
        let folder = try TestFolder()
        try folder.write("a.wav", Recording.wav(seconds: 3, silent: true))
        let run = try await Program.run("transcribe", folder.path("a.wav"))
        #expect(run.status == 0)
        #expect(run.out == "")
    }

    @Test func aFolderRunIsResumedWhereItStopped() async throws {
        let folder = try TestFolder()
        for index in 1...3 {
            try folder.write("in/\(index).wav", Recording.wav(seconds: 1, seed: UInt64(index)))
        }
        let arguments = ["transcribe", folder.path("in"), "-o", folder.path("out")]
        let first = try await Program(arguments).result()
        #expect(first.status == 0)
        #expect(first.err.contains("3 done"))
        try FileManager.default.removeItem(atPath: folder.path("out/2.txt"))
        let second = try await Program(arguments).result()
        #expect(second.status == 0)
        #expect(second.err.contains("1 done, 2 already done"))
        #expect(second.err.contains("1.wav: already done, skipped"))
        #expect(second.out == folder.path("out/2.txt") + "\n")
        try folder.write("in/3.wav", Recording.wav(seconds: 1, seed: 9))
        let third = try await Program(arguments).result()
        #expect(third.err.contains("1 done, 2 already done"), "the content counts, not the name")
        let other = try await Program(arguments + ["-f", "srt"]).result()
        #expect(other.err.contains("3 done"), "other options are other work")
    }

    @Test func foldersBelowAndEqualStems() async throws {
        let folder = try TestFolder()
        for name in ["in/a.wav", "in/sub/a.wav", "in/sub/b.wav", "in/sub/b.flac"] {
            try folder.write(name, short)
        }
        try folder.write("in/notes.txt", "left alone")
        let flat = try await Program.run(
            "transcribe", folder.path("in"), "-o", folder.path("flat"))
        #expect(flat.out == folder.path("flat/a.txt") + "\n")
        let deep = try await Program.run(
            "transcribe", folder.path("in"), "--recursive", "-o", folder.path("deep"))
        #expect(deep.status == 0)
        #expect(
            Set(deep.out.split(separator: "\n").map(String.init))
                == Set(
                    ["a", "sub/a", "sub/b.wav", "sub/b.flac"].map {
                        folder.path("deep/\($0).txt")
                    }))
    }

    @Test func oneBadFileAmongManyIsNamedAndCounted() async throws {
        let folder = try TestFolder()
        try folder.write("in/a.wav", short)
        try folder.write("in/b.wav", "this is not audio")
        try folder.write("in/c.wav", Data())
        let run = try await Program.run(
            "transcribe", folder.path("in"), "-o", folder.path("out"), "--json")
        #expect(run.status == 1)
        #expect(run.err.contains("1 done, 2 failed"))
        #expect(run.err.contains("\(folder.path("in/b.wav")): "))
        let statuses = try run.out.split(separator: "\n").map { line in
            let object = try JSONSerialization.jsonObject(with: Data(line.utf8))
            return (object as? [String: Any])?["status"] as? String
        }
        #expect(statuses == ["done", "failed", "failed"])
    }

    @Test func aTruncatedFileGivesWhatThereIsAndSaysSo() async throws {
        let folder = try TestFolder()
        try folder.write("a.wav", Recording.wav(seconds: 4).prefix(60_000))
        let run = try await Program.run("transcribe", folder.path("a.wav"), "--json")
        #expect(run.status == 1)
        let object = try JSONSerialization.jsonObject(with: Data(run.out.utf8)) as? [String: Any]
        let duration = try #require(object?["duration"] as? Double)
        #expect(abs(duration - (60_000 - 44) / 32_000) < 0.01)
        #expect(object?["damage"] is String)
    }

    /// The first words of what the program says, and its status.
    @Test(arguments: [
        (["transcribe"], 2, "Error: give at least one file"),
        (["transcribe", "--no-such-flag", "x"], 2, "Error: Unknown option"),
        (["transcribe", "-o", "-", "/dev/null"], 2, "Error: -o is a folder"),
        (["transcribe", "/no/such.wav"], 3, "mlxi: /no/such.wav: no such file"),
        (["transcribe", "-f", "doc", "/dev/null"], 2, "mlxi: unknown output format \"doc\""),
        (["transcribe", "-f", "srt,vtt", "/dev/null"], 2, "mlxi: several formats need a folder"),
        (["transcribe", "-t", "0", "/dev/null"], 2, "Error: --threads is 0"),
        (
            ["transcribe", "--proofread-model", "x", "/dev/null"], 2,
            "mlxi: --proofread-model needs"
        ),
        (
            ["transcribe", "-m", "nosuch", "/dev/null"], 3,
            "mlxi: model nosuch not found; looked in"
        ),
        (["transcribe", "-m", "/no/model", "/dev/null"], 3, "mlxi: /no/model: no such model"),
        (["transcribe", "-m", "/tmp", "/dev/null"], 3, "mlxi: /tmp: a folder without config.json"),
        (["transcribe", "/dev/null"], 3, "mlxi: /dev/null: "),
        (["transcribe", "-m", Program.languageModel, "/dev/null"], 3, "mlxi: "),
        (["unknown"], 2, "Error: Unexpected argument"),
    ])
    func whatIsWrongIsSaidInOneLine(arguments: [String], status: Int32, start: String) async throws
    {
        let run = try await Program(arguments).result()
        #expect(run.status == status)
        #expect(run.err.hasPrefix(start), "\(run.err)")
        #expect(run.out.isEmpty)
    }

    @Test func helpAndVersionAreResults() async throws {
        let version = try await Program.run("--version")
        #expect(version.out == Mlxi.version + "\n")
        for command in ["transcribe", "watch", "chat", "doctor"] {
            let help = try await Program.run(command, "--help")
            #expect(help.status == 0)
            #expect(help.out.contains("Examples:\n  mlxi \(command)"))
        }
    }

    @Test func aFullDiskBehindStdoutIsAnError() async throws {
        let folder = try TestFolder()
        try folder.write("a.wav", short)
        let shell = Process()
        shell.executableURL = URL(fileURLWithPath: "/bin/sh")
        shell.arguments = [
            "-c", "\"$0\" transcribe \"$1\" -f json > /dev/full 2> \"$1.err\"", Program.path,
            folder.path("a.wav"),
        ]
        shell.environment = Program.environment
        try shell.run()
        shell.waitUntilExit()
        #expect(shell.terminationStatus == 3)
        let story = try folder.read("a.wav.err")
        #expect(story.contains("stdout: cannot write: No space left on device"))
    }

    @Test func aClosedPipeIsSuccess() async throws {
        let shell = Process()
        shell.executableURL = URL(fileURLWithPath: "/bin/bash")
        shell.arguments = [
            "-c", "\"$0\" --help | true; exit ${PIPESTATUS[0]}", Program.path,
        ]
        try shell.run()
        shell.waitUntilExit()
        #expect(shell.terminationStatus == 0)
    }

    @Test func ctrlCEndsWithItsStatus() async throws {
        // A busy machine may wake the test only after a short recording is done: then a longer one.
        for times in [1, 4, 16] {
            let folder = try TestFolder()
            try folder.write("a.wav", Recording.wav(seconds: 600, times: times))
            let program = try Program([
                "transcribe", folder.path("a.wav"), "--precise", "--trace", folder.path("trace"),
            ])
            // Made when the model is opened, which is when signals are listened to already.
            try wait { folder.exists("trace") }
            program.send(SIGINT)
            let result = try await program.result()
            #expect(result.signal == nil)
            if result.status == 0 { continue }
            #expect(result.status == 130)
            return
        }
        Issue.record("no recording was long enough to be interrupted")
    }

    @Test func outputsThatCannotBeWrittenFailBeforeTheModelOpens() async throws {
        let folder = try TestFolder()
        try folder.write("a.wav", short)
        try folder.write("file", "in the way")
        let run = try await Program.run(
            "transcribe", folder.path("a.wav"), "-o", folder.path("file/out"))
        #expect(run.status == 3)
        #expect(run.err.contains("file/out: cannot make the folder"))
    }
}
