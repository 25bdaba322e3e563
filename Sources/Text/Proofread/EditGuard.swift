/// Why a proposal was refused.
public enum Rejection: Sendable, Equatable, CustomStringConvertible {
    /// Nothing came back for a text that has words.
    case empty
    /// The model spoke to the user instead of correcting.
    case answer(String)
    /// Characters of markup or pictures that the transcript does not have.
    case markup(Character)
    /// Most of the punctuation was lost.
    case unpunctuated
    /// Numbers differ, or a currency or percent sign.
    case numbers(lost: [String], gained: [String])
    /// A name is missing.
    case nameLost(String)
    /// A name appeared.
    case nameInvented(String)
    /// A "not" appeared or disappeared.
    case negation(String)
    /// A Cantonese character was removed or replaced.
    case cantonese(Character)
    /// Traditional characters became simplified or the other way round.
    case script(Character)
    /// Words changed from one script, and so language, to another.
    case translated(String)
    /// Much shorter or longer than the transcript, in words or ideographs.
    case length(original: Int, proposal: Int)
    /// A stretch of words is missing.
    case contentLost(String)
    /// A stretch of words appeared.
    case contentAdded(String)
    /// Words became others that neither sound nor look like them.
    case replaced(String, by: String)
    /// More changed than a proofreader changes; in words, weighed by how harmless each is.
    case distance(changed: Double, allowed: Double)

    /// One line for the corrected file and the log.
    public var description: String {
        switch self {
        case .empty: "the model returned nothing"
        case .answer(let start): "the model answered (\"\(start)\") instead of correcting"
        case .markup(let character): "the model added markup (\(character))"
        case .unpunctuated: "punctuation was lost"
        case .numbers(let lost, let gained):
            "numbers changed (lost: \(Self.list(lost)); added: \(Self.list(gained)))"
        case .nameLost(let name): "the name \(name) was lost"
        case .nameInvented(let name): "the name \(name) was added"
        case .negation(let words): "a negation changed (\(words))"
        case .cantonese(let character): "the Cantonese character \(character) was changed"
        case .script(let character): "\(character) was converted to the other Chinese script"
        case .translated(let words): "\"\(words)\" was translated"
        case .length(let original, let proposal):
            "the length changed from \(original) to \(proposal) words"
        case .contentLost(let words): "\"\(words)\" was left out"
        case .contentAdded(let words): "\"\(words)\" was added"
        case .replaced(let words, let others): "\"\(words)\" became \"\(others)\""
        case .distance(let changed, let allowed):
            "too much changed (\(changed) words, at most \(allowed) allowed)"
        }
    }

    private static func list(_ values: [String]) -> String {
        values.isEmpty ? "none" : values.joined(separator: " ")
    }
}

/// What the guard found out about one proposal.
public struct Verdict: Sendable, Equatable {
    /// Why the transcript is to be kept; nil if the proposal can be used.
    public let rejection: Rejection?
    /// What the proposal changes in words; punctuation, capitals and fillers are only counted.
    public let edits: [Edit]
    /// The same as counts, as if the proposal were used.
    public let summary: EditSummary

    /// Whether the proposal can be used.
    public var isAccepted: Bool { rejection == nil }
}

/// Tells proofreading from rewriting: a language model that "improves" what was said is the main
/// risk of correcting transcripts with one.
///
/// Fillers, repeated words, homophones, punctuation, capitals, spaces and hyphens may change;
/// numbers, names, negations, Cantonese characters, script and language may not; other changes are
/// limited in number and length.
public enum EditGuard {
    /// Longer texts are refused rather than compared, since comparing takes their product.
    static let unitsMax = 1500
    /// Other changes than the harmless ones that are allowed in any text, and per word of it.
    private static let changesFree = 1.0
    private static let changesPerUnit = 0.12
    /// Longest stretches of words that may be removed, added or replaced in one place.
    private static let deletedRunMax = 3
    private static let insertedRunMax = 2
    private static let rewrittenRunMax = 4
    /// Words that may be added before the first or after the last word.
    private static let insertedEdgeMax = 1
    /// Bounds of the length as a share of the original's, with slack for short texts.
    private static let lengthShare = 0.7...1.25
    private static let lengthSlackUnits = 2.0
    /// Change in the share of ideographs beyond which the language has changed.
    private static let scriptShareMax = 0.2
    /// Below this many words with a mark behind them, the loss of marks is not judged.
    private static let marksJudgedMin = 4

