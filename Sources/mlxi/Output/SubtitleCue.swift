/// Text with the time it is shown.
struct SubtitleCue: Equatable, Sendable {
    /// Seconds from the beginning of the recording.
    var start: Double
    var end: Double
    var text: String

    /// Two lines of 42 characters, what broadcasters put on a screen at once.
    static let charactersMax = 84
    /// Where a piece may end, best first. Full-width marks need no space after them.
    private static let breaks: [Set<Character>] = [
        [".", "!", "?", "…", "。", "！", "？"], [",", ";", ":", "，", "、", "；", "："],
    ]
    private static let wideMarks: Set<Character> = ["。", "！", "？", "，", "、", "；", "："]

    /// Pieces that fit a screen, cut at sentence ends, else at other marks, else between words.
    /// Each is given time in proportion to its length, so the times inside are estimates.
    func split() -> [SubtitleCue] {
        var rest = Substring(Self.trimmed(text[...]))
        let total = max(rest.count, 1)
        var done = 0
        var cues: [SubtitleCue] = []
        while !rest.isEmpty {
            let length = Self.pieceLength(of: rest)
            let first = start + (end - start) * Double(done) / Double(total)
            done += length
            let last = start + (end - start) * Double(done) / Double(total)
            let piece = Self.trimmed(rest.prefix(length))
            rest = rest.dropFirst(length)
            if !piece.isEmpty { cues.append(SubtitleCue(start: first, end: last, text: piece)) }
        }
        return cues
    }

    /// How many characters of `text` the next piece takes.
    private static func pieceLength(of text: Substring) -> Int {
        let window = Array(text.prefix(charactersMax + 1))
        if let stop = sentenceEnd(in: window) { return stop }
        guard window.count > charactersMax else { return window.count }
        for marks in breaks {
            if let length = lastBreak(in: window, after: marks) { return length }
        }
        // Cutting off a word or two at the start would help nobody; then any place is as good.
        let space = window.lastIndex(where: \.isWhitespace) ?? 0
        return space > 0 ? space : charactersMax
    }

    /// The first sentence end at which the piece is worth a screen of its own.
    private static func sentenceEnd(in window: [Character]) -> Int? {
        let least = charactersMax / 2
        return window.indices.first { index in
            index >= least && breaks[0].contains(window[index]) && isBreak(window, after: index)
        }.map { $0 + 1 }
    }

    private static func lastBreak(in window: [Character], after marks: Set<Character>) -> Int? {
        window.indices.dropLast().last { index in
            index >= charactersMax / 4 && marks.contains(window[index])
                && isBreak(window, after: index)
        }.map { $0 + 1 }
    }

    private static func isBreak(_ window: [Character], after index: Int) -> Bool {
        guard index + 1 < window.count else { return true }
        return wideMarks.contains(window[index]) || window[index + 1].isWhitespace
    }

    private static func trimmed(_ text: Substring) -> String {
        let head = text.drop(while: \.isWhitespace)
        return String(head.reversed().drop(while: \.isWhitespace).reversed())
    }
}
