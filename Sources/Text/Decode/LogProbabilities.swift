import Foundation

/// A token and the natural logarithm of its probability.
public struct TokenLogProbability: Sendable, Equatable {
    /// The token's id.
    public let token: Int32
    /// ln p, at most 0.
    public let value: Float

    /// A pair of id and ln p.
    public init(token: Int32, value: Float) {
        self.token = token
        self.value = value
    }
}

/// A token that was chosen or given, and the most likely ones in its place.
public struct ScoredToken: Sendable, Equatable {
    /// Id and ln p.
    public let chosen: TokenLogProbability
    /// The most likely tokens, best first.
    public let top: [TokenLogProbability]
}

/// log-softmax of raw logits: what servers report, free of temperature, bias and penalties.
public struct LogProbabilities: Sendable {
    private var top = TopCandidates()

    /// Makes an empty scratch; reuse it for all tokens of a reply.
    public init() {}

    /// - Parameters:
    ///   - logits: `[vocabulary]`, before the sampler has changed them.
    ///   - count: how many of the most likely tokens are wanted.
    /// - Returns: ln p of `token`, and the `count` best tokens, best first.
    public mutating func of(
        _ token: Int32, logits: UnsafeBufferPointer<Float>, top count: Int
    ) -> ScoredToken {
        let normaliser = Self.logSumExp(logits)
        top.select(count, of: logits)
        let best = top.candidates.map {
            TokenLogProbability(token: $0.token, value: $0.logit - normaliser)
        }
        let chosen = TokenLogProbability(
            token: token, value: logits[Int(token)] - normaliser)
        return ScoredToken(chosen: chosen, top: best)
    }

    /// ln of the sum of exp(logit), stable against overflow.
    private static func logSumExp(_ logits: UnsafeBufferPointer<Float>) -> Float {
        var peak = -Float.infinity
        for logit in logits where logit > peak { peak = logit }
        guard peak.isFinite else { return peak }
        var sum = 0.0
        for logit in logits where logit > -.infinity { sum += Double(exp(logit - peak)) }
        return peak + Float(log(sum))
    }
}
