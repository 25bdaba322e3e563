/// How JSON text is laid out. Non-ASCII characters are written as they are, and floats as Python's
/// `repr` writes them, because chat templates were fitted to the output of `json.dumps`.
public struct JSONStyle: Sendable, Equatable {
    /// Blanks per level, each item on its own line; nil keeps everything on one line.
    public var indent: Int?
    /// Between items.
    public var itemSeparator: String
    /// Between a key and its value.
    public var keySeparator: String
    /// Writes members ordered by the Unicode scalars of their keys.
    public var sortedKeys: Bool

    /// A layout; the defaults are those of Python's `json.dumps`.
    public init(
        indent: Int? = nil, itemSeparator: String = ", ", keySeparator: String = ": ",
        sortedKeys: Bool = false
    ) {
        self.indent = indent
        self.itemSeparator = itemSeparator
        self.keySeparator = keySeparator
        self.sortedKeys = sortedKeys
    }

    /// `{"a": 1, "b": 2}`, the default of Python's `json.dumps`.
    public static let spaced = JSONStyle()
    /// `{"a":1,"b":2}`, for the wire.
    public static let compact = JSONStyle(itemSeparator: ",", keySeparator: ":")
    /// One item per line, two blanks per level, for people.
    public static let pretty = JSONStyle(indent: 2, itemSeparator: ",")
}

extension JSONValue {
    /// The value as JSON text.
    public func serialized(_ style: JSONStyle = .spaced) -> String {
        var writer = JSONWriter(style: style)
        writer.write(self, level: 0)
        return writer.text
    }

    /// A finite double as Python's `repr` prints it: the shortest digits that read back to the
    /// same value, with an exponent below 1e-4 and from 1e16 on. Others: NaN, Infinity, -Infinity.
    public static func pythonText(_ value: Double) -> String {
        guard value.isFinite else {
            return value.isNaN ? "NaN" : value < 0 ? "-Infinity" : "Infinity"
        }
        let sign = value.sign == .minus ? "-" : ""
        if value == 0 { return sign + "0.0" }
        let (digits, exponent) = decimal(value.magnitude)
        return sign + layout(digits, exponent: exponent)
    }

    /// The shortest decimal digits d1d2d3… and the exponent e of `value` = d1.d2d3… · 10^e, taken
    /// from Swift's description, which finds the same digits and differs only in layout.
    private static func decimal(_ value: Double) -> (digits: [Character], exponent: Int) {
        let parts = "\(value)".split(separator: "e")
        let mantissa = parts[0]
        var exponent = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
        let point = mantissa.firstIndex(of: ".") ?? mantissa.endIndex
        exponent += mantissa.distance(from: mantissa.startIndex, to: point) - 1
        var digits = mantissa.filter { $0 != "." }[...]
        while digits.first == "0" {
            digits.removeFirst()
            exponent -= 1
        }
        while digits.last == "0" { digits.removeLast() }
        return (Array(digits), exponent)
    }

    private static func layout(_ digits: [Character], exponent: Int) -> String {
        if exponent < -4 || exponent >= 16 {
            let fraction = digits.count > 1 ? "." + String(digits[1...]) : ""
            let size = exponent.magnitude < 10 ? "0\(exponent.magnitude)" : "\(exponent.magnitude)"
            return "\(digits[0])\(fraction)e\(exponent < 0 ? "-" : "+")\(size)"
        }
        if exponent < 0 {
            return "0." + String(repeating: "0", count: -exponent - 1) + String(digits)
        }
        let whole = digits.prefix(exponent + 1)
        let zeros = String(repeating: "0", count: exponent + 1 - whole.count)
        let fraction = digits.dropFirst(exponent + 1)
        return String(whole) + zeros + "." + (fraction.isEmpty ? "0" : String(fraction))
    }
}

/// Appends values to a text; knows the layout and nothing else.
private struct JSONWriter {
    let style: JSONStyle
    var text = ""

    mutating func write(_ value: JSONValue, level: Int) {
        switch value {
        case .null: text += "null"
        case .bool(let flag): text += flag ? "true" : "false"
        case .int(let integer): text += String(integer)
        case .double(let double): text += JSONValue.pythonText(double)
        case .string(let string): write(string)
        case .array(let elements):
            list("[", "]", count: elements.count, level: level) { writer, index in
                writer.write(elements[index], level: level + 1)
            }
        case .object(let object):
            let order =
                style.sortedKeys
                ? object.keys.indices.sorted { Self.precedes(object.keys[$0], object.keys[$1]) }
                : Array(object.keys.indices)
            list("{", "}", count: object.count, level: level) { writer, index in
                writer.write(object.keys[order[index]])
                writer.text += writer.style.keySeparator
                writer.write(object.values[order[index]], level: level + 1)
            }
        }
    }

    private mutating func list(
        _ open: String, _ close: String, count: Int, level: Int,
        item: (inout JSONWriter, Int) -> Void
    ) {
        text += open
        for index in 0..<count {
            if index > 0 { text += style.itemSeparator }
            newline(level + 1)
            item(&self, index)
        }
        if count > 0 { newline(level) }
        text += close
    }

    private mutating func newline(_ level: Int) {
        guard let indent = style.indent else { return }
        text += "\n" + String(repeating: " ", count: indent * level)
    }

    private mutating func write(_ string: String) {
        text += "\""
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            case "\u{8}": text += "\\b"
            case "\u{C}": text += "\\f"
            case "\0"..."\u{1F}":
                let digits = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: text.unicodeScalars.append(scalar)
            }
        }
        text += "\""
    }

    private static func precedes(_ left: String, _ right: String) -> Bool {
        left.unicodeScalars.lexicographicallyPrecedes(right.unicodeScalars)
    }
}
