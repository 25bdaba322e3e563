/// How the next token is chosen.
///
/// The order is that of Hugging Face's generation, for which model cards are tuned: logit bias,
/// penalties, temperature, top-k, top-p, min-p, softmax, draw. (mlx-lm applies top-p before the
/// temperature, so the two differ whenever the temperature is not 1.)
public struct SamplingOptions: Sendable, Equatable {
    /// Logits are divided by this; 0 (or less than `greedyTemperatureMax`) takes the best token.
    public var temperature: Float
    /// Keep the `topK` best tokens; 0 or less keeps all.
    public var topK: Int
    /// Keep the smallest set of best tokens with at least this share of the probability.
    public var topP: Float
    /// Keep tokens at least this fraction as likely as the best one.
    public var minP: Float
    /// The same seed gives the same text on the same build; nil takes one from the system.
    public var seed: UInt64?
    /// Divides positive and multiplies negative logits of every token of the prompt and the reply,
    /// once per token; 1 is off.
    public var repetitionPenalty: Float
    /// Subtracted once from tokens already generated (the prompt does not count, as at OpenAI).
    public var presencePenalty: Float
    /// Subtracted for each time a token was generated.
    public var frequencyPenalty: Float
    /// Added to the logits of these tokens first of all; -100 acts as a ban, 100 as a command.
    public var logitBias: [Int32: Float]

    /// Temperatures below this are greedy: dividing by them would overflow.
    public static let greedyTemperatureMax: Float = 1e-5

    /// The best token every time.
    public static let greedy = SamplingOptions()

    /// Whether the choice involves no chance.
    public var isGreedy: Bool { temperature < Self.greedyTemperatureMax }

    /// Options with everything off that is not named.
    public init(
        temperature: Float = 0, topK: Int = 0, topP: Float = 1, minP: Float = 0,
        seed: UInt64? = nil, repetitionPenalty: Float = 1, presencePenalty: Float = 0,
        frequencyPenalty: Float = 0, logitBias: [Int32: Float] = [:]
    ) {
        self.temperature = temperature
        self.topK = topK
        self.topP = topP
        self.minP = minP
        self.seed = seed
        self.repetitionPenalty = repetitionPenalty
        self.presencePenalty = presencePenalty
        self.frequencyPenalty = frequencyPenalty
        self.logitBias = logitBias
    }

    /// Throws `SamplingError.option` naming the first value that cannot be used.
    public func validate() throws(SamplingError) {
        func check(_ name: String, _ value: Float, _ usable: Bool, _ wanted: String)
            throws(SamplingError)
        {
            guard value.isFinite && usable else {
                throw .option(name: name, found: value, wanted: wanted)
            }
        }
        try check("temperature", temperature, temperature >= 0, "0 or more")
        try check("top-p", topP, (0...1).contains(topP), "0 to 1")
        try check("min-p", minP, (0...1).contains(minP), "0 to 1")
        try check(
            "repetition penalty", repetitionPenalty, repetitionPenalty > 0, "more than 0")
        try check("presence penalty", presencePenalty, true, "a finite number")
        try check("frequency penalty", frequencyPenalty, true, "a finite number")
        if let bias = logitBias.first(where: { $0.value.isNaN }) {
            throw .option(
                name: "logit bias of token \(bias.key)", found: bias.value, wanted: "a number")
        }
    }
}

/// Why no token could be chosen.
public enum SamplingError: Error, Equatable, CustomStringConvertible {
    /// An option outside its range.
    case option(name: String, found: Float, wanted: String)
    /// Every logit was NaN or minus infinity: broken weights, or everything banned.
    case noCandidate(logits: Int)

    /// One line: what was found, what was wanted.
    public var description: String {
        switch self {
        case .option(let name, let found, let wanted): "\(name) is \(found), want \(wanted)"
        case .noCandidate(let logits):
            "none of \(logits) logits is a number, want at least one token that can be chosen"
        }
    }
}
