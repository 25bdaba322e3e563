import Foundation
import Kernels

/// What to generate. A new option is a new field with a default, never a second entry point.
public struct GenerateRequest {
    /// What precedes the reply.
    public var prompt: Prompt
    /// How tokens are chosen.
    public var sampling = SamplingOptions.greedy
    /// Most tokens of the reply.
    public var tokensMax = 2048
    /// Texts that end the reply and are not part of it.
    public var stopStrings: [String] = []
    /// End the reply when it repeats itself without end (speech models on noise).
    public var detectsLoops = false
    /// Draft from the prompt (lossless; pays when the reply copies much of it). `copyStart` is the
    /// index in the prompt where the text to be copied begins, if known.
    public var promptLookup: (isOn: Bool, copyStart: Int?) = (false, nil)
    /// Draft with a small model of the same vocabulary instead, so many tokens at a time: greedy
    /// replies stay the same, sampled ones come from the same distribution.
    public var draft: (session: Session, tokensMax: Int)?
    /// The text that the reply copies with corrections, where its words are to stand unless the
    /// model is sure.
    public var fidelity: Fidelity?
    /// What the reply is held to.
    public var constraint: TokenConstraint?
    /// Report ln p of every token and of this many alternatives; nil reports nothing.
    public var topLogProbabilities: Int?
    /// Leave tokens such as `<|im_end|>` out of the text.
    public var skipsSpecialTokens = true

    /// A greedy request with default limits.
    public init(prompt: Prompt) { self.prompt = prompt }
}

/// A finished reply and what it took.
public struct Generation: Sendable {
    /// The reply's text, cut before a stop string.
    public var text = ""
    /// The reply's tokens, without the one that ended the sequence.
    public var tokens: [Int32] = []
    /// Why it ended.
    public var stop = StopReason.length
    /// Tokens of the prompt, and how many of them were still cached.
    public var promptTokens = 0
    /// Tokens of the prompt that were not computed again.
    public var reusedTokens = 0
    /// Seconds spent on the prompt.
    public var prefillSeconds = 0.0
    /// Seconds spent on the reply.
    public var decodeSeconds = 0.0
    /// Tokens drafted, and how many of them the model confirmed.
    public var draftedTokens = 0
    /// Drafted tokens that the model confirmed.
    public var acceptedTokens = 0
    /// One for each token where asked for: of the model itself, before penalties and temperature.
    public var logProbabilities: [ScoredToken] = []
    /// The seed that was used, to reproduce a sampled reply.
    public var seed: UInt64 = 0
}

/// The one loop that samples.
public enum Generate {
    /// Generates a reply to `request.prompt`.
    ///
    /// Drafted tokens are verified in one pass, and the sampler decides on each of them. With
    /// drafts from the prompt it chooses as it would without, and a draft survives as long as it
    /// equals the choice: the reply is the same, greedy or sampled. With those of a draft model
    /// that is so for greedy replies; sampled ones have the same distribution.
    ///
    /// - Parameters:
    ///   - isCancelled: asked before every token.
    ///   - onText: receives the text piece by piece as it becomes certain.
    /// - Throws: `SessionError`, `SamplingError`, `ConstraintError`: a reply that is held to a schema
    ///   and ends before it is complete is none.
    public static func run(
        _ request: GenerateRequest, in session: Session, tokenizer: Tokenizer,
        endTokens: Set<Int32>, isCancelled: () -> Bool = { false },
        onText: (String) -> Void = { _ in }
    ) throws -> Generation {
        var result = Generation()
        let clock = ContinuousClock()
        let start = clock.now
        let prompt = request.prompt.tokens
        result.promptTokens = prompt.count
        var sampler = try Sampler(
            request.sampling,
            vocabularyCount: min(tokenizer.vocabularySize, session.model.vocabularyCount),
            prompt: prompt)
        result.seed = sampler.seed
        result.reusedTokens = try session.sync(request.prompt)
        var timeline = try Timeline(request, sampler: sampler, endTokens: endTokens)
        result.prefillSeconds = (clock.now - start).seconds

        var rule = StopRule(
            endTokens: endTokens,
            tokensMax: min(request.tokensMax, session.capacity - prompt.count),
            stopStrings: request.stopStrings, detectsLoops: request.detectsLoops)
        var detokenizer = StreamingDetokenizer(
            tokenizer, skipSpecialTokens: request.skipsSpecialTokens)
        var scorer = TokenScorer(topCount: request.topLogProbabilities)
        func emit(_ text: String) {
            guard !text.isEmpty else { return }
            result.text += text
            onText(text)
        }

        request.constraint?.restart()
        var fidelity = request.fidelity
        let decodeStart = clock.now
        result.stop = rule.isSpent ? .length : .cancelled
        while !rule.isSpent && !isCancelled() {
            let logits = timeline.logits(in: session)
            scorer.keep(logits)
            try request.constraint?.restrict(logits)
            fidelity?.favourText(in: logits)
            let token = try sampler.next(logits: logits, proposal: timeline.proposal)
            let text = detokenizer.append(token)
            fidelity?.append(text)
            let step = rule.observe(token, text: text)
            if step.stop != .endOfSequence {
                result.tokens.append(token)
                if let scored = scorer.score(token) { result.logProbabilities.append(scored) }
                request.constraint?.accept(token)
            }
            emit(step.text)
            let isFinished = request.constraint?.isFinished ?? false
            if let stop = isFinished ? .endOfSequence : step.stop {
                result.stop = stop
                break
            }
            try timeline.advance(token, in: session)
        }
        emit(rule.finish(tail: detokenizer.finish()))
        if request.constraint != nil, ![.endOfSequence, .cancelled].contains(result.stop) {
            throw ConstraintError.incomplete(tokens: result.tokens.count)
        }
        result.decodeSeconds = (clock.now - decodeStart).seconds
        (result.draftedTokens, result.acceptedTokens) = timeline.statistics
        session.compute.trace?.record("tokens", tokens: result.tokens)
        return result
    }
}

