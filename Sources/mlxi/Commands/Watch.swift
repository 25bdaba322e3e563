import ArgumentParser
import Foundation

/// `mlxi watch`: flags only. The work is `Daemon`.
struct Watch: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Transcribe and proofread every recording dropped into a folder.",
        discussion: """
            Each NAME.EXT becomes NAME_raw.md and NAME_corrected.md; then all three move to done/. \
            What cannot be processed moves to failed/ with NAME_error.txt. Nothing is overwritten, \
            and the daemon may be killed at any moment: the next start goes on where it was.

            Examples:
              mlxi watch
              mlxi watch ~/recordings -l Cantonese -m qwen3-asr-1.7b --proofread-model qwen3-14b
              mlxi watch --once inbox/
            """)

    @Argument(help: ArgumentHelp("Folder to watch.", valueName: "dir"))
    var folder = "~/transcribe"

    @Flag(name: .long, help: "Do what is in the folder, then end.")
    var once = false

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            "Speech model: a folder, org/name or an alias; MLXI_TRANSCRIBE_MODEL or nano-asr.",
            valueName: "model"))
    var model: String?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Model that proofreads; MLXI_PROOFREAD_MODEL or nano-lm.", valueName: "model"))
    var proofreadModel: String?

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            "Language spoken, by name or code; without it the model tells.", valueName: "language"))
    var language: String?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Context: names and terms that may occur in the recordings.", valueName: "text"))
    var prompt: String?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "A file is taken when it has not changed for this long.", valueName: "seconds"))
    var settle = 3.0

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Write intermediate tensors (.npy) and token ids there, a folder for each recording.",
            valueName: "dir"))
    var trace: String?

    @OptionGroup var common: CommonOptions

    /// Longer than anybody waits for a copy to go on.
    static let settleSecondsMax = 3600.0

    func validate() throws {
        // What a script's unset variable leaves; the current folder would be emptied into `failed`.
        guard !folder.isEmpty else { throw ValidationError("the folder's name is empty") }
        guard settle >= 0, settle <= Self.settleSecondsMax else {
            throw ValidationError("--settle is \(settle), want 0 to \(Self.settleSecondsMax)")
        }
    }

    func run() async throws {
        let terminal = common.terminal
        let models = ModelChoice(environment: common.environment, terminal: terminal)
        let settings = WatchSettings(
            model: try models.find(model, for: .transcribe),
            proofreader: try models.find(proofreadModel, for: .proofread),
            language: language, context: prompt, traceFolder: trace.map(Path.absolute))
        let daemon = Daemon(
            layout: FolderLayout(root: Path.absolute(folder)), settings: settings,
            door: try common.startEngine(), terminal: terminal, settleSeconds: settle,
            drainsOnce: once)
        let status = try await daemon.run()
        if status != .done { throw status }
    }
}
