/// One place where two texts differ.
public struct Edit: Sendable, Equatable {
    /// What happened there.
    public enum Kind: Sendable, Equatable { case insert, delete, replace }

    /// Why the guard thinks that it happened.
    public enum Cause: Sendable, Equatable {
        /// A word that sounds the same.
        case homophone
        /// Letters of one word.
        case spelling
        /// The same letters with other spaces or hyphens.
        case spacing
        /// A word or phrase said twice.
        case repetition
        /// Anything else.
        case wording
    }

    /// Insertion, deletion or replacement.
    public let kind: Kind
    /// The words of the transcript; empty for an insertion.
    public let original: String
    /// The words of the proposal; empty for a deletion.
    public let proposal: String
    /// The most harmless explanation.
    public let cause: Cause
}

/// The shortest way from one sequence of units to another (Levenshtein, with homophones nearer to
/// each other than other words).
struct EditAlignment {
    /// A stretch of units that differ; one of the ranges may be empty.
    struct Run {
        let original: Range<Int>
        let proposal: Range<Int>
        /// Units set against each other inside the run.
        let pairs: [(original: Int, proposal: Int)]
    }

    /// Pairs of equal units, in order.
    private(set) var anchors: [(original: Int, proposal: Int)] = []
    private(set) var runs: [Run] = []

    private enum Cost {
        static let gap: Int32 = 10
        static let homophone: Int32 = 4
        static let word: Int32 = 11
        /// Dearer than a deletion and an insertion, so that words are not set against ideographs.
        static let otherKind: Int32 = 25
    }

    /// Most units are the same, so only what lies between the common start and end is compared.
    init(_ original: [TextUnit], _ proposal: [TextUnit]) {
        let shorter = min(original.count, proposal.count)
        var start = 0
        while start < shorter, original[start].key == proposal[start].key { start += 1 }
        var end = 0
        while end < shorter - start,
            original[original.count - 1 - end].key == proposal[proposal.count - 1 - end].key
        {
            end += 1
        }
        let middle = Self.steps(
            Array(original[start..<original.count - end]),
            Array(proposal[start..<proposal.count - end]))
        var steps: [Step] = (0..<start).map { ($0, $0) }
        for step in middle {
            steps.append((step.original.map { $0 + start }, step.proposal.map { $0 + start }))
        }
        for place in 0..<end {
            steps.append((original.count - end + place, proposal.count - end + place))
        }
        collect(steps, original, proposal)
    }

    private typealias Step = (original: Int?, proposal: Int?)

    /// The way back through the table, in order.
    private static func steps(_ original: [TextUnit], _ proposal: [TextUnit]) -> [Step] {
        let width = proposal.count + 1
        let table = Self.table(original, proposal)
        var line = original.count
        var column = proposal.count
        var steps: [Step] = []
        while line > 0 || column > 0 {
            let here = table[line * width + column]
            if line > 0, column > 0,
                here == table[(line - 1) * width + column - 1]
                    + substitution(original[line - 1], proposal[column - 1])
            {
                line -= 1
                column -= 1
                steps.append((line, column))
            } else if line > 0, here == table[(line - 1) * width + column] + Cost.gap {
                line -= 1
                steps.append((line, nil))
            } else {
                column -= 1
                steps.append((nil, column))
            }
        }
        return steps.reversed()
    }

    /// Cost of turning the first `i` units into the first `j`, at `i * (proposal.count + 1) + j`.
    private static func table(_ original: [TextUnit], _ proposal: [TextUnit]) -> [Int32] {
        let width = proposal.count + 1
        var table = [Int32](repeating: 0, count: (original.count + 1) * width)
        for column in 0..<width { table[column] = Int32(column) * Cost.gap }
        for line in 1..<original.count + 1 {
            table[line * width] = Int32(line) * Cost.gap
            for column in 1..<width {
                let replaced =
                    table[(line - 1) * width + column - 1]
                    + substitution(original[line - 1], proposal[column - 1])
                let deleted = table[(line - 1) * width + column] + Cost.gap
                let inserted = table[line * width + column - 1] + Cost.gap
                table[line * width + column] = min(replaced, deleted, inserted)
            }
        }
        return table
    }

    private static func substitution(_ one: TextUnit, _ other: TextUnit) -> Int32 {
        if one.key == other.key { return 0 }
        if one.kind != other.kind { return Cost.otherKind }
        return areHomophones(one, other) ? Cost.homophone : Cost.word
    }

    static func areHomophones(_ one: TextUnit, _ other: TextUnit) -> Bool {
        if one.kind == .word && other.kind == .word {
            return Homophones.areAlike(one.key, other.key)
        }
        guard one.kind == .ideograph, other.kind == .ideograph,
            let first = one.key.first, let second = other.key.first
        else { return false }
        return ChineseText.areHomophones(first, second)
    }

    private mutating func collect(
        _ steps: [Step], _ original: [TextUnit], _ proposal: [TextUnit]
    ) {
        var start = (original: 0, proposal: 0)
        var place = start
        var pairs: [(original: Int, proposal: Int)] = []
        func run() -> Run? {
            guard place != start else { return nil }
            return Run(
                original: start.original..<place.original,
                proposal: start.proposal..<place.proposal, pairs: pairs)
        }
        for step in steps {
            if let line = step.original, let column = step.proposal {
                if original[line].key == proposal[column].key {
                    if let run = run() { runs.append(run) }
                    anchors.append((line, column))
                    place = (line + 1, column + 1)
                    start = place
                    pairs = []
                    continue
                }
                pairs.append((line, column))
            }
            place.original += step.original == nil ? 0 : 1
            place.proposal += step.proposal == nil ? 0 : 1
        }
        if let run = run() { runs.append(run) }
    }
}
