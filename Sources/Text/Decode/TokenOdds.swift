/// What a token is drawn from: tokens and their weights, which need not sum to 1.
struct TokenOdds: Sendable {
    /// The tokens; empty where the index of a weight is the token.
    let tokens: [Int32]
    let weights: [Double]
    let total: Double

    init(tokens: [Int32], weights: [Double]) {
        self.tokens = tokens
        self.weights = weights
        total = weights.reduce(0, +)
    }

    /// The probability of a token.
    func share(of token: Int32) -> Double {
        let index = tokens.isEmpty ? Int(token) : tokens.firstIndex(of: token)
        guard let index, weights.indices.contains(index), total > 0 else { return 0 }
        return weights[index] / total
    }

    /// What is left of each probability above that of `other`; nil where nothing is.
    func excess(over other: TokenOdds) -> TokenOdds? {
        let shares: [Int32: Double] =
            other.tokens.isEmpty
            ? [:] : Dictionary(zip(other.tokens, other.weights)) { first, _ in first }
        let left = weights.enumerated().map { index, weight in
            let token = tokens.isEmpty ? Int32(index) : tokens[index]
            let taken =
                other.tokens.isEmpty
                ? other.share(of: token) : (shares[token] ?? 0) / other.total
            return max(weight / total - taken, 0)
        }
        let odds = TokenOdds(tokens: tokens, weights: left)
        return odds.total > 0 ? odds : nil
    }

    /// The token at a place in [0, 1) of the line on which the weights lie one after the other.
    func token(at place: Double) -> Int32 {
        let target = place * total
        var sum = 0.0
        var last = 0
        for (index, weight) in weights.enumerated() where weight > 0 {
            sum += weight
            last = index
            if sum > target { break }
        }
        return tokens.isEmpty ? Int32(last) : tokens[last]
    }
}
