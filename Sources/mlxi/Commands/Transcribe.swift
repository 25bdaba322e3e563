import ArgumentParser
import Foundation

/// `mlxi transcribe`: flags only. What they mean is decided in `TranscribePlan`.
struct Transcribe: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Turn recordings into text.",
        discussion: """
            One file without -o prints bare text as segments become ready. Several files, or a \
            folder, give one output per input; a run over a folder can be stopped and continued: \
            what is done with the same content, model and options is skipped.

            Examples:
              mlxi transcribe talk.m4a
              mlxi transcribe talk.m4a --proofread -f srt > talk.srt
              mlxi transcribe recordings/ --recursive -o texts -f txt,srt,json
              mlxi transcribe recordings/ --reference correct-texts/ -o texts
              ffmpeg -i film.mkv -f wav - | mlxi transcribe -
            """)

    @Argument(help: ArgumentHelp("Recordings, folders, or - for stdin.", valueName: "file"))
    var inputs: [String] = []

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            "Speech model: a folder, org/name or an alias; MLXI_TRANSCRIBE_MODEL or nano-asr.",
            valueName: "model"))
    var model: String?

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            "Language spoken, by name or code; without it the model tells.", valueName: "language"))
    var language: String?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Context: names and terms that may occur in the recording.", valueName: "text"))
    var prompt: String?

    @Option(
        name: [.customShort("f"), .customLong("output-format"), .customLong("output_format")],
        help: ArgumentHelp(
            "txt, json, srt, vtt, tsv, md or all; several with commas.", valueName: "formats"))
    var outputFormat: String?

    @Option(
        name: [.customShort("o"), .customLong("output-dir"), .customLong("output_dir")],
        help: ArgumentHelp("Folder for the outputs.", valueName: "dir"))
    var outputDir: String?

    @Flag(name: .long, help: "Correct the text with a language model, guarded against rewriting.")
    var proofread = false

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Model for --proofread; MLXI_PROOFREAD_MODEL or nano-lm.", valueName: "model"))
    var proofreadModel: String?

    @Flag(name: .long, help: "Go into folders below the given ones.")
    var recursive = false

    @Flag(name: .long, help: "Results as JSON on stdout: one object, or a line per input.")
    var json = false

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Folder of correct texts (NAME.txt): reports word and character error rates.",
            valueName: "dir"))
    var reference: String?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Write intermediate tensors (.npy) and token ids there.", valueName: "dir"))
    var trace: String?

    @OptionGroup var common: CommonOptions

    mutating func validate() throws {
        if inputs.isEmpty { throw ValidationError("give at least one file, a folder, or -") }
        // elsewhere - is stdout; a folder of that name is never what was meant
        if outputDir == "-" {
            throw ValidationError("-o is a folder; the text of one file goes to stdout without it")
        }
    }

    func run() async throws {
        let terminal = common.terminal
        let plan = try TranscribePlan(
            self, models: ModelChoice(environment: common.environment, terminal: terminal))
        let run = TranscribeRun(plan: plan, door: try common.startEngine(), terminal: terminal)
        let status = try await run.run()
        if status != .done { throw status }
    }
}
