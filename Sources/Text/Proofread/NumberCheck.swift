/// Whether two texts have the same numbers.
enum NumberCheck {
    private static let symbols = Set("$€£¥%°")
    /// Words that a symbol may stand for.
    private static let symbolWords: Set<String> = [
        "dollar", "dollars", "euro", "euros", "pound", "pounds", "yen", "yuan", "percent", "cent",
        "degree", "degrees",
    ]

    static func rejection(
        _ original: String, _ proposal: String, _ reading: EditReading
    ) -> Rejection? {
        let before = SpokenNumbers.values(in: reading.original.units)
        let after = SpokenNumbers.values(in: reading.proposal.units)
        var lost = difference(before, after)
        var gained = difference(after, before)
        excuse(reading, &lost, &gained)
        let marksBefore = original.filter(symbols.contains).map(String.init)
        let marksAfter = proposal.filter(symbols.contains).map(String.init)
        lost += difference(marksBefore, marksAfter)
        if !reading.original.units.contains(where: { symbolWords.contains($0.key) }) {
            gained += difference(marksAfter, marksBefore)
        }
        return lost.isEmpty && gained.isEmpty ? nil : .numbers(lost: lost, gained: gained)
    }

    /// The values of `one` that `other` lacks, as multisets.
    private static func difference(_ one: [String], _ other: [String]) -> [String] {
        var rest = other
        return one.filter { value in
            guard let index = rest.firstIndex(of: value) else { return true }
            rest.remove(at: index)
            return false
        }
    }

    /// "two" may have been "to" and "for" "four", and "every one" is "everyone": changes of number
    /// words for a homophone or of spaces are no change of numbers. But where "two" counts
    /// something, as in "two apples", it was a number.
    private static func excuse(
        _ reading: EditReading, _ lost: inout [String], _ gained: inout [String]
    ) {
        func remove(_ units: [TextUnit], from values: inout [String]) {
            guard !units.contains(where: { $0.hasDigit || $0.kind == .ideograph }) else { return }
            for value in SpokenNumbers.values(in: units) {
                if let index = values.firstIndex(of: value) { values.remove(at: index) }
            }
        }
        for run in reading.runs {
            if run.isSpacing {
                remove(Array(reading.original.units[run.run.original]), from: &lost)
                remove(Array(reading.proposal.units[run.run.proposal]), from: &gained)
            }
            for repeated in run.repeated {
                // "two dogs two dogs" and "two two" heard for "to" are repetitions, but "five five"
                // may be a telephone number.
                let units = reading.original.units[repeated]
                let isAlike = run.alike.contains {
                    reading.original.units[$0.original].key == units.first?.key
                }
                if isAlike || !units.allSatisfy(SpokenNumbers.isNumberWord) {
                    remove(Array(units), from: &lost)
                }
            }
            for pair in run.alike {
                if !countsSomething(pair.original, reading.original.units) {
                    remove([reading.original.units[pair.original]], from: &lost)
                }
                remove([reading.proposal.units[pair.proposal]], from: &gained)
            }
        }
    }

    /// The number word of a run that became its homophone though it counts something.
    static func countLost(_ run: EditReading.ReadRun, _ reading: EditReading) -> Rejection? {
        let units = reading.original.units
        let lost = run.alike.first {
            SpokenNumbers.isNumberWord(units[$0.original]) && countsSomething($0.original, units)
        }
        return lost.map {
            .numbers(
                lost: [units[$0.original].text], gained: [reading.proposal.units[$0.proposal].text])
        }
    }

    private static let countedWords: Set<String> = [
        "people", "men", "women", "children", "feet", "percent", "hundred", "thousand", "million",
        "billion", "oclock", "am", "pm", "point", "times", "more", "of", "or",
    ]
    private static let wordsEndingInS: Set<String> = [
        "is", "was", "this", "his", "as", "us", "its", "does", "has", "yes", "thats", "always",
        "sometimes", "whats", "lets", "these", "perhaps", "across", "towards", "pass", "discuss",
        "guess", "miss", "access", "process", "focus", "address", "express", "less", "unless",
    ]

    /// Whether the word behind a number word looks like a plural or a unit.
    private static func countsSomething(_ index: Int, _ units: [TextUnit]) -> Bool {
        guard index + 1 < units.count, units[index].after == " " else { return false }
        let next = units[index + 1]
        if next.kind == .number || countedWords.contains(next.key) { return true }
        return next.kind == .word && next.key.count > 3 && next.key.hasSuffix("s")
            && !next.isCapitalised && !wordsEndingInS.contains(next.key)
    }
}
