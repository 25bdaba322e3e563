import Testing

@testable import Kernels

@Suite struct JSONTests {
    private func parse(_ text: String) throws -> JSONValue {
        try JSONValue.parse(text, source: "t.json")
    }

    private func failure(_ text: String) -> String {
        do {
            return "read \(try parse(text))"
        } catch {
            return "\(error)"
        }
    }

    @Test func readsEveryKind() throws {
        let value = try parse(
            #" {"a": [1, -2, 3.5, 1e3, 1E-2, true, false, null], "b": {"c": "x"}, "#
                + #""d": {}, "e": []} "#
        )
        #expect(
            value
                == .object([
                    "a": .array([
                        .int(1), .int(-2), .double(3.5), .double(1000), .double(0.01), .bool(true),
                        .bool(false), .null,
                    ]),
                    "b": .object(["c": .string("x")]), "d": .object([:]), "e": .array([]),
                ]))
        #expect(value.asObject?.keys == ["a", "b", "d", "e"])
    }

    @Test func readsNumbersAtTheLimits() throws {
        #expect(try parse("9223372036854775807") == .int(.max))
        #expect(try parse("-9223372036854775808") == .int(.min))
        #expect(try parse("9223372036854775808") == .double(9_223_372_036_854_775_808))
        #expect(try parse("-0") == .int(0))
        #expect(
            try parse("[Infinity, -Infinity]") == .array([.double(.infinity), .double(-.infinity)]))
        #expect(try parse("NaN").asDouble?.isNaN == true)
        for text in ["01", "-", "1.", ".5", "1e", "1e+", "+1", "0x1", "1 2"] {
            #expect(throws: JSONError.self, "\(text)") { try parse(text) }
        }
    }

    @Test func readsEscapesAndSurrogates() throws {
        #expect(
            try parse(#""\"\\\/\b\f\n\r\tĠ\ud83d\ude00é€""#)
                == .string("\"\\/\u{8}\u{C}\n\r\tĠ😀é€"))
        #expect(failure(#""\ud83d""#) == "t.json: line 1, byte 1: half of a surrogate pair")
        #expect(failure(#""\ud83dA""#) == "t.json: line 1, byte 1: half of a surrogate pair")
        #expect(
            failure(#""\u00g0""#) == "t.json: line 1, byte 1: \\u needs four hexadecimal digits")
        #expect(failure(#""\x""#) == "t.json: line 1, byte 1: unknown escape in a string")
    }

    @Test(arguments: [
        ("", "t.json: line 1, byte 0: ends in the middle of a value"),
        ("{\n\"a\": 1,\n\"a\": 2}", "t.json: line 3, byte 14: key \"a\" occurs twice"),
        ("[1 2]", "t.json: line 1, byte 3: found '2', want ',' or ']'"),
        ("[1,]", "t.json: line 1, byte 3: found ']', want a value"),
        ("{\"a\" 1}", "t.json: line 1, byte 5: found '1', want ':'"),
        ("{1: 2}", "t.json: line 1, byte 1: found '1', want a string"),
        ("\"a\nb\"", "t.json: line 1, byte 2: control character 10 in a string"),
        ("\"abc", "t.json: line 1, byte 0: string without end"),
        ("\"abc\\\"", "t.json: line 1, byte 0: string without end"),
        ("{} x", "t.json: line 1, byte 3: text after the end of the value"),
        ("nul", "t.json: line 1, byte 0: found 'n', want a value"),
    ])
    func refusesBadSyntax(text: String, message: String) {
        #expect(failure(text) == message)
    }

    @Test func refusesDeepNestingAndBadUTF8() throws {
        let depth = JSONReader.depthMax
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        #expect(try parse(nested(depth)).kind == "an array")
        #expect(failure(nested(depth + 1)).hasSuffix("nested deeper than \(depth)"))
        let sequences: [[UInt8]] = [
            [0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xE2, 0x82],
            [0x61, 0x80],
        ]
        for sequence in sequences {
            let bytes = [UInt8(ascii: "\"")] + sequence + [UInt8(ascii: "\"")]
            #expect(throws: JSONError.self) { try JSONValue.parse(bytes, source: "t.json") }
        }
        #expect(try JSONValue.parse([0xEF, 0xBB, 0xBF, 0x31], source: "t.json") == .int(1))
    }

    @Test func findsKeysInLargeObjects() throws {
        let members = (0..<100).map { "\"k\($0)\": \($0)" }
        var value = try parse("{\(members.joined(separator: ","))}")
        #expect(try value.int("k73") == 73)
        #expect(failure("{\(members.joined(separator: ",")), \"k73\": 1}").contains("occurs twice"))
        if case .object(var object) = value {
            object["k10"] = nil
            object["k99"] = .null
            value = .object(object)
            #expect(object.count == 99)
        }
        #expect(value["k10"] == nil && value["k99"] == .null)
        #expect(try value.int("k98") == 98)
    }

    @Test func accessorsNameTheKey() throws {
        let value = try parse(
            #"{"text": {"n": 4, "f": 2.0, "s": "x", "no": null, "b": true, "a": [1, 2], "#
                + #""inf": {"__float__": "Infinity"}}}"#
        )
        #expect(try value.int("text", "n") == 4 && value.int("text", "f") == 2)
        #expect(try value.double("text", "n") == 4 && value.double("text", "inf") == .infinity)
        #expect(try value.int("text", "no", default: 7) == 7)
        #expect(try value.string("gone", "deep", default: "d") == "d")
        #expect(try value.ints("text", "a") == [1, 2] && value.bool("text", "b"))
        #expect(throws: JSONError(detail: "text.m is missing")) { try value.int("text", "m") }
        #expect(throws: JSONError(detail: "text.no is missing")) { try value.string("text", "no") }
        #expect(throws: JSONError(detail: "text.s is a string, want an integer")) {
            try value.int("text", "s", default: 1)
        }
        #expect(throws: JSONError(detail: "text.n is an integer, want an object")) {
            try value.int("text", "n", "k")
        }
        #expect(throws: JSONError(source: "config.json", detail: "m is missing")) {
            try JSONError.naming("config.json") { try value.int("m") }
        }
    }

    /// The expected texts were printed by Python 3.11: `repr(x)`.
    @Test(arguments: [
        (1.5, "1.5"), (1e-05, "1e-05"), (0.0001, "0.0001"), (0.00012345, "0.00012345"),
        (1e16, "1e+16"), (1.2e16, "1.2e+16"), (9_999_999_999_999_998.0, "9999999999999998.0"),
        (1e15, "1000000000000000.0"), (100.0, "100.0"), (0.1, "0.1"), (-2.5e-7, "-2.5e-07"),
        (1.797_693_134_862_315_7e308, "1.7976931348623157e+308"),
        (Double.leastNonzeroMagnitude, "5e-324"),
        (123456.789, "123456.789"), (1e100, "1e+100"), (0.0, "0.0"),
        (1.0 / 3.0, "0.3333333333333333"),
    ])
    func printsFloatsLikePython(value: Double, text: String) {
        #expect(JSONValue.pythonText(value) == text)
    }

    @Test func writesLikePython() throws {
        let value = try parse(
            #"{"b": [1, 2.0, "é\u0001\u007f\"\\\n"], "a": {}, "c": [], "#
                + #""d": {"x": null, "y": true}}"#
        )
        #expect(
            value.serialized()
                == "{\"b\": [1, 2.0, \"é\\u0001\u{7F}\\\"\\\\\\n\"], \"a\": {}, \"c\": [], "
                + "\"d\": {\"x\": null, \"y\": true}}")
        #expect(value["d"]?.serialized(.compact) == #"{"x":null,"y":true}"#)
        #expect(
            value["d"]?.serialized(.pretty) == "{\n  \"x\": null,\n  \"y\": true\n}")
        #expect(
            value.serialized(JSONStyle(sortedKeys: true)).hasPrefix("{\"a\": {}, \"b\": [1"))
        #expect(try parse(value.serialized(.pretty)) == value)
    }
}
