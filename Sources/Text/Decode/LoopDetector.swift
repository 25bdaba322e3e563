/// A stretch of tokens that repeats itself up to the present.
public struct Repetition: Sendable, Equatable {
    /// Length of the repeated n-gram.
    public let periodTokens: Int
    /// How often it came, one after the other.
    public let repeats: Int

    /// A stretch of `repeats` times `periodTokens` tokens.
    public init(periodTokens: Int, repeats: Int) {
        self.periodTokens = periodTokens
        self.repeats = repeats
    }

    /// Trailing tokens to drop so that the n-gram remains once.
    public var surplusTokens: Int { periodTokens * (repeats - 1) }
}

/// Notices that greedy decoding has fallen into an endless repetition, as speech models do on noise.
///
/// An n-gram of 1 to 20 tokens must have come at least 10 times in a row and fill at least 40
/// tokens: "no no no" and a chorus sung five times are speech, not loops.
public struct LoopDetector: Sendable {
    /// Longest n-gram looked for.
    public static let periodTokensMax = 20
    /// Fewest repeats that make a loop.
    public static let repeatsMin = 10
    /// Fewest tokens that the repeats must fill.
    public static let loopTokensMin = 40

    /// The last `periodTokensMax` tokens, as a ring.
    private var recent: [Int32]
    /// For each period, how many tokens in a row equalled the one a period before.
    private var matches: [Int]
    private var count = 0

    /// A detector that has seen nothing.
    public init() {
        recent = Array(repeating: 0, count: Self.periodTokensMax)
        matches = Array(repeating: 0, count: Self.periodTokensMax + 1)
    }

    /// Takes the next generated token; returns the loop it completes, shortest period first.
    public mutating func observe(_ token: Int32) -> Repetition? {
        var found: Repetition?
        for period in 1...min(Self.periodTokensMax, max(count, 1)) where period <= count {
            let isSame = recent[(count - period) % Self.periodTokensMax] == token
            matches[period] = isSame ? matches[period] + 1 : 0
            let repeats = matches[period] / period + 1
            guard found == nil, repeats >= Self.repeatsMin,
                repeats * period >= Self.loopTokensMin
            else { continue }
            found = Repetition(periodTokens: period, repeats: repeats)
        }
        recent[count % Self.periodTokensMax] = token
        count += 1
        return found
    }

    /// A character must come more often than this in a row to be collapsed on its own.
    private static let characterRepeatsMax = 20
    /// A pattern must come this often in a row to be collapsed.
    private static let patternRepeatsMin = 20
    private static let patternCharactersMax = 20
    /// Texts shorter than this are left alone by the second rule.
    private static let patternTextCharactersMin = 40

    /// Collapses what a looping speech model wrote: first every character that comes more than 20
    /// times in a row, then every pattern of 1 to 20 characters that comes at least 20 times in a
    /// row, shorter patterns first; each becomes one. Characters are Unicode code points. (The
    /// clean-up of Qwen3-ASR's own inference code.)
    public static func collapseRepeats(_ text: String) -> String {
        let characters = collapsePatterns(collapseCharacters(Array(text.unicodeScalars)))
        var result = String.UnicodeScalarView()
        result.append(contentsOf: characters)
        return String(result)
    }

    private static func collapseCharacters(_ text: [Unicode.Scalar]) -> [Unicode.Scalar] {
        var result: [Unicode.Scalar] = []
        var start = 0
        while start < text.count {
            var end = start + 1
            while end < text.count && text[end] == text[start] { end += 1 }
            let isLoop = end - start > characterRepeatsMax
            result.append(contentsOf: isLoop ? text[start...start] : text[start..<end])
            start = end
        }
        return result
    }

    private static func collapsePatterns(_ text: [Unicode.Scalar]) -> [Unicode.Scalar] {
        var result: [Unicode.Scalar] = []
        var start = 0
        while text.count - start >= patternTextCharactersMin {
            if let (length, end) = pattern(in: text, at: start) {
                result.append(contentsOf: text[start..<start + length])
                start = end
            } else {
                result.append(text[start])
                start += 1
            }
        }
        result.append(contentsOf: text[start...])
        return result
    }

    /// The shortest pattern that loops from `start`, and where its repeats end.
    private static func pattern(in text: [Unicode.Scalar], at start: Int) -> (Int, Int)? {
        for length in 1...patternCharactersMax {
            guard start + length * patternRepeatsMin <= text.count else { return nil }
            var end = start + length
            while end < text.count && text[end] == text[end - length] { end += 1 }
            let repeats = (end - start) / length
            if repeats >= patternRepeatsMin { return (length, start + repeats * length) }
        }
        return nil
    }
}
