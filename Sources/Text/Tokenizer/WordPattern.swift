/// The regular expressions that cut text into words, as scanners.
///
/// Checkpoints state the expression; only these few occur, and a scanner over bytes is a hundred
/// times faster than an expression engine. An unknown expression is refused, never approximated.
struct WordPattern: Sendable, Equatable {
    /// `'s`, `'t`… also match in upper case, and U+017F for s.
    var foldsContractions: Bool
    /// A word may start with any one character that is not a letter, number or newline, instead of
    /// one blank.
    var takesAnyLeader: Bool
    /// Combining marks are part of words.
    var marksAreLetters: Bool
    /// Digits per piece at most; `blankDigits` says that a blank may come before them.
    var digitsMax: Int
    var blankBeforeDigits: Bool
    /// Line ends are glued to punctuation, and end runs of white space.
    var newlinesBind: Bool

    private static let contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
    private static let tail = #"\s*[\r\n]+|\s+(?!\S)|\s+"#

    /// The expression of GPT-2, which `ByteLevel` components imply with `use_regex`.
    static let gpt2 = WordPattern(
        foldsContractions: false, takesAnyLeader: false, marksAreLetters: false, digitsMax: .max,
        blankBeforeDigits: true, newlinesBind: false)
    /// The expression of Qwen 2, 2.5 and 3.
    static let qwen2 = WordPattern(
        foldsContractions: true, takesAnyLeader: true, marksAreLetters: false, digitsMax: 1,
        blankBeforeDigits: false, newlinesBind: true)

    /// The expressions that are known, as they stand in checkpoints.
    static let known: [String: WordPattern] = {
        var llama3 = qwen2
        llama3.digitsMax = 3
        var marks = qwen2
        marks.marksAreLetters = true
        let modern: (String, String, String) -> String = { letters, digits, excluded in
            #"\#(contractions)|[^\r\n\p{L}\p{N}]?\#(letters)+|\#(digits)"#
                + #"| ?[^\s\#(excluded)]+[\r\n]*|\#(tail)"#
        }
        return [
            #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#: gpt2,
            modern(#"\p{L}"#, #"\p{N}"#, #"\p{L}\p{N}"#): qwen2,
            modern(#"\p{L}"#, #"\p{N}{1,3}"#, #"\p{L}\p{N}"#): llama3,
            modern(#"[\p{L}\p{M}]"#, #"\p{N}"#, #"\p{L}\p{M}\p{N}"#): marks,
        ]
    }()

    /// The end of the word that starts at `start` of `text`, which is not empty there.
    func end(of text: UnsafeRawBufferPointer, from start: Int, table: ScalarClass.Table) -> Int {
        let cursor = Cursor(text: text, table: table)
        let first = cursor.look(start)
        if first.value == 0x27, let end = contraction(cursor, from: start + 1) { return end }
        if let end = letters(cursor, from: start, first: first) { return end }
        if let end = digits(cursor, from: start, first: first) { return end }
        if let end = symbols(cursor, from: start, first: first) { return end }
        return cursor.space(from: start, newlinesBind: newlinesBind)
    }

    private func contraction(_ cursor: Cursor, from start: Int) -> Int? {
        let first = cursor.look(start)
        switch fold(first.value) {
        case 0x73, 0x74, 0x6D, 0x64: return first.end  // s t m d
        case 0x72, 0x76:  // re ve
            let second = cursor.look(first.end)
            return fold(second.value) == 0x65 ? second.end : nil
        case 0x6C:  // ll
            let second = cursor.look(first.end)
            return fold(second.value) == 0x6C ? second.end : nil
        default: return nil
        }
    }

    /// Simple case folding, as far as the contractions need it.
    private func fold(_ value: UInt32) -> UInt32 {
        guard foldsContractions else { return value }
        if value == 0x17F { return 0x73 }
        return (0x41...0x5A).contains(value) ? value + 32 : value
    }

    private func letters(_ cursor: Cursor, from start: Int, first: Look) -> Int? {
        let wanted: ScalarClass = marksAreLetters ? [.letter, .mark] : .letter
        let leads =
            takesAnyLeader
            ? first.classes.isDisjoint(with: [.letter, .number, .newline]) : first.value == 0x20
        if leads, first.end > start {
            let second = cursor.look(first.end)
            if !second.classes.isDisjoint(with: wanted) {
                return cursor.run(from: second.end, of: wanted)
            }
        }
        return first.classes.isDisjoint(with: wanted)
            ? nil : cursor.run(from: first.end, of: wanted)
    }

    private func digits(_ cursor: Cursor, from start: Int, first: Look) -> Int? {
        var look = first
        if blankBeforeDigits, first.value == 0x20 { look = cursor.look(first.end) }
        guard look.classes.contains(.number) else { return nil }
        var end = look.end
        var count = 1
        while count < digitsMax {
            look = cursor.look(end)
            guard look.classes.contains(.number) else { break }
            end = look.end
            count += 1
        }
        return end
    }

    private func symbols(_ cursor: Cursor, from start: Int, first: Look) -> Int? {
        let excluded: ScalarClass =
            marksAreLetters
            ? [.space, .letter, .number, .mark] : [.space, .letter, .number]
        var look = first
        if first.value == 0x20 { look = cursor.look(first.end) }
        guard !look.atEnd, look.classes.isDisjoint(with: excluded) else { return nil }
        var end = look.end
        while true {
            look = cursor.look(end)
            guard !look.atEnd, look.classes.isDisjoint(with: excluded) else { break }
            end = look.end
        }
        return newlinesBind ? cursor.run(from: end, of: .newline) : end
    }
}

/// One scalar ahead: its value, its classes, and where it ends. At the end of the text the value
/// is no scalar, the classes are empty and nothing is consumed.
struct Look {
    static let endValue = UInt32.max
    let value: UInt32
    let classes: ScalarClass
    let end: Int
    var atEnd: Bool { value == Self.endValue }
}

/// Reading access to a text by byte offset.
struct Cursor {
    let text: UnsafeRawBufferPointer
    let table: ScalarClass.Table

    func look(_ index: Int) -> Look {
        guard index < text.count else { return Look(value: Look.endValue, classes: [], end: index) }
        let byte = text[index]
        if byte < 0x80 {
            let classes = ScalarClass(rawValue: table[Int(byte)])
            return Look(value: UInt32(byte), classes: classes, end: index + 1)
        }
        let (value, length) = UTF8Scan.scalar(text, at: index)
        return Look(
            value: value, classes: ScalarClass(value, table: table), end: index + length)
    }

    /// The end of the run of scalars of any of the `classes` from `start` on.
    func run(from start: Int, of classes: ScalarClass) -> Int {
        var end = start
        while end < text.count {
            let byte = text[end]
            if byte < 0x80 {
                guard table[Int(byte)] & classes.rawValue != 0 else { return end }
                end += 1
            } else {
                let look = look(end)
                guard !look.classes.isDisjoint(with: classes) else { return end }
                end = look.end
            }
        }
        return end
    }

    /// The end of the white space at `start`: its last line end; else all of it at the end
    /// of the text; else all but the last character, which belongs to the next word.
    func space(from start: Int, newlinesBind: Bool) -> Int {
        var end = start
        var lastStart = start
        var newlineEnd: Int?
        while true {
            let look = self.look(end)
            guard look.classes.contains(.space) else {
                if newlinesBind, let newlineEnd { return newlineEnd }
                return look.atEnd || lastStart == start ? end : lastStart
            }
            if look.classes.contains(.newline) { newlineEnd = look.end }
            lastStart = end
            end = look.end
        }
    }
}
