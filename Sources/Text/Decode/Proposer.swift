/// Guesses what a model will say next. Proposals can cost time but never change what is said: the
/// generation loop has the model decide on each.
protocol Proposer {
    /// Takes the next token of the reply, proposed or not.
    mutating func append(_ token: Int32)

    /// Replaces `draft` by the tokens that may follow; by nothing if there is no guess.
    ///
    /// - Parameter limit: most tokens that the caller can verify now.
    mutating func propose(into draft: inout Draft, limit: Int) throws
}

/// Tokens that may come next, one after the other.
struct Draft: Sendable {
    var tokens: [Int32] = []
    /// What each was drawn from; nil for a token that was not drawn.
    var odds: [TokenOdds?] = []
}

/// One token of a draft.
struct Proposal: Sendable {
    let token: Int32
    let odds: TokenOdds?
}

extension PromptLookup: Proposer {
    mutating func propose(into draft: inout Draft, limit: Int) {
        self.draft(into: &draft.tokens, limit: limit)
        draft.odds = Array(repeating: nil, count: draft.tokens.count)
    }
}
