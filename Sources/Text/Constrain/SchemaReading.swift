import Kernels

// Typed reading of keywords; errors name the place.
extension JSONSchema {
    static func object(_ schema: JSONValue, at path: String) throws -> JSONObject {
        guard case .object(let object) = schema else {
            throw SchemaError(
                path: path, detail: "\(schema.kind) instead of a schema (an object or a boolean)")
        }
        return object
    }

    static func list(_ schema: JSONObject, _ key: String, at path: String) throws -> [JSONValue] {
        guard case .array(let items)? = schema[key], !items.isEmpty else {
            throw SchemaError(path: path, detail: "\(key) is no array with something in it")
        }
        return items
    }

    static func members(_ schema: JSONObject, at path: String) throws -> JSONObject {
        guard let value = schema["properties"] else { return [:] }
        guard case .object(let members) = value else {
            throw SchemaError(path: path, detail: "properties is \(value.kind), want an object")
        }
        return members
    }

    static func names(_ schema: JSONObject, _ key: String, at path: String) throws -> [String] {
        guard let value = schema[key] else { return [] }
        let names = (value.asArray ?? []).compactMap(\.asString)
        guard let items = value.asArray, names.count == items.count else {
            throw SchemaError(path: path, detail: "\(key) is no array of strings")
        }
        return names
    }

    /// What `type` names; nil where it is missing.
    static func types(_ schema: JSONObject, at path: String) throws -> Set<String>? {
        guard let value = schema["type"] else { return nil }
        let names = value.asString.map { [$0] } ?? (value.asArray ?? []).compactMap(\.asString)
        guard names.count == value.asArray?.count ?? 1 else {
            throw SchemaError(path: path, detail: "type is neither a string nor an array of them")
        }
        if let unknown = names.first(where: { !SchemaKeyword.types.contains($0) }) {
            throw SchemaError(path: path, detail: "type \"\(unknown)\" does not exist")
        }
        return names.contains("number") ? Set(names).subtracting(["integer"]) : Set(names)
    }

    /// The types that the keywords are about, where `type` is missing: a part of what is allowed,
    /// and what its author meant. Nil where there are no keywords.
    static func impliedTypes(_ schema: JSONObject) -> Set<String>? {
        var types: Set<String> = []
        for key in schema.keys {
            if SchemaKeyword.object.contains(key) { types.insert("object") }
            if SchemaKeyword.array.contains(key) { types.insert("array") }
            if SchemaKeyword.string.contains(key) { types.insert("string") }
            if SchemaKeyword.number.contains(key) { types.insert("number") }
        }
        return types.isEmpty ? nil : types
    }

    /// The types that a schema allows, or those of them that are spelled, with integers as numbers.
    static func kinds(
        _ schema: JSONObject, at path: String, spelled: Bool
    ) throws -> Set<String> {
        if let values = schema["enum"]?.asArray {
            let kinds = ["null", "boolean", "number", "string", "array", "object"]
            return Set(
                values.flatMap { value in kinds.filter { isInstance(value, of: [$0]) } })
        }
        let types = try types(schema, at: path) ?? (spelled ? impliedTypes(schema) : nil)
        return Set((types ?? Set(SchemaKeyword.types)).map { $0 == "integer" ? "number" : $0 })
    }

    static func isInstance(_ value: JSONValue, of types: Set<String>) -> Bool {
        switch value {
        case .null: types.contains("null")
        case .bool: types.contains("boolean")
        case .int, .double:
            types.contains("number") || types.contains("integer") && value.asInt != nil
        case .string: types.contains("string")
        case .array: types.contains("array")
        case .object: types.contains("object")
        }
    }

    static func count(_ schema: JSONObject, _ key: String, at path: String) throws -> Int? {
        guard let value = schema[key] else { return nil }
        guard let count = value.asInt, count >= 0 else {
            throw SchemaError(path: path, detail: "\(key) is no count")
        }
        return count
    }

    /// A bound that the digits can express; nil where it is beyond all numbers that are spelled.
    static func bound(
        _ value: JSONValue, _ key: String, isInclusive: Bool, isLower: Bool, isInteger: Bool,
        at path: String
    ) throws -> NumberBound? {
        guard let number = Decimal(value) else {
            throw SchemaError(path: path, detail: "\(key) is \(value.kind), want a number")
        }
        let limit = ByteGrammar.digitsMax
        guard number.whole.count <= limit else {
            guard number.isNegative == isLower else {
                throw SchemaError(
                    path: path, detail: "\(key) leaves only numbers of more than \(limit) digits")
            }
            return nil
        }
        guard isInteger else {
            guard number.digitCount <= limit else {
                throw SchemaError(path: path, detail: "\(key) has more than \(limit) digits")
            }
            return NumberBound(value: number, isInclusive: isInclusive)
        }
        var whole = number.rounded(up: isLower)
        if !isInclusive, number.fraction.isEmpty { whole = number.next(up: isLower) }
        return NumberBound(value: whole)
    }

    /// A name as a part of a pointer.
    static func escaped(_ name: String) -> String {
        name.replacing("~", with: "~0").replacing("/", with: "~1")
    }
}

extension NumberBound {
    /// The bound that leaves less.
    func tighter(_ other: NumberBound?, isLower: Bool) -> NumberBound {
        guard let other else { return self }
        if value == other.value { return isInclusive ? other : self }
        return (value < other.value) == isLower ? other : self
    }
}

extension Decimal: Comparable {
    static func < (left: Decimal, right: Decimal) -> Bool {
        if left.isNegative != right.isNegative { return left.isNegative }
        let isLess =
            if left.whole.count != right.whole.count {
                left.whole.count < right.whole.count
            } else {
                (left.whole + left.fraction).lexicographicallyPrecedes(
                    right.whole + right.fraction)
            }
        return left != right && isLess != left.isNegative
    }
}

extension JSONValue {
    /// Equality of JSON: 1 and 1.0 are the same number.
    func isSame(as other: JSONValue) -> Bool {
        switch (self, other) {
        case (.int, .int): self == other
        case (.int, .double), (.double, .int), (.double, .double): asDouble == other.asDouble
        case (.array(let left), .array(let right)):
            left.count == right.count && zip(left, right).allSatisfy { $0.isSame(as: $1) }
        case (.object(let left), .object(let right)):
            left.count == right.count
                && left.allSatisfy { key, value in right[key].map(value.isSame) ?? false }
        default: self == other
        }
    }
}
