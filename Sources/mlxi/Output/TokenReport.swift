import Text

/// A token with its alternatives, as JSON.
struct TokenReport: Encodable {
    struct Alternative: Encodable {
        var id: Int32
        var text: String
        var logprob: Float
    }

    var id: Int32
    var text: String
    var logprob: Float
    var top: [Alternative]

    /// - Parameter names: texts of the tokens.
    init(_ scored: ScoredToken, names: [Int32: String]) {
        func text(_ token: TokenLogProbability) -> String { names[token.token] ?? "" }
        id = scored.chosen.token
        self.text = text(scored.chosen)
        logprob = scored.chosen.value
        top = scored.top.map {
            Alternative(id: $0.token, text: text($0), logprob: $0.value)
        }
    }
}
