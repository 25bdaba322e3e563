/// A text as one run of letters: what a copy of it is compared with, whatever its tokens, spaces,
/// marks and capitals are.
struct CopiedText: Sendable {
    let units: [TextUnit]
    /// Of all units, in small letters.
    let letters: [UInt8]
    /// Where each unit begins, and last where the text ends.
    let starts: [Int]
    /// The unit that each letter belongs to, and last the number of units.
    private let unitAt: [Int]
    /// Units that may come next instead of one: behind a hesitation or a repetition.
    private let shortcuts: [Int: [Int]]
    private let hesitations: Set<Int>
    /// Whether the text has marks and capitals: it was written by one who knows where they go.
    let isPunctuated: Bool

    static let marks: Set<Character> = [".", ",", ";", ":", "?", "!"]
    private static let phrases = [["you", "know"], ["i", "mean"]]
    private static let repeatedUnitsMax = 4

    init(_ text: String) {
        let read = TextUnits(text)
        units = read.units
        var letters: [UInt8] = []
        var starts: [Int] = []
        var unitAt: [Int] = []
        for (index, unit) in units.enumerated() {
            starts.append(letters.count)
            letters += unit.text.copiedLetters
            unitAt += Array(repeating: index, count: letters.count - unitAt.count)
        }
        (self.letters, self.starts) = (letters, starts + [letters.count])
        self.unitAt = unitAt + [units.count]
        hesitations = Fillers.indices(in: read)
        isPunctuated =
            units.contains { $0.after.contains(where: Self.marks.contains) }
            && units.contains(where: \.isCapitalised)
        shortcuts = Self.shortcuts(units.map(\.key), hesitations)
    }

    private static func shortcuts(_ keys: [String], _ hesitations: Set<Int>) -> [Int: [Int]] {
        var found = Dictionary(uniqueKeysWithValues: hesitations.map { ($0, [$0 + 1]) })
        let spoken = keys.indices.filter { !hesitations.contains($0) }
        for (place, index) in spoken.enumerated() {
            var ends: [Int] = []
            if phrases.contains(where: { keys[index...].starts(with: $0) }) {
                ends.append(index + 2)
            }
            for count in 1...repeatedUnitsMax where place >= count && place + count <= spoken.count
            {
                let (before, here) = (spoken[place - count..<place], spoken[place..<place + count])
                guard before.map({ keys[$0] }) == here.map({ keys[$0] }) else { continue }
                ends.append(place + count < spoken.count ? spoken[place + count] : keys.count)
            }
            if !ends.isEmpty { found[index] = ends }
        }
        return found
    }

    /// The unit that the letter at a place belongs to.
    func unit(at place: Int) -> Int { unitAt[place] }

    /// Whether a space comes before a unit, as it does before the first in a longer text.
    func isBehindSpace(_ unit: Int) -> Bool {
        unit == 0 || units[unit - 1].after.contains(where: \.isWhitespace)
    }

    /// Whether a place is between two units without a mark.
    func isUnmarked(_ place: Int) -> Bool {
        let next = unitAt[place]
        return isStart(place) && units.indices.dropFirst().contains(next)
            && !units[next - 1].after.contains(where: Self.marks.contains)
    }

    /// Whether a unit begins, or the text ends, at a place.
    func isStart(_ place: Int) -> Bool { starts[unitAt[place]] == place }

    /// A place, and those that leaving out hesitations and repetitions leads to from it.
    func ways(from place: Int) -> [Int] {
        guard isStart(place), shortcuts[unitAt[place]] != nil else { return [place] }
        var found = [place]
        var next = 0
        while next < found.count {
            for unit in shortcuts[unitAt[found[next]]] ?? [] where !found.contains(starts[unit]) {
                found.append(starts[unit])
            }
            next += 1
        }
        return found
    }

    /// The same place, or that behind the hesitations there.
    func behindHesitations(_ place: Int) -> Int {
        guard isStart(place) else { return place }
        var unit = unitAt[place]
        while hesitations.contains(unit) { unit += 1 }
        return starts[unit]
    }
}

extension StringProtocol {
    /// Letters and digits alone, small and of half width, as UTF-8.
    var copiedLetters: [UInt8] {
        var result: [UInt8] = []
        for scalar in unicodeScalars {
            switch scalar.value {
            case 0x41...0x5A: result.append(UInt8(scalar.value) | 0x20)
            case 0x30...0x39, 0x61...0x7A: result.append(UInt8(scalar.value))
            case 0..<0x80: continue
            case 0xFF01...0xFF5E:
                let half = Unicode.Scalar(UInt8(scalar.value - 0xFEE0))
                if half.properties.isAlphabetic || half.properties.numericType != nil {
                    result += half.properties.lowercaseMapping.utf8
                }
            default:
                let properties = scalar.properties
                if properties.isAlphabetic || properties.numericType != nil
                    || properties.generalCategory == .nonspacingMark
                {
                    result += properties.lowercaseMapping.utf8
                }
            }
        }
        return result
    }
}
