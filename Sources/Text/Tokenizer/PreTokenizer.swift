/// One step that cuts text into the pieces the model encodes independently.
enum PreTokenizer: Sendable, Equatable {
    /// What happens to the separator of a literal split.
    enum Behavior: String, Sendable {
        case removed = "Removed"
        case isolated = "Isolated"
        case mergedWithPrevious = "MergedWithPrevious"
        case mergedWithNext = "MergedWithNext"
    }

    case words(WordPattern)
    case stretches(StretchPattern)
    case literal([UInt8], Behavior)
    case bert

    /// Calls `body` with each piece of `text[range]`, after all `steps`.
    static func forEachPiece(
        of text: UnsafeRawBufferPointer, steps: ArraySlice<PreTokenizer>, table: ScalarClass.Table,
        _ body: (UnsafeRawBufferPointer) -> Void
    ) {
        guard let step = steps.first else {
            if !text.isEmpty { body(text) }
            return
        }
        let rest = steps.dropFirst()
        step.cut(text, table: table) { range in
            let piece = UnsafeRawBufferPointer(rebasing: text[range])
            if rest.isEmpty {
                body(piece)
            } else {
                forEachPiece(of: piece, steps: rest, table: table, body)
            }
        }
    }

    private func cut(
        _ text: UnsafeRawBufferPointer, table: ScalarClass.Table, _ body: (Range<Int>) -> Void
    ) {
        switch self {
        case .words(let pattern):
            var start = 0
            while start < text.count {
                let end = pattern.end(of: text, from: start, table: table)
                body(start..<end)
                start = end
            }
        case .stretches(let pattern):
            pattern.cut(text, table: table, body)
        case .literal(let separator, let behavior):
            Self.cut(text, at: separator, behavior, body)
        case .bert:
            Self.cutWords(text, table: table, body)
        }
    }

    private static func cut(
        _ text: UnsafeRawBufferPointer, at separator: [UInt8], _ behavior: Behavior,
        _ body: (Range<Int>) -> Void
    ) {
        var start = 0
        var index = 0
        func emit(_ end: Int) {
            if end > start { body(start..<end) }
            start = end
        }
        while index + separator.count <= text.count {
            guard text[index] == separator[0], text[index...].starts(with: separator) else {
                index += 1
                continue
            }
            let end = index + separator.count
            switch behavior {
            case .removed:
                emit(index)
                start = end
            case .isolated:
                emit(index)
                emit(end)
            case .mergedWithPrevious: emit(end)
            case .mergedWithNext: emit(index)
            }
            index = end
        }
        emit(text.count)
    }

    /// BERT's words: white space separates and is dropped, every punctuation mark is a piece.
    private static func cutWords(
        _ text: UnsafeRawBufferPointer, table: ScalarClass.Table, _ body: (Range<Int>) -> Void
    ) {
        var start = 0
        var index = 0
        while index < text.count {
            let (value, length) = UTF8Scan.scalar(text, at: index)
            let classes = ScalarClass(value, table: table)
            let isMark = isBertPunctuation(value, classes)
            if isMark || classes.contains(.space) {
                if index > start { body(start..<index) }
                if isMark { body(index..<index + length) }
                start = index + length
            }
            index += length
        }
        if start < text.count { body(start..<text.count) }
    }

    /// All of ASCII that is neither letter, digit, blank nor control counts, `$` and `+` included.
    private static func isBertPunctuation(_ value: UInt32, _ classes: ScalarClass) -> Bool {
        switch value {
        case 33...47, 58...64, 91...96, 123...126: true
        default: classes.contains(.punctuation)
        }
    }
}
