import ArgumentParser
import Foundation
import Text

/// `mlxi chat`: one prompt, one streamed reply.
struct Chat: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Ask a language model.",
        discussion: """
            The reply streams to stdout. Without a prompt it is read from stdin; with both, the \
            text from stdin follows the prompt.

            Examples:
              mlxi chat -m qwen3-0.6b "Why is the sky blue?"
              git diff | mlxi chat -m qwen3-14b "Write a commit message for this."
              mlxi chat -m qwen3-4b --temp 0.7 --top-p 0.8 --seed 1 --json "A haiku"
            """)

    @Argument(help: ArgumentHelp("What to say; stdin where it is missing.", valueName: "prompt"))
    var prompt: String?

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            "Model: a folder, org/name or an alias; MLXI_CHAT_MODEL or nano-lm.",
            valueName: "model"))
    var model: String?

    @Option(name: .shortAndLong, help: ArgumentHelp("System prompt.", valueName: "text"))
    var system: String?

    @Option(
        name: [.customLong("temp"), .customLong("temperature")],
        help: ArgumentHelp("Temperature; 0 takes the best token.", valueName: "number"))
    var temperature: Float = 0

    @Option(
        name: .long,
        help: ArgumentHelp("Keep the best tokens with this share.", valueName: "number"))
    var topP: Float = 1

    @Option(
        name: .long, help: ArgumentHelp("Keep this many best tokens; 0: all.", valueName: "count"))
    var topK = 0

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Keep tokens at least this fraction as likely as the best.", valueName: "number"))
    var minP: Float = 0

    @Option(
        name: [.customShort("n"), .long],
        help: ArgumentHelp("Most tokens of the reply.", valueName: "count"))
    var maxTokens = 2048

    @Option(
        name: .long, help: ArgumentHelp("The same seed gives the same reply.", valueName: "number"))
    var seed: UInt64?

    @Option(
        name: .long,
        help: ArgumentHelp("End the reply before this text; may be repeated.", valueName: "text"))
    var stop: [String] = []

    @Flag(name: .long, help: "One JSON object instead of the streamed text.")
    var json = false

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Write intermediate tensors (.npy) and token ids there.", valueName: "dir"))
    var trace: String?

    @OptionGroup var common: CommonOptions

    private var sampling: SamplingOptions {
        SamplingOptions(
            temperature: temperature, topK: topK, topP: topP, minP: minP, seed: seed)
    }

    func validate() throws {
        guard maxTokens > 0 else {
            throw ValidationError("--max-tokens is \(maxTokens), want 1 or more")
        }
        guard !stop.contains("") else { throw ValidationError("--stop is empty") }
        do {
            try sampling.validate()
        } catch {
            throw ValidationError("\(error)")
        }
    }

    func run() async throws {
        let terminal = common.terminal
        let text = try input()
        let found = try ModelChoice(environment: common.environment, terminal: terminal)
            .find(model, for: .chat)
        var messages = [Message(role: "user", content: text)]
        if let system { messages.insert(Message(role: "system", content: system), at: 0) }
        let job = ChatJob(
            model: found, messages: messages, sampling: sampling, tokensMax: maxTokens,
            stopStrings: stop, traceFolder: trace)
        try await ChatRun(job: job, door: try common.startEngine(), terminal: terminal, json: json)
            .run()
    }

    /// The prompt, what stdin holds, or both with an empty line between.
    private func input() throws -> String {
        let isPiped = isatty(STDIN_FILENO) == 0
        guard prompt == nil || isPiped else { return prompt ?? "" }
        guard isPiped else {
            throw CommandError.usage("give a prompt, or text on stdin")
        }
        let piped = try TextInput.standardInput()
        let text = [prompt ?? "", piped.trimmingCharacters(in: .newlines)]
            .filter { !$0.isEmpty }.joined(separator: "\n\n")
        guard !text.isEmpty else { throw CommandError.usage("the prompt is empty") }
        return text
    }
}
