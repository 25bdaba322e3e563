import Foundation

/// Chooses tokens from logits and remembers what the penalties need to know.
///
/// One sampler serves one request: it is made with the prompt, and every token that `next` returns
/// is counted as generated. Copying it copies its random state, so a copy continues identically.
public struct Sampler: Sendable {
    /// The options this sampler was made with.
    public let options: SamplingOptions
    /// The seed in use, also when the options named none.
    public let seed: UInt64

    private let vocabularyCount: Int
    private var random: RandomSource
    private var top = TopCandidates()
    private var weights: [Double] = []
    /// Nil where nothing but the best token was possible.
    private var pool: Pool?
    private var history: TokenCounts

    /// What the last token was drawn from, after top-k, top-p and min-p.
    private enum Pool {
        /// The best candidates, with the first `weights`.
        case best(Int)
        /// All tokens, with the `weights` at their ids and their sum.
        case all(total: Double)
    }

    /// Keeps the random numbers of drafts apart from those of the reply.
    private static let forkSalt: UInt64 = 0xD6E8_FEB8_6659_FD93

    /// How many candidates top-p looks at first, and how it grows when they hold too little mass.
    private static let topPFirstCandidates = 64
    private static let topPGrowth = 8

    /// - Parameters:
    ///   - vocabularyCount: tokens the tokenizer knows; logits from there on belong to padding rows
    ///     of the output matrix and are never chosen.
    ///   - prompt: what precedes the reply; only the repetition penalty looks at it.
    /// - Throws: `SamplingError.option` for a value out of range.
    public init(_ options: SamplingOptions, vocabularyCount: Int, prompt: [Int32] = [])
        throws(SamplingError)
    {
        try options.validate()
        self.options = options
        self.vocabularyCount = vocabularyCount
        seed = options.seed ?? UInt64.random(in: .min ... .max)
        random = RandomSource(seed: seed)
        let repeats = options.repetitionPenalty != 1
        let penalised =
            repeats || options.presencePenalty != 0 || options.frequencyPenalty != 0
        history = TokenCounts(capacity: penalised ? vocabularyCount : 0)
        if repeats {
            for token in prompt { history.see(token) }
        }
    }

    /// Chooses the next token from the logits of one position and counts it as generated.
    ///
    /// - Parameter logits: `[vocabulary]`, changed in place where a bias or a penalty applies. Take
    ///   `LogProbabilities` first: what is reported is free of penalties and temperature.
    /// - Throws: `SamplingError.noCandidate` if no logit is a number above minus infinity.
    public mutating func next(logits: UnsafeMutableBufferPointer<Float>) throws(SamplingError)
        -> Int32
    {
        try next(logits: logits, proposal: nil)
    }

    /// Chooses the next token, if possible the proposed one: what comes has the same distribution
    /// with and without a proposal, and greedy it is the same token.
    mutating func next(
        logits: UnsafeMutableBufferPointer<Float>, proposal: Proposal?
    ) throws(SamplingError) -> Int32 {
        let usable = UnsafeMutableBufferPointer(
            rebasing: logits[..<min(vocabularyCount, logits.count)])
        adjust(usable)
        let values = UnsafeBufferPointer(usable)
        let best = try Self.argmax(values)
        let isCertain = options.isGreedy || values[best] == .infinity
        pool = isCertain ? nil : filled(from: values, peak: values[best])
        let token = pool.map { decide(on: proposal, from: $0) } ?? Int32(best)
        history.generate(token)
        return token
    }

    /// What the last token was drawn from; nil where nothing else was possible.
    var odds: TokenOdds? {
        switch pool {
        case nil: nil
        case .best(let count):
            TokenOdds(
                tokens: top.candidates[..<count].map(\.token), weights: Array(weights[..<count]))
        case .all: TokenOdds(tokens: [], weights: weights)
        }
    }

    /// Counts a token as generated that another sampler chose.
    mutating func count(_ token: Int32) { history.generate(token) }

    /// A copy with random numbers of its own.
    var forked: Sampler {
        var copy = self
        copy.random = RandomSource(seed: seed ^ Self.forkSalt)
        return copy
    }

    /// Goes on with the random numbers of a copy.
    mutating func takeChance(from other: Sampler) { random = other.random }

    /// A proposal drawn from q is kept with probability min(1, p/q), else a token is drawn from
    /// what p has above q (Leviathan et al. 2023). One that was not drawn is kept if it is what
    /// would have been drawn anyway.
    private mutating func decide(on proposal: Proposal?, from pool: Pool) -> Int32 {
        guard let proposal, let drawn = proposal.odds, let own = odds else {
            return draw(from: pool)
        }
        let place = random.unit()
        if place * drawn.share(of: proposal.token) < own.share(of: proposal.token) {
            return proposal.token
        }
        return (own.excess(over: drawn) ?? own).token(at: random.unit())
    }

