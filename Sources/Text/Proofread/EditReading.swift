/// Two texts compared: what changed, how harmless each change is, and what it cost.
struct EditReading {
    let original: TextUnits
    let proposal: TextUnits
    /// Every difference in words, in order.
    private(set) var edits: [Edit] = []
    private(set) var runs: [ReadRun] = []
    private(set) var summary = EditSummary()
    /// Units changed without a harmless explanation, weighed.
    private(set) var cost = 0.0

    /// A stretch of differing units, read.
    struct ReadRun {
        let run: EditAlignment.Run
        /// Indices whose change is not a repetition removed or another spacing.
        var lost: [Int] = []
        var gained: [Int] = []
        /// Pairs of homophones.
        var alike: [(original: Int, proposal: Int)] = []
        /// Stretches of the original that were said again.
        var repeated: [Range<Int>] = []
        var isSpacing = false
        /// Longest stretches without an explanation.
        var deleted = 0
        var inserted = 0
        var rewritten = 0

        /// The units on both sides that are neither homophones nor explained otherwise.
        func unexplained(_ reading: EditReading) -> (lost: [TextUnit], gained: [TextUnit]) {
            let alikeLost = Set(alike.map(\.original))
            let alikeGained = Set(alike.map(\.proposal))
            return (
                lost.filter { !alikeLost.contains($0) }.map { reading.original.units[$0] },
                gained.filter { !alikeGained.contains($0) }.map { reading.proposal.units[$0] }
            )
        }
    }

    private enum Cost {
        static let spelling = 0.5
        static let smallWord = 1.0
        static let insertion = 1.5
        /// Another word that neither sounds nor looks like it.
        static let replacement = 1.5
        /// A proofreader has no reason to leave out a word that carries meaning.
        static let deletion = 2.0
    }

    /// Words that a speaker drops in and a listener does not miss.
    private static let smallWords: Set<String> = [
        "a", "an", "the", "and", "or", "but", "so", "to", "of", "in", "on", "at", "for", "with",
        "is", "are", "was", "were", "be", "been", "it", "its", "i", "you", "he", "she", "we",
        "they", "that", "this", "there", "then", "just", "like", "well", "okay", "ok", "right",
        "know", "mean", "kind", "sort", "really", "actually", "basically", "yeah", "yes", "oh",
        "do", "does", "did", "have", "has", "had", "as", "by", "from", "them", "him", "her", "my",
    ]

    static func isSmallWord(_ unit: TextUnit) -> Bool { smallWords.contains(unit.key) }

    /// What a change of this unit costs; one ideograph is less than a word.
    private static func cost(_ unit: TextUnit, _ full: Double) -> Double {
        unit.kind == .ideograph || isSmallWord(unit) ? Cost.smallWord : full
    }

    init(original: String, proposal: String) {
        var first = TextUnits(original)
        var second = TextUnits(proposal)
        let fillers = Fillers.remove(from: &first).count - Fillers.remove(from: &second).count
        self.original = first
        self.proposal = second
        summary.fillersRemoved = max(fillers, 0)
        cost += Double(max(-fillers, 0)) * Cost.insertion
        let alignment = EditAlignment(first.units, second.units)
        for run in alignment.runs { splitAndRead(run) }
        countMarks(alignment)
    }

    // MARK: Runs

    /// Most words that are joined to one or come from one.
    private static let joinedUnitsMax = 3

    /// Reads words that were joined or split at either end of a run apart from the rest, which is
    /// aligned anew: in "there key board" for "their keyboard" only one word is another.
    private mutating func splitAndRead(_ run: EditAlignment.Run) {
        let before = Array(original.units[run.original])
        let after = Array(proposal.units[run.proposal])
        if before.isEmpty || after.isEmpty { return read(run) }
        for lines in 1...min(Self.joinedUnitsMax, before.count) {
            for columns in 1...min(Self.joinedUnitsMax, after.count) where lines + columns > 2 {
                let split = (
                    original: run.original.lowerBound + lines,
                    proposal: run.proposal.lowerBound + columns
                )
                if Self.areJoined(before.prefix(lines), after.prefix(columns)) {
                    noteSpacing(
                        run.original.lowerBound..<split.original,
                        run.proposal.lowerBound..<split.proposal)
                    return readAgain(
                        split.original..<run.original.upperBound,
                        split.proposal..<run.proposal.upperBound)
                }
                if Self.areJoined(before.suffix(lines), after.suffix(columns)) {
                    let end = (
                        original: run.original.upperBound - lines,
                        proposal: run.proposal.upperBound - columns
                    )
                    readAgain(
                        run.original.lowerBound..<end.original,
                        run.proposal.lowerBound..<end.proposal)
                    return noteSpacing(
                        end.original..<run.original.upperBound,
                        end.proposal..<run.proposal.upperBound)
                }
            }
        }
        read(run)
    }

