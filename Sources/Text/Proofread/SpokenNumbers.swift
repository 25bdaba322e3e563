/// Finds the numbers of a text, written in digits or in English or Chinese words, in a form that
/// can be compared: "1,000", "one thousand" and "一千" are all "1000".
///
/// Digits are kept as they stand (007 is not 7), so that no digit can disappear unnoticed.
enum SpokenNumbers {
    private static let small: [String: Int] = [
        "zero": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7,
        "eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13,
        "fourteen": 14, "fifteen": 15, "sixteen": 16, "seventeen": 17, "eighteen": 18,
        "nineteen": 19,
    ]
    private static let tens: [String: Int] = [
        "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70,
        "eighty": 80, "ninety": 90,
    ]
    private static let scales: [String: Int] = [
        "hundred": 100, "thousand": 1000, "million": 1_000_000, "billion": 1_000_000_000,
    ]
    private static let ordinals: [String: Int] = [
        "first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7,
        "eighth": 8, "ninth": 9, "tenth": 10, "eleventh": 11, "twelfth": 12, "thirteenth": 13,
        "fourteenth": 14, "fifteenth": 15, "sixteenth": 16, "seventeenth": 17, "eighteenth": 18,
        "nineteenth": 19, "twentieth": 20, "thirtieth": 30,
    ]
    private static let chineseDigits: [Character: Int] = [
        "〇": 0, "零": 0, "一": 1, "二": 2, "兩": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6,
        "七": 7, "八": 8, "九": 9,
    ]
    private static let chineseScales: [Character: Int] = [
        "十": 10, "百": 100, "千": 1000, "萬": 10_000, "万": 10_000, "億": 100_000_000,
        "亿": 100_000_000,
    ]
    /// Spelled numbers are not added up any further from here, far from overflow.
    private static let valueMax = 1_000_000_000

    /// Whether this unit alone is a spelled number.
    static func isNumberWord(_ unit: TextUnit) -> Bool {
        if unit.kind == .ideograph, let character = unit.key.first {
            return chineseDigits[character] != nil || chineseScales[character] != nil
        }
        return small[unit.key] != nil || tens[unit.key] != nil || scales[unit.key] != nil
            || ordinals[unit.key] != nil
    }

    /// Every number in order.
    static func values(in units: [TextUnit]) -> [String] {
        var result: [String] = []
        var index = 0
        while index < units.count {
            let unit = units[index]
            if unit.hasDigit {
                result += digitRuns(in: unit.key)
                index += 1
            } else if isNumberWord(unit) {
                let (value, next) =
                    unit.kind == .ideograph ? chinese(units, index) : english(units, index)
                result.append(value)
                index = next
            } else {
                index += 1
            }
        }
        return result
    }

    /// "1,000" is 1000, "1,2,3" three numbers, "3.50" stays 3.50, "mp3" has a 3.
    private static func digitRuns(in key: String) -> [String] {
        let allowed = Set<Character>("0123456789.,-")
        return key.split { !allowed.contains($0) }.flatMap { run -> [String] in
            let groups = run.split(separator: ",", omittingEmptySubsequences: false)
            let isGrouped =
                groups.count > 1 && (1...3).contains(groups[0].drop { $0 == "-" }.count)
                && groups.dropFirst().allSatisfy { $0.prefix { $0 != "." }.count == 3 }
            return isGrouped ? [groups.joined()] : groups.map(String.init)
        }
    }

    /// "two hundred and five" from `start`: its value and the index behind it.
    private static func english(_ units: [TextUnit], _ start: Int) -> (String, Int) {
        if let ordinal = ordinals[units[start].key] { return (String(ordinal), start + 1) }
        var total = 0
        var group = 0
        var allowsTens = true
        var allowsUnits = true
        var index = start
        while index < units.count, total < valueMax, group < valueMax {
            let key = units[index].key
            if let value = small[key] ?? ordinals[key].flatMap({ $0 < 20 ? $0 : nil }) {
                guard allowsUnits, value < 10 || allowsTens, index == start || value > 0 else {
                    break
                }
                group += value
                (allowsTens, allowsUnits) = (false, false)
            } else if let value = tens[key] {
                guard allowsTens else { break }
                group += value
                (allowsTens, allowsUnits) = (false, true)
            } else if let scale = scales[key] {
                if scale == 100 {
                    group = max(group, 1) * scale
                } else {
                    total += max(group, index == start ? 1 : 0) * scale
                    group = 0
                }
                (allowsTens, allowsUnits) = (true, true)
            } else if key == "and", scales[units[index - 1].key] != nil, index + 1 < units.count,
                small[units[index + 1].key] != nil || tens[units[index + 1].key] != nil
            {
                index += 1
                continue
            } else {
                break
            }
            index += 1
        }
        let whole = String(total + group)
        guard index + 1 < units.count, units[index].key == "point" else {
            return (whole, index)
        }
        var fraction = ""
        var next = index + 1
        while next < units.count, let digit = small[units[next].key], digit < 10 {
            fraction += String(digit)
            next += 1
        }
        return fraction.isEmpty ? (whole, index) : (whole + "." + fraction, next)
    }

    /// A run of Chinese numerals from `start`: "三十五" is 35, "二零二六" 2026.
    private static func chinese(_ units: [TextUnit], _ start: Int) -> (String, Int) {
        var end = start
        while end < units.count, units[end].kind == .ideograph, isNumberWord(units[end]),
            end == start || units[end - 1].after.isEmpty
        {
            end += 1
        }
        let characters = units[start..<end].compactMap(\.key.first)
        if characters.allSatisfy({ chineseDigits[$0] != nil }) {
            return (characters.map { String(chineseDigits[$0] ?? 0) }.joined(), end)
        }
        var total = 0
        var section = 0
        var digit: Int?
        for character in characters where total < valueMax && section < valueMax {
            if let value = chineseDigits[character] {
                digit = value
            } else if let scale = chineseScales[character] {
                if scale < 10_000 {
                    section += (digit ?? 1) * scale
                } else {
                    total += max(section + (digit ?? 0), 1) * scale
                    section = 0
                }
                digit = nil
            }
        }
        return (String(total + section + (digit ?? 0)), end)
    }
}
