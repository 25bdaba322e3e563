/// Reads JSON from a buffer in one pass.
///
/// `JSONValue.parse` is the usual door. The reader itself is for documents too large to become
/// values, such as a vocabulary of 150,000 pieces: walk the members and take each text as bytes.
/// The buffer must outlive the reader.
public struct JSONReader {
    /// Nesting deeper than this is refused, so that a hostile document cannot exhaust the stack.
    public static let depthMax = 128

    /// The byte at which the next token is sought. May be set back to an earlier value's start.
    public var offset = 0
    private let bytes: UnsafeRawBufferPointer
    private let source: String
    private var depth = 0

    /// A reader over UTF-8 `bytes`; errors call the document `source`. Throws when `bytes` are not
    /// valid UTF-8. A byte order mark at the start is skipped.
    public init(_ bytes: UnsafeRawBufferPointer, source: String) throws {
        self.bytes = bytes
        self.source = source
        if let invalid = UTF8Check.firstInvalid(bytes) {
            offset = invalid
            throw error("invalid UTF-8")
        }
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { offset = 3 }
    }

    /// Reads the next value, whatever it is.
    public mutating func value() throws -> JSONValue {
        switch try peek() {
        case UInt8(ascii: "{"):
            var object = JSONObject()
            try members { reader, key in
                let start = reader.offset
                let value = try reader.value()
                guard object.insert(key, value) else {
                    throw reader.error("key \"\(key)\" occurs twice", at: start)
                }
            }
            return .object(object)
        case UInt8(ascii: "["):
            var array: [JSONValue] = []
            try elements { try array.append($0.value()) }
            return .array(array)
        case UInt8(ascii: "\""):
            return .string(try string())
        case UInt8(ascii: "t") where take("true"): return .bool(true)
        case UInt8(ascii: "f") where take("false"): return .bool(false)
        case UInt8(ascii: "n") where take("null"): return .null
        // Python writes these three, and checkpoint configurations contain them.
        case UInt8(ascii: "N") where take("NaN"): return .double(.nan)
        case UInt8(ascii: "I") where take("Infinity"): return .double(.infinity)
        case UInt8(ascii: "-") where take("-Infinity"): return .double(-.infinity)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
        case let byte: throw unexpected(byte, wanted: "a value")
        }
    }

    /// Calls `body` for each member of the object that comes next; `body` must read the value.
    /// Repeated keys are the caller's business.
    public mutating func members(
        _ body: (inout JSONReader, String) throws -> Void
    ) throws {
        try items(open: UInt8(ascii: "{"), close: UInt8(ascii: "}"), wanted: "an object") {
            let key = try $0.string()
            try $0.expect(UInt8(ascii: ":"))
            try body(&$0, key)
        }
    }

    /// Like `members`, but appends the key's bytes to `arena` instead of making a string.
    public mutating func members(
        arena: inout [UInt8], _ body: (inout JSONReader, inout [UInt8]) throws -> Void
    ) throws {
        try items(open: UInt8(ascii: "{"), close: UInt8(ascii: "}"), wanted: "an object") {
            try $0.string(appendingTo: &arena)
            try $0.expect(UInt8(ascii: ":"))
            try body(&$0, &arena)
        }
    }

    /// Calls `body` for each element of the array that comes next; `body` must read the element.
    public mutating func elements(_ body: (inout JSONReader) throws -> Void) throws {
        try items(open: UInt8(ascii: "["), close: UInt8(ascii: "]"), wanted: "an array", body)
    }

    /// Reads the string that comes next.
    public mutating func string() throws -> String {
        let content = try rawString()
        guard content.escaped else {
            return String(decoding: bytes[content.range], as: UTF8.self)
        }
        var decoded: [UInt8] = []
        try unescape(content.range, appendingTo: &decoded)
        return String(decoding: decoded, as: UTF8.self)
    }

    /// Reads the string that comes next and appends its UTF-8 bytes to `arena`.
    public mutating func string(appendingTo arena: inout [UInt8]) throws {
        let content = try rawString()
        if content.escaped {
            try unescape(content.range, appendingTo: &arena)
        } else {
            arena.append(contentsOf: bytes[content.range])
        }
    }

    /// Reads the integer that comes next.
    public mutating func int() throws -> Int {
        let start = offset
        guard let integer = try value().asInt else { throw error("want an integer", at: start) }
        return integer
    }

    /// Passes over the next value without keeping it.
    public mutating func skip() throws {
        switch try peek() {
        case UInt8(ascii: "{"):
            try items(open: UInt8(ascii: "{"), close: UInt8(ascii: "}"), wanted: "an object") {
                _ = try $0.rawString()
                try $0.expect(UInt8(ascii: ":"))
                try $0.skip()
            }
        case UInt8(ascii: "["): try elements { try $0.skip() }
        case UInt8(ascii: "\""): _ = try rawString()
        default: _ = try value()
        }
    }