    /// Same letters, where a doubled letter counts once ("all ready", "already").
    private static func areJoined(_ one: ArraySlice<TextUnit>, _ other: ArraySlice<TextUnit>)
        -> Bool
    {
        func letters(_ units: ArraySlice<TextUnit>) -> String {
            units.flatMap(\.key).reduce(into: "") { letters, character in
                if letters.last != character || !character.isASCII || character.isNumber {
                    letters.append(character)
                }
            }
        }
        return letters(one) == letters(other)
    }

    private mutating func noteSpacing(_ lines: Range<Int>, _ columns: Range<Int>) {
        var read = ReadRun(run: .init(original: lines, proposal: columns, pairs: []))
        read.isSpacing = true
        summary.punctuation += 1
        note(.spacing, lines, columns)
        runs.append(read)
    }

    /// Aligns a part of a run by itself.
    private mutating func readAgain(_ lines: Range<Int>, _ columns: Range<Int>) {
        let part = EditAlignment(Array(original.units[lines]), Array(proposal.units[columns]))
        for run in part.runs {
            splitAndRead(
                .init(
                    original: run.original.lowerBound + lines.lowerBound..<run.original.upperBound
                        + lines.lowerBound,
                    proposal: run.proposal.lowerBound
                        + columns.lowerBound..<run.proposal.upperBound + columns.lowerBound,
                    pairs: run.pairs.map {
                        ($0.original + lines.lowerBound, $0.proposal + columns.lowerBound)
                    }))
        }
    }

    private mutating func read(_ run: EditAlignment.Run) {
        var read = ReadRun(run: run)
        var line = run.original.lowerBound
        var column = run.proposal.lowerBound
        for pair in run.pairs + [(run.original.upperBound, run.proposal.upperBound)] {
            readBlock(line..<pair.original, column..<pair.proposal, &read)
            guard pair.original < run.original.upperBound, pair.proposal < run.proposal.upperBound
            else { break }
            readPair(pair, &read)
            line = pair.original + 1
            column = pair.proposal + 1
        }
        runs.append(read)
    }

    private mutating func readPair(
        _ pair: (original: Int, proposal: Int), _ read: inout ReadRun
    ) {
        let before = original.units[pair.original]
        let after = proposal.units[pair.proposal]
        var cause = Edit.Cause.wording
        read.lost.append(pair.original)
        read.gained.append(pair.proposal)
        if EditAlignment.areHomophones(before, after) {
            cause = .homophone
            read.alike.append(pair)
        } else if before.kind == .word, Homophones.areSimilar(before.key, after.key) {
            cause = .spelling
            cost += Cost.spelling
            read.rewritten += 1
        } else {
            cost += max(
                Self.cost(before, Cost.replacement), Self.cost(after, Cost.replacement))
            read.rewritten += 1
        }
        summary.wordsReplaced += 1
        note(
            cause, pair.original..<pair.original + 1, pair.proposal..<pair.proposal + 1)
    }

