/// A small model that drafts for a large one with the same vocabulary.
///
/// It samples as the large one does, with the same options and the same penalties, so that what it
/// proposes is what the large one is likely to say.
struct DraftModel: Proposer {
    private let session: Session
    private let tokensMax: Int
    private let endTokens: Set<Int32>
    private var sampler: Sampler
    /// Prompt and reply.
    private var tokens: [Int32]

    /// - Parameters:
    ///   - tokensMax: longest draft.
    ///   - sampler: that of the large model at the start of the reply.
    /// - Throws: `SessionError`. A prompt that is too long for the model is none: it drafts nothing.
    init(
        _ session: Session, tokensMax: Int, prompt: [Int32], sampler: Sampler,
        endTokens: Set<Int32>
    ) throws {
        self.session = session
        self.tokensMax = tokensMax
        self.endTokens = endTokens
        self.sampler = sampler.forked
        tokens = prompt
        if prompt.count < session.capacity { try session.sync(Prompt(prompt)) }
    }

    mutating func append(_ token: Int32) {
        tokens.append(token)
        sampler.count(token)
    }

    mutating func propose(into draft: inout Draft, limit: Int) throws {
        draft = Draft()
        let count = min(tokensMax, limit, session.capacity - tokens.count)
        guard count > 0 else { return }
        try session.sync(Prompt(tokens))
        // Drafted tokens count for the penalties of those behind them, and only there.
        var drafting = sampler
        while draft.tokens.count < count {
            let token = try drafting.next(logits: session.logits(0))
            draft.tokens.append(token)
            draft.odds.append(drafting.odds)
            if endTokens.contains(token) || draft.tokens.count == count { break }
            try session.run([token])
        }
        sampler.takeChance(from: drafting)
    }
}
