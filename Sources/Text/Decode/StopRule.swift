/// Why a reply ended.
public enum StopReason: Sendable, Equatable {
    /// The model said that it was done.
    case endOfSequence
    /// This stop string appeared; the text ends before it.
    case stopString(String)
    /// The limit of tokens, or the end of the context, was reached.
    case length
    /// The model repeats itself without end.
    case loop(Repetition)
    /// The caller asked for an end.
    case cancelled
}

/// Decides after each token what text may be shown and whether the reply is over.
///
/// A state machine without input or output: the loop feeds it tokens with their decoded text, shows
/// `Step.text`, and after any end calls `finish` once for the text that was held back. The text
/// shown does not depend on where the borders between tokens fall.
public struct StopRule: Sendable {
    /// What to do after a token.
    public struct Step: Sendable, Equatable {
        /// Text that is now certain to belong to the reply; may be empty.
        public let text: String
        /// Set when the reply is over.
        public let stop: StopReason?
    }

    /// Tokens generated so far, without the one that ended the sequence.
    public private(set) var tokenCount = 0

    private let endTokens: Set<Int32>
    private let tokensMax: Int
    private let stopStrings: [String]
    private let stopBytes: [[UInt8]]
    private var loops: LoopDetector?
    /// Text held back because it could be the beginning of a stop string.
    private var held: [UInt8] = []
    private var isCut = false

    /// - Parameters:
    ///   - endTokens: ids that end the reply and are not shown.
    ///   - tokensMax: most tokens to generate.
    ///   - stopStrings: texts that end the reply and are not shown; empty ones are ignored.
    ///   - detectsLoops: end the reply when it repeats itself without end.
    public init(
        endTokens: Set<Int32>, tokensMax: Int, stopStrings: [String] = [],
        detectsLoops: Bool = false
    ) {
        self.endTokens = endTokens
        self.tokensMax = tokensMax
        self.stopStrings = stopStrings.filter { !$0.isEmpty }
        stopBytes = self.stopStrings.map { Array($0.utf8) }
        loops = detectsLoops ? LoopDetector() : nil
    }

    /// Whether no further token may be generated; ask before the first one.
    public var isSpent: Bool { tokenCount >= tokensMax }

    /// Takes a token. `text` is evaluated unless the token ends the sequence.
    ///
    /// Where several reasons meet in one token, the end of sequence counts first, then a stop
    /// string, a loop, the limit.
    public mutating func observe(_ token: Int32, text: @autoclosure () -> String) -> Step {
        if endTokens.contains(token) { return Step(text: "", stop: .endOfSequence) }
        tokenCount += 1
        let loop = loops?.observe(token)
        var step = release(text())
        if step.stop == nil, let loop { step = Step(text: step.text, stop: .loop(loop)) }
        if step.stop == nil, isSpent { step = Step(text: step.text, stop: .length) }
        return step
    }

    /// The rest of the text after the reply ended for whatever reason: what was held back and
    /// `tail`, the detokenizer's last bytes. Empty after a stop string.
    public mutating func finish(tail: String = "") -> String {
        guard !isCut else { return "" }
        let last = release(tail)
        guard !isCut else { return last.text }
        defer { held.removeAll() }
        return last.text + String(decoding: held, as: UTF8.self)
    }

    /// Adds text, cuts it before a stop string, holds back what could become one.
    private mutating func release(_ text: String) -> Step {
        guard !stopBytes.isEmpty else { return Step(text: text, stop: nil) }
        let checked = held.count
        held.append(contentsOf: text.utf8)
        if let match = firstMatch(endingAfter: checked) {
            let shown = String(decoding: held[..<match.start], as: UTF8.self)
            held.removeAll()
            isCut = true
            return Step(text: shown, stop: .stopString(stopStrings[match.index]))
        }
        let kept = heldBackCount()
        let shown = String(decoding: held.dropLast(kept), as: UTF8.self)
        held.removeFirst(held.count - kept)
        return Step(text: shown, stop: nil)
    }

    /// The stop string that is complete first; of those complete at once, the longest. So the cut
    /// is the same however the text arrives.
    private func firstMatch(endingAfter checked: Int) -> (start: Int, index: Int)? {
        guard checked < held.count else { return nil }
        for end in (checked + 1)...held.count {
            var best: (start: Int, index: Int)?
            for (index, bytes) in stopBytes.enumerated() where held[..<end].hasSuffix(bytes) {
                let start = end - bytes.count
                if start < best?.start ?? Int.max { best = (start, index) }
            }
            if let best { return best }
        }
        return nil
    }

    /// Length of the longest suffix of the held text that is a proper prefix of a stop string. It
    /// starts a code point, since UTF-8 lead bytes are never continuation bytes.
    private func heldBackCount() -> Int {
        var longest = 0
        for bytes in stopBytes {
            var length = min(bytes.count - 1, held.count)
            while length > longest && !held[...].hasSuffix(bytes[..<length]) { length -= 1 }
            longest = max(longest, length)
        }
        return longest
    }
}

extension ArraySlice<UInt8> {
    fileprivate func hasSuffix(_ bytes: some RandomAccessCollection<UInt8>) -> Bool {
        count >= bytes.count && suffix(bytes.count).elementsEqual(bytes)
    }
}
