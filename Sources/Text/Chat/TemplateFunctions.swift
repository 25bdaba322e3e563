import Foundation
import Kernels

/// The global functions.
enum TemplateFunction: String {
    /// `range` yields at most this many integers, as in the reference's sandbox.
    static let rangeCountMax = 100_000

    case raiseException = "raise_exception"
    case strftimeNow = "strftime_now"
    case namespace, range, dict

    func call(_ arguments: EvaluatedArguments, now: Date) throws -> TemplateValue {
        switch self {
        case .raiseException:
            try arguments.only("message", of: rawValue)
            throw TemplateFailure(arguments.value(0, "message")?.text ?? "", isRefusal: true)
        case .strftimeNow:
            try arguments.only("format", of: rawValue)
            guard let format = try arguments.string(0, "format") else {
                throw TemplateFailure("strftime_now needs a format")
            }
            return .string(try TemplateDate.text(now, format))
        case .namespace: return .namespace(TemplateNamespace(try members(arguments)))
        case .dict: return .map(try members(arguments))
        case .range: return .list(try range(arguments))
        }
    }

    private func members(_ arguments: EvaluatedArguments) throws -> TemplateMap {
        var map = TemplateMap()
        if let first = arguments.positional.first {
            guard arguments.positional.count == 1, case .map(let members) = first else {
                throw TemplateFailure("\(rawValue) takes one mapping and named arguments")
            }
            map = members
        }
        for (name, value) in zip(arguments.named.keys, arguments.named.values) { map[name] = value }
        return map
    }

    private func range(_ arguments: EvaluatedArguments) throws -> [TemplateValue] {
        let bounds = arguments.positional.compactMap(\.integer)
        guard arguments.named.isEmpty, bounds.count == arguments.positional.count,
            (1...3).contains(bounds.count)
        else { throw TemplateFailure("range takes one to three integers") }
        let step = bounds.count == 3 ? bounds[2] : 1
        guard step != 0 else { throw TemplateFailure("range with step 0") }
        let values = stride(
            from: bounds.count == 1 ? 0 : bounds[0], to: bounds.count == 1 ? bounds[0] : bounds[1],
            by: step)
        let items = values.prefix(Self.rangeCountMax + 1).map { TemplateValue.int($0) }
        guard items.count <= Self.rangeCountMax else {
            throw TemplateFailure("range of more than \(Self.rangeCountMax)")
        }
        return items
    }
}

/// Python's `strftime` in English, in the time zone of the machine.
enum TemplateDate {
    private static let months = [
        "January", "February", "March", "April", "May", "June", "July", "August", "September",
        "October", "November", "December",
    ]
    private static let weekdays = [
        "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday",
    ]

    static func text(_ date: Date, _ format: String) throws -> String {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .current
        let parts = calendar.dateComponents(
            [.year, .month, .day, .hour, .minute, .second, .weekday], from: date)
        var out = ""
        var scalars = format.unicodeScalars.makeIterator()
        while let scalar = scalars.next() {
            guard scalar == "%" else {
                out.unicodeScalars.append(scalar)
                continue
            }
            var letter = scalars.next()
            let isPadded = letter != "-"
            if !isPadded { letter = scalars.next() }
            guard let letter, let field = field(letter, parts, isPadded: isPadded) else {
                throw TemplateFailure("strftime_now does not know the format '\(format)'")
            }
            out += field
        }
        return out
    }

    private static func field(
        _ letter: Unicode.Scalar, _ parts: DateComponents, isPadded: Bool
    ) -> String? {
        func digits(_ value: Int, _ width: Int = 2) -> String {
            let text = String(value)
            guard isPadded, text.count < width else { return text }
            return String(repeating: "0", count: width - text.count) + text
        }
        guard let year = parts.year, let month = parts.month, let day = parts.day,
            let hour = parts.hour, let minute = parts.minute, let second = parts.second,
            let weekday = parts.weekday
        else { return nil }
        switch letter {
        case "Y": return String(year)
        case "y": return digits(year % 100)
        case "m": return digits(month)
        case "d": return digits(day)
        case "H": return digits(hour)
        case "I": return digits((hour + 11) % 12 + 1)
        case "M": return digits(minute)
        case "S": return digits(second)
        case "p": return hour < 12 ? "AM" : "PM"
        case "B": return months[month - 1]
        case "b", "h": return String(months[month - 1].prefix(3))
        case "A": return weekdays[weekday - 1]
        case "a": return String(weekdays[weekday - 1].prefix(3))
        case "F": return "\(year)-\(digits(month))-\(digits(day))"
        case "T": return "\(digits(hour)):\(digits(minute)):\(digits(second))"
        case "%": return "%"
        default: return nil
        }
    }
}
