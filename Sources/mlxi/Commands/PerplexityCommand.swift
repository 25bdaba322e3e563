import ArgumentParser
import Foundation
import Kernels

/// `mlxi perplexity`: how likely a model finds a text, the quality gate for quantizations.
struct PerplexityCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "perplexity",
        abstract: "Measure how likely a language model finds a text.",
        discussion: """
            Prints the perplexity, exp of the mean negative log-likelihood of each token after \
            those before it: lower is better, and two quantizations of a model are compared by it. \
            The first token counts only where the tokenizer puts one in front of it. Texts longer \
            than --context are scored in windows --stride apart.

            Examples:
              mlxi perplexity -m qwen3-0.6b book.txt
              mlxi perplexity -m qwen3-4b --json --top-logprobs 5 < note.txt
              mlxi perplexity -m ./model-4bit --tokens ids.json --precise
            """)

    @Argument(help: ArgumentHelp("Text file; stdin where it is missing.", valueName: "file"))
    var file: String?

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            "Model: a folder, org/name or an alias; MLXI_CHAT_MODEL or nano-lm.",
            valueName: "model"))
    var model: String?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "JSON array of token ids to score instead of a text.", valueName: "file"))
    var tokens: String?

    @Option(
        name: .customLong("context"),
        help: ArgumentHelp(
            "Tokens of a window; the smaller of 2048 and the model's limit.", valueName: "count"))
    var windowTokens: Int?

    @Option(
        name: .customLong("stride"),
        help: ArgumentHelp("From window to window; half of --context.", valueName: "count"))
    var strideTokens: Int?

    @OptionGroup var kv: KVOptions

    @Flag(name: .long, help: "One JSON object.")
    var json = false

    @Option(
        name: .long,
        help: ArgumentHelp(
            "With --json: every token with this many alternatives and their ln p.",
            valueName: "count"))
    var topLogprobs: Int?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Write intermediate tensors (.npy) and token ids there.", valueName: "dir"))
    var trace: String?

    @OptionGroup var common: CommonOptions

    private static let topLogprobsMax = 100

    func validate() throws {
        if let windowTokens, windowTokens < 2 {
            throw ValidationError("--context is \(windowTokens), want 2 or more")
        }
        if let strideTokens, strideTokens < 1 {
            throw ValidationError("--stride is \(strideTokens), want 1 or more")
        }
        if let topLogprobs {
            guard json else { throw ValidationError("--top-logprobs needs --json") }
            guard (0...Self.topLogprobsMax).contains(topLogprobs) else {
                throw ValidationError(
                    "--top-logprobs is \(topLogprobs), want 0 to \(Self.topLogprobsMax)")
            }
        }
        guard file == nil || tokens == nil else {
            throw ValidationError("give a text or --tokens, not both")
        }
    }

    func run() async throws {
        let terminal = common.terminal
        let (label, input) = try source()
        let found = try ModelChoice(environment: common.environment, terminal: terminal)
            .find(model, for: .chat)
        let job = PerplexityJob(
            model: found, label: label, input: input, windowTokens: windowTokens,
            strideTokens: strideTokens, topCount: topLogprobs ?? 0,
            kvFormat: kv.format, traceFolder: trace)
        try await PerplexityRun(
            job: job, door: try common.startEngine(), terminal: terminal, json: json,
            listsTokens: topLogprobs != nil
        ).run()
    }

    private func source() throws -> (label: String, PerplexityJob.Input) {
        if let tokens {
            let ids = try JSONError.naming(tokens) {
                guard case .array(let values) = try JSONValue.read(file: tokens) else {
                    throw JSONError(detail: "want an array of token ids")
                }
                return try values.map { value -> Int32 in
                    guard case .int(let id) = value, let id = Int32(exactly: id) else {
                        throw JSONError(detail: "\(value) is no token id")
                    }
                    return id
                }
            }
            return (tokens, .tokens(ids))
        }
        if let file, file != "-" {
            guard let data = FileManager.default.contents(atPath: file) else {
                throw CommandError.cannotRun("\(file): cannot be read")
            }
            return (file, .text(try TextInput.decoded(data, label: file)))
        }
        guard isatty(STDIN_FILENO) == 0 else {
            throw CommandError.usage("give a file, or text on stdin")
        }
        return ("stdin", .text(try TextInput.standardInput()))
    }
}
