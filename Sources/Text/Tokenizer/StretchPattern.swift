/// The regular expressions of DeepSeek V3 and R1, as scanners. Unlike a `WordPattern` they leave
/// parts of a text unmatched; what lies between two matches is a piece too.
enum StretchPattern: Sendable, Equatable {
    /// Up to three digits.
    case digits
    /// Runs of Han, hiragana and katakana.
    case ideographs
    /// Words, symbols and white space.
    case words

    private static let digitsMax = 3

    /// The expressions as they stand in checkpoints.
    static let known: [String: StretchPattern] = [
        #"\p{N}{1,3}"#: .digits,
        "[\u{4E00}-\u{9FA5}\u{3040}-\u{309F}\u{30A0}-\u{30FF}]+": .ideographs,
        ##"[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"##
            + #"| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#: .words,
    ]

    /// Calls `body` with every match and every gap, in their order.
    func cut(
        _ text: UnsafeRawBufferPointer, table: ScalarClass.Table, _ body: (Range<Int>) -> Void
    ) {
        let cursor = Cursor(text: text, table: table)
        var start = 0
        var index = 0
        while index < text.count {
            guard let end = end(cursor, from: index) else {
                index = cursor.look(index).end
                continue
            }
            if index > start { body(start..<index) }
            body(index..<end)
            start = end
            index = end
        }
        if start < text.count { body(start..<text.count) }
    }

    /// The end of the match at `start`, where the text is not at its end.
    private func end(_ cursor: Cursor, from start: Int) -> Int? {
        switch self {
        case .digits:
            return Self.run(cursor, from: start, max: Self.digitsMax) {
                $0.classes.contains(.number)
            }
        case .ideographs:
            return Self.run(cursor, from: start, max: .max) { Self.isIdeograph($0.value) }
        case .words:
            let first = cursor.look(start)
            return Self.symbolAndLetters(cursor, first) ?? Self.letters(cursor, first)
                ?? Self.symbols(cursor, first)
                ?? (first.classes.contains(.space)
                    ? cursor.space(from: start, newlinesBind: true) : nil)
        }
    }

    private static func run(
        _ cursor: Cursor, from start: Int, max: Int, _ belongs: (Look) -> Bool
    ) -> Int? {
        var end = start
        var count = 0
        while count < max {
            let look = cursor.look(end)
            guard !look.atEnd, belongs(look) else { break }
            end = look.end
            count += 1
        }
        return count > 0 ? end : nil
    }

    private static func isIdeograph(_ value: UInt32) -> Bool {
        switch value {
        case 0x4E00...0x9FA5, 0x3040...0x30FF: true
        default: false
        }
    }

    private static func isLatin(_ value: UInt32) -> Bool {
        (0x41...0x5A).contains(value) || (0x61...0x7A).contains(value)
    }

    /// One ASCII mark and the ASCII letters behind it.
    private static func symbolAndLetters(_ cursor: Cursor, _ first: Look) -> Int? {
        guard first.value < 0x80, !first.classes.isDisjoint(with: [.punctuation, .symbol]) else {
            return nil
        }
        return run(cursor, from: first.end, max: .max) { isLatin($0.value) }
    }

    /// Letters and marks, behind any one character but a line end, a letter or a symbol.
    private static func letters(_ cursor: Cursor, _ first: Look) -> Int? {
        let wanted: ScalarClass = [.letter, .mark]
        if first.classes.isDisjoint(with: [.newline, .letter, .punctuation, .symbol]) {
            let second = cursor.look(first.end)
            if !second.classes.isDisjoint(with: wanted) {
                return cursor.run(from: second.end, of: wanted)
            }
        }
        return first.classes.isDisjoint(with: wanted)
            ? nil : cursor.run(from: first.end, of: wanted)
    }

    /// Symbols and punctuation, behind a blank and before line ends.
    private static func symbols(_ cursor: Cursor, _ first: Look) -> Int? {
        let wanted: ScalarClass = [.punctuation, .symbol]
        let look = first.value == 0x20 ? cursor.look(first.end) : first
        guard !look.classes.isDisjoint(with: wanted) else { return nil }
        return cursor.run(from: cursor.run(from: look.end, of: wanted), of: .newline)
    }
}