    /// Judges a correction of one paragraph.
    ///
    /// - Parameters:
    ///   - original: the transcript.
    ///   - proposal: the model's reply, without thoughts, quotes and preambles.
    public static func accept(_ original: String, _ proposal: String) -> Verdict {
        if original == proposal {
            return Verdict(rejection: nil, edits: [], summary: EditSummary())
        }
        // A unit takes a byte at least, so this bounds the work before any is done.
        let units = (TextUnits(original).units.count, TextUnits(proposal).units.count)
        guard max(units.0, units.1) <= unitsMax else {
            return Verdict(
                rejection: .length(original: units.0, proposal: units.1), edits: [],
                summary: EditSummary())
        }
        let reading = EditReading(original: original, proposal: proposal)
        let rejection =
            replyRejection(original, proposal, reading)
            ?? NumberCheck.rejection(original, proposal, reading)
            ?? reading.runs.lazy.compactMap { scriptRejection($0, reading) }.first
            ?? meaningRejection(reading) ?? amountRejection(reading)
        return Verdict(rejection: rejection, edits: reading.edits, summary: reading.summary)
    }

    /// Whether the reply as a whole is something else than a correction, so that nothing in it is
    /// worth keeping.
    static func isHopeless(_ verdict: Verdict) -> Bool {
        switch verdict.rejection {
        case .empty, .answer, .markup, .unpunctuated, .translated: true
        case .length(let original, let proposal): max(original, proposal) > unitsMax
        default: false
        }
    }

    // MARK: The reply as a whole

    private static let answerOpenings = [
        "sure", "certainly", "of course", "here is", "here's", "here are", "i'm sorry",
        "i am sorry", "sorry", "as an ai", "i cannot", "i can't", "corrected", "the corrected",
        "note:", "transcript:", "okay, here", "當然", "当然", "以下", "抱歉", "好的，以下",
    ]
    private static let markupCharacters = Set("*#`<>|[]{}_\\~")
    private static let marks = Set(".,?!;:。，、？！；：")

    private static func replyRejection(
        _ original: String, _ proposal: String, _ reading: EditReading
    ) -> Rejection? {
        if reading.proposal.units.isEmpty && !reading.original.units.isEmpty { return .empty }
        let start = proposal.lowercased().replacing("\u{2019}", with: "'")
        let spoken = reading.original.units.prefix(2).map { $0.text.lowercased() }.joined()
        if let opening = answerOpenings.first(where: { start.hasPrefix($0) }),
            !original.lowercased().replacing("\u{2019}", with: "'").hasPrefix(opening),
            !spoken.hasPrefix(opening.filter { $0 != " " })
        {
            return .answer(opening)
        }
        var allowance: [Character: Int] = [:]
        for character in original where isMarkup(character) {
            allowance[character, default: 0] += 1
        }
        for character in proposal where isMarkup(character) {
            allowance[character, default: 0] -= 1
            if allowance[character, default: 0] < 0 { return .markup(character) }
        }
        func markCount(_ text: TextUnits) -> Int {
            text.units.count { $0.after.contains(where: marks.contains) }
        }
        let removed = reading.summary.fillersRemoved + reading.summary.repeatsRemoved
        let before = markCount(reading.original) - removed
        if before >= marksJudgedMin, markCount(reading.proposal) * 2 < before {
            return .unpunctuated
        }
        return nil
    }

    private static func isMarkup(_ character: Character) -> Bool {
        if markupCharacters.contains(character) { return true }
        return character.unicodeScalars.first?.properties.generalCategory == .otherSymbol
    }

    // MARK: Script and language

    static func scriptRejection(
        _ run: EditReading.ReadRun, _ reading: EditReading
    ) -> Rejection? {
        let before = run.lost.map { reading.original.units[$0] }
        let after = run.gained.map { reading.proposal.units[$0] }
        let lost = before.filter { $0.kind == .ideograph }.compactMap(\.key.first)
        let gained = after.filter { $0.kind == .ideograph }.compactMap(\.key.first)
        for character in lost where ChineseText.cantonese.contains(character) {
            if lost.count(where: { $0 == character }) > gained.count(where: { $0 == character }) {
                return .cantonese(character)
            }
        }
        for character in lost {
            if gained.contains(where: { ChineseText.isConversion(character, $0) }) {
                return .script(character)
            }
        }
        let hasWordsBefore = before.contains { isPlainWord($0) }
        let hasWordsAfter = after.contains { isPlainWord($0) }
        let hasIdeographsBefore = before.contains { isPlainIdeograph($0) }
        let hasIdeographsAfter = after.contains { isPlainIdeograph($0) }
        if hasWordsBefore && !hasWordsAfter && hasIdeographsAfter
            || hasIdeographsBefore && !hasIdeographsAfter && hasWordsAfter
        {
            return .translated(EditReading.words(before[...]))
        }
        return nil
    }

