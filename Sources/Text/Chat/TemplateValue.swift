import Kernels

/// A value while a template is rendered. Types and conversions are those of Python, in which chat
/// templates are written.
enum TemplateValue {
    /// What a missing name or member yields: prints as nothing, counts as false, and its own
    /// members cannot be asked for.
    case undefined(String)
    case none
    case bool(Bool)
    case int(Int)
    case double(Double)
    case string(String)
    case list([TemplateValue])
    case tuple([TemplateValue])
    case map(TemplateMap)
    case namespace(TemplateNamespace)
    case loop(TemplateLoopState)
    /// A function or macro by its name; templates ask whether one is defined.
    case function(String)

    init(_ json: JSONValue) {
        switch json {
        case .null: self = .none
        case .bool(let value): self = .bool(value)
        case .int(let value): self = .int(value)
        case .double(let value): self = .double(value)
        case .string(let value): self = .string(value)
        case .array(let elements): self = .list(elements.map { TemplateValue($0) })
        case .object(let object):
            self = .map(
                TemplateMap(keys: object.keys, values: object.values.map { TemplateValue($0) }))
        }
    }

    /// The value as JSON, nil when a part of it has no such form.
    var json: JSONValue? {
        switch self {
        case .none: return .null
        case .bool(let value): return .bool(value)
        case .int(let value): return .int(value)
        case .double(let value): return .double(value)
        case .string(let value): return .string(value)
        case .list(let elements), .tuple(let elements):
            let converted = elements.compactMap(\.json)
            return converted.count == elements.count ? .array(converted) : nil
        case .map(let map):
            var object: JSONObject = [:]
            for (key, value) in zip(map.keys, map.values) {
                guard let json = value.json else { return nil }
                object[key] = json
            }
            return .object(object)
        case .undefined, .namespace, .loop, .function: return nil
        }
    }

    /// What the value is, in the words of an error message.
    var kind: String {
        switch self {
        case .undefined: "undefined"
        case .none: "none"
        case .bool: "a boolean"
        case .int: "an integer"
        case .double: "a float"
        case .string: "a string"
        case .list: "a list"
        case .tuple: "a tuple"
        case .map: "a mapping"
        case .namespace: "a namespace"
        case .loop: "the loop"
        case .function(let name): "the function '\(name)'"
        }
    }

    /// Whether the value counts as true.
    var isTrue: Bool {
        switch self {
        case .undefined, .none: false
        case .bool(let value): value
        case .int(let value): value != 0
        case .double(let value): value != 0
        case .string(let value): !value.isEmpty
        case .list(let elements), .tuple(let elements): !elements.isEmpty
        case .map(let map): !map.isEmpty
        case .namespace, .loop, .function: true
        }
    }

    var isUndefined: Bool { if case .undefined = self { true } else { false } }

    /// The integer; booleans are integers in Python.
    var integer: Int? {
        switch self {
        case .int(let value): value
        case .bool(let value): value ? 1 : 0
        default: nil
        }
    }

    /// The number, whatever its type.
    var number: Double? {
        if case .double(let value) = self { value } else { integer.map { Double($0) } }
    }

    /// What a loop goes through: elements, keys, characters; nil for single values.
    var elements: [TemplateValue]? {
        switch self {
        case .list(let elements), .tuple(let elements): elements
        case .map(let map): map.keys.map { .string($0) }
        case .string(let text): text.unicodeScalars.map { .string(String($0)) }
        case .undefined: []
        default: nil
        }
    }

    /// The value as `{{ }}` prints it.
    var text: String {
        switch self {
        case .undefined: ""
        case .string(let value): value
        default: representation
        }
    }

    /// Python's `repr`.
    var representation: String {
        switch self {
        case .undefined: return "Undefined"
        case .none: return "None"
        case .bool(let value): return value ? "True" : "False"
        case .int(let value): return String(value)
        case .double(let value):
            if value.isFinite { return JSONValue.pythonText(value) }
            return value.isNaN ? "nan" : value < 0 ? "-inf" : "inf"
        case .string(let value): return Self.quoted(value)
        case .list(let elements):
            return "[" + elements.map(\.representation).joined(separator: ", ") + "]"
        case .tuple(let elements):
            let inner = elements.map(\.representation).joined(separator: ", ")
            return elements.count == 1 ? "(\(inner),)" : "(\(inner))"
        case .map(let map):
            let members = zip(map.keys, map.values).map { key, value in
                "\(Self.quoted(key)): \(value.representation)"
            }
            return "{" + members.joined(separator: ", ") + "}"
        case .namespace: return "<Namespace>"
        case .loop: return "<LoopContext>"
        case .function(let name): return "<function \(name)>"
        }
    }