    /// Bias, then penalties, on the few tokens they concern.
    private func adjust(_ logits: UnsafeMutableBufferPointer<Float>) {
        for (token, bias) in options.logitBias where logits.indices.contains(Int(token)) {
            logits[Int(token)] += bias
        }
        for token in history.distinct where Int(token) < logits.count {
            var logit = logits[Int(token)]
            let penalty = options.repetitionPenalty
            if penalty != 1 { logit = logit < 0 ? logit * penalty : logit / penalty }
            let generated = history.generatedCount(token)
            if generated > 0 {
                logit -= options.presencePenalty + options.frequencyPenalty * Float(generated)
            }
            logits[Int(token)] = logit
        }
    }

    /// Index of the largest logit, the lowest of equals; NaN never wins.
    private static func argmax(_ logits: UnsafeBufferPointer<Float>) throws(SamplingError) -> Int {
        let peak = logits.peak
        guard peak > -.infinity, let best = logits.firstIndex(of: peak) else {
            throw .noCandidate(logits: logits.count)
        }
        return best
    }

    /// The tokens that can be drawn, their weights in `weights`.
    private mutating func filled(from logits: UnsafeBufferPointer<Float>, peak: Float) -> Pool {
        if options.topK > 0 && options.topK < logits.count {
            top.select(options.topK, of: logits)
            weighCandidates(peak)
            return kept(among: keptByTopP(total: weights.reduce(0, +)) ?? weights.count)
        }
        let total = weighAll(logits, peak)
        guard options.topP < 1 else {
            let floor = Double(options.minP)
            guard floor > 0 else { return .all(total: total) }
            for index in weights.indices where weights[index] < floor { weights[index] = 0 }
            return .all(total: weights.reduce(0, +))
        }
        var count = Self.topPFirstCandidates
        while true {
            top.select(min(count, logits.count), of: logits)
            weighCandidates(peak)
            if let count = keptByTopP(total: total) { return kept(among: count) }
            // Rounding can leave the last fraction of the mass unreached: then all are kept.
            if count >= logits.count { return kept(among: weights.count) }
            count *= Self.topPGrowth
        }
    }

    /// Exponents below this weigh nothing: a whole vocabulary of them would not be drawn once in a
    /// hundred billion tokens.
    private static let exponentMin: Float = -40

    /// exp((logit - peak) / temperature): 1 for the best token. NaN weighs nothing.
    private func weight(_ logit: Float, _ peak: Float) -> Double {
        let exponent = (logit - peak) / options.temperature
        return exponent > Self.exponentMin ? Double(exp(exponent)) : 0
    }

    private mutating func weighCandidates(_ peak: Float) {
        weights.removeAll(keepingCapacity: true)
        for candidate in top.candidates { weights.append(weight(candidate.logit, peak)) }
    }

    private mutating func weighAll(_ logits: UnsafeBufferPointer<Float>, _ peak: Float) -> Double {
        weights.removeAll(keepingCapacity: true)
        weights.reserveCapacity(logits.count)
        var total = 0.0
        for logit in logits {
            let value = weight(logit, peak)
            weights.append(value)
            total += value
        }
        return total
    }

    /// How many of the sorted candidates top-p keeps (the one that crosses the limit is kept), or
    /// nil if they do not hold that much of `total`.
    private func keptByTopP(total: Double) -> Int? {
        guard options.topP < 1 else { return nil }
        let limit = Double(options.topP) * total
        var mass = 0.0
        for (index, value) in weights.enumerated() {
            mass += value
            if mass >= limit { return index + 1 }
        }
        return nil
    }

    /// The first `count` sorted candidates, after min-p.
    private func kept(among count: Int) -> Pool {
        let floor = Double(options.minP)
        var kept = count
        while kept > 1 && weights[kept - 1] < floor { kept -= 1 }
        return .best(kept)
    }

    private mutating func draw(from pool: Pool) -> Int32 {
        switch pool {
        case .best(let count):
            let kept = weights[..<count]
            return top.candidates[pick(kept, total: kept.reduce(0, +))].token
        case .all(let total): return Int32(pick(weights[...], total: total))
        }
    }

    /// Draws the index of a weight.
    private mutating func pick(_ weights: ArraySlice<Double>, total: Double) -> Int {
        let target = random.unit() * total
        var sum = 0.0
        var last = weights.startIndex
        for (index, value) in weights.enumerated() where value > 0 {
            sum += value
            last = index
            if sum > target { return index }
        }
        return last  // rounding left the target at the very end
    }
}

/// Which tokens occurred, and how often among the generated ones. Storage is made once.
private struct TokenCounts: Sendable {
    private(set) var distinct: [Int32] = []
    private var isSeen: [Bool]
    private var generated: [Int32]

    init(capacity: Int) {
        isSeen = Array(repeating: false, count: capacity)
        generated = Array(repeating: 0, count: capacity)
    }

    mutating func see(_ token: Int32) {
        guard isSeen.indices.contains(Int(token)), !isSeen[Int(token)] else { return }
        isSeen[Int(token)] = true
        distinct.append(token)
    }

    mutating func generate(_ token: Int32) {
        guard generated.indices.contains(Int(token)) else { return }
        see(token)
        generated[Int(token)] += 1
    }

    func generatedCount(_ token: Int32) -> Int32 { generated[Int(token)] }
}
