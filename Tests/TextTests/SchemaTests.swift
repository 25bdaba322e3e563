import Foundation
import Kernels
import Testing

@testable import Text

/// What the grammar of a schema spells.
@Suite struct SchemaTests {
    /// Whether a text is complete under a schema, and nothing before its last byte is a dead end.
    private func accepts(_ schema: String, _ text: String) throws -> Bool {
        var automaton = try JSONSchema(schema, source: "test").automaton
        var state = automaton.start
        for byte in text.utf8 { state = automaton.step(state, byte) }
        return automaton.isComplete(state)
    }

    private func check(_ schema: String, yes: [String], no: [String]) throws {
        for text in yes { #expect(try accepts(schema, text), "\(schema) refuses \(text)") }
        for text in no { #expect(try !accepts(schema, text), "\(schema) accepts \(text)") }
    }

    private func refusal(_ schema: String) -> String {
        do {
            _ = try JSONSchema(schema, source: "s")
            return ""
        } catch {
            return "\(error)"
        }
    }

    @Test func scalars() throws {
        try check(#"{"type":"boolean"}"#, yes: ["true", "false"], no: ["null", "True", "tru", ""])
        try check(#"{"type":["null","boolean"]}"#, yes: ["null", "true"], no: ["1", "\"\""])
        try check(
            #"{"type":"integer"}"#, yes: ["0", "-1", "42", "999999999999999"],
            no: ["-0", "01", "1.0", "1e3", "1000000000000000", "+1"])
        try check(
            #"{"type":"number"}"#, yes: ["0", "-0.5", "1e5", "3.14", "2E-10", "1.5e+07"],
            no: [".5", "1.", "1e", "1e999", "00", "NaN"])
    }

    @Test func strings() throws {
        try check(
            #"{"type":"string"}"#,
            yes: [#""""#, #""é€😀""#, #""\"\\\/\b\n""#, #""\u00e9\ud83d\ude00""#],
            no: ["\"a\nb\"", #""\x""#, #""\ud83d""#, #""\ude00""#, #"""#, "'a'"])
        try check(
            #"{"type":"string","minLength":2,"maxLength":3}"#,
            yes: [#""ab""#, #""é€😀""#, #""\n\u0041\ud83d\ude00""#], no: [#""a""#, #""abcd""#])
        var bytes = try JSONSchema(#"{"type":"string"}"#, source: "test").automaton
        for invalid: [UInt8] in [[0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF5], [0x80], [0xE0, 0x80]] {
            let end = ([0x22] + invalid).reduce(bytes.start) { bytes.step($0, $1) }
            #expect(end == ByteAutomaton.dead, "\(invalid)")
        }
    }

    @Test func patterns() throws {
        func pattern(_ text: String, yes: [String], no: [String]) throws {
            let schema = JSONValue.object(["type": .string("string"), "pattern": .string(text)])
            func quoted(_ text: String) -> String { JSONValue.string(text).serialized(.compact) }
            try check(schema.serialized(), yes: yes.map(quoted), no: no.map(quoted))
        }
        try pattern("^[a-c]+$", yes: ["a", "abc"], no: ["", "d", "abd"])
        try pattern("b", yes: ["b", "abc", "\nb"], no: ["", "ac"])
        try pattern("^a|b$", yes: ["ax", "xb"], no: ["xa", "bx"])
        try pattern("^(?:ab){2,3}c?$", yes: ["abab", "abababc"], no: ["ab", "abababab"])
        try pattern("^\\d{3}-\\w*\\.$", yes: ["123-a_9.", "000-."], no: ["12-a.", "123-é."])
        try pattern("^[^\"\\\\]x$", yes: ["ax", "éx", "😀x"], no: ["\"x", "\\x", "x"])
        try pattern("^(a*)*$", yes: ["", "aaa"], no: ["b"])
        try pattern("^[\\u00e0-\\u00ff-]$", yes: ["é", "-"], no: ["e"])
        try pattern("^.\\/\\\"$", yes: ["a/\""], no: ["\n/\""])
    }

    @Test func formats() throws {
        func format(_ name: String, yes: String, no: [String]) throws {
            try check(
                #"{"type":"string","format":"\#(name)"}"#, yes: ["\"\(yes)\""],
                no: no.map { "\"\($0)\"" })
        }
        try format("date", yes: "2026-11-21", no: ["2026-02-30", "2026-13-01", "26-01-01"])
        try format("date-time", yes: "2026-11-21T07:00:00.5Z", no: ["2026-11-21", "07:00:00Z"])
        try format("time", yes: "23:59:59+01:00", no: ["24:00:00Z", "23:59:59"])
        try format("uuid", yes: "01234567-89ab-cdef-0123-456789abcdef", no: ["0123"])
    }

    @Test(arguments: [
        (#""minimum":3,"maximum":12"#, 3.0...12.0), (#""minimum":-7,"maximum":105"#, -7...105),
        (#""exclusiveMinimum":-1,"exclusiveMaximum":100"#, 0...99),
        (#""minimum":98,"maximum":1003"#, 98...1003), (#""maximum":-5,"minimum":-5"#, -5 ... -5),
        (#""minimum":0.5,"maximum":9.9"#, 1...9), (#""minimum":-3.5,"maximum":-0.1"#, -3 ... -1),
    ])
    func integerRanges(bounds: String, range: ClosedRange<Double>) throws {
        let schema = #"{"type":"integer",\#(bounds)}"#
        var automaton = try JSONSchema(schema, source: "test").automaton
        for value in -120...1100 {
            let end = "\(value)".utf8.reduce(automaton.start) { automaton.step($0, $1) }
            #expect(
                automaton.isComplete(end) == range.contains(Double(value)), "\(schema): \(value)")
        }
    }

    @Test func numberRanges() throws {
        try check(
            #"{"type":"number","minimum":-1.5,"exclusiveMaximum":2}"#,
            yes: ["-1.5", "-1.500", "-0.2", "0", "0.0", "1.999", "1"],
            no: ["-1.51", "2", "2.0", "-2", "1e0", "00.5"])
        try check(
            #"{"exclusiveMinimum":0}"#, yes: ["0.1", "7", "123456.25", "0.000001"],
            no: ["0", "0.0", "-1", "-0.5"])
        try check(
            #"{"type":"number","minimum":0.1,"maximum":0.25}"#,
            yes: ["0.1", "0.2", "0.25", "0.10", "0.2499"], no: ["0", "0.09", "0.251", "1"])
        // What int64 allows is more than the digits that are spelled.
        try check(
            #"{"type":"integer","minimum":0,"maximum":9223372036854775807}"#,
            yes: ["0", "999999999999999"], no: ["-1"])
    }

    @Test func objects() throws {
        let person = #"""
            {"type":"object","properties":{"name":{"type":"string"},"age":{"type":"integer"},
            "a\"b":{"type":"null"}},"required":["age"],"additionalProperties":false,"title":"P"}
            """#
        try check(
            person,
            yes: [
                #"{"age":1}"#, #"{"name":"x","age":1}"#, #"{"age": 1, "a\"b": null}"#,
                "{\n  \"name\": \"x\",\n  \"age\": 1\n}", #"{ "age":1 }"#,
            ],
            no: [
                "{}", #"{"name":"x"}"#, #"{"age":1,"name":"x"}"#, #"{"age":1,}"#, #"{"age":1"#,
                #"{"age":1,"other":2}"#, #"{"age" :1}"#, #"{"age":  1}"#, #" {"age":1}"#,
                #"{"age":1} "#, "{\n\n\"age\":1}",
            ])
        try check(
            #"{"properties":{"ab":{"type":"null"}},"additionalProperties":{"type":"boolean"}}"#,
            yes: [#"{}"#, #"{"ab":null,"a":true,"abc":false}"#, #"{"":true}"#, #"{"é\n":true}"#],
            no: [#"{"ab":true}"#, #"{"a":null}"#, #"{"a\u0062":true}"#])
        try check(
            #"{"type":"object","required":["k"]}"#, yes: [#"{"k":[1,{"x":null}]}"#], no: ["{}"])
        try check("{}", yes: ["[]", #"{"a":[[]]}"#, "1", #""x""#], no: ["", "[1,]"])
    }

    @Test func arrays() throws {
        try check(
            #"{"type":"array","items":{"type":"integer"},"minItems":1,"maxItems":3}"#,
            yes: ["[1]", "[1,2,3]", "[ 1, 2 ]", "[\n  1,\n  2\n]"],
            no: ["[]", "[1,2,3,4]", "[1 ,2]"])
        try check(
            #"{"prefixItems":[{"type":"null"},{"type":"boolean"}],"items":false}"#,
            yes: ["[]", "[null]", "[null,true]"], no: ["[true]", "[null,true,1]"])
        try check(
            #"{"prefixItems":[{"type":"null"}],"items":{"type":"boolean"},"minItems":2}"#,
            yes: ["[null,true]", "[null,true,false,true]"], no: ["[null]", "[]", "[null,null]"])
        try check(#"{"type":"array","maxItems":0}"#, yes: ["[]", "[ ]"], no: ["[1]"])
    }

    @Test func combinations() throws {
        try check(
            #"{"enum":["a",1,2.5,null,{"k":[true]}]}"#,
            yes: [#""a""#, "1", "2.5", "null", #"{"k":[true]}"#], no: ["2", #""b""#])
        try check(
            #"{"type":"integer","enum":["a",1,2.5,3.0]}"#, yes: ["1", "3.0"], no: [#""a""#, "2.5"])
        try check(#"{"const":2,"enum":[1,2]}"#, yes: ["2"], no: ["1"])
        try check(#"{"const":"é\u0001"}"#, yes: [#""é\u0001""#], no: [#""é""#])
        try check(
            #"{"anyOf":[{"type":"null"},{"type":"integer","maximum":5}],"description":"d"}"#,
            yes: ["null", "5"], no: ["6", "true"])
        try check(
            #"{"type":"object","properties":{"a":{"type":"null"},"b":{"type":"null"}},"#
                + #""anyOf":[{"required":["a"]},{"required":["b"]}]}"#,
            yes: [#"{"a":null}"#, #"{"b":null}"#, #"{"a":null,"b":null}"#], no: ["{}"])
        try check(
            #"{"allOf":[{"properties":{"a":{"type":"number"}},"required":["a"]},"#
                + #"{"properties":{"a":{"type":"integer","minimum":3},"b":{"const":0}}}]}"#,
            yes: [#"{"a":3}"#, #"{"a":4,"b":0}"#], no: [#"{"a":2}"#, #"{"b":0}"#, #"{"a":3.5}"#])
        try check(
            #"{"oneOf":[{"properties":{"t":{"const":"x"}},"required":["t"]},"#
                + #"{"properties":{"t":{"const":"y"},"n":{"type":"integer"}},"required":["t"]}]}"#,
            yes: [#"{"t":"x"}"#, #"{"t":"y","n":1}"#], no: [#"{"t":"x","n":1}"#])
    }

    @Test func references() throws {
        let tree = #"""
            {"$ref":"#/$defs/node","$defs":{"node":{"type":"object","required":["v"],
            "properties":{"v":{"type":"integer"},"next":{"anyOf":[{"type":"null"},
            {"$ref":"#/$defs/node"}]}}}}}
            """#
        try check(
            tree, yes: [#"{"v":1}"#, #"{"v":1,"next":{"v":2,"next":null}}"#],
            no: [#"{"v":1,"next":{}}"#])
        // Nesting has a bound, and at the bound a value can still be completed.
        var automaton = try JSONSchema(##"{"type":"array","items":{"$ref":"#"}}"##, source: "t")
            .automaton
        var state = automaton.start
        var depth = 0
        while case let next = automaton.step(state, UInt8(ascii: "[")), next >= 0 {
            state = next
            depth += 1
        }
        #expect(depth > 20 && depth <= Int(ByteAutomaton.depthMax) + 1)
        for _ in 0..<depth { state = automaton.step(state, UInt8(ascii: "]")) }
        #expect(automaton.isComplete(state) && !automaton.canContinue(state))
    }

    private static let refused: [(schema: String, text: String)] = [
        ("{", "s: line 1"), ("[]", "s: #: an array instead of a schema"),
        (#"{"properties":{"a":{"not":{}}}}"#, ##"s: #/properties/a: keyword "not" is not known"##),
        (#"{"type":"array","items":{"type":"int"}}"#, ##"s: #/items: type "int" does not exist"##),
        (##"{"$ref":"#"}"##, "refers to itself"),
        (
            ##"{"$ref":"#/$defs/a","$defs":{"a":{"anyOf":[{"$ref":"#/$defs/b"}]},"b":{"anyOf":"##
                + ##"[{"type":"null"},{"$ref":"#/$defs/a"}]}}}"##, "refers to itself"
        ),
        (##"{"allOf":[{"$ref":"#"}]}"##, "lead through too many schemas"),
        (##"{"$ref":"#/$defs/a"}"##, "leads nowhere"),
        (#"{"$ref":"http://x/y"}"#, "only places in this schema"),
        (##"{"properties":{"a":{"$ref":"#"}},"required":["a"]}"##, "no value satisfies it"),
        (#"{"type":"integer","minimum":5,"maximum":4}"#, "no value satisfies it"),
        (#"{"type":"array","minItems":5,"maxItems":4}"#, "no value satisfies it"),
        (#"{"type":"string","minLength":5,"maxLength":4}"#, "no value satisfies it"),
        (#"{"type":"integer","exclusiveMinimum":1,"exclusiveMaximum":2}"#, "no value satisfies"),
        (#"{"type":"string","enum":[1]}"#, "no value satisfies it"),
        (#"{"allOf":[{"type":"string"},{"type":"null"}]}"#, "no value satisfies it"),
        (#"{"type":"object","required":["a"],"additionalProperties":false}"#, "no value satisf"),
        (#"{"oneOf":[{"type":"integer"},{"type":"number"}]}"#, "alternatives 0 and 1 may both"),
        (#"{"type":"string","pattern":"(?=a)b"}"#, "only (?: groups"),
        (#"{"type":"string","pattern":"a\\b"}"#, #""\b" is not known"#),
        (#"{"type":"string","pattern":"(a$)b"}"#, "an anchor inside"),
        (#"{"type":"string","pattern":"a**"}"#, "repeats a count"),
        (#"{"type":"string","pattern":"[b-a]"}"#, "a range without order"),
        (#"{"type":"string","pattern":"(a"}"#, #""(" without ")""#),
        (#"{"type":"string","pattern":"a{99999999999999999999}"}"#, "a count above"),
        (#"{"type":"string","pattern":"((a{1000}){1000}){1000}"}"#, "multiply to too much"),
        (#"{"type":"string","format":"email"}"#, #"format "email" is not known here"#),
        (#"{"type":"string","pattern":"a","maxLength":3}"#, "maxLength beside pattern"),
        (#"{"type":"string","maxLength":9999999999}"#, "multiply to too much"),
        (#"{"type":"array","uniqueItems":true}"#, "uniqueItems"),
        (#"{"enum":[]}"#, "enum is no array with something in it"),
        (#"{"type":"integer","minimum":1e30}"#, "leaves only numbers of more than 15 digits"),
        (#"{"type":"integer","exclusiveMinimum":true}"#, "is a boolean, want a number"),
        (#"{"type":"object","properties":[]}"#, "properties is an array"),
    ]

    @Test(arguments: refused)
    func whatCannotBeHeldIsRefused(schema: String, text: String) {
        let line = refusal(schema)
        #expect(line.contains(text), "\(schema) -> \(line)")
        #expect(!line.contains("\n"))
    }

    @Test func longChainsAndDeepPatternsNeedNoStack() throws {
        var definitions = (0..<5000).map { ##""d\##($0)":{"$ref":"#/$defs/d\##($0 + 1)"}"## }
        definitions.append(#""d5000":{"type":"null"}"#)
        let list = definitions.joined(separator: ",")
        try check(
            ##"{"$ref":"#/$defs/d0","$defs":{\##(list)}}"##, yes: ["null"], no: ["1"])
        let groups = String(repeating: "(", count: 5000)
        #expect(
            refusal(#"{"type":"string","pattern":"\#(groups)"}"#).contains("groups inside"))
        var doubled = #"{"type":"null"}"#
        for _ in 0..<60 { doubled = #"{"anyOf":[\#(doubled),true]}"# }
        #expect(try accepts(doubled, "null"))
    }

    @Test func ambiguousRecursionAndLongListsStaySmall() throws {
        let list = ##"{"type":"array","items":{"$ref":"#"}}"##
        var automaton = try JSONSchema(#"{"anyOf":[\#(list),\#(list)]}"#, source: "t").automaton
        var state = automaton.start
        for _ in 0..<20 { state = automaton.step(state, UInt8(ascii: "[")) }
        for _ in 0..<20 { state = automaton.step(state, UInt8(ascii: "]")) }
        #expect(automaton.isComplete(state))
        let names = (0..<5000).map { "\"name \($0)\"" }
        let longList = #"{"enum":[\#(names.joined(separator: ","))]}"#
        try check(longList, yes: [names[0], names[4999]], no: ["\"name\"", "\"name 5000\""])
        try check(#"{"enum":[1,12,123,-1]}"#, yes: ["1", "12", "123", "-1"], no: ["", "13", "-"])
    }

    @Test func aFullTableIsForgottenWithoutHarm() throws {
        var automaton = try JSONSchema(
            #"{"type":"array","items":{"type":"integer"}}"#, source: "t"
        ).automaton
        var state = "[1,2".utf8.reduce(automaton.start) { automaton.step($0, $1) }
        state = automaton.forget(allBut: state)
        state = ",3]".utf8.reduce(state) { automaton.step($0, $1) }
        #expect(automaton.isComplete(state) && !automaton.canContinue(state))
        let again = "[7]".utf8.reduce(automaton.start) { automaton.step($0, $1) }
        #expect(automaton.isComplete(again))
    }
}
