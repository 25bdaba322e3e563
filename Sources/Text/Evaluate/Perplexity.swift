import Kernels

/// How likely a model finds a text.
public struct Perplexity: Sendable {
    /// All tokens but the first, which nothing predicts.
    public let tokens: [ScoredToken]

    /// Mean of -ln p, in nats a token; nil without a token that was predicted.
    public var negativeLogLikelihood: Double? {
        guard !tokens.isEmpty else { return nil }
        return -tokens.reduce(0) { $0 + Double($1.chosen.value) } / Double(tokens.count)
    }

    /// Scores a sequence of tokens.
    ///
    /// A text longer than `windowTokens` is cut into windows that begin `strideTokens` after each
    /// other; in all but the first, only tokens that no earlier window scored count, so each has at
    /// least `windowTokens - strideTokens` tokens before it.
    ///
    /// - Parameters:
    ///   - ids: two tokens or more.
    ///   - session: its capacity is at least `windowTokens` + 1.
    ///   - strideTokens: less than `windowTokens`, so that windows overlap.
    ///   - topCount: how many alternatives each token gets.
    ///   - onProgress: tokens scored so far.
    /// - Throws: `SessionError` for tokens outside the vocabulary, `CancellationError`.
    public init(
        of ids: [Int32], in session: Session, windowTokens: Int, strideTokens: Int, topCount: Int,
        isCancelled: () -> Bool, onProgress: (Int) -> Void
    ) throws {
        require(strideTokens > 0 && strideTokens < windowTokens, "stride of \(strideTokens)")
        var tokens: [ScoredToken] = []
        var probabilities = LogProbabilities()
        var start = 0
        while tokens.count + 1 < ids.count {
            let end = min(start + windowTokens, ids.count)
            session.truncate(to: 0)
            // The logits of a token score the one behind it.
            try session.score(ids[start..<end]) { index, logits in
                if isCancelled() { throw CancellationError() }
                let next = start + index + 1
                guard next == tokens.count + 1, next < end else { return }
                tokens.append(probabilities.of(ids[next], logits: logits, top: topCount))
                onProgress(tokens.count)
            }
            start += strideTokens
        }
        self.tokens = tokens
    }
}