    private mutating func readBlock(
        _ lines: Range<Int>, _ columns: Range<Int>, _ read: inout ReadRun
    ) {
        if lines.isEmpty && columns.isEmpty { return }
        if columns.isEmpty && isRepetition(lines) {
            summary.repeatsRemoved += lines.count
            read.repeated.append(lines)
            note(.repetition, lines, columns)
            return
        }
        if isSameNumber(lines, columns) {
            cost += Cost.spelling
            note(.spelling, lines, columns)
            summary.wordsReplaced += max(lines.count, columns.count)
            return
        }
        read.lost += lines
        read.gained += columns
        let replaced = min(lines.count, columns.count)
        summary.wordsReplaced += replaced
        summary.wordsDeleted += lines.count - replaced
        summary.wordsInserted += columns.count - replaced
        read.rewritten += replaced
        read.deleted = max(read.deleted, lines.count - replaced)
        read.inserted = max(read.inserted, columns.count - replaced)
        for unit in original.units[lines] { cost += Self.cost(unit, Cost.deletion) }
        cost += Double(columns.count - replaced) * Cost.insertion
        note(.wording, lines, columns)
    }

    /// "five" for "5": dearer than nothing, since the speaker's form is kept as a rule.
    private func isSameNumber(_ lines: Range<Int>, _ columns: Range<Int>) -> Bool {
        let before = Array(original.units[lines])
        let after = Array(proposal.units[columns])
        guard !before.isEmpty, !after.isEmpty else { return false }
        let isNumeric = (before + after).allSatisfy {
            $0.kind == .number || SpokenNumbers.isNumberWord($0) || $0.key == "and"
        }
        return isNumeric && SpokenNumbers.values(in: before) == SpokenNumbers.values(in: after)
    }

    /// Whether a deletion leaves one copy of something said several times in a row, whichever of
    /// the copies the alignment happened to delete; or takes out the start of a stuttered word.
    private func isRepetition(_ deleted: Range<Int>) -> Bool {
        let units = original.units
        if deleted.count == 1, deleted.upperBound < units.count {
            let fragment = units[deleted.lowerBound]
            let next = units[deleted.upperBound]
            let isBroken = fragment.after.contains("-") || fragment.after.contains("—")
            if isBroken, fragment.kind == .word, next.key.hasPrefix(fragment.key) { return true }
        }
        for period in 1...deleted.count where deleted.count.isMultiple(of: period) {
            var start = deleted.lowerBound
            while start > 0, start - 1 + period < units.count,
                units[start - 1].key == units[start - 1 + period].key
            {
                start -= 1
            }
            var end = deleted.lowerBound + period
            while end < units.count, units[end].key == units[end - period].key { end += 1 }
            if end >= deleted.upperBound && end - start >= deleted.count + period { return true }
        }
        return false
    }

    // MARK: Edits and counts

    private mutating func note(_ cause: Edit.Cause, _ lines: Range<Int>, _ columns: Range<Int>) {
        let kind: Edit.Kind =
            lines.isEmpty ? .insert : columns.isEmpty ? .delete : .replace
        edits.append(
            Edit(
                kind: kind, original: Self.words(original.units[lines]),
                proposal: Self.words(proposal.units[columns]), cause: cause))
    }

    /// Units as written, with spaces between words.
    static func words(_ units: ArraySlice<TextUnit>) -> String {
        var text = ""
        var isIdeograph = true
        for unit in units {
            if !text.isEmpty && !(isIdeograph && unit.kind == .ideograph) { text += " " }
            text += unit.text
            isIdeograph = unit.kind == .ideograph
        }
        return text
    }

    /// Counts changed capitals, and changed punctuation between units that both texts have.
    private mutating func countMarks(_ alignment: EditAlignment) {
        var last: (original: Int, proposal: Int) = (-1, -1)
        let end = (original: original.units.count, proposal: proposal.units.count)
        for anchor in alignment.anchors + [end] {
            if marks(original, last.original, anchor.original)
                != marks(proposal, last.proposal, anchor.proposal)
            {
                summary.punctuation += 1
            }
            last = anchor
            guard anchor.original < end.original else { break }
            let before = original.units[anchor.original].text
            let after = proposal.units[anchor.proposal].text
            if before == after { continue }
            if before.lowercased() == after.lowercased() {
                summary.casing += 1
            } else {
                summary.punctuation += 1
            }
        }
    }

    /// The punctuation between two units, without space; -1 is the start of the text.
    private func marks(_ text: TextUnits, _ start: Int, _ end: Int) -> String {
        var marks = start < 0 ? text.before : ""
        for unit in text.units[max(start, 0)..<end] { marks += unit.after }
        return marks.filter { !$0.isWhitespace }
    }
}