/// Scores chosen tokens on the logits as they were before the sampler changed them.
private struct TokenScorer {
    let topCount: Int?
    private var logits: [Float] = []
    private var probabilities = LogProbabilities()

    init(topCount: Int?) { self.topCount = topCount }

    mutating func keep(_ values: UnsafeMutableBufferPointer<Float>) {
        guard topCount != nil else { return }
        logits.removeAll(keepingCapacity: true)
        logits.append(contentsOf: values)
    }

    mutating func score(_ token: Int32) -> ScoredToken? {
        guard let topCount else { return nil }
        return logits.withUnsafeBufferPointer {
            probabilities.of(token, logits: $0, top: topCount)
        }
    }
}

/// Moves a session forward token by token, several at once where a draft proves right.
private struct Timeline {
    private var proposer: (any Proposer)?
    private var draft = Draft()
    /// What was run last: a token and the draft behind it. The session's logits i follow pending[i].
    private var pending: [Int32] = []
    /// How many tokens of the draft were chosen.
    private var confirmed = 0
    private var drafted = 0
    private var accepted = 0

    init(_ request: GenerateRequest, sampler: Sampler, endTokens: Set<Int32>) throws {
        let draftTokensMax = Session.logitRowsMax - 1
        if let draft = request.draft {
            proposer = try DraftModel(
                draft.session, tokensMax: min(draft.tokensMax, draftTokensMax),
                prompt: request.prompt.tokens, sampler: sampler, endTokens: endTokens)
        } else if request.promptLookup.isOn {
            proposer = PromptLookup(
                prompt: request.prompt.tokens, copyStart: request.promptLookup.copyStart,
                draftTokensMax: draftTokensMax)
        }
    }

    /// How many drafted tokens the model has decided on, and how many of them it said.
    var statistics: (drafted: Int, accepted: Int) {
        (drafted - (draft.tokens.count - confirmed), accepted)
    }

    /// Logits of the next position.
    func logits(in session: Session) -> UnsafeMutableBufferPointer<Float> {
        session.logits(confirmed)
    }

    /// What the draft has for the next position.
    var proposal: Proposal? {
        guard confirmed < draft.tokens.count else { return nil }
        return Proposal(token: draft.tokens[confirmed], odds: draft.odds[confirmed])
    }

    /// Puts `token` behind what is there: for free if the draft foresaw it, else by running it and
    /// the next draft in the place of what the draft got wrong.
    mutating func advance(_ token: Int32, in session: Session) throws {
        proposer?.append(token)
        if token == proposal?.token {
            confirmed += 1
            accepted += 1
            return
        }
        session.truncate(to: session.tokens.count - (draft.tokens.count - confirmed))
        let free = session.capacity - session.tokens.count - 1
        try proposer?.propose(into: &draft, limit: max(free, 0))
        drafted += draft.tokens.count
        confirmed = 0
        pending.removeAll(keepingCapacity: true)
        pending.append(token)
        pending.append(contentsOf: draft.tokens)
        try session.run(pending[...])
    }
}

extension Duration {
    /// The duration in seconds.
    public var seconds: Double {
        Double(components.seconds) + Double(components.attoseconds) * 1e-18
    }
}
