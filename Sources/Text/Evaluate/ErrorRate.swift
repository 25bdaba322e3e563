import Foundation

/// How far a transcript is from its reference: the edits of a shortest way from one to the other
/// (Levenshtein), over the units of the reference.
public struct ErrorRate: Sendable, Equatable {
    /// Units replaced by others.
    public var substitutions = 0
    /// Units of the reference that are missing.
    public var deletions = 0
    /// Units that the reference does not have.
    public var insertions = 0
    /// Units of the reference.
    public var units = 0

    /// No units, no errors: where sums begin.
    public init() {}

    /// Edits of all three kinds.
    public var errors: Int { substitutions + deletions + insertions }

    /// Errors over units; nil without units.
    public var rate: Double? {
        units == 0 ? nil : Double(errors) / Double(units)
    }

    /// Counts of two texts together: every unit weighs the same.
    public static func + (left: ErrorRate, right: ErrorRate) -> ErrorRate {
        var sum = left
        sum.substitutions += right.substitutions
        sum.deletions += right.deletions
        sum.insertions += right.insertions
        sum.units += right.units
        return sum
    }

    /// Word error rate after `SpokenForm.normalize`; ideographs count as words.
    public static func words(reference: String, hypothesis: String) -> ErrorRate {
        compare(SpokenForm.words(reference), SpokenForm.words(hypothesis))
    }

    /// Character error rate after `SpokenForm.normalize`, blanks left out.
    public static func characters(reference: String, hypothesis: String) -> ErrorRate {
        func characters(_ text: String) -> [Character] {
            SpokenForm.normalize(text).filter { $0 != " " }
        }
        return compare(characters(reference), characters(hypothesis))
    }

    /// Error rate of words as they are written: case and punctuation count.
    public static func writtenWords(reference: String, hypothesis: String) -> ErrorRate {
        compare(
            reference.split(whereSeparator: \.isWhitespace),
            hypothesis.split(whereSeparator: \.isWhitespace))
    }

    /// Edits of one cell of the Levenshtein table, compared by their sum.
    private struct Cell {
        var substitutions = 0
        var deletions = 0
        var insertions = 0
        var total: Int { substitutions + deletions + insertions }
    }

    private static func compare<Unit: Equatable>(_ reference: [Unit], _ found: [Unit]) -> ErrorRate
    {
        var row = (0...found.count).map { Cell(insertions: $0) }
        for (i, unit) in reference.enumerated() {
            var diagonal = row[0]
            row[0] = Cell(deletions: i + 1)
            for (j, other) in found.enumerated() {
                var best = diagonal
                if unit != other { best.substitutions += 1 }
                diagonal = row[j + 1]
                if row[j + 1].total + 1 < best.total {
                    best = row[j + 1]
                    best.deletions += 1
                }
                if row[j].total + 1 < best.total {
                    best = row[j]
                    best.insertions += 1
                }
                row[j + 1] = best
            }
        }
        let last = row[found.count]
        var rate = ErrorRate()
        rate.substitutions = last.substitutions
        rate.deletions = last.deletions
        rate.insertions = last.insertions
        rate.units = reference.count
        return rate
    }
}

/// Text as it is compared: what one hears and not how it is written. The rules are those of the basic
/// normaliser of openai-whisper (`whisper/normalizers/basic.py`): lower case, text in brackets
/// dropped, marks, symbols and punctuation become blanks, blanks collapse. Apostrophes inside words are
/// dropped rather than split ("don't" is one word in both texts, however the apostrophe is drawn).
public enum SpokenForm {
    /// The normalised text, words apart by one blank.
    public static func normalize(_ text: String) -> String {
        words(text).joined(separator: " ")
    }

    /// The words of the normalised text; every ideograph and kana is a word of its own.
    public static func words(_ text: String) -> [String] {
        let folded = text.precomposedStringWithCompatibilityMapping.lowercased()
        var words: [String] = []
        var word = ""
        var closers: [Unicode.Scalar] = []
        func finish() {
            if !word.isEmpty { words.append(word) }
            word = ""
        }
        for scalar in folded.unicodeScalars {
            if let closer = brackets[scalar] {
                closers.append(closer)
            } else if scalar == closers.last {
                closers.removeLast()
                finish()
            } else if !closers.isEmpty || apostrophes.contains(scalar) {
                continue
            } else if isIdeograph(scalar) {
                finish()
                words.append(String(scalar))
            } else if isSeparator(scalar) {
                finish()
            } else {
                word.unicodeScalars.append(scalar)
            }
        }
        finish()
        return words
    }

    private static let brackets: [Unicode.Scalar: Unicode.Scalar] = ["[": "]", "<": ">", "(": ")"]
    private static let apostrophes: Set<Unicode.Scalar> = ["'", "\u{2019}"]

    private static func isSeparator(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter,
            .decimalNumber, .letterNumber, .otherNumber:
            false
        default: true
        }
    }

    private static func isIdeograph(_ scalar: Unicode.Scalar) -> Bool {
        let isKana = (0x3040...0x30ff).contains(scalar.value)
        return scalar.properties.isIdeographic || isKana
    }
}
