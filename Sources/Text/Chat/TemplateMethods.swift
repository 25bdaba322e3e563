/// Methods of strings, mappings and the loop.
enum TemplateMethods {
    /// Methods of mappings.
    static let ofMaps: Set<String> = ["items", "keys", "values", "get"]

    private static let ofStrings: Set<String> = [
        "split", "strip", "lstrip", "rstrip", "startswith", "endswith", "upper", "lower",
        "capitalize", "replace", "find", "count", "splitlines", "removeprefix", "removesuffix",
        "isdigit", "isspace", "join",
    ]

    /// Every name that may be called; others are refused when the template is read.
    static let names = ofMaps.union(ofStrings).union(["cycle"])

    static func call(
        _ name: String, on owner: TemplateValue, _ arguments: EvaluatedArguments
    ) throws -> TemplateValue {
        switch owner {
        case .undefined(let what): throw TemplateFailure("'\(what)' is undefined")
        case .string(let text) where ofStrings.contains(name):
            return try call(name, on: text, arguments)
        case .map(let map) where ofMaps.contains(name):
            return try call(name, on: map, arguments)
        case .loop(let loop) where name == "cycle":
            guard !arguments.positional.isEmpty else { throw TemplateFailure("cycle of nothing") }
            return arguments.positional[loop.index % arguments.positional.count]
        default: throw TemplateFailure("\(owner.kind) has no method '\(name)'")
        }
    }

    private static func call(
        _ name: String, on map: TemplateMap, _ arguments: EvaluatedArguments
    ) throws -> TemplateValue {
        switch name {
        case "keys": return .list(map.keys.map { .string($0) })
        case "values": return .list(map.values)
        case "items":
            return .list(zip(map.keys, map.values).map { .tuple([.string($0), $1]) })
        default:
            try arguments.only("key", "default", of: name)
            guard case .string(let key)? = arguments.value(0, "key") else {
                return arguments.value(1, "default") ?? .none
            }
            return map[key] ?? arguments.value(1, "default") ?? .none
        }
    }

    private static func call(
        _ name: String, on text: String, _ arguments: EvaluatedArguments
    ) throws -> TemplateValue {
        switch name {
        case "split":
            try arguments.only("sep", "maxsplit", of: name)
            let countMax = try arguments.int(1, "maxsplit").flatMap { $0 < 0 ? nil : $0 }
            guard let separator = try arguments.string(0, "sep") else {
                let pieces = TemplateText.splitSpace(text, countMax: countMax)
                return .list(pieces.map { .string($0) })
            }
            let pieces = try TemplateText.split(text, separator, countMax: countMax)
            return .list(pieces.map { .string($0) })
        case "splitlines":
            try arguments.only(of: name)
            return .list(TemplateText.splitLines(text).map { .string($0) })
        case "strip", "lstrip", "rstrip":
            try arguments.only("chars", of: name)
            return .string(
                TemplateText.strip(
                    text, try arguments.string(0, "chars"), left: name != "rstrip",
                    right: name != "lstrip"))
        case "startswith", "endswith":
            try arguments.only("part", of: name)
            return .bool(try begins(text, arguments.value(0, "part"), atEnd: name == "endswith"))
        case "replace":
            try arguments.only("old", "new", "count", of: name)
            guard let old = try arguments.string(0, "old"), let new = try arguments.string(1, "new")
            else { throw TemplateFailure("replace needs two strings") }
            return .string(
                try TemplateText.replace(text, old, new, countMax: arguments.int(2, "count")))
        case "upper": return .string(TemplateText.upper(text))
        case "lower": return .string(TemplateText.lower(text))
        case "capitalize": return .string(TemplateText.capitalized(text))
        default: return try search(name, in: text, arguments)
        }
    }

    private static func search(
        _ name: String, in text: String, _ arguments: EvaluatedArguments
    ) throws -> TemplateValue {
        if name == "isdigit" || name == "isspace" {
            try arguments.only(of: name)
            let holds = text.unicodeScalars.allSatisfy {
                name == "isspace"
                    ? $0.properties.isWhitespace
                    : $0.properties.numericType == .decimal || $0.properties.numericType == .digit
            }
            return .bool(!text.isEmpty && holds)
        }
        try arguments.only("part", of: name)
        if name == "join" {
            guard let items = arguments.value(0, "part")?.elements else {
                throw TemplateFailure("join needs a list")
            }
            return .string(try items.map(string).joined(separator: text))
        }
        guard let part = try arguments.string(0, "part") else {
            throw TemplateFailure("\(name) needs a string")
        }
        let (bytes, wanted) = (Array(text.utf8), Array(part.utf8))
        switch name {
        case "find":
            let place = TemplateText.find(wanted, in: bytes, from: 0)
            return .int(place.map { bytes[..<$0].count { $0 & 0xC0 != 0x80 } } ?? -1)
        case "count":
            return .int(try TemplateText.split(text, part, countMax: nil).count - 1)
        case "removeprefix":
            let holds = TemplateText.hasPrefix(text, part)
            return .string(
                holds ? String(decoding: bytes[wanted.count...], as: UTF8.self) : text)
        case "removesuffix":
            let holds = TemplateText.hasSuffix(text, part)
            return .string(
                holds
                    ? String(decoding: bytes[..<(bytes.count - wanted.count)], as: UTF8.self) : text
            )
        default: throw TemplateFailure("a string has no method '\(name)'")
        }
    }

    private static func string(_ value: TemplateValue) throws -> String {
        guard case .string(let text) = value else {
            throw TemplateFailure("cannot join \(value.kind), want strings")
        }
        return text
    }

    /// The part may be a tuple, of which one must match.
    private static func begins(
        _ text: String, _ part: TemplateValue?, atEnd: Bool
    ) throws -> Bool {
        switch part {
        case .string(let part):
            return atEnd ? TemplateText.hasSuffix(text, part) : TemplateText.hasPrefix(text, part)
        case .tuple(let parts):
            return try parts.contains { try begins(text, $0, atEnd: atEnd) }
        default: throw TemplateFailure("startswith and endswith need a string")
        }
    }
}
