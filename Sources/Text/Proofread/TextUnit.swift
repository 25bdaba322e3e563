/// A word, a number, or one character of a script that is written without spaces: what the guard
/// compares. Punctuation belongs to the unit before it.
struct TextUnit: Equatable {
    enum Kind { case word, number, ideograph }

    /// As written.
    var text: String
    /// What is compared: lower case, without apostrophes, digits and Latin letters half width.
    let key: String
    let kind: Kind
    /// Punctuation and space up to the next unit.
    var after = ""
    /// Whether a capital is due here anyway.
    var startsSentence = false

    var isCapitalised: Bool {
        guard kind == .word, let first = text.unicodeScalars.first else { return false }
        return first.properties.isUppercase
    }

    /// The same with a capital in front.
    func capitalised() -> TextUnit {
        var unit = self
        unit.text = text.prefix(1).uppercased() + text.dropFirst()
        return unit
    }

    var hasDigit: Bool {
        key.utf8.contains { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }
}

/// A text as units, with what precedes the first of them.
struct TextUnits {
    private(set) var units: [TextUnit] = []
    /// Opening quotes and the like.
    private(set) var before = ""

    /// Abbreviations whose full stop does not end a sentence.
    private static let abbreviations: Set<String> = [
        "mr", "mrs", "ms", "dr", "prof", "st", "jr", "sr", "vs", "etc", "no",
    ]
    private static let sentenceEnds = Set<Unicode.Scalar>(".!?。！？…:：\n\"“「『«".unicodeScalars)

    init(_ text: String) {
        var scanner = UnitScanner(text)
        before = scanner.takeGap()
        var startsSentence = true
        while var unit = scanner.takeUnit(after: units.last?.after ?? before) {
            unit.after = scanner.takeGap()
            unit.startsSentence = startsSentence
            startsSentence = Self.endsSentence(unit)
            units.append(unit)
        }
    }

    private static func endsSentence(_ unit: TextUnit) -> Bool {
        guard unit.after.unicodeScalars.contains(where: sentenceEnds.contains) else { return false }
        let isInitial = unit.kind == .word && unit.key.count == 1 && unit.key != "i"
        let isShortened = abbreviations.contains(unit.key) || isInitial
        return !(isShortened && unit.after.hasPrefix(". "))
    }

    /// Takes units out, keeping the punctuation that followed them. Returns what was taken.
    mutating func remove(where isRemoved: (_ index: Int, _ units: [TextUnit]) -> Bool) -> [TextUnit]
    {
        var kept: [TextUnit] = []
        var removed: [TextUnit] = []
        var startsSentence = false
        for (index, var unit) in units.enumerated() {
            if isRemoved(index, units) {
                removed.append(unit)
                startsSentence = startsSentence || unit.startsSentence
                if kept.isEmpty {
                    before += unit.after
                } else {
                    kept[kept.count - 1].after += unit.after
                }
            } else {
                unit.startsSentence = unit.startsSentence || startsSentence
                startsSentence = false
                kept.append(unit)
            }
        }
        units = kept
        return removed
    }
}

/// Cuts a text into units and the gaps between them.
private struct UnitScanner {
    private let scalars: [Unicode.Scalar]
    private var place = 0

    init(_ text: String) { scalars = Array(text.unicodeScalars) }

    mutating func takeGap() -> String {
        let start = place
        while place < scalars.count, !Self.isWordPart(scalars[place]) { place += 1 }
        return string(start..<place)
    }

    /// The next unit; `gap` precedes it, since a minus sign changes a number.
    mutating func takeUnit(after gap: String) -> TextUnit? {
        guard place < scalars.count else { return nil }
        let start = place
        place += 1
        if ChineseText.isIdeograph(scalars[start]) {
            let text = string(start..<place)
            return TextUnit(text: text, key: text, kind: .ideograph)
        }
        while place < scalars.count, continuesWord() { place += 1 }
        let text = string(start..<place)
        var key = ""
        for scalar in scalars[start..<place] where !Self.isApostrophe(scalar) {
            key += Self.halfWidth(scalar).properties.lowercaseMapping
        }
        let isNumber = key.unicodeScalars.allSatisfy { Self.isDigit($0) || $0 == "." || $0 == "," }
        let isSigned = gap.last == "-" || gap.last == "\u{2212}"
        let isNegative = isNumber && isSigned && (start == 1 || gap.dropLast().last == " ")
        return TextUnit(
            text: text, key: isNegative ? "-" + key : key, kind: isNumber ? .number : .word)
    }

    /// Letters, digits and marks go on; an apostrophe between letters and a point or comma between
    /// digits belong to the word.
    private func continuesWord() -> Bool {
        let scalar = scalars[place]
        if ChineseText.isIdeograph(scalar) { return false }
        if Self.isWordPart(scalar) { return true }
        guard place + 1 < scalars.count else { return false }
        let previous = scalars[place - 1]
        let next = scalars[place + 1]
        if Self.isApostrophe(scalar) {
            return previous.properties.isAlphabetic && next.properties.isAlphabetic
        }
        return (scalar == "." || scalar == ",") && Self.isDigit(previous) && Self.isDigit(next)
    }

    private func string(_ range: Range<Int>) -> String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars[range])
        return String(view)
    }

    private static func isWordPart(_ scalar: Unicode.Scalar) -> Bool {
        let properties = scalar.properties
        return properties.isAlphabetic || properties.numericType != nil
            || properties.generalCategory == .nonspacingMark
    }

    private static func isDigit(_ scalar: Unicode.Scalar) -> Bool {
        ("0"..."9").contains(halfWidth(scalar))
    }

    private static func isApostrophe(_ scalar: Unicode.Scalar) -> Bool {
        scalar == "'" || scalar == "\u{2019}" || scalar == "\u{02BC}"
    }

    /// Full-width ASCII (U+FF01 to U+FF5E) and the digits of other scripts as ASCII.
    private static func halfWidth(_ scalar: Unicode.Scalar) -> Unicode.Scalar {
        if scalar.properties.numericType == .decimal, let value = scalar.properties.numericValue {
            return Unicode.Scalar(UInt8(ascii: "0") + UInt8(value))
        }
        guard (0xFF01...0xFF5E).contains(scalar.value) else { return scalar }
        return Unicode.Scalar(scalar.value - 0xFEE0) ?? scalar
    }
}
