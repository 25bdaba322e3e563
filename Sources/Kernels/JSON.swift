import Foundation

/// One JSON value. Objects keep the order of the file, because chat templates print tool schemas
/// in the order the caller wrote them.
public enum JSONValue: Sendable, Equatable {
    case null
    case bool(Bool)
    case int(Int)
    case double(Double)
    case string(String)
    case array([JSONValue])
    case object(JSONObject)

    /// Reads one JSON document that fills `bytes`.
    ///
    /// - Parameters:
    ///   - bytes: UTF-8 text; only white space may surround the value.
    ///   - source: what errors call the document, usually the file name.
    /// - Throws: `JSONError` with line and byte offset for syntax errors, invalid UTF-8, duplicate
    ///   keys, and nesting deeper than `JSONReader.depthMax`.
    public static func parse(_ bytes: UnsafeRawBufferPointer, source: String) throws -> JSONValue {
        var reader = try JSONReader(bytes, source: source)
        let value = try reader.value()
        try reader.finish()
        return value
    }

    /// Reads one JSON document from an array of UTF-8 bytes.
    public static func parse(_ bytes: [UInt8], source: String) throws -> JSONValue {
        try bytes.withUnsafeBytes { try parse($0, source: source) }
    }

    /// Reads one JSON document from a string.
    public static func parse(_ text: String, source: String) throws -> JSONValue {
        var text = text
        return try text.withUTF8 { try parse(UnsafeRawBufferPointer($0), source: source) }
    }

    /// Reads the JSON document in a file; errors name the path.
    public static func read(file path: String) throws -> JSONValue {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw JSONError(source: path, detail: "cannot be read")
        }
        return try data.withUnsafeBytes { try parse($0, source: path) }
    }

    /// What the value is, in the words of an error message.
    public var kind: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .int: "an integer"
        case .double: "a number"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }
}

/// The members of a JSON object in the order of the file, with lookup by key.
public struct JSONObject: Sendable, Equatable, Sequence, ExpressibleByDictionaryLiteral {
    /// Up to this many members a linear search is faster than hashing, and needs no memory.
    private static let linearSearchMax = 8

    /// The keys, in the order of the file.
    public private(set) var keys: [String] = []
    /// The values, at the same indices as `keys`.
    public private(set) var values: [JSONValue] = []
    private var positions: [String: Int] = [:]

    /// An object without members.
    public init() {}

    /// An object with the given members; a repeated key replaces the earlier value.
    public init(dictionaryLiteral members: (String, JSONValue)...) {
        for (key, value) in members { self[key] = value }
    }

    /// The number of members.
    public var count: Int { keys.count }

    /// True when there are no members.
    public var isEmpty: Bool { keys.isEmpty }

    /// The value of a key, nil when absent. Setting a new key appends it, setting nil removes it.
    public subscript(key: String) -> JSONValue? {
        get { index(of: key).map { values[$0] } }
        set {
            if let index = index(of: key) {
                if let newValue {
                    values[index] = newValue
                } else {
                    remove(at: index)
                }
            } else if let newValue {
                append(key, newValue)
            }
        }
    }

    /// Iterates over the members in the order of the file.
    public func makeIterator() -> Zip2Sequence<[String], [JSONValue]>.Iterator {
        zip(keys, values).makeIterator()
    }

    /// Two objects are equal when they hold the same members, in whatever order.
    public static func == (left: JSONObject, right: JSONObject) -> Bool {
        left.count == right.count && left.allSatisfy { right[$0] == $1 }
    }

    /// Adds a member unless the key exists; returns whether it was added.
    mutating func insert(_ key: String, _ value: JSONValue) -> Bool {
        guard index(of: key) == nil else { return false }
        append(key, value)
        return true
    }

    private func index(of key: String) -> Int? {
        count <= Self.linearSearchMax ? keys.firstIndex(of: key) : positions[key]
    }

    private mutating func append(_ key: String, _ value: JSONValue) {
        keys.append(key)
        values.append(value)
        if count == Self.linearSearchMax + 1 {
            for (index, key) in keys.enumerated() { positions[key] = index }
        } else if count > Self.linearSearchMax {
            positions[key] = count - 1
        }
    }

    private mutating func remove(at index: Int) {
        keys.remove(at: index)
        values.remove(at: index)
        positions.removeAll()
        guard count > Self.linearSearchMax else { return }
        for (index, key) in keys.enumerated() { positions[key] = index }
    }
}

/// A JSON document that cannot be read, or that lacks what was asked of it.
public struct JSONError: Error, Equatable, CustomStringConvertible {
    /// The document, nil when a value was read apart from its document.
    public var source: String?
    /// What was found and what was wanted, on one line.
    public var detail: String

    /// An error about `source` that prints as "source: detail".
    public init(source: String? = nil, detail: String) {
        self.source = source
        self.detail = detail
    }

    /// One line: the document, then what is wrong.
    public var description: String {
        source.map { "\($0): \(detail)" } ?? detail
    }

    /// Runs `body`, and names `source` in every `JSONError` that does not name its document yet.
    public static func naming<Result>(
        _ source: String, _ body: () throws -> Result
    ) throws -> Result {
        do {
            return try body()
        } catch var error as JSONError {
            if error.source == nil { error.source = source }
            throw error
        }
    }
}
