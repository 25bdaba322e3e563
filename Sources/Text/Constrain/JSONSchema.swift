import Kernels

/// A JSON Schema, ready to say byte by byte what may follow.
///
/// What it accepts is part of what the schema accepts, in one layout: members in the order of
/// `properties`, at most a blank or a line with indentation between values, no exponents where
/// numbers have bounds. `references/chat.md` lists the keywords.
public struct JSONSchema: Sendable, Equatable {
    let text: String
    /// Before the first byte.
    let automaton: ByteAutomaton
    /// Whether an object may have members that the schema does not name.
    let hasFreeNames: Bool

    /// - Parameters:
    ///   - text: the schema as JSON.
    ///   - source: what errors call it, usually the file name.
    /// - Throws: `JSONError` for what is no JSON, `SchemaError` for a keyword or a combination that
    ///   is not known, and for a schema that no value satisfies.
    public init(_ text: String, source: String) throws {
        self.text = text
        let document = try JSONValue.parse(text, source: source)
        do {
            var compiler = SchemaCompiler(document)
            automaton = try compiler.compile()
            hasFreeNames = compiler.hasFreeNames
        } catch var error as SchemaError {
            error.source = source
            throw error
        }
    }

    /// Schemas of the same text.
    public static func == (left: JSONSchema, right: JSONSchema) -> Bool { left.text == right.text }
}

/// A schema that cannot be used.
public struct SchemaError: Error, Equatable, CustomStringConvertible {
    /// The document.
    public var source = "schema"
    /// Where in it, as `$ref` would write it.
    public var path: String
    /// What was found and what was wanted.
    public var detail: String

    /// Longest path that is shown whole.
    private static let pathCharactersMax = 120

    /// One line.
    public var description: String {
        let isLong = path.count > Self.pathCharactersMax
        let place = isLong ? path.prefix(Self.pathCharactersMax) + "..." : path[...]
        return "\(source): \(place): \(detail)"
    }
}

/// Keywords of JSON Schema by what they are about.
enum SchemaKeyword {
    /// What says nothing about values, or only holds schemas for others to name.
    static let annotations: Set<String> = [
        "title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly",
        "$schema", "$id", "$comment", "$defs", "definitions", "discriminator",
    ]
    static let object: Set<String> = ["properties", "required", "additionalProperties"]
    static let array: Set<String> = [
        "items", "prefixItems", "minItems", "maxItems", "uniqueItems",
    ]
    static let string: Set<String> = ["minLength", "maxLength", "pattern", "format"]
    static let number: Set<String> = [
        "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum",
    ]
    static let general: Set<String> = ["type", "enum", "anyOf", "oneOf"]
    static let known = object.union(array).union(string).union(number).union(general)

    /// `number` includes integers.
    static let types = ["null", "boolean", "integer", "number", "string", "array", "object"]
}

/// Texts that `format` stands for: parts of what RFC 3339 and RFC 9562 allow.
enum SchemaFormat {
    private static let date =
        "[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])"
        + "|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))"
    private static let time =
        "(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\\.[0-9]{1,6})?"
        + "(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"

    static let patterns = [
        "date": "^\(date)$",
        "time": "^\(time)$",
        "date-time": "^\(date)T\(time)$",
        "uuid": "^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$",
    ]
}
