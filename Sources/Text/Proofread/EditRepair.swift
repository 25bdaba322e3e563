/// A proposal in which every change that a proofreader may not make is undone, and the others
/// stand: one wrong word must not cost a paragraph its punctuation.
///
/// What may stand is what `EditGuard` takes for harmless, a single small word added or lost, and
/// words that sound or look like those they replace, since a recogniser errs by sound. A sentence
/// keeps the capital that it began with.
struct EditRepair {
    /// The proposal with the refused changes and lost capitals undone.
    let text: String
    /// What was undone, in order.
    let refused: [Rejection]

    /// Beyond this share of units undone the proposal is another text, and its punctuation too.
    private static let undoneShareMax = 0.5

    /// - Returns: nil where the proposal is not a correction of this text at all.
    init?(_ original: String, _ proposal: String) {
        let reading = EditReading(original: original, proposal: proposal)
        let names = EditGuard.NamesOfBoth(reading)
        let judged = reading.runs.map { ($0, Self.refusal(of: $0, reading, names)) }
        refused = judged.compactMap(\.1)
        let undone = judged.reduce(0) { $0 + ($1.1 == nil ? 0 : $1.0.run.original.count) }
        let most = Self.undoneShareMax * Double(reading.original.units.count)
        guard Double(undone) <= most else { return nil }
        var mend = Mend(reading)
        for (run, refusal) in judged { mend.append(run.run, undone: refusal != nil) }
        text = mend.finished()
    }

    // MARK: What may stand

    private static func refusal(
        of run: EditReading.ReadRun, _ reading: EditReading, _ names: EditGuard.NamesOfBoth
    ) -> Rejection? {
        if run.isSpacing { return nil }
        if let rejection = EditGuard.scriptRejection(run, reading)
            ?? EditGuard.meaningRejection(run, reading, names)
            ?? NumberCheck.countLost(run, reading)
        {
            return rejection
        }
        let (lost, gained) = run.unexplained(reading)
        if lost.isEmpty && gained.isEmpty { return nil }
        let units = lost + gained
        // Scripts without spaces are judged by amount only (`EditGuard.accept`).
        if units.contains(where: { $0.kind == .ideograph }) { return nil }
        if units.contains(where: { $0.hasDigit || SpokenNumbers.isNumberWord($0) }) {
            if SpokenNumbers.values(in: lost) == SpokenNumbers.values(in: gained) { return nil }
        } else {
            let areSmall = units.allSatisfy { EditReading.isSmallWord($0) }
            if areSmall && lost.count <= 1 && gained.count <= 1 { return nil }
            let sounds = (lost.map(\.key).joined(), gained.map(\.key).joined())
            if Homophones.areSimilar(sounds.0, sounds.1) { return nil }
        }
        let before = EditReading.words(lost[...])
        let after = EditReading.words(gained[...])
        if gained.isEmpty { return .contentLost(before) }
        return lost.isEmpty ? .contentAdded(after) : .replaced(before, by: after)
    }

    // MARK: Putting the text together

    /// Builds the text run by run: what lies between two runs is the same in both texts, and is
    /// taken from the proposal with its capitals and punctuation.
    private struct Mend {
        private static let sentenceEnds = Set(".!?…。！？")

        let reading: EditReading
        var units: [TextUnit] = []
        var before: String
        var place: (original: Int, proposal: Int) = (0, 0)
        /// Words were put back before the next one, which so lost its place at the sentence start.
        var isPushed = false

        init(_ reading: EditReading) {
            self.reading = reading
            before = reading.proposal.before
        }

        mutating func append(_ run: EditAlignment.Run, undone: Bool) {
            takeCommon(until: run.proposal.lowerBound)
            let gained = reading.proposal.units[run.proposal]
            place = (run.original.upperBound, run.proposal.upperBound)
            guard undone else {
                units += gained
                return
            }
            var lost = Array(reading.original.units[run.original])
            // The gap that the proposal leaves behind this stretch, which stays where it is.
            let gap = gained.last?.after ?? units.last?.after ?? " "
            if lost.isEmpty {
                if !units.isEmpty { units[units.count - 1].after = gap }
                return
            }
            if gained.isEmpty {
                if !units.isEmpty {
                    let index = run.original.lowerBound - 1
                    let own = index >= 0 ? reading.original.units[index].after : " "
                    units[units.count - 1].after = own
                }
                isPushed = !gap.contains(where: Self.sentenceEnds.contains)
            }
            lost[lost.count - 1].after = gap
            if let first = gained.first, first.startsSentence, first.isCapitalised {
                lost[0] = lost[0].capitalised()
            }
            units += lost
        }

        private mutating func takeCommon(until end: Int) {
            while place.proposal < end {
                var unit = reading.proposal.units[place.proposal]
                if unit.startsSentence, place.original < reading.original.units.count {
                    let own = reading.original.units[place.original]
                    if isPushed { unit.text = own.text }
                    if own.startsSentence && own.isCapitalised { unit = unit.capitalised() }
                }
                isPushed = false
                units.append(unit)
                place = (place.original + 1, place.proposal + 1)
            }
        }

        mutating func finished() -> String {
            takeCommon(until: reading.proposal.units.count)
            return before + units.map { $0.text + $0.after }.joined()
        }
    }
}
