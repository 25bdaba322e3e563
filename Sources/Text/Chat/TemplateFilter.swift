import Kernels

/// The filters behind `|`.
enum TemplateFilter: String {
    case tojson, length, trim, upper, lower, capitalize, title, join, first, last, list, string
    case int, float, replace, reverse, sort, unique, map, select, reject, selectattr, rejectattr
    case items, dictsort, safe, abs, indent
    case fallback = "default"

    private static let otherNames: [String: TemplateFilter] = ["count": .length, "d": .fallback]

    /// The filter of that name, also by Jinja's other names for it.
    init?(named name: String) {
        guard let filter = TemplateFilter(rawValue: name) ?? Self.otherNames[name] else {
            return nil
        }
        self = filter
    }

    func apply(
        _ value: TemplateValue, _ arguments: EvaluatedArguments, _ evaluator: TemplateEvaluator
    ) throws -> TemplateValue {
        switch self {
        case .tojson: return .string(try Self.json(value, arguments))
        case .fallback:
            try arguments.only("default_value", "boolean", of: rawValue)
            let isMissing = value.isUndefined || (arguments.flag(1, "boolean") && !value.isTrue)
            return isMissing ? arguments.value(0, "default_value") ?? .string("") : value
        case .length:
            if case .string(let text) = value { return .int(text.unicodeScalars.count) }
            return .int(try elements(value).count)
        case .first: return try elements(value).first ?? .undefined("the first item")
        case .last: return try elements(value).last ?? .undefined("the last item")
        case .list: return .list(try elements(value))
        case .reverse:
            if case .string(let text) = value {
                return .string(String(String.UnicodeScalarView(text.unicodeScalars.reversed())))
            }
            return .list(try elements(value).reversed())
        case .string: return .string(value.text)
        case .safe: return value
        case .items: return .list(try Self.members(value))
        case .int, .float, .abs: return try number(value, arguments)
        case .map, .select, .reject, .selectattr, .rejectattr:
            return .list(try choose(value, arguments, evaluator))
        case .sort, .unique, .dictsort: return .list(try ordered(value, arguments, evaluator))
        case .join:
            try arguments.only("d", "attribute", of: rawValue)
            let separator = arguments.value(0, "d")?.text ?? ""
            let path = arguments.value(1, "attribute")
            let items = try elements(value).map { try attribute($0, path, evaluator).text }
            return .string(items.joined(separator: separator))
        case .trim, .upper, .lower, .capitalize, .title, .replace, .indent:
            return .string(try text(value.text, arguments))
        }
    }

    private func elements(_ value: TemplateValue) throws -> [TemplateValue] {
        guard let elements = value.elements else {
            throw TemplateFailure("the filter '\(rawValue)' does not take \(value.kind)")
        }
        return elements
    }

    private func text(_ text: String, _ arguments: EvaluatedArguments) throws -> String {
        switch self {
        case .trim:
            try arguments.only("chars", of: rawValue)
            return TemplateText.strip(
                text, try arguments.string(0, "chars"), left: true, right: true)
        case .upper: return TemplateText.upper(text)
        case .lower: return TemplateText.lower(text)
        case .capitalize: return TemplateText.capitalized(text)
        case .title: return TemplateText.title(text)
        case .indent: return try indented(text, arguments)
        default:
            try arguments.only("old", "new", "count", of: rawValue)
            guard let old = try arguments.string(0, "old"), let new = try arguments.string(1, "new")
            else { throw TemplateFailure("replace needs two strings") }
            return try TemplateText.replace(text, old, new, countMax: arguments.int(2, "count"))
        }
    }

    private func indented(_ text: String, _ arguments: EvaluatedArguments) throws -> String {
        try arguments.only("width", "first", "blank", of: rawValue)
        let margin: String
        if case .string(let given)? = arguments.value(0, "width") {
            margin = given
        } else {
            margin = String(repeating: " ", count: max(try arguments.int(0, "width") ?? 4, 0))
        }
        let lines = TemplateText.splitLines(text + "\n")
        let marginBlank = arguments.flag(2, "blank")
        let rest = lines.dropFirst().map { $0.isEmpty && !marginBlank ? "" : margin + $0 }
        let first = (arguments.flag(1, "first") ? margin : "") + (lines.first ?? "")
        return ([first] + rest).joined(separator: "\n")
    }

    private func number(
        _ value: TemplateValue, _ arguments: EvaluatedArguments
    ) throws -> TemplateValue {
        if self == .abs {
            if let integer = value.integer, integer != .min { return .int(Swift.abs(integer)) }
            guard let number = value.number else {
                throw TemplateFailure("the filter 'abs' does not take \(value.kind)")
            }
            return .double(number.magnitude)
        }
        try arguments.only("default", of: rawValue)
        var number = value.number
        if case .string(let text) = value {
            let digits = TemplateText.strip(text, nil, left: true, right: true)
            if self == .int, let integer = Int(digits) { return .int(integer) }
            number = Double(digits)
        }
        if self == .float {
            return number.map { .double($0) } ?? arguments.value(0, "default") ?? .double(0)
        }
        if let integer = value.integer { return .int(integer) }
        return number.flatMap { Int(exactly: $0.rounded(.towardZero)) }.map { .int($0) }
            ?? arguments.value(0, "default") ?? .int(0)
    }

    // MARK: filters over items

    /// The attribute a path such as "function.name" leads to; the item itself without a path.
    private func attribute(
        _ item: TemplateValue, _ path: TemplateValue?, _ evaluator: TemplateEvaluator
    ) throws -> TemplateValue {
        switch path {
        case nil, .some(.none): return item
        case .some(.string(let text)):
            return try TemplateText.split(text, ".", countMax: nil).reduce(item) { value, part in
                try evaluator.item(value, Int(part).map { .int($0) } ?? .string(part))
            }
        case .some(let index): return try evaluator.item(item, index)
        }
    }

