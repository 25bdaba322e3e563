/// A part of a paragraph that is proofread in one request.
struct ParagraphPiece: Equatable {
    /// As in the paragraph, with the space around it: the pieces joined are the paragraph.
    let text: String
    /// Whether the piece ends inside a sentence, because the sentence is too long for one request.
    let endsInsideSentence: Bool
}

/// Cuts long paragraphs at sentence ends, so that each request stays in the range that small models
/// are good at (and that the bundled one is trained on).
enum ParagraphPieces {
    /// Words, or ideographs, of a piece.
    static let unitsMax = 100
    /// Sentences of a piece.
    static let sentencesMax = 6

    private static let sentenceEnds = Set<Character>(".!?…")
    private static let wideSentenceEnds = Set<Character>("。！？")
    private static let closers = Set<Character>("\"'”’»)]』」）")
    private static let clauseEnds = Set<Character>(",;:，；：、")
    private static let abbreviations: Set<String> = [
        "mr", "mrs", "ms", "dr", "prof", "st", "jr", "sr", "vs", "e.g", "i.e", "no",
    ]

    private struct Atom {
        let text: Substring
        let units: Int
        let endsSentence: Bool
    }

    /// The pieces of a paragraph in order; nothing is lost between them.
    static func cut(
        _ paragraph: String, sentencesMax: Int = ParagraphPieces.sentencesMax
    ) -> [ParagraphPiece] {
        var pieces: [ParagraphPiece] = []
        var open: [Atom] = []
        func close() {
            guard let last = open.last else { return }
            pieces.append(
                ParagraphPiece(
                    text: open.map { String($0.text) }.joined(),
                    endsInsideSentence: !last.endsSentence))
            open = []
        }
        for atom in atoms(of: paragraph) {
            let units = open.reduce(atom.units) { $0 + $1.units }
            let sentences = open.count { $0.endsSentence }
            if units > unitsMax || sentences >= sentencesMax { close() }
            open.append(atom)
        }
        close()
        if let last = pieces.popLast() {  // the end of the paragraph ends the sentence
            pieces.append(ParagraphPiece(text: last.text, endsInsideSentence: false))
        }
        return pieces
    }

    /// The sentences of a piece; only the piece itself where it has but one.
    static func sentences(of piece: ParagraphPiece) -> [ParagraphPiece] {
        var sentences = cut(piece.text, sentencesMax: 1)
        guard let last = sentences.popLast() else { return [piece] }
        sentences.append(
            ParagraphPiece(text: last.text, endsInsideSentence: piece.endsInsideSentence))
        return sentences
    }

    /// Sentences; those that are too long as clauses; those in turn as runs of words.
    private static func atoms(of paragraph: String) -> [Atom] {
        split(paragraph[...], at: isSentenceEnd).flatMap { sentence -> [Atom] in
            let units = unitCount(sentence)
            guard units > unitsMax else {
                return [Atom(text: sentence, units: units, endsSentence: true)]
            }
            var parts = split(sentence, at: isClauseEnd).flatMap(splitByUnits).map {
                Atom(text: $0, units: unitCount($0), endsSentence: false)
            }
            if let last = parts.popLast() {
                parts.append(Atom(text: last.text, units: last.units, endsSentence: true))
            }
            return parts
        }
    }

    /// Cuts behind every index for which `isEnd` holds and the closing quotes and space after it.
    private static func split(
        _ text: Substring, at isEnd: (Substring, String.Index) -> Bool
    ) -> [Substring] {
        var parts: [Substring] = []
        var start = text.startIndex
        var index = start
        while index < text.endIndex {
            let isCut = isEnd(text, index)
            index = text.index(after: index)
            guard isCut else { continue }
            while index < text.endIndex, closers.contains(text[index]) {
                index = text.index(after: index)
            }
            while index < text.endIndex, text[index].isWhitespace {
                index = text.index(after: index)
            }
            parts.append(text[start..<index])
            start = index
        }
        if start < text.endIndex { parts.append(text[start...]) }
        return parts
    }

    private static func isSentenceEnd(_ text: Substring, _ index: String.Index) -> Bool {
        if wideSentenceEnds.contains(text[index]) { return true }
        guard sentenceEnds.contains(text[index]) else { return false }
        let rest = text[text.index(after: index)...].drop { closers.contains($0) }
        guard rest.first?.isWhitespace ?? true else { return false }
        let word = text[..<index].split(whereSeparator: \.isWhitespace).last ?? ""
        let isInitial = word.count == 1 && word.first?.isUppercase == true && word != "I"
        return text[index] != "."
            || !isInitial && !abbreviations.contains(word.lowercased())
    }

    private static func isClauseEnd(_ text: Substring, _ index: String.Index) -> Bool {
        guard clauseEnds.contains(text[index]) else { return false }
        let next = text.index(after: index)
        return !text[index].isASCII || next == text.endIndex || text[next].isWhitespace
    }

    /// Cuts every `unitsMax` words, in front of a word.
    private static func splitByUnits(_ text: Substring) -> [Substring] {
        var parts: [Substring] = []
        var start = text.startIndex
        var units = 0
        forEachUnit(of: text) { index in
            if units == unitsMax {
                parts.append(text[start..<index])
                start = index
                units = 0
            }
            units += 1
        }
        parts.append(text[start...])
        return parts
    }

    private static func unitCount(_ text: Substring) -> Int {
        var count = 0
        forEachUnit(of: text) { _ in count += 1 }
        return count
    }

    /// Where words (as split by space) and ideographs begin.
    private static func forEachUnit(of text: Substring, _ visit: (String.Index) -> Void) {
        var isInWord = false
        for index in text.indices {
            let character = text[index]
            let isIdeograph = character.unicodeScalars.first.map(ChineseText.isIdeograph) ?? false
            if isIdeograph || !isInWord && (character.isLetter || character.isNumber) {
                visit(index)
            }
            isInWord =
                !isIdeograph && !character.isWhitespace
                && (isInWord || character.isLetter || character.isNumber)
        }
    }
}
