import Kernels

/// Cuts a long document into overlapping chunks at sentence ends, each short enough to be embedded
/// as one text.
public struct Chunker: Sendable, Equatable {
    /// Most tokens of a chunk.
    public let tokensMax: Int
    /// About so many tokens at the end of a chunk begin the next one too.
    public let overlapTokens: Int

    /// - Parameter overlapTokens: less than `tokensMax`.
    public init(tokensMax: Int, overlapTokens: Int) {
        require(tokensMax > 0 && (0..<tokensMax).contains(overlapTokens), "chunk sizes")
        self.tokensMax = tokensMax
        self.overlapTokens = overlapTokens
    }

    /// Ranges of UTF-8 offsets, in order, that together cover all of `text` but surrounding white
    /// space; nothing for a text without anything else.
    ///
    /// - Parameter count: tokens of a piece of text.
    public func chunks(of text: String, count: (Substring) -> Int) -> [Range<Int>] {
        let units = units(of: text, count: count)
        var chunks: [Range<Int>] = []
        var first = 0
        var next = 0
        while next < units.count {
            var tokens = units[first..<next].reduce(0) { $0 + $1.tokens }
            // What overlaps must leave room for something new.
            while first < next, tokens + units[next].tokens > tokensMax {
                tokens -= units[first].tokens
                first += 1
            }
            while next < units.count, next == first || tokens + units[next].tokens <= tokensMax {
                tokens += units[next].tokens
                next += 1
            }
            chunks.append(units[first].lower..<units[next - 1].upper)
            first = next
            var overlap = 0
            while first > 0, overlap + units[first - 1].tokens <= overlapTokens {
                overlap += units[first - 1].tokens
                first -= 1
            }
        }
        return chunks.compactMap { Self.trimmed($0, in: text) }
    }

    /// A piece of text that is not cut.
    private struct Unit {
        var lower: Int
        var upper: Int
        var tokens: Int
    }

    /// Sentences; where one is too long its words; where one is too long its halves.
    private func units(of text: String, count: (Substring) -> Int) -> [Unit] {
        var units: [Unit] = []
        func add(_ piece: Substring, _ cuts: ArraySlice<(Substring) -> [Substring]>) {
            let tokens = count(piece)
            if tokens > tokensMax, let cut = cuts.first {
                let parts = cut(piece)
                // Halving goes on until the halves fit; other cuts are tried once.
                let rest = cuts.count == 1 && parts.count > 1 ? cuts : cuts.dropFirst()
                for part in parts { add(part, rest) }
                return
            }
            let lower = text.utf8.distance(from: text.startIndex, to: piece.startIndex)
            units.append(Unit(lower: lower, upper: lower + piece.utf8.count, tokens: tokens))
        }
        for sentence in Self.sentences(text[...]) { add(sentence, [Self.words, Self.halves]) }
        return units
    }

    /// Each piece but the first begins with the white space behind the sentence before it, so that
    /// pieces have the tokens that they have in the whole.
    private static func sentences(_ text: Substring) -> [Substring] {
        cut(text) { previous, character in
            character.isNewline && previous.map { !$0.isNewline } ?? false
                || character.isWhitespace && previous.map(isSentenceEnd) ?? false
        } orAfter: {
            isFullWidthEnd($0)
        }
    }

    private static func words(_ text: Substring) -> [Substring] {
        cut(text) { previous, character in
            character.isWhitespace && previous.map { !$0.isWhitespace } ?? false
        } orAfter: { _ in
            false
        }
    }

    private static func halves(_ text: Substring) -> [Substring] {
        guard text.count > 1 else { return [text] }
        let middle = text.index(text.startIndex, offsetBy: text.count / 2)
        return [text[..<middle], text[middle...]]
    }

    private static func cut(
        _ text: Substring, before: (Character?, Character) -> Bool,
        orAfter after: (Character) -> Bool
    ) -> [Substring] {
        var pieces: [Substring] = []
        var start = text.startIndex
        var previous: Character?
        for index in text.indices {
            let character = text[index]
            if index > start, before(previous, character) || previous.map(after) ?? false {
                pieces.append(text[start..<index])
                start = index
            }
            previous = character
        }
        if start < text.endIndex { pieces.append(text[start...]) }
        return pieces
    }

    private static func isSentenceEnd(_ character: Character) -> Bool { ".!?…".contains(character) }

    /// Marks that no space follows.
    private static func isFullWidthEnd(_ character: Character) -> Bool { "。！？".contains(character) }

    private static func trimmed(_ range: Range<Int>, in text: String) -> Range<Int>? {
        let utf8 = text.utf8
        var lower = utf8.index(utf8.startIndex, offsetBy: range.lowerBound)
        var upper = utf8.index(utf8.startIndex, offsetBy: range.upperBound)
        while lower < upper, text[lower].isWhitespace { lower = text.index(after: lower) }
        while lower < upper, text[text.index(before: upper)].isWhitespace {
            upper = text.index(before: upper)
        }
        guard lower < upper else { return nil }
        let first = utf8.distance(from: utf8.startIndex, to: lower)
        return first..<first + utf8.distance(from: lower, to: upper)
    }
}