    /// The first byte of the next token, without taking it. Throws at the end of the document.
    public mutating func peek() throws -> UInt8 {
        skipSpace()
        guard offset < bytes.count else { throw error("ends in the middle of a value") }
        return bytes[offset]
    }

    /// Throws unless only white space is left.
    public mutating func finish() throws {
        skipSpace()
        guard offset == bytes.count else { throw error("text after the end of the value") }
    }

    /// An error at the current place, or at `place`: source, line, byte offset.
    public func error(_ detail: String, at place: Int? = nil) -> JSONError {
        let place = place ?? offset
        let line = 1 + bytes.prefix(place).count { $0 == UInt8(ascii: "\n") }
        return JSONError(source: source, detail: "line \(line), byte \(place): \(detail)")
    }

    private func unexpected(_ byte: UInt8, wanted: String) -> JSONError {
        let shown =
            (0x20..<0x7F).contains(byte)
            ? "'\(Character(UnicodeScalar(byte)))'" : "byte \(byte)"
        return error("found \(shown), want \(wanted)")
    }
}

// The grammar below the public surface.
extension JSONReader {
    private mutating func items(
        open: UInt8, close: UInt8, wanted: String, _ body: (inout JSONReader) throws -> Void
    ) throws {
        let first = try peek()
        guard first == open else { throw unexpected(first, wanted: wanted) }
        guard depth < Self.depthMax else { throw error("nested deeper than \(Self.depthMax)") }
        depth += 1
        defer { depth -= 1 }
        offset += 1
        if try peek() == close {
            offset += 1
            return
        }
        while true {
            try body(&self)
            let next = try peek()
            guard next == close || next == UInt8(ascii: ",") else {
                throw unexpected(next, wanted: "',' or '\(Character(UnicodeScalar(close)))'")
            }
            offset += 1
            if next == close { return }
        }
    }

    private mutating func skipSpace() {
        while offset < bytes.count {
            switch bytes[offset] {
            case 0x20, 0x09, 0x0A, 0x0D: offset += 1
            default: return
            }
        }
    }

    private mutating func expect(_ wanted: UInt8) throws {
        let byte = try peek()
        guard byte == wanted else {
            throw unexpected(byte, wanted: "'\(Character(UnicodeScalar(wanted)))'")
        }
        offset += 1
    }

