import Kernels

/// A decimal number without an exponent, digit by digit.
struct Decimal: Hashable, Sendable {
    var isNegative = false
    /// Without zeros in front, but for zero itself.
    var whole: [UInt8] = [0]
    /// Without zeros at the end.
    var fraction: [UInt8] = []

    /// Zero.
    init() {}

    /// The largest number of so many digits, without a fraction.
    init(nines count: Int) { whole = Array(repeating: 9, count: count) }

    /// An integer or a finite double, from its shortest digits; nil for other values.
    init?(_ value: JSONValue) {
        let text: String
        switch value {
        case .int(let number): text = "\(number)"
        case .double(let number) where number.isFinite: text = JSONValue.pythonText(number)
        default: return nil
        }
        let parts = text.split(separator: "e")
        guard let mantissa = parts.first else { return nil }
        let exponent = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
        isNegative = mantissa.hasPrefix("-")
        let point = mantissa.split(separator: ".")
        var digits = mantissa.utf8.compactMap { (48...57).contains($0) ? $0 - 48 : nil }
        var count = point[0].utf8.filter { $0 != UInt8(ascii: "-") }.count + exponent
        if count <= 0 {
            digits.insert(contentsOf: repeatElement(0, count: 1 - count), at: 0)
            count = 1
        }
        if count > digits.count {
            digits.append(contentsOf: repeatElement(0, count: count - digits.count))
        }
        whole = Array(digits[..<count].drop { $0 == 0 })
        if whole.isEmpty { whole = [0] }
        fraction = Array(digits[count...])
        while fraction.last == 0 { fraction.removeLast() }
        if isZero { isNegative = false }
    }

    var isZero: Bool { whole == [0] && fraction.isEmpty }

    var magnitude: Decimal {
        var copy = self
        copy.isNegative = false
        return copy
    }

    /// Significant digits that it takes to tell the number from its neighbours.
    var digitCount: Int { whole.count + fraction.count }

    /// The integer next to the number in a direction, or itself.
    func rounded(up: Bool) -> Decimal {
        guard !fraction.isEmpty else { return self }
        var result = self
        result.fraction = []
        return up != isNegative ? result.magnitudeIncremented : result.normal
    }

    /// The integer after this integer, or the one before it.
    func next(up: Bool) -> Decimal {
        if isZero || up != isNegative {
            var result = magnitudeIncremented
            if isZero { result.isNegative = !up }
            return result
        }
        var result = self
        var index = whole.count - 1
        while result.whole[index] == 0 {
            result.whole[index] = 9
            index -= 1
        }
        result.whole[index] -= 1
        return result.normal
    }

    private var magnitudeIncremented: Decimal {
        var result = self
        var index = whole.count - 1
        while index >= 0, result.whole[index] == 9 {
            result.whole[index] = 0
            index -= 1
        }
        if index >= 0 { result.whole[index] += 1 } else { result.whole.insert(1, at: 0) }
        return result
    }

    private var normal: Decimal {
        var result = self
        result.whole = Array(whole.drop { $0 == 0 })
        if result.whole.isEmpty { result.whole = [0] }
        if result.isZero { result.isNegative = false }
        return result
    }
}

/// An end of a range of numbers.
struct NumberBound: Hashable, Sendable {
    var value: Decimal
    var isInclusive = true

    /// The bound of the negated numbers' magnitudes.
    var magnitude: NumberBound { NumberBound(value: value.magnitude, isInclusive: isInclusive) }
}

extension ByteGrammar {
    /// Digits that every reader of JSON keeps: doubles tell so many apart.
    static let digitsMax = 15
    /// Digits before the point of a number with a fraction where a bound is missing.
    static let wholeDigitsMax = 9
    private static let exponentDigitsMax = 2

    private static let digit = ByteSet(0x30...0x39)
    private static let positive = ByteSet(0x31...0x39)

    /// Any integer of up to `digitsMax` digits.
    mutating func integer(then next: Node) -> Node {
        let digits = digits(0, Self.digitsMax - 1, then: next)
        let positive = bytes(Self.positive, then: digits)
        return either([
            literal("0", then: next), positive, literal("-", then: positive),
        ])
    }

    /// Any number: digits, a fraction, an exponent.
    mutating func number(then next: Node) -> Node {
        let power = digits(1, Self.exponentDigitsMax, then: next)
        let signed = either([power, bytes(ByteSet(0x2B...0x2B, 0x2D...0x2D), then: power)])
        let exponent = either([next, bytes(ByteSet(0x45...0x45, 0x65...0x65), then: signed)])
        let fraction = digits(1, Self.digitsMax, then: exponent)
        let point = either([exponent, literal(".", then: fraction)])
        let whole = either([
            literal("0", then: point),
            bytes(Self.positive, then: digits(0, Self.digitsMax - 1, then: point)),
        ])
        return either([whole, literal("-", then: whole)])
    }

    private mutating func digits(_ least: Int, _ most: Int, then next: Node) -> Node {
        repeated(least, most, then: next) { $0.bytes(Self.digit, then: $1) }
    }

