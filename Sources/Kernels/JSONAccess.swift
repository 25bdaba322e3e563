// Typed reading of configuration values. A path is one argument per level, because keys such as
// "model.layers.0.mlp.down_proj" contain dots. A member that is present with the wrong type is
// always an error; only absent members and null fall back to a default.

extension JSONValue {
    /// The member `key` of an object; nil for a missing key and for every other kind of value.
    public subscript(key: String) -> JSONValue? {
        if case .object(let object) = self { object[key] } else { nil }
    }

    /// The element at `index` of an array; nil out of range and for every other kind of value.
    public subscript(index: Int) -> JSONValue? {
        if case .array(let array) = self, array.indices.contains(index) {
            array[index]
        } else {
            nil
        }
    }

    /// True for null.
    public var isNull: Bool { self == .null }

    /// The boolean, nil for other kinds.
    public var asBool: Bool? { if case .bool(let value) = self { value } else { nil } }

    /// The integer, also from a number such as 64.0 that is exactly one; nil for other kinds.
    public var asInt: Int? {
        switch self {
        case .int(let value): value
        case .double(let value): Int(exactly: value)
        default: nil
        }
    }

    /// The number; also from `{"__float__": "Infinity"}`, which newer configurations write for
    /// values JSON cannot express. Nil for other kinds.
    public var asDouble: Double? {
        switch self {
        case .int(let value): Double(value)
        case .double(let value): value
        case .object: self["__float__"]?.asString.flatMap { Double($0) }
        default: nil
        }
    }

    /// The string, nil for other kinds.
    public var asString: String? { if case .string(let value) = self { value } else { nil } }

    /// The elements of an array, nil for other kinds.
    public var asArray: [JSONValue]? { if case .array(let value) = self { value } else { nil } }

    /// The members of an object, nil for other kinds.
    public var asObject: JSONObject? { if case .object(let value) = self { value } else { nil } }

    /// The value at `path`; nil when a level is absent or null. Throws when a level that should
    /// hold members is something else.
    public func find(_ path: [String]) throws -> JSONValue? {
        var value = self
        for (depth, key) in path.enumerated() {
            guard case .object(let object) = value else {
                throw JSONError(
                    detail: "\(Self.name(path.prefix(depth))) is \(value.kind), want an object")
            }
            guard let member = object[key], !member.isNull else { return nil }
            value = member
        }
        return value
    }

    /// The value at a path of keys. Throws when it is absent or null.
    public func value(_ path: String...) throws -> JSONValue {
        guard let value = try find(path) else { throw Self.missing(path) }
        return value
    }

    /// The integer at a path of keys.
    public func int(_ path: String...) throws -> Int {
        try required(path, "an integer", \.asInt)
    }
    /// The integer at a path of keys, or `fallback` when it is absent or null.
    public func int(_ path: String..., default fallback: Int) throws -> Int {
        try optional(path, "an integer", \.asInt) ?? fallback
    }

    /// The number at a path of keys.
    public func double(_ path: String...) throws -> Double {
        try required(path, "a number", \.asDouble)
    }
    /// The number at a path of keys, or `fallback` when it is absent or null.
    public func double(_ path: String..., default fallback: Double) throws -> Double {
        try optional(path, "a number", \.asDouble) ?? fallback
    }

    /// The boolean at a path of keys.
    public func bool(_ path: String...) throws -> Bool {
        try required(path, "a boolean", \.asBool)
    }
    /// The boolean at a path of keys, or `fallback` when it is absent or null.
    public func bool(_ path: String..., default fallback: Bool) throws -> Bool {
        try optional(path, "a boolean", \.asBool) ?? fallback
    }

    /// The string at a path of keys.
    public func string(_ path: String...) throws -> String {
        try required(path, "a string", \.asString)
    }
    /// The string at a path of keys, or `fallback` when it is absent or null.
    public func string(_ path: String..., default fallback: String) throws -> String {
        try optional(path, "a string", \.asString) ?? fallback
    }

    /// The elements of the array at a path of keys.
    public func array(_ path: String...) throws -> [JSONValue] {
        try required(path, "an array", \.asArray)
    }
    /// The elements of the array at a path of keys, or `fallback` when it is absent or null.
    public func array(_ path: String..., default fallback: [JSONValue]) throws -> [JSONValue] {
        try optional(path, "an array", \.asArray) ?? fallback
    }

    /// The members of the object at a path of keys.
    public func object(_ path: String...) throws -> JSONObject {
        try required(path, "an object", \.asObject)
    }
    /// The members of the object at a path of keys, or `fallback` when it is absent or null.
    public func object(_ path: String..., default fallback: JSONObject) throws -> JSONObject {
        try optional(path, "an object", \.asObject) ?? fallback
    }

    /// The integers of the array at a path of keys, for example a shape.
    public func ints(_ path: String...) throws -> [Int] {
        try required(path, "an array of integers") { value in
            guard let elements = value.asArray else { return nil }
            let integers = elements.compactMap(\.asInt)
            return integers.count == elements.count ? integers : nil
        }
    }

    private func required<Value>(
        _ path: [String], _ wanted: String, _ convert: (JSONValue) -> Value?
    ) throws -> Value {
        guard let value = try optional(path, wanted, convert) else { throw Self.missing(path) }
        return value
    }

    private func optional<Value>(
        _ path: [String], _ wanted: String, _ convert: (JSONValue) -> Value?
    ) throws -> Value? {
        guard let found = try find(path) else { return nil }
        guard let value = convert(found) else {
            throw JSONError(detail: "\(Self.name(path[...])) is \(found.kind), want \(wanted)")
        }
        return value
    }

    private static func missing(_ path: [String]) -> JSONError {
        JSONError(detail: "\(name(path[...])) is missing")
    }

    private static func name(_ path: ArraySlice<String>) -> String {
        path.isEmpty ? "the document" : path.joined(separator: ".")
    }
}