    private func choose(
        _ value: TemplateValue, _ arguments: EvaluatedArguments, _ evaluator: TemplateEvaluator
    ) throws -> [TemplateValue] {
        let items = try elements(value)
        var rest = arguments.positional[...]
        if self == .map {
            if let path = arguments.named["attribute"] {
                let fallback = arguments.named["default"]
                return try items.map { item in
                    let found = try attribute(item, path, evaluator)
                    return found.isUndefined ? fallback ?? found : found
                }
            }
            guard case .string(let name)? = rest.popFirst(),
                let filter = TemplateFilter(named: name)
            else { throw TemplateFailure("map needs an attribute or the name of a filter") }
            let inner = EvaluatedArguments(positional: Array(rest), named: arguments.named)
            return try items.map { try filter.apply($0, inner, evaluator) }
        }
        var path: TemplateValue?
        if self == .selectattr || self == .rejectattr {
            path = rest.popFirst()
            guard path != nil else { throw TemplateFailure("\(rawValue) needs an attribute") }
        }
        var test: TemplateTest?
        if let first = rest.popFirst() {
            guard case .string(let name) = first, let named = TemplateTest(named: name) else {
                throw TemplateFailure("\(rawValue) needs the name of a test")
            }
            test = named
        }
        let keeps = self == .select || self == .selectattr
        let inner = EvaluatedArguments(positional: Array(rest), named: arguments.named)
        return try items.filter { item in
            let tested = try attribute(item, path, evaluator)
            return try (test?.holds(tested, inner) ?? tested.isTrue) == keeps
        }
    }

    private static func members(_ value: TemplateValue) throws -> [TemplateValue] {
        switch value {
        case .undefined: return []
        case .map(let map):
            return zip(map.keys, map.values).map { .tuple([.string($0), $1]) }
        default: throw TemplateFailure("the filter 'items' does not take \(value.kind)")
        }
    }

    /// Sorting, without regard to case unless asked.
    private func ordered(
        _ value: TemplateValue, _ arguments: EvaluatedArguments, _ evaluator: TemplateEvaluator
    ) throws -> [TemplateValue] {
        var items: [TemplateValue]
        let isSensitive: Bool
        var path: TemplateValue?
        var reversed = false
        switch self {
        case .dictsort:
            try arguments.only("case_sensitive", "by", "reverse", of: rawValue)
            items = try Self.members(value)
            isSensitive = arguments.flag(0, "case_sensitive")
            path = .int(try arguments.string(1, "by") == "value" ? 1 : 0)
            reversed = arguments.flag(2, "reverse")
        case .sort:
            try arguments.only("reverse", "case_sensitive", "attribute", of: rawValue)
            items = try elements(value)
            reversed = arguments.flag(0, "reverse")
            isSensitive = arguments.flag(1, "case_sensitive")
            path = arguments.value(2, "attribute")
        default:
            try arguments.only("case_sensitive", "attribute", of: rawValue)
            items = try elements(value)
            isSensitive = arguments.flag(0, "case_sensitive")
            path = arguments.value(1, "attribute")
        }
        func key(_ item: TemplateValue) throws -> TemplateValue {
            let value = try attribute(item, path, evaluator)
            guard !isSensitive, case .string(let text) = value else { return value }
            return .string(TemplateText.lower(text))
        }
        let keyed = try items.map { (key: try key($0), item: $0) }
        if self == .unique {
            var seen: [TemplateValue] = []
            return keyed.compactMap { key, item in
                if seen.contains(where: { TemplateValue.same($0, key) }) { return nil }
                seen.append(key)
                return item
            }
        }
        return try Self.sorted(keyed, reversed: reversed)
    }

    /// A stable sort; equal items keep their order also when reversed.
    private static func sorted(
        _ keyed: [(key: TemplateValue, item: TemplateValue)], reversed: Bool
    ) throws -> [TemplateValue] {
        let order = try keyed.indices.sorted { left, right in
            let (first, second) = reversed ? (right, left) : (left, right)
            guard
                let precedes = TemplateValue.precedes(keyed[first].key, keyed[second].key),
                let follows = TemplateValue.precedes(keyed[second].key, keyed[first].key)
            else { throw TemplateFailure("cannot sort values of different types") }
            return precedes || (!follows && left < right)
        }
        return order.map { keyed[$0].item }
    }

    // MARK: tojson

    /// The arguments are those the reference gives the filter, which is not Jinja's own.
    private static func json(
        _ value: TemplateValue, _ arguments: EvaluatedArguments
    ) throws -> String {
        try arguments.only("ensure_ascii", "indent", "separators", "sort_keys", of: "tojson")
        guard !arguments.flag(0, "ensure_ascii") else {
            throw TemplateFailure("tojson with ensure_ascii is not supported")
        }
        guard let json = value.json else { throw TemplateFailure("\(value.kind) has no JSON form") }
        var style = JSONStyle(sortedKeys: arguments.flag(3, "sort_keys"))
        if let indent = try arguments.int(1, "indent") {
            style.indent = max(indent, 0)
            style.itemSeparator = ","
        }
        switch arguments.value(2, "separators") {
        case nil, .some(.none): break
        case .some(let separators):
            guard let pair = separators.elements, pair.count == 2, case .string(let item) = pair[0],
                case .string(let key) = pair[1]
            else { throw TemplateFailure("separators of tojson must be two strings") }
            style.itemSeparator = item
            style.keySeparator = key
        }
        return json.serialized(style)
    }
}
