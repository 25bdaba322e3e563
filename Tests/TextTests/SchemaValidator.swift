import Foundation
import Kernels

/// Says whether a value satisfies a schema: the specification read naively, apart from the
/// compiler under test.
struct SchemaValidator {
    let document: JSONValue

    func isValid(_ value: JSONValue, _ schema: JSONValue) -> Bool {
        guard case .object(let keywords) = schema else { return schema != .bool(false) }
        return keywords.allSatisfy { holds($0, $1, keywords, value) }
    }

    private func holds(
        _ key: String, _ word: JSONValue, _ all: JSONObject, _ value: JSONValue
    ) -> Bool {
        switch key {
        case "type": return (word.asArray ?? [word]).contains { isOf($0.asString ?? "", value) }
        case "const": return isEqual(word, value)
        case "enum": return (word.asArray ?? []).contains { isEqual($0, value) }
        case "anyOf": return (word.asArray ?? []).contains { isValid(value, $0) }
        case "allOf": return (word.asArray ?? []).allSatisfy { isValid(value, $0) }
        case "oneOf": return (word.asArray ?? []).count { isValid(value, $0) } == 1
        case "$ref": return isValid(value, target(word.asString ?? ""))
        default: break
        }
        switch value {
        case .int, .double: return number(key, word.asDouble ?? 0, value.asDouble ?? .nan)
        case .string(let text): return string(key, word, text)
        case .array(let items): return array(key, word, all, items)
        case .object(let members): return object(key, word, all, members)
        default: return true
        }
    }

    private func target(_ pointer: String) -> JSONValue {
        pointer.split(separator: "/").dropFirst().reduce(document) { value, key in
            value[String(key)] ?? .bool(false)
        }
    }

    private func isOf(_ type: String, _ value: JSONValue) -> Bool {
        switch value {
        case .null: type == "null"
        case .bool: type == "boolean"
        case .int: type == "integer" || type == "number"
        case .double(let number):
            type == "number" || type == "integer" && number == number.rounded()
        case .string: type == "string"
        case .array: type == "array"
        case .object: type == "object"
        }
    }

    private func isEqual(_ one: JSONValue, _ other: JSONValue) -> Bool {
        if let left = one.asDouble, let right = other.asDouble { return left == right }
        return one == other
    }

    private func number(_ key: String, _ word: Double, _ value: Double) -> Bool {
        switch key {
        case "minimum": value >= word
        case "exclusiveMinimum": value > word
        case "maximum": value <= word
        case "exclusiveMaximum": value < word
        default: true
        }
    }

    private func string(_ key: String, _ word: JSONValue, _ text: String) -> Bool {
        switch key {
        case "minLength": return text.unicodeScalars.count >= word.asInt ?? 0
        case "maxLength": return text.unicodeScalars.count <= word.asInt ?? 0
        case "pattern":
            let regex = try? Regex(word.asString ?? "").matchingSemantics(.unicodeScalar)
            return regex.flatMap { text.firstMatch(of: $0) } != nil
        case "format": return isFormatted(text, word.asString ?? "")
        default: return true
        }
    }

    private func isFormatted(_ text: String, _ format: String) -> Bool {
        let reader = ISO8601DateFormatter()
        switch format {
        case "uuid": return UUID(uuidString: text) != nil
        case "date": return reader.date(from: text + "T00:00:00Z") != nil
        case "time": return text.count >= 9
        case "date-time":
            let whole = text.replacing(#/\.[0-9]+/#, with: "")
            return reader.date(from: whole) != nil
        default: return false
        }
    }

    private func array(
        _ key: String, _ word: JSONValue, _ all: JSONObject, _ items: [JSONValue]
    ) -> Bool {
        switch key {
        case "minItems": return items.count >= word.asInt ?? 0
        case "maxItems": return items.count <= word.asInt ?? 0
        case "prefixItems":
            return zip(items, word.asArray ?? []).allSatisfy { isValid($0, $1) }
        case "items":
            let heads = all["prefixItems"]?.asArray?.count ?? 0
            return items.dropFirst(heads).allSatisfy { isValid($0, word) }
        default: return true
        }
    }

    private func object(
        _ key: String, _ word: JSONValue, _ all: JSONObject, _ members: JSONObject
    ) -> Bool {
        switch key {
        case "required":
            return (word.asArray ?? []).allSatisfy { members[$0.asString ?? ""] != nil }
        case "properties":
            return (word.asObject ?? [:]).allSatisfy { name, schema in
                members[name].map { isValid($0, schema) } ?? true
            }
        case "additionalProperties":
            let known = all["properties"]?.asObject ?? [:]
            return members.allSatisfy { name, value in
                known[name] != nil || isValid(value, word)
            }
        default: return true
        }
    }
}
