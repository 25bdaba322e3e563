import Foundation
import Kernels

// References and `allOf`: several schemas that hold together become one.
extension SchemaCompiler {
    /// Where a `$ref` leads: "#" or "#/..." with nothing escaped for a URI.
    func pointer(_ reference: JSONValue, at path: String) throws -> String {
        guard let text = reference.asString else {
            throw SchemaError(path: path, detail: "$ref is \(reference.kind), want a string")
        }
        let plain = text.removingPercentEncoding ?? text
        guard plain == "#" || plain.hasPrefix("#/") else {
            throw SchemaError(
                path: path, detail: "$ref \"\(text)\": only places in this schema (#/...) are known"
            )
        }
        return plain
    }

    /// The schema at a pointer.
    func resolve(_ pointer: String, from path: String) throws -> JSONValue {
        var value = document
        for part in pointer.split(separator: "/", omittingEmptySubsequences: false).dropFirst() {
            let key = String(part).replacing("~1", with: "/").replacing("~0", with: "~")
            let found =
                if case .array(let items) = value, let index = Int(key),
                    items.indices.contains(index)
                {
                    items[index]
                } else {
                    value[key]
                }
            guard let found else {
                throw SchemaError(path: path, detail: "$ref \"\(pointer)\" leads nowhere")
            }
            value = found
        }
        return value
    }

    /// A schema without annotations, `$ref`, `allOf` and `const`; nil where nothing satisfies it.
    ///
    /// - Throws: `SchemaError` for an unknown keyword.
    mutating func flattened(
        _ schema: JSONObject, at path: String, depth: Int = 0
    ) throws -> JSONObject? {
        merges += 1
        guard merges <= Self.mergesMax, depth <= Self.depthMax else {
            throw SchemaError(path: path, detail: "allOf and $ref lead through too many schemas")
        }
        var result: JSONObject = [:]
        var parts: [JSONValue] = []
        for (key, value) in schema where !SchemaKeyword.annotations.contains(key) {
            switch key {
            case "$ref": parts.append(try resolve(try pointer(value, at: path), from: path))
            case "allOf": parts += try JSONSchema.list(schema, key, at: path)
            case "const" where schema["enum"] == nil: result["enum"] = .array([value])
            case "const": parts.append(.object(["enum": .array([value])]))
            case let key where SchemaKeyword.known.contains(key): result[key] = value
            default:
                throw SchemaError(path: path, detail: "keyword \"\(key)\" is not known here")
            }
        }
        if result["enum"] != nil { _ = try JSONSchema.list(result, "enum", at: path) }
        for part in parts {
            switch part {
            case .bool(true): continue
            case .bool(false): return nil
            default:
                let object = try JSONSchema.object(part, at: path)
                guard let flat = try flattened(object, at: path, depth: depth + 1) else {
                    return nil
                }
                result = try Self.merged(result, flat, at: path)
            }
        }
        return result
    }

    private static func merged(
        _ left: JSONObject, _ right: JSONObject, at path: String
    ) throws -> JSONObject {
        func refusal(_ key: String) -> SchemaError {
            SchemaError(path: path, detail: "\(key) in several parts of allOf is not known here")
        }
        let tuples = [left, right].map { $0["prefixItems"] != nil }
        let lists = [left, right].map { $0["items"] != nil }
        if tuples[0] && (tuples[1] || lists[1]) || tuples[1] && lists[0] {
            throw refusal("prefixItems")
        }
        var result = left
        for (key, value) in right {
            guard let known = left[key] else {
                result[key] = value
                continue
            }
            switch key {
            case "type":
                let types = common(
                    try JSONSchema.types(left, at: path) ?? [],
                    try JSONSchema.types(right, at: path) ?? [])
                result[key] = .array(types.map { .string($0) })
            case "enum":
                let others = value.asArray ?? []
                result[key] = .array(
                    (known.asArray ?? []).filter { one in others.contains { one.isSame(as: $0) } })
            case "required":
                let names = try JSONSchema.names(left, key, at: path)
                let more = try JSONSchema.names(right, key, at: path)
                result[key] = .array(
                    (names + more.filter { !names.contains($0) }).map { .string($0) })
            case "minimum", "exclusiveMinimum", "minItems", "minLength":
                if (value.asDouble ?? 0) > (known.asDouble ?? 0) { result[key] = value }
            case "maximum", "exclusiveMaximum", "maxItems", "maxLength":
                if (value.asDouble ?? 0) < (known.asDouble ?? 0) { result[key] = value }
            case "items": result[key] = .object(["allOf": .array([known, value])])
            case "properties", "additionalProperties": break
            default: if known != value { throw refusal(key) }
            }
        }
        try mergeMembers(left, right, into: &result, at: path)
        return result
    }

