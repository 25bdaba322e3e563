/// Takes out of a model's reply what is clearly not part of the corrected text. What remains in
/// doubt is left for the guard to refuse.
enum ProofreadReply {
    /// A preamble such as "Here is the corrected text:" ends within this many characters.
    private static let preambleCharactersMax = 80
    private static let preambleWords = [
        "correct", "proofread", "transcript", "修正", "校對", "校对", "改正", "更正", "校正",
    ]
    private static let noteOpenings = [
        "note", "changes", "explanation", "i corrected", "i changed", "corrections", "註", "注",
        "說明", "说明", "修改",
    ]
    private static let quotes: [Character: Character] = [
        "\"": "\"", "“": "”", "'": "'", "‘": "’", "「": "」", "『": "』", "«": "»",
    ]

    /// - Parameters:
    ///   - reply: everything the model wrote.
    ///   - transcript: what it was to correct; what is there already is no addition.
    static func cleaned(_ reply: String, for transcript: String) -> String {
        var text = trimmed(ThoughtSplitter.withoutThoughts(reply)[...])
        text = withoutFence(text)
        text = withoutPreamble(text, transcript)
        text = withoutFence(text)
        text = withoutNote(text, transcript)
        text = withoutQuotes(text, transcript)
        return withoutLineBreaks(text, transcript)
    }

    private static func withoutFence(_ text: String) -> String {
        guard text.hasPrefix("```"), let lineEnd = text.firstIndex(where: \.isNewline) else {
            return text
        }
        var inner = text[text.index(after: lineEnd)...]
        if let end = inner.firstRange(of: "```") { inner = inner[..<end.lowerBound] }
        return trimmed(inner)
    }

    /// Removes up to two announcements that end in a colon, as "Sure!\nCorrected transcript:".
    private static func withoutPreamble(_ text: String, _ transcript: String) -> String {
        var text = text
        for _ in 0..<2 {
            let start = text.prefix(preambleCharactersMax)
            guard let colon = start.firstIndex(where: { $0 == ":" || $0 == "：" }) else { break }
            let preamble = start[..<colon].lowercased()
            let isSpoken = transcript.lowercased().contains(preamble)
            guard !isSpoken, preambleWords.contains(where: { preamble.contains($0) }) else { break }
            text = trimmed(text[text.index(after: colon)...])
        }
        return text
    }

    /// Removes a last paragraph that speaks about the correction.
    private static func withoutNote(_ text: String, _ transcript: String) -> String {
        guard !transcript.contains("\n\n"), let gap = text.ranges(of: "\n\n").first else {
            return text
        }
        let note = trimmed(text[gap.upperBound...]).lowercased()
            .drop { $0 == "(" || $0 == "*" || $0 == "（" }
        return noteOpenings.contains { note.hasPrefix($0) }
            ? trimmed(text[..<gap.lowerBound]) : text
    }

    /// Removes quotes around the whole, unless the transcript has them or they are two quotations.
    private static func withoutQuotes(_ text: String, _ transcript: String) -> String {
        guard let first = text.first, let closing = quotes[first], text.count > 1,
            text.last == closing, transcript.first != first
        else { return text }
        let inner = text.dropFirst().dropLast()
        let isWhole = first == "'" || !inner.contains(first) && !inner.contains(closing)
        return isWhole ? trimmed(inner) : text
    }

    /// A paragraph stays one line: breaks become spaces, or nothing between ideographs.
    private static func withoutLineBreaks(_ text: String, _ transcript: String) -> String {
        guard !transcript.contains(where: \.isNewline) else { return text }
        var result = ""
        for line in text.split(whereSeparator: \.isNewline).map({ trimmed($0) })
        where !line.isEmpty {
            if let last = result.last, last.isASCII || line.first?.isASCII == true { result += " " }
            result += line
        }
        return result
    }

    private static func trimmed(_ text: Substring) -> String {
        var text = text.drop(while: \.isWhitespace)
        while text.last?.isWhitespace == true { text.removeLast() }
        return String(text)
    }
}
