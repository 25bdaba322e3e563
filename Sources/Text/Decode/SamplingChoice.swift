import Kernels

/// Sampling options as somebody asks for them: what is nil is left to the checkpoint.
public struct SamplingChoice: Sendable, Equatable {
    /// As in `SamplingOptions`.
    public var temperature: Float?
    /// As in `SamplingOptions`.
    public var topK: Int?
    /// As in `SamplingOptions`.
    public var topP: Float?
    /// As in `SamplingOptions`.
    public var minP: Float?
    /// As in `SamplingOptions`.
    public var repetitionPenalty: Float?
    /// As in `SamplingOptions`.
    public var presencePenalty: Float = 0
    /// As in `SamplingOptions`.
    public var frequencyPenalty: Float = 0
    /// As in `SamplingOptions`.
    public var seed: UInt64?
    /// Added to the logits of tokens, which are named by id or by their text.
    public var logitBias: [Bias] = []

    /// A token, by id or text, and what is added to its logit.
    public struct Bias: Sendable, Equatable {
        let token: String
        let value: Float

        /// Reads "TOKEN=NUMBER"; nil where it is not that.
        public init?(_ text: String) {
            guard let mark = text.lastIndex(of: "="), mark > text.startIndex,
                let value = Float(text[text.index(after: mark)...]), !value.isNaN
            else { return nil }
            token = String(text[..<mark])
            self.value = value
        }
    }

    /// Leaves everything to the checkpoint.
    public init() {}

    /// The options with what is open filled in.
    ///
    /// - Throws: `SamplingError` for a value out of range, `KernelError.setting` for a biased text
    ///   that is not one token.
    public func options(
        defaults: SamplingOptions, tokenizer: Tokenizer
    ) throws -> SamplingOptions {
        var options = SamplingOptions(
            temperature: temperature ?? defaults.temperature, topK: topK ?? defaults.topK,
            topP: topP ?? defaults.topP, minP: minP ?? defaults.minP, seed: seed,
            repetitionPenalty: repetitionPenalty ?? defaults.repetitionPenalty,
            presencePenalty: presencePenalty, frequencyPenalty: frequencyPenalty)
        for bias in logitBias {
            options.logitBias[try Self.id(of: bias.token, tokenizer), default: 0] += bias.value
        }
        try options.validate()
        return options
    }

    private static func id(of name: String, _ tokenizer: Tokenizer) throws -> Int32 {
        // Quotes make a text of what would be an id: "7" is the digit.
        let isQuoted = name.count > 1 && name.hasPrefix("\"") && name.hasSuffix("\"")
        let token = isQuoted ? String(name.dropFirst().dropLast()) : name
        if !isQuoted, let id = Int32(token) {
            guard id >= 0, Int(id) < tokenizer.vocabularySize else {
                throw KernelError.setting(
                    "logit bias: token \(id), want 0 to \(tokenizer.vocabularySize - 1)")
            }
            return id
        }
        let ids = tokenizer.encode(token, addSpecialTokens: false)
        guard let id = ids.first, ids.count == 1 else {
            throw KernelError.setting(
                "logit bias: \"\(token)\" is \(ids.count) tokens of this model, want one")
        }
        return id
    }
}

extension SamplingOptions {
    /// What `generation_config.json` in a model's folder recommends; greedy where there is none.
    ///
    /// - Throws: `JSONError` naming the file, for text that is no JSON and for numbers that make no
    ///   sense.
    public static func recommended(by folder: String) throws -> SamplingOptions {
        var options = SamplingOptions.greedy
        guard let file = try GenerationConfig.read(folder) else { return options }
        try JSONError.naming("\(folder)/generation_config.json") {
            func number(_ key: String, default fallback: Double) throws -> Float {
                Float(try file.double(key, default: fallback))
            }
            options.repetitionPenalty = try number("repetition_penalty", default: 1)
            if file["do_sample"] == .bool(true) {
                options.temperature = try number("temperature", default: 1)
                options.topK = try file.int("top_k", default: 0)
                options.topP = try number("top_p", default: 1)
                options.minP = try number("min_p", default: 0)
            }
            do { try options.validate() } catch { throw JSONError(detail: "\(error)") }
        }
        return options
    }
}