    /// A member that only one side names is for the other side one of the additional ones.
    private static func mergeMembers(
        _ left: JSONObject, _ right: JSONObject, into result: inout JSONObject, at path: String
    ) throws {
        func both(_ one: JSONValue?, _ other: JSONValue?) -> JSONValue? {
            guard let one else { return other }
            guard let other else { return one }
            return one == other ? one : .object(["allOf": .array([one, other])])
        }
        let (one, other) = (left["additionalProperties"], right["additionalProperties"])
        let members = try (
            JSONSchema.members(left, at: path), JSONSchema.members(right, at: path)
        )
        var merged = members.0
        for name in members.0.keys + members.1.keys {
            merged[name] = both(members.0[name] ?? one, members.1[name] ?? other) ?? .bool(true)
        }
        if left["properties"] != nil || right["properties"] != nil {
            result["properties"] = .object(merged)
        }
        result["additionalProperties"] = both(one, other)
    }

    private static func common(_ left: Set<String>, _ right: Set<String>) -> [String] {
        var types = left.intersection(right)
        for (one, other) in [(left, right), (right, left)]
        where one.contains("integer") && other.contains("number") {
            types.insert("integer")
        }
        return types.sorted()
    }
}

// `oneOf` is `anyOf` where no value satisfies two of the alternatives.
extension SchemaCompiler {
    /// - Throws: `SchemaError` for two alternatives of which it cannot be told.
    mutating func checkDisjoint(_ choices: [JSONValue], at path: String) throws {
        let flat = try choices.enumerated().map { index, choice -> JSONObject? in
            switch choice {
            case .bool(let isAnything): return isAnything ? [:] : nil
            default:
                let place = "\(path)/\(index)"
                return try flattened(try JSONSchema.object(choice, at: place), at: place)
            }
        }
        for (index, one) in flat.enumerated() {
            for (offset, other) in flat[(index + 1)...].enumerated() {
                guard let one, let other else { continue }
                if try !areDisjoint(one, other, at: path, depth: 0) {
                    throw SchemaError(
                        path: path,
                        detail: "alternatives \(index) and \(index + offset + 1) may both hold; "
                            + "use anyOf")
                }
            }
        }
    }

    /// Whether it is certain that no value which is spelled for one satisfies the other: by their
    /// types, by their listed values,
    /// or by a member that both require with disjoint values.
    private mutating func areDisjoint(
        _ one: JSONObject, _ other: JSONObject, at path: String, depth: Int
    ) throws -> Bool {
        guard depth < 8 else { return false }
        if let left = one["enum"]?.asArray, let right = other["enum"]?.asArray {
            return !left.contains { value in right.contains { value.isSame(as: $0) } }
        }
        let spelled = try [one, other].map { try JSONSchema.kinds($0, at: path, spelled: true) }
        let allowed = try [one, other].map { try JSONSchema.kinds($0, at: path, spelled: false) }
        if spelled[0].isDisjoint(with: allowed[1]), spelled[1].isDisjoint(with: allowed[0]) {
            return true
        }
        guard spelled == [["object"], ["object"]] else { return false }
        let members = try (
            JSONSchema.members(one, at: path), JSONSchema.members(other, at: path)
        )
        let required = try (
            JSONSchema.names(one, "required", at: path),
            JSONSchema.names(other, "required", at: path)
        )
        let isClosed = [one, other].map { $0["additionalProperties"] == .bool(false) }
        let isForbidden =
            isClosed[1] && required.0.contains { members.1[$0] == nil }
            || isClosed[0] && required.1.contains { members.0[$0] == nil }
        if isForbidden { return true }
        for name in required.0 where required.1.contains(name) {
            guard case .object(let left)? = members.0[name],
                case .object(let right)? = members.1[name],
                let first = try flattened(left, at: path),
                let second = try flattened(right, at: path)
            else { continue }
            if try areDisjoint(first, second, at: path, depth: depth + 1) { return true }
        }
        return false
    }
}
