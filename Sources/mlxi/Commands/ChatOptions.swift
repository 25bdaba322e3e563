import ArgumentParser
import Foundation
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
        name: [.long, .customLong("json-schema")],
        help: ArgumentHelp(
            "Hold the reply to a JSON Schema: it is JSON that satisfies it, or the command fails. "
                + "Thinking is off.", valueName: "file|json"))
    var schema: String?

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

    @OptionGroup var kv: KVOptions

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Keep what was computed of the conversation there; the next run with the same "
                + "beginning starts from it.", valueName: "file"))
    var promptCache: String?

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

    @Option(
        name: .long,
        help: ArgumentHelp(
            "A small model of the same vocabulary that drafts tokens; greedy replies stay the "
                + "same.",
            valueName: "model"))
    var draftModel: String?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Tokens that are drafted at a time, 1 to \(draftTokensMax); \(draftTokensDefault).",
            valueName: "count"))
    var draftTokens: Int?

    static let draftTokensDefault = 4
    /// One position less than are verified together.
    static let draftTokensMax = Session.logitRowsMax - 1

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
        if let draftTokens {
            guard draftModel != nil else {
                throw ValidationError("--draft-tokens needs --draft-model")
            }
            guard (1...Self.draftTokensMax).contains(draftTokens) else {
                throw ValidationError(
                    "--draft-tokens is \(draftTokens), want 1 to \(Self.draftTokensMax)")
            }
        }
        guard draftModel == nil || speculative == .auto else {
            throw ValidationError("--draft-model with --speculative off: nothing would be drafted")
        }
        guard schema == nil || stop.isEmpty else {
            throw ValidationError("--stop with --schema: the schema says where the reply ends")
        }
        guard schema == nil || think != .on else {
            throw ValidationError("--think on with --schema: thoughts are no JSON")
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
        case "think":
            guard schema == nil || parsed.think != .on else {
                throw CommandError.usage("think is off: the replies are held to a schema")
            }
            think = parsed.think
        case "overflow": overflow = parsed.overflow
        default: throw CommandError.usage("\(name) cannot be set here; /help lists what can")
        }
    }

    /// The schema that replies are held to, given as JSON or as a file.
    ///
    /// - Throws: `CommandError`: wrong usage for JSON of the command line, else a bad file.
    func readSchema() throws -> JSONSchema? {
        guard let schema else { return nil }
        do {
            if schema.drop(while: \.isWhitespace).hasPrefix("{") {
                return try JSONSchema(schema, source: "--schema")
            }
        } catch {
            throw CommandError.usage("\(error)")
        }
        guard let data = FileManager.default.contents(atPath: schema) else {
            throw CommandError.cannotRun("\(schema): cannot be read")
        }
        return try JSONSchema(TextInput.decoded(data, label: schema), source: schema)
    }

    /// The next reply of a conversation.
    ///
    /// - Parameter parts: what the options name, found.
    func job(_ conversation: Conversation, model: FoundModel, parts: ChatParts) -> ChatJob {
        ChatJob(
            model: model, messages: conversation.messages, sampling: sampling,
            tokensMax: maxTokens, stopStrings: stop,
            enablesThinking: parts.schema != nil ? false : think == .auto ? nil : think == .on,
            schema: parts.schema,
            isSpeculative: speculative == .auto,
            draft: parts.draftModel.map {
                .init(model: $0, tokensMax: draftTokens ?? Self.draftTokensDefault)
            }, contextTokens: contextTokens, kvFormat: kv.format, promptCache: promptCache,
            overflow: overflow, systemText: conversation.system ?? "",
            earlierSummary: conversation.summary)
    }
}

/// What options of a chat name, found and read once for all replies.
struct ChatParts: Sendable {
    var schema: JSONSchema?
    var draftModel: FoundModel?
}

extension OverflowPolicy: ExpressibleByArgument {}