    private static func quoted(_ text: String) -> String {
        let scalars = text.unicodeScalars
        let quote = scalars.contains("'") && !scalars.contains("\"") ? "\"" : "'"
        var out = quote
        for scalar in scalars {
            switch scalar {
            case "\\": out += "\\\\"
            case "\n": out += "\\n"
            case "\r": out += "\\r"
            case "\t": out += "\\t"
            case "'" where quote == "'": out += "\\'"
            default:
                if isPrintable(scalar) {
                    out.unicodeScalars.append(scalar)
                } else {
                    let width = scalar.value < 0x100 ? 2 : scalar.value < 0x10000 ? 4 : 8
                    let digits = String(scalar.value, radix: 16)
                    out += width == 2 ? "\\x" : width == 4 ? "\\u" : "\\U"
                    out += String(repeating: "0", count: width - digits.count) + digits
                }
            }
        }
        return out + quote
    }

    private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator,
            .paragraphSeparator:
            false
        case .spaceSeparator: scalar == " "
        default: true
        }
    }

    /// Equality as Python has it: by value across number types, texts by code point.
    static func same(_ left: TemplateValue, _ right: TemplateValue) -> Bool {
        if let left = left.integer, let right = right.integer { return left == right }
        if let left = left.number, let right = right.number { return left == right }
        switch (left, right) {
        case (.undefined, .undefined), (.none, .none): return true
        case (.string(let left), .string(let right)): return left.utf8.elementsEqual(right.utf8)
        case (.list(let left), .list(let right)), (.tuple(let left), .tuple(let right)):
            return left.count == right.count && zip(left, right).allSatisfy { same($0, $1) }
        case (.map(let left), .map(let right)):
            return left.keys.count == right.keys.count
                && zip(left.keys, left.values).allSatisfy { key, value in
                    right[key].map { same(value, $0) } ?? false
                }
        case (.namespace(let left), .namespace(let right)): return left === right
        case (.loop(let left), .loop(let right)): return left === right
        default: return false
        }
    }

    /// Order of numbers and of strings; nil for what has none.
    static func precedes(_ left: TemplateValue, _ right: TemplateValue) -> Bool? {
        if let left = left.integer, let right = right.integer { return left < right }
        if let left = left.number, let right = right.number { return left < right }
        if case .string(let left) = left, case .string(let right) = right {
            return left.unicodeScalars.lexicographicallyPrecedes(right.unicodeScalars)
        }
        return nil
    }
}

/// A dictionary in insertion order.
struct TemplateMap {
    private(set) var keys: [String] = []
    private(set) var values: [TemplateValue] = []

    /// A map of members whose keys are known to differ.
    init(keys: [String] = [], values: [TemplateValue] = []) {
        self.keys = keys
        self.values = values
    }

    var isEmpty: Bool { keys.isEmpty }

    subscript(key: String) -> TemplateValue? {
        get { index(of: key).map { values[$0] } }
        set {
            guard let newValue else { return }
            if let index = index(of: key) {
                values[index] = newValue
            } else {
                keys.append(key)
                values.append(newValue)
            }
        }
    }

    private func index(of key: String) -> Int? {
        keys.firstIndex { $0.utf8.elementsEqual(key.utf8) }
    }
}

/// `namespace(…)`: the only value a template can change, and so the way out of a loop's scope.
final class TemplateNamespace {
    var members: TemplateMap

    init(_ members: TemplateMap) { self.members = members }
}

/// The variable `loop` inside of a loop.
final class TemplateLoopState {
    let items: [TemplateValue]
    var index = 0

    init(_ items: [TemplateValue]) { self.items = items }

    /// The value of `loop.name`, nil for names that do not exist.
    func member(_ name: String) -> TemplateValue? {
        switch name {
        case "index": .int(index + 1)
        case "index0": .int(index)
        case "revindex": .int(items.count - index)
        case "revindex0": .int(items.count - index - 1)
        case "first": .bool(index == 0)
        case "last": .bool(index == items.count - 1)
        case "length": .int(items.count)
        // Only recursive loops, which are not supported, go deeper.
        case "depth": .int(1)
        case "depth0": .int(0)
        case "previtem": index > 0 ? items[index - 1] : .undefined("loop.previtem")
        case "nextitem":
            index + 1 < items.count ? items[index + 1] : .undefined("loop.nextitem")
        default: nil
        }
    }
}
