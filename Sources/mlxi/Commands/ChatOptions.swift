import ArgumentParser
import Text

/// How `mlxi chat` is to answer: sampling, thinking, context.
struct ChatOptions: ParsableArguments {
    @Option(
        name: [.customLong("temp"), .customLong("temperature")],
        help: ArgumentHelp(
            "Temperature; 0 takes the best token. Like the next four, what the checkpoint's "
                + "generation_config.json says unless given.", valueName: "number"))
    var temperature: Float?

    @Option(
        name: .long,
        help: ArgumentHelp("Keep the best tokens with this share; 1: all.", valueName: "number"))
    var topP: Float?

    @Option(
        name: .long, help: ArgumentHelp("Keep this many best tokens; 0: all.", valueName: "count"))
    var topK: Int?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Keep tokens at least this fraction as likely as the best.", valueName: "number"))
    var minP: Float?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Divide the logits of tokens that occurred, prompt included; 1: off.",
            valueName: "number"))
    var repetitionPenalty: Float?

    @Option(
        name: .long,
        help: ArgumentHelp("Subtract from tokens that the reply has.", valueName: "number"))
    var presencePenalty: Float = 0

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Subtract from tokens for each time the reply has them.", valueName: "number"))
    var frequencyPenalty: Float = 0

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Add to the logit of a token, by id or text; -100 bans it; may be repeated.",
            valueName: "token=number"))
    var logitBias: [String] = []

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

    @Option(
        name: .long,
        help: ArgumentHelp(
            "on, off, or auto: what the chat template does by itself.", valueName: "when"))
    var think = ThinkingMode.auto

    @Option(
        name: .customLong("context"),
        help: ArgumentHelp(
            "Tokens of prompt and reply; 16384 or the model's limit.", valueName: "count"))
    var contextTokens: Int?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "When the conversation no longer fits: error, slide (forget the oldest turns) or "
                + "summarize them.", valueName: "policy"))
    var overflow = OverflowPolicy.error

    @Option(
        name: .long,
        help: ArgumentHelp(
            "auto drafts tokens from the prompt, which changes the time only; or off.",
            valueName: "when"))
    var speculative = SpeculativeMode.auto

    enum ThinkingMode: String, ExpressibleByArgument, CaseIterable { case auto, on, off }
    enum SpeculativeMode: String, ExpressibleByArgument, CaseIterable { case auto, off }

    private static let contextTokensMin = 64

    var sampling: SamplingChoice {
        var choice = SamplingChoice()
        choice.temperature = temperature
        choice.topK = topK
        choice.topP = topP
        choice.minP = minP
        choice.repetitionPenalty = repetitionPenalty
        choice.presencePenalty = presencePenalty
        choice.frequencyPenalty = frequencyPenalty
        choice.seed = seed
        choice.logitBias = logitBias.compactMap { SamplingChoice.Bias($0) }
        return choice
    }

    func validate() throws {
        guard maxTokens > 0 else {
            throw ValidationError("--max-tokens is \(maxTokens), want 1 or more")
        }
        guard !stop.contains("") else { throw ValidationError("--stop is empty") }
        if let contextTokens, contextTokens < Self.contextTokensMin {
            throw ValidationError(
                "--context is \(contextTokens), want \(Self.contextTokensMin) or more")
        }
        for bias in logitBias where SamplingChoice.Bias(bias) == nil {
            throw ValidationError("--logit-bias is \"\(bias)\", want TOKEN=NUMBER")
        }
        do {
            try SamplingOptions(
                temperature: temperature ?? 0, topK: topK ?? 0, topP: topP ?? 1, minP: minP ?? 0,
                repetitionPenalty: repetitionPenalty ?? 1, presencePenalty: presencePenalty,
                frequencyPenalty: frequencyPenalty
            ).validate()
        } catch {
            throw ValidationError("\(error)")
        }
    }

    /// Changes one option, read as the command line would, so that values and errors are the same.
    ///
    /// - Throws: `CommandError.usage`.
    mutating func set(_ name: String, to value: String) throws {
        let parsed: ChatOptions
        do {
            parsed = try ChatOptions.parse(["--\(name)=\(value)"])
        } catch {
            throw CommandError.usage(ChatOptions.message(for: error))
        }
        switch name {
        case "temp": temperature = parsed.temperature
        case "top-p": topP = parsed.topP
        case "top-k": topK = parsed.topK
        case "min-p": minP = parsed.minP
        case "repetition-penalty": repetitionPenalty = parsed.repetitionPenalty
        case "max-tokens": maxTokens = parsed.maxTokens
        case "seed": seed = parsed.seed
        case "think": think = parsed.think
        case "overflow": overflow = parsed.overflow
        default: throw CommandError.usage("\(name) cannot be set here; /help lists what can")
        }
    }

    /// The next reply of a conversation.
    func job(_ conversation: Conversation, model: FoundModel) -> ChatJob {
        ChatJob(
            model: model, messages: conversation.messages, sampling: sampling,
            tokensMax: maxTokens, stopStrings: stop,
            enablesThinking: think == .auto ? nil : think == .on,
            isSpeculative: speculative == .auto, contextTokens: contextTokens,
            overflow: overflow, systemText: conversation.system ?? "",
            earlierSummary: conversation.summary)
    }
}

extension OverflowPolicy: ExpressibleByArgument {}
