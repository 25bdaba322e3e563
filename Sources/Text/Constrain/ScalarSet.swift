/// A set of Unicode scalars, as ranges in order that neither touch nor overlap. Surrogates are no
/// scalars and never in it.
struct ScalarSet: Hashable, Sendable {
    private(set) var ranges: [ClosedRange<UInt32>] = []

    private static let scalars: [ClosedRange<UInt32>] = [0...0xD7FF, 0xE000...0x10FFFF]

    /// All scalars.
    static let all = ScalarSet(scalars)

    init(_ ranges: [ClosedRange<UInt32>]) {
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            for part in Self.scalars where part.overlaps(range) { append(range.clamped(to: part)) }
        }
    }

    init(_ scalars: some Sequence<Unicode.Scalar>) {
        self.init(scalars.map { $0.value...$0.value })
    }

    init(_ text: String) { self.init(text.unicodeScalars) }

    /// Takes a range that begins no lower than the last one.
    private mutating func append(_ range: ClosedRange<UInt32>) {
        guard let last = ranges.last, range.lowerBound <= last.upperBound + 1 else {
            ranges.append(range)
            return
        }
        ranges[ranges.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
    }

    var isEmpty: Bool { ranges.isEmpty }

    /// All scalars but these.
    var inverted: ScalarSet {
        var gaps: [ClosedRange<UInt32>] = []
        var start: UInt32 = 0
        for range in ranges {
            if range.lowerBound > start { gaps.append(start...range.lowerBound - 1) }
            start = range.upperBound + 1
        }
        if start <= 0x10FFFF { gaps.append(start...0x10FFFF) }
        return ScalarSet(gaps)
    }

    func union(_ other: ScalarSet) -> ScalarSet { ScalarSet(ranges + other.ranges) }

    func subtracting(_ other: ScalarSet) -> ScalarSet { inverted.union(other).inverted }

    func contains(_ scalar: Unicode.Scalar) -> Bool {
        ranges.contains { $0.contains(scalar.value) }
    }
}

/// A sequence of byte ranges that spells scalars in UTF-8.
struct UTF8Range: Sendable {
    var bytes: [ClosedRange<UInt8>]

    /// Largest scalars of one to four bytes.
    private static let limits: [UInt32] = [0x7F, 0x7FF, 0xFFFF, 0x10FFFF]

    /// The sequences that together spell `range` and nothing else: it is split until all bytes but
    /// one of a part are full ranges (R. Cox, "Regular Expression Matching in the Wild", 2010).
    static func spelling(_ range: ClosedRange<UInt32>) -> [UTF8Range] {
        let (low, high) = (range.lowerBound, range.upperBound)
        for limit in limits where low <= limit && limit < high {
            return spelling(low...limit) + spelling(limit + 1...high)
        }
        guard high > 0x7F else { return [UTF8Range(bytes: [UInt8(low)...UInt8(high)])] }
        let tail = limits.firstIndex { high <= $0 } ?? 3
        for index in 1...tail {
            let mask: UInt32 = 1 << UInt32(6 * index) - 1
            guard low & ~mask != high & ~mask else { continue }
            if low & mask != 0 {
                return spelling(low...low | mask) + spelling((low | mask) + 1...high)
            }
            if high & mask != mask {
                return spelling(low...(high & ~mask) - 1) + spelling(high & ~mask...high)
            }
        }
        let (first, last) = (encoded(low), encoded(high))
        return [UTF8Range(bytes: zip(first, last).map { $0...$1 })]
    }

    private static func encoded(_ value: UInt32) -> [UInt8] {
        Unicode.Scalar(value).map { Array(String($0).utf8) } ?? []
    }
}
