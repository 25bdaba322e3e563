/// A regular expression as `pattern` has it: the part of ECMA-262 that needs no memory of what was
/// read. Without `^` or `$` anything may stand before or behind, as JSON Schema says.
struct Pattern: Hashable, Sendable {
    indirect enum Part: Hashable, Sendable {
        case scalar(ScalarSet)
        case sequence([Part])
        case choice([Part])
        /// `most` nil for no limit.
        case repeated(Part, least: Int, most: Int?)
    }

    let part: Part

    /// Largest count in braces.
    static let countMax = 100_000
    /// Deepest nesting of groups.
    static let depthMax = 100

    /// - Throws: `PatternError`.
    init(_ text: String) throws(PatternError) {
        var reader = PatternReader(text)
        part = try reader.pattern()
    }
}

/// Why a pattern cannot be used; a part of a sentence.
struct PatternError: Error { var description: String }

extension ByteGrammar {
    /// Texts that match a part, each scalar in its one spelling inside a JSON string.
    mutating func match(_ part: Pattern.Part, then next: Node) -> Node {
        switch part {
        case .scalar(let set): return character(set, then: next)
        case .sequence(let parts):
            return parts.reversed().reduce(next) { match($1, then: $0) }
        case .choice(let parts): return either(parts.map { match($0, then: next) })
        case .repeated(let part, let least, let most):
            return repeated(least, most, then: next) { $0.match(part, then: $1) }
        }
    }
}

/// Reads a pattern from left to right.
private struct PatternReader {
    private let scalars: [Unicode.Scalar]
    private var index = 0
    private var depth = 0

    private static let digits = ScalarSet([0x30...0x39])
    private static let word = ScalarSet([0x30...0x39, 0x41...0x5A, 0x5F...0x5F, 0x61...0x7A])
    private static let space = ScalarSet([
        0x09...0x0D, 0x20...0x20, 0xA0...0xA0, 0x1680...0x1680, 0x2000...0x200A, 0x2028...0x2029,
        0x202F...0x202F, 0x205F...0x205F, 0x3000...0x3000, 0xFEFF...0xFEFF,
    ])
    private static let lineEnds = ScalarSet([0x0A...0x0A, 0x0D...0x0D, 0x2028...0x2029])
    private static let controls: [Unicode.Scalar: UInt32] = [
        "n": 0x0A, "r": 0x0D, "t": 0x09, "f": 0x0C, "v": 0x0B, "0": 0,
    ]

    init(_ text: String) { scalars = Array(text.unicodeScalars) }

