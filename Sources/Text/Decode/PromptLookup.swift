/// Drafts for speculative decoding of replies that copy much of their prompt.
///
/// The draft is what followed the last n-gram (4, 3 or 2 tokens) where it came before. Where the
/// reply leaves its source, as a proofread text does at every edit, a cursor remembers the place:
/// the next token is looked for just behind it (a deletion), and failing that the draft goes on at
/// the cursor (an insertion), then one token behind it (a replacement).
///
/// Drafts only propose. The generation loop verifies them, so they can cost time but never change
/// the text.
public struct PromptLookup: Sendable {
    /// Longest and shortest n-gram looked up.
    private static let gramTokens = (longest: 4, shortest: 2)
    /// How far behind the cursor a token is looked for after an edit.
    private static let resyncTokensMax = 8
    /// Tokens in a row that may disagree with the cursor before it is given up.
    private static let missesMax = 4
    private static let draftTokensFirst = 4
    /// Longest pause in drafting, in tokens, after drafts have failed again and again.
    private static let pauseTokensMax = 16
    /// Drafts that may fail completely, one after the other, before drafting pauses.
    private static let failuresBeforePause = 3

    private let draftTokensMax: Int
    private var tokens: [Int32]
    /// Hash of an n-gram -> index of the token that followed its latest occurrence.
    private var index: [UInt64: Int32] = [:]
    /// Where in `tokens` the reply is believed to be copying from next.
    private var cursor: Int?
    private var cursorMisses = 0
    private var proposed: [Int32] = []
    private var proposedHits = 0
    private var isProposalBroken = false
    private var draftTokens = draftTokensFirst
    private var failures = 0
    private var pauseTokens = 0

    /// - Parameters:
    ///   - prompt: the tokens before the reply.
    ///   - copyStart: index in the prompt where the text to be copied begins, if known.
    ///   - draftTokensMax: longest draft; the verifying pass has one row more.
    public init(prompt: [Int32], copyStart: Int? = nil, draftTokensMax: Int = 15) {
        self.draftTokensMax = draftTokensMax
        tokens = []
        tokens.reserveCapacity(prompt.count * 2)
        index.reserveCapacity(prompt.count * 4)
        for token in prompt {
            tokens.append(token)
            indexLastToken()
        }
        if let copyStart, prompt.indices.contains(copyStart) { cursor = copyStart }
    }

    /// Takes the next token of the reply, drafted or not.
    public mutating func append(_ token: Int32) {
        if !isProposalBroken, proposedHits < proposed.count {
            if proposed[proposedHits] == token {
                proposedHits += 1
            } else {
                isProposalBroken = true
            }
        }
        if pauseTokens > 0 { pauseTokens -= 1 }
        moveCursor(past: token)
        tokens.append(token)
        indexLastToken()
    }

    /// Fills `draft` with the tokens that may follow; leaves it empty if there is no guess.
    ///
    /// - Parameter limit: most tokens that the caller can verify now.
    public mutating func draft(into draft: inout [Int32], limit: Int = .max) {
        settleProposal()
        draft.removeAll(keepingCapacity: true)
        proposed.removeAll(keepingCapacity: true)
        proposedHits = 0
        isProposalBroken = false
        guard pauseTokens == 0, let start = source() else { return }
        let count = min(draftTokens, draftTokensMax, limit, tokens.count - start)
        guard count > 0 else { return }
        draft.append(contentsOf: tokens[start..<start + count])
        proposed.append(contentsOf: draft)
    }

    /// Learns from the last draft: longer ones while they are accepted whole, shorter ones or a
    /// pause when they fail.
    private mutating func settleProposal() {
        guard !proposed.isEmpty else { return }
        if proposedHits == proposed.count {
            draftTokens = min(draftTokens * 2, max(draftTokensMax, 1))
        } else {
            draftTokens = max(proposedHits + 1, draftTokens / 2, 1)
        }
        failures = proposedHits == 0 ? failures + 1 : 0
        if failures > Self.failuresBeforePause {
            let doublings = min(failures - Self.failuresBeforePause, 8)
            pauseTokens = min(1 << doublings, Self.pauseTokensMax)
        }
    }

    /// Where the continuation is copied from: the cursor while it agrees with the last token, else
    /// the longest n-gram, else the cursor after an edit.
    private mutating func source() -> Int? {
        if let cursor, cursor < tokens.count, cursorMisses == 0 { return cursor }
        for length in stride(
            from: Self.gramTokens.longest, through: Self.gramTokens.shortest, by: -1)
        where tokens.count > length {
            let suffix = tokens.count - length..<tokens.count
            guard let next = index[hash(suffix)], Int(next) >= length else { continue }
            let found = Int(next) - length..<Int(next)
            guard tokens[found].elementsEqual(tokens[suffix]) else { continue }
            cursor = Int(next)
            cursorMisses = 0
            return cursor
        }
        guard let cursor, cursor < tokens.count else { return nil }
        return cursor
    }

    private mutating func moveCursor(past token: Int32) {
        guard let place = cursor else { return }
        let window = place..<min(place + Self.resyncTokensMax, tokens.count)
        if let found = window.first(where: { tokens[$0] == token }) {
            cursor = found + 1
            cursorMisses = 0
            return
        }
        // The first stray token is taken for an insertion; each further one for the replacement of
        // a source token.
        cursorMisses += 1
        if cursorMisses > 1 { cursor = place + 1 }
        if cursorMisses > Self.missesMax || place >= tokens.count { cursor = nil }
    }

    /// Indexes the n-grams before the newest token, which is what followed them.
    private mutating func indexLastToken() {
        let end = tokens.count - 1
        for length in Self.gramTokens.shortest...Self.gramTokens.longest where end >= length {
            index[hash(end - length..<end)] = Int32(end)
        }
    }

    /// Mixes an n-gram into 64 bits; matches are compared token by token afterwards.
    private func hash(_ range: Range<Int>) -> UInt64 {
        var value = UInt64(range.count)
        for token in tokens[range] {
            value = (value ^ UInt64(UInt32(bitPattern: token))) &* 0x9E37_79B9_7F4A_7C15
            value ^= value >> 29
        }
        return value
    }
}
