import ArgumentParser
import Foundation
import Text

/// `mlxi chat`: a conversation at a terminal, or one prompt and one streamed reply.
struct Chat: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Talk to a language model.",
        discussion: """
            At a terminal, without a prompt, this is a conversation: type /help in it. With a \
            prompt, or text on stdin, it is one reply, streamed to stdout; with both, the text \
            from stdin follows the prompt.

            Examples:
              mlxi chat -m qwen3-4b
              mlxi chat -m qwen3-0.6b "Why is the sky blue?"
              git diff | mlxi chat -m qwen3-14b "Write a commit message for this."
              mlxi chat -m qwen3-4b -a notes.txt -a plan.md "What is missing in the plan?"
              mlxi chat -m qwen3-4b --temp 0.7 --top-p 0.8 --seed 1 --json "A haiku"
              mlxi chat -c "And in one sentence?"
              mlxi chat -m qwen3-8b --prompt-cache book.kv -a book.txt "Who is the narrator?"
              mlxi chat -m qwen3-8b --draft-model qwen3-0.6b "Explain the tides."
              mlxi chat -m qwen3-4b --schema person.json -a letter.txt "Who wrote this?"
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
        name: [.customShort("a"), .customLong("attach")],
        help: ArgumentHelp(
            "Text file to put before the prompt; may be repeated.", valueName: "file"))
    var attachments: [String] = []

    @Flag(
        name: [.customShort("c"), .customLong("continue")],
        help: "Go on with the last conversation.")
    var continues = false

    @OptionGroup var options: ChatOptions

    @Flag(name: .long, help: "Show the thoughts of a reasoning model, on stderr.")
    var showThinking = false

    @Flag(name: .long, help: "Tell tokens, speed and memory after each reply, on stderr.")
    var stats = false

    @Flag(name: .long, help: "One JSON object instead of the streamed text.")
    var json = false

    @Option(
        name: .long,
        help: ArgumentHelp(
            "With --json: ln p of every token and of this many alternatives.", valueName: "count"))
    var logprobs: Int?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Write intermediate tensors (.npy) and token ids there.", valueName: "dir"))
    var trace: String?

    @OptionGroup var common: CommonOptions

    private static let logprobsMax = 100

    func validate() throws {
        guard let logprobs else { return }
        guard json else { throw ValidationError("--logprobs needs --json") }
        guard (0...Self.logprobsMax).contains(logprobs) else {
            throw ValidationError("--logprobs is \(logprobs), want 0 to \(Self.logprobsMax)")
        }
    }

    func run() async throws {
        let terminal = common.terminal
        let isInteractive = isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1
        let text = try input()
        var parts = ChatParts(schema: try options.readSchema())
        guard text != nil || (isInteractive && !json) else {
            throw CommandError.usage("give a prompt, or text on stdin")
        }
        var conversation = Conversation()
        if continues {
            let store = try ConversationStore(environment: common.environment)
            conversation = try store.load(ConversationStore.last)
        }
        let named = model ?? (continues && !conversation.model.isEmpty ? conversation.model : nil)
        let choice = ModelChoice(environment: common.environment, terminal: terminal)
        let found = try choice.find(named, for: .chat)
        parts.draftModel = try options.draftModel.map { try choice.find($0, for: .chat) }
        conversation.model = found.name
        if let system { conversation.system = system }
        let display = ReplyDisplay(
            terminal: terminal, json: json, showsThoughts: showThinking, showsStats: stats,
            holdsBack: parts.schema != nil && isatty(STDOUT_FILENO) == 0)
        let door = try common.startEngine()
        guard let text else {
            return try await ChatRepl(
                door: door, terminal: terminal, display: display, options: options, model: found,
                parts: parts, conversation: conversation, environment: common.environment
            ).run()
        }
        conversation.turns.append(.init(role: "user", content: text))
        var job = options.job(conversation, model: found, parts: parts)
        job.topLogProbabilities = logprobs
        job.traceFolder = trace
        let reply = try await ChatRun(job: job, door: door, display: display).run()
        guard continues || isInteractive else { return }
        conversation.take(reply)
        try? ConversationStore(environment: common.environment)
            .save(conversation, as: ConversationStore.last)
    }

    /// Attached files, the prompt and what stdin holds, with empty lines between; nil where there
    /// is nothing but a terminal.
    private func input() throws -> String? {
        let isPiped = isatty(STDIN_FILENO) == 0
        guard isPiped || prompt != nil || !attachments.isEmpty else { return nil }
        var parts = try attachments.map { path in
            guard let data = FileManager.default.contents(atPath: path) else {
                throw CommandError.cannotRun("\(path): cannot be read")
            }
            let text = try TextInput.decoded(data, label: path)
            return "\(Path.name(of: path)):\n\(text.trimmingCharacters(in: .newlines))"
        }
        parts.append(prompt ?? "")
        if isPiped {
            parts.append(try TextInput.standardInput().trimmingCharacters(in: .newlines))
        }
        let text = parts.filter { !$0.isEmpty }.joined(separator: "\n\n")
        guard !text.isEmpty else { throw CommandError.usage("the prompt is empty") }
        return text
    }
}