    private static func isPlainWord(_ unit: TextUnit) -> Bool {
        unit.kind == .word && !SpokenNumbers.isNumberWord(unit)
    }

    private static func isPlainIdeograph(_ unit: TextUnit) -> Bool {
        unit.kind == .ideograph && !SpokenNumbers.isNumberWord(unit)
    }

    // MARK: Names and negations

    private static let negations: Set<String> = [
        "not", "no", "never", "nor", "none", "nothing", "nobody", "cannot", "without", "hardly",
    ]
    private static let contractedNegations: Set<String> = [
        "dont", "doesnt", "didnt", "isnt", "arent", "wasnt", "werent", "wont", "wouldnt", "cant",
        "couldnt", "shouldnt", "hasnt", "havent", "hadnt", "mustnt", "neednt", "aint", "shant",
    ]

    private static func isNegation(_ unit: TextUnit) -> Bool {
        if unit.kind == .ideograph {
            return unit.key.first.map(ChineseText.negations.contains) ?? false
        }
        return negations.contains(unit.key) || contractedNegations.contains(unit.key)
    }

    /// The names of both texts.
    struct NamesOfBoth {
        fileprivate let original: Names
        fileprivate let proposal: Names

        init(_ reading: EditReading) {
            original = Names(reading.original.units)
            proposal = Names(reading.proposal.units)
        }
    }

    private static func meaningRejection(_ reading: EditReading) -> Rejection? {
        let names = NamesOfBoth(reading)
        return reading.runs.lazy.compactMap { meaningRejection($0, reading, names) }.first
    }

    static func meaningRejection(
        _ run: EditReading.ReadRun, _ reading: EditReading, _ names: NamesOfBoth
    ) -> Rejection? {
        let (lost, gained) = run.unexplained(reading)
        if let name = lost.first(where: names.original.contains) { return .nameLost(name.text) }
        if let name = gained.first(where: names.proposal.contains) {
            return .nameInvented(name.text)
        }
        if lost.count(where: isNegation) != gained.count(where: isNegation) {
            return .negation(EditReading.words((lost + gained).filter(isNegation)[...]))
        }
        return nil
    }

    // MARK: How much changed

    private static func amountRejection(_ reading: EditReading) -> Rejection? {
        let before = reading.original.units
        let after = reading.proposal.units
        for run in reading.runs {
            let lost = EditReading.words(before[run.run.original])
            let gained = EditReading.words(after[run.run.proposal])
            let isEdge =
                run.run.proposal.lowerBound == 0 || run.run.proposal.upperBound == after.count
            if run.deleted > deletedRunMax { return .contentLost(lost) }
            if run.inserted > (isEdge ? insertedEdgeMax : insertedRunMax) {
                return .contentAdded(gained)
            }
            if run.rewritten > rewrittenRunMax { return .contentLost(lost) }
        }
        func ideographShare(_ units: [TextUnit]) -> Double {
            Double(units.count { $0.kind == .ideograph }) / Double(max(units.count, 1))
        }
        if abs(ideographShare(before) - ideographShare(after)) > scriptShareMax {
            return .translated(EditReading.words(before.prefix(deletedRunMax)))
        }
        let length = Double(before.count - reading.summary.repeatsRemoved)
        let least = length * lengthShare.lowerBound - lengthSlackUnits
        let most = length * lengthShare.upperBound + lengthSlackUnits
        guard (least...most).contains(Double(after.count)) else {
            return .length(original: before.count, proposal: after.count)
        }
        let allowed = changesFree + changesPerUnit * length
        guard reading.cost <= allowed else {
            return .distance(
                changed: reading.cost, allowed: (allowed * 10).rounded(.down) / 10)
        }
        return nil
    }
}

/// The names of a text: words with a capital where no sentence starts.
private struct Names {
    private var keys: Set<String> = []

    /// Text in capitals, or in Title Case, says nothing about names.
    private static let capitalShareMax = 0.5

    init(_ units: [TextUnit]) {
        let inside = units.filter { $0.kind == .word && !$0.startsSentence && !Self.isI($0) }
        let capitalised = inside.filter(\.isCapitalised)
        let limit = Self.capitalShareMax * Double(inside.count)
        guard Double(capitalised.count) <= limit || inside.count <= 2 else { return }
        for unit in capitalised where !Homophones.contains(unit.key) { keys.insert(unit.key) }
    }

    func contains(_ unit: TextUnit) -> Bool { keys.contains(unit.key) }

    private static func isI(_ unit: TextUnit) -> Bool {
        unit.text == "I" || unit.text.hasPrefix("I'") || unit.text.hasPrefix("I\u{2019}")
    }
}