    /// Numbers between two bounds, without exponents; an end that is nil is as far as the digits
    /// go.
    mutating func number(
        from lower: NumberBound?, to upper: NumberBound?, isInteger: Bool, then next: Node
    ) -> Node {
        let zero = NumberBound(value: Decimal())
        let beyondZero = NumberBound(value: Decimal(), isInclusive: false)
        var nodes: [Node] = []
        if !(upper?.value.isNegative ?? false) {
            let isLowPositive = lower.map { !$0.value.isNegative } ?? false
            let low = isLowPositive ? lower ?? zero : zero
            let range = MagnitudeRange(low, upper, isInteger: isInteger)
            nodes.append(magnitude(range, then: next))
        }
        if lower.map({ $0.value.isNegative }) ?? true {
            let isHighNegative = upper?.value.isNegative ?? false
            let low = isHighNegative ? upper?.magnitude ?? beyondZero : beyondZero
            let range = MagnitudeRange(low, lower?.magnitude, isInteger: isInteger)
            nodes.append(literal("-", then: magnitude(range, then: next)))
        }
        return either(nodes)
    }

    private mutating func magnitude(_ range: MagnitudeRange, then next: Node) -> Node {
        let counts = (range.low.value.whole.count, range.high.value.whole.count)
        guard counts.0 <= counts.1 else { return either([]) }
        let nodes = (counts.0...counts.1).map { count in
            var known: [MagnitudeRange.Place: Node] = [:]
            let start = MagnitudeRange.Place(
                index: 0, wholeCount: count, isLow: count == counts.0, isHigh: count == counts.1)
            return digits(at: start, of: range, then: next, &known)
        }
        return either(nodes)
    }

    /// The digits from a place on. Recursion is as deep as numbers are long.
    private mutating func digits(
        at place: MagnitudeRange.Place, of range: MagnitudeRange, then next: Node,
        _ known: inout [MagnitudeRange.Place: Node]
    ) -> Node {
        if let node = known[place] { return node }
        var nodes: [Node] = []
        if place.canEnd, range.allowsEnd(at: place) { nodes.append(next) }
        if !place.isInFraction, place.index == place.wholeCount {
            if range.fractionDigitsMax > 0 {
                var fraction = place
                fraction.isInFraction = true
                nodes.append(
                    literal(".", then: digits(at: fraction, of: range, then: next, &known)))
            }
        } else if place.fractionIndex < range.fractionDigitsMax {
            for (set, after) in range.steps(from: place) {
                nodes.append(
                    bytes(set, then: digits(at: after, of: range, then: next, &known)))
            }
        }
        let node = either(nodes)
        known[place] = node
        return node
    }
}

/// Numbers of one sign, between two magnitudes, compared digit by digit.
private struct MagnitudeRange {
    let low: NumberBound
    let high: NumberBound
    let fractionDigitsMax: Int

    /// How far a number has been read, and whether its digits so far are those of a bound.
    struct Place: Hashable {
        var index: Int
        var wholeCount: Int
        var isLow: Bool
        var isHigh: Bool
        /// Behind the point, also before the first digit there.
        var isInFraction = false

        var fractionIndex: Int { index - wholeCount }
        var canEnd: Bool { isInFraction ? fractionIndex > 0 : index == wholeCount }
    }

    init(_ low: NumberBound, _ high: NumberBound?, isInteger: Bool) {
        self.low = low
        let most = isInteger ? ByteGrammar.digitsMax : ByteGrammar.wholeDigitsMax
        let open = max(most, min(low.value.whole.count + 1, ByteGrammar.digitsMax))
        self.high = high ?? NumberBound(value: Decimal(nines: open))
        let bounds = max(low.value.fraction.count, self.high.value.fraction.count)
        let free = ByteGrammar.digitsMax - self.high.value.whole.count
        fractionDigitsMax = isInteger ? 0 : max(free, bounds, 1)
    }

    func allowsEnd(at place: Place) -> Bool {
        let rest = max(place.fractionIndex, 0)
        let isAboveLow = !place.isLow || (low.value.fraction.count <= rest && low.isInclusive)
        let isBelowHigh =
            !place.isHigh || high.value.fraction.count > rest || high.isInclusive
        return isAboveLow && isBelowHigh
    }

    /// The digits that can follow, by where they lead.
    func steps(from place: Place) -> [(ByteSet, Place)] {
        func digit(_ bound: NumberBound) -> UInt8 {
            if !place.isInFraction { return bound.value.whole[place.index] }
            let index = place.fractionIndex
            return index < bound.value.fraction.count ? bound.value.fraction[index] : 0
        }
        let isFirst = place.index == 0 && place.wholeCount > 1
        var sets: [Place: ByteSet] = [:]
        for value in UInt8(isFirst ? 1 : 0)...9 {
            if place.isLow, value < digit(low) { continue }
            if place.isHigh, value > digit(high) { continue }
            var after = place
            after.index += 1
            after.isLow = place.isLow && value == digit(low)
            after.isHigh = place.isHigh && value == digit(high)
            sets[after, default: ByteSet()].insert(48 + value)
        }
        return sets.map { ($0.value, $0.key) }
    }
}