    private mutating func take(_ word: StaticString) -> Bool {
        let wanted = UnsafeRawBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount)
        guard bytes[offset...].starts(with: wanted) else { return false }
        offset += wanted.count
        return true
    }

    /// Passes the string that comes next; returns the range between its quotes.
    private mutating func rawString() throws -> (range: Range<Int>, escaped: Bool) {
        let first = try peek()
        guard first == UInt8(ascii: "\"") else { throw unexpected(first, wanted: "a string") }
        let start = offset + 1
        var end = start
        var escaped = false
        while end < bytes.count {
            let byte = bytes[end]
            if byte == UInt8(ascii: "\"") {
                offset = end + 1
                return (start..<end, escaped)
            }
            if byte == UInt8(ascii: "\\") {
                escaped = true
                end += 1
            } else if byte < 0x20 {
                throw error("control character \(byte) in a string", at: end)
            }
            end += 1
        }
        throw error("string without end")
    }

    private func unescape(_ range: Range<Int>, appendingTo out: inout [UInt8]) throws {
        var index = range.lowerBound
        while index < range.upperBound {
            let byte = bytes[index]
            guard byte == UInt8(ascii: "\\") else {
                out.append(byte)
                index += 1
                continue
            }
            let letter = bytes[index + 1]
            switch letter {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): out.append(letter)
            case UInt8(ascii: "b"): out.append(0x08)
            case UInt8(ascii: "f"): out.append(0x0C)
            case UInt8(ascii: "n"): out.append(0x0A)
            case UInt8(ascii: "r"): out.append(0x0D)
            case UInt8(ascii: "t"): out.append(0x09)
            case UInt8(ascii: "u"):
                index = try unescapeScalar(at: index, end: range.upperBound, appendingTo: &out)
                continue
            default: throw error("unknown escape in a string", at: index)
            }
            index += 2
        }
    }

    /// Decodes `\uXXXX` or a surrogate pair of two at `index`; returns the index behind it.
    private func unescapeScalar(
        at index: Int, end: Int, appendingTo out: inout [UInt8]
    ) throws -> Int {
        let escapeBytes = 6
        var code = try hexDigits(from: index + 2, end: end)
        var next = index + escapeBytes
        if (0xD800..<0xDC00).contains(code), next + 1 < end,
            bytes[next] == UInt8(ascii: "\\"), bytes[next + 1] == UInt8(ascii: "u")
        {
            let low = try hexDigits(from: next + 2, end: end)
            if (0xDC00..<0xE000).contains(low) {
                code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
                next += escapeBytes
            }
        }
        guard let scalar = UnicodeScalar(code) else {
            throw error("half of a surrogate pair", at: index)
        }
        out.append(contentsOf: UTF8.encode(scalar).map { Array($0) } ?? [])
        return next
    }

    private func hexDigits(from start: Int, end: Int) throws -> UInt32 {
        var code: UInt32 = 0
        for index in start..<start + 4 {
            guard index < end, let digit = Character(UnicodeScalar(bytes[index])).hexDigitValue
            else { throw error("\\u needs four hexadecimal digits", at: start - 2) }
            code = code << 4 | UInt32(digit)
        }
        return code
    }

    private mutating func number() throws -> JSONValue {
        let start = offset
        if bytes[offset] == UInt8(ascii: "-") { offset += 1 }
        let integerStart = offset
        let integerDigits = digits()
        guard integerDigits > 0, integerDigits == 1 || bytes[integerStart] != UInt8(ascii: "0")
        else { throw error("malformed number") }
        var isInteger = true
        if offset < bytes.count, bytes[offset] == UInt8(ascii: ".") {
            offset += 1
            isInteger = false
            guard digits() > 0 else { throw error("malformed number") }
        }
        if offset < bytes.count, bytes[offset] | 0x20 == UInt8(ascii: "e") {
            offset += 1
            isInteger = false
            if offset < bytes.count,
                bytes[offset] == UInt8(ascii: "+") || bytes[offset] == UInt8(ascii: "-")
            {
                offset += 1
            }
            guard digits() > 0 else { throw error("malformed number") }
        }
        if isInteger, let integer = smallInteger(start: start) { return .int(integer) }
        let text = String(decoding: bytes[start..<offset], as: UTF8.self)
        if isInteger, let integer = Int(text) { return .int(integer) }
        guard let double = Double(text) else { throw error("malformed number") }
        return .double(double)
    }

    private mutating func digits() -> Int {
        let start = offset
        while offset < bytes.count, bytes[offset] &- UInt8(ascii: "0") < 10 { offset += 1 }
        return offset - start
    }

    /// Up to 18 digits cannot overflow and need no string.
    private func smallInteger(start: Int) -> Int? {
        guard offset - start <= 18 else { return nil }
        let negative = bytes[start] == UInt8(ascii: "-")
        var integer = 0
        for index in (negative ? start + 1 : start)..<offset {
            integer = integer &* 10 &+ Int(bytes[index] &- UInt8(ascii: "0"))
        }
        return negative ? -integer : integer
    }
}

/// Validation of UTF-8 as the Unicode standard's table 3-7 has it.
enum UTF8Check {
    /// The offset of the first byte that does not begin or continue a well-formed sequence.
    static func firstInvalid(_ bytes: UnsafeRawBufferPointer) -> Int? {
        var index = 0
        let count = bytes.count
        while index < count {
            if index + 8 <= count,
                bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)
                    & 0x8080_8080_8080_8080 == 0
            {
                index += 8
                continue
            }
            let lead = bytes[index]
            if lead < 0x80 {
                index += 1
                continue
            }
            if (0xC2...0xDF).contains(lead), index + 1 < count, bytes[index + 1] & 0xC0 == 0x80 {
                index += 2
                continue
            }
            let length = sequenceBytes(lead)
            guard length > 0, index + length <= count, second(bytes[index + 1], follows: lead)
            else { return index }
            for offset in 2..<max(length, 2) where bytes[index + offset] & 0xC0 != 0x80 {
                return index
            }
            index += length
        }
        return nil
    }

    private static func sequenceBytes(_ lead: UInt8) -> Int {
        switch lead {
        case 0xC2...0xDF: 2
        case 0xE0...0xEF: 3
        case 0xF0...0xF4: 4
        default: 0
        }
    }

    private static func second(_ byte: UInt8, follows lead: UInt8) -> Bool {
        switch lead {
        case 0xE0: (0xA0...0xBF).contains(byte)
        case 0xED: (0x80...0x9F).contains(byte)
        case 0xF0: (0x90...0xBF).contains(byte)
        case 0xF4: (0x80...0x8F).contains(byte)
        default: (0x80...0xBF).contains(byte)
        }
    }
}