    private var peek: Unicode.Scalar? { index < scalars.count ? scalars[index] : nil }

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard peek == scalar else { return false }
        index += 1
        return true
    }

    private mutating func take(_ text: String) -> Bool {
        guard scalars[index...].starts(with: text.unicodeScalars) else { return false }
        index += text.unicodeScalars.count
        return true
    }

    /// Alternatives, each with its own anchors.
    mutating func pattern() throws(PatternError) -> Pattern.Part {
        let anything = Pattern.Part.repeated(.scalar(.all), least: 0, most: nil)
        var choices: [Pattern.Part] = []
        repeat {
            var parts = take("^") ? [] : [anything]
            parts.append(try sequence())
            if !take("$") { parts.append(anything) }
            choices.append(.sequence(parts))
        } while take("|")
        guard let left = peek else { return .choice(choices) }
        throw PatternError(
            description: left == ")" ? "\")\" without \"(\"" : "an anchor inside the expression")
    }

    private mutating func sequence() throws(PatternError) -> Pattern.Part {
        var parts: [Pattern.Part] = []
        while let next = peek, next != "|", next != ")", next != "$" {
            if next == "^" { throw PatternError(description: "an anchor inside the expression") }
            parts.append(try quantified(try atom()))
        }
        return .sequence(parts)
    }

    private mutating func group() throws(PatternError) -> Pattern.Part {
        depth += 1
        guard depth <= Pattern.depthMax else {
            throw PatternError(
                description: "more than \(Pattern.depthMax) groups inside each other")
        }
        if take("?"), !take(":") {
            throw PatternError(description: "\"(?\": only (?: groups are known")
        }
        var choices = [try sequence()]
        while take("|") { choices.append(try sequence()) }
        guard take(")") else {
            throw PatternError(
                description: peek == "$" ? "an anchor inside the expression" : "\"(\" without \")\""
            )
        }
        depth -= 1
        return .choice(choices)
    }

    private mutating func atom() throws(PatternError) -> Pattern.Part {
        let scalar = scalars[index]
        index += 1
        switch scalar {
        case "(": return try group()
        case "[": return .scalar(try set())
        case ".": return .scalar(Self.lineEnds.inverted)
        case "\\": return .scalar(try escape())
        case "*", "+", "?": throw PatternError(description: "\"\(scalar)\" repeats nothing")
        default: return .scalar(ScalarSet([scalar]))
        }
    }

    private mutating func quantified(_ part: Pattern.Part) throws(PatternError) -> Pattern.Part {
        let start = index
        var counts: (least: Int, most: Int?)
        if take("*") {
            counts = (0, nil)
        } else if take("+") {
            counts = (1, nil)
        } else if take("?") {
            counts = (0, 1)
        } else if take("{"), let least = try count() {
            counts = (least, least)
            if take(",") { counts.most = try count() }
            guard take("}") else { throw PatternError(description: "\"{\" without \"}\"") }
        } else {
            guard index == start else {
                throw PatternError(description: "\"{\" without a count; write \\{")
            }
            return part
        }
        // What is taken first is the model's choice: a lazy count allows the same texts.
        _ = take("?")
        if let most = counts.most, most < counts.least {
            throw PatternError(description: "{\(counts.least),\(most)} is empty")
        }
        if let next = peek, ["*", "+", "?", "{"].contains(next) {
            throw PatternError(description: "\"\(next)\" repeats a count")
        }
        return .repeated(part, least: counts.least, most: counts.most)
    }

    private mutating func count() throws(PatternError) -> Int? {
        var value: Int?
        while let digit = peek?.value, (0x30...0x39).contains(digit) {
            let next = (value ?? 0) * 10 + Int(digit - 0x30)
            guard next <= Pattern.countMax else {
                throw PatternError(description: "a count above \(Pattern.countMax)")
            }
            value = next
            index += 1
        }
        return value
    }

    private mutating func set() throws(PatternError) -> ScalarSet {
        let isInverted = take("^")
        var set = ScalarSet([ClosedRange<UInt32>]())
        while !take("]") {
            let first = try member()
            var part = first
            if peek == "-", index + 1 < scalars.count, scalars[index + 1] != "]" {
                index += 1
                let last = try member()
                guard let low = first.single, let high = last.single, low <= high else {
                    throw PatternError(description: "a range without order in [...]")
                }
                part = ScalarSet([low...high])
            }
            set = set.union(part)
        }
        return isInverted ? set.inverted : set
    }

    private mutating func member() throws(PatternError) -> ScalarSet {
        guard let scalar = peek else { throw PatternError(description: "\"[\" without \"]\"") }
        index += 1
        guard scalar == "\\" else { return ScalarSet([scalar]) }
        return take("b") ? ScalarSet([8...8]) : try escape()
    }

    /// What stands behind a backslash.
    private mutating func escape() throws(PatternError) -> ScalarSet {
        guard let scalar = peek else { throw PatternError(description: "\"\\\" at the end") }
        index += 1
        switch scalar {
        case "d": return Self.digits
        case "D": return Self.digits.inverted
        case "w": return Self.word
        case "W": return Self.word.inverted
        case "s": return Self.space
        case "S": return Self.space.inverted
        case "x": return try number(digits: 2)
        case "u" where take("{"):
            let set = try number(digits: nil)
            guard take("}") else { throw PatternError(description: "\"{\" without \"}\"") }
            return set
        case "u": return try number(digits: 4)
        default:
            if let control = Self.controls[scalar] { return ScalarSet([control...control]) }
            guard !scalar.properties.isAlphabetic, !Self.digits.contains(scalar) else {
                throw PatternError(description: "\"\\\(scalar)\" is not known here")
            }
            return ScalarSet([scalar])
        }
    }

    /// - Parameter digits: how many hexadecimal digits; nil for as many as there are.
    private mutating func number(digits: Int?) throws(PatternError) -> ScalarSet {
        var text = ""
        while text.count < digits ?? 8, let next = peek, next.properties.isASCIIHexDigit {
            text.unicodeScalars.append(next)
            index += 1
        }
        guard text.count == digits ?? text.count, let value = UInt32(text, radix: 16),
            let scalar = Unicode.Scalar(value)
        else { throw PatternError(description: "\"\\u\(text)\" is no character") }
        return ScalarSet([scalar])
    }
}

extension ScalarSet {
    /// The scalar of a set of one.
    fileprivate var single: UInt32? {
        guard ranges.count == 1, ranges[0].count == 1 else { return nil }
        return ranges[0].lowerBound
    }
}
