/// How pieces of running text are put together in scripts with and without spaces.
enum TextJoin {
    /// `left` and `right` with a space between, except beside Chinese or Japanese script.
    static func join(_ left: String, _ right: String) -> String {
        guard let last = left.unicodeScalars.last, let first = right.unicodeScalars.first else {
            return left + right
        }
        let isTight =
            isUnspaced(last) || isUnspaced(first) || last.properties.isWhitespace
            || first.properties.isWhitespace
        return isTight ? left + right : left + " " + right
    }

    /// Han, kana, bopomofo, and the full-width forms and punctuation that go with them.
    static func isUnspaced(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x2E80...0x312F, 0x31A0...0x9FFF, 0xF900...0xFAFF, 0xFE30...0xFE4F, 0xFF00...0xFF9F,
            0x20000...0x3FFFF:
            true
        default: false
        }
    }
}

extension Transcript {
    /// Text to be read as one paragraph, or the place of a failure.
    public struct Paragraph: Sendable, Equatable {
        /// Start in seconds. Inside a segment it is estimated from the length of the text.
        public var start: Double
        /// End in seconds, likewise.
        public var end: Double
        /// The text; empty where the model failed.
        public var text: String
        /// Why there is no text.
        public var failure: String?
    }

    /// Pause after which a new paragraph begins.
    public static let paragraphPauseSeconds = 2.0
    /// Sentences after which a new paragraph begins.
    public static let paragraphSentencesMax = 6

    /// The text in paragraphs: a new one at long pauses, at failures, and when one has become long.
    public var paragraphs: [Paragraph] {
        var paragraphs: [Paragraph] = []
        var sentences = 0
        for segment in segments {
            if case .failed(let reason) = segment.kind {
                paragraphs.append(
                    Paragraph(start: segment.start, end: segment.end, text: "", failure: reason))
                continue
            }
            for sentence in segment.timedSentences {
                let isPause = paragraphs.last.map {
                    $0.failure != nil || sentence.start - $0.end >= Self.paragraphPauseSeconds
                }
                if isPause ?? true || sentences >= Self.paragraphSentencesMax {
                    paragraphs.append(sentence)
                    sentences = 0
                } else {
                    let index = paragraphs.count - 1
                    paragraphs[index].text = TextJoin.join(paragraphs[index].text, sentence.text)
                    paragraphs[index].end = sentence.end
                }
                // A segment may end inside a sentence; only a full stop completes one.
                sentences += Sentences.endsSentence(sentence.text) ? 1 : 0
            }
        }
        return paragraphs
    }
}

extension Transcript.Segment {
    /// The sentences with times in proportion to their lengths.
    fileprivate var timedSentences: [Transcript.Paragraph] {
        let sentences = Sentences.split(text)
        let total = Double(max(1, sentences.reduce(0) { $0 + $1.count }))
        var done = 0.0
        return sentences.map { sentence in
            let first = start + (end - start) * done / total
            done += Double(sentence.count)
            return Transcript.Paragraph(
                start: first, end: start + (end - start) * done / total, text: sentence)
        }
    }
}

/// Sentence boundaries, good enough to choose where paragraphs break.
enum Sentences {
    private static let fullWidthStops: Set<Character> = ["。", "！", "？", "｡"]
    private static let stops: Set<Character> = [".", "!", "?", "…"]
    private static let closers: Set<Character> = ["\"", "'", ")", "]", "”", "’", "」", "』", "）"]
    /// Shorter words before a full stop are taken for abbreviations: "Mr.", "J.".
    private static let wordLettersMin = 3

    /// The sentences of `text`, trimmed, none empty.
    static func split(_ text: String) -> [String] {
        var sentences: [String] = []
        var current = ""
        let characters = Array(text)
        for (index, character) in characters.enumerated() {
            current.append(character)
            let next = index + 1 < characters.count ? characters[index + 1] : nil
            if let next, closers.contains(next) || isStop(next) { continue }
            let isSpaced = next?.isWhitespace ?? true
            let lower = characters[(index + 1)...].first { !$0.isWhitespace }?.isLowercase ?? false
            let isWide = lastStop(current).map { fullWidthStops.contains($0) } ?? false
            if isWide || (isSpaced && !lower && endsSentence(current)) {
                sentences.append(current)
                current = ""
            }
        }
        sentences.append(current)
        return sentences.map(trimmed).filter { !$0.isEmpty }
    }

    /// Whether the text ends with a full stop that is not an abbreviation's.
    static func endsSentence(_ text: String) -> Bool {
        guard let stop = lastStop(text) else { return false }
        guard stop == "." else { return true }
        let body = text.reversed().drop { closers.contains($0) || isStop($0) }
        let word = body.prefix { $0.isLetter || $0.isNumber }
        return word.count >= wordLettersMin || word.contains(where: \.isNumber)
    }

    private static func isStop(_ character: Character) -> Bool {
        stops.contains(character) || fullWidthStops.contains(character)
    }

    private static func lastStop(_ text: String) -> Character? {
        let last = text.reversed().first { !closers.contains($0) }
        return last.flatMap { isStop($0) ? $0 : nil }
    }

    private static func trimmed(_ text: String) -> String {
        let tail = text.drop { $0.isWhitespace }.reversed().drop { $0.isWhitespace }
        return String(tail.reversed())
    }
}
