import Foundation
import Kernels
import TestSupport
import Testing

@testable import Text

/// Random replies that are held to random schemas.
@Suite struct SchemaConstraintTests {
    private static let tokensMax = 1500

    /// Random numbers that repeat.
    private struct Dice {
        var source: RandomSource

        init(_ seed: UInt64) { source = RandomSource(seed: seed) }

        mutating func roll(_ sides: Int) -> Int { Int(source.next() % UInt64(sides)) }
    }

    private func vocabulary() throws -> (Tokenizer, TokenTrie, Set<Int32>) {
        let folder = try ModelFolder(path: Fixtures.path("qwen3-q4"))
        let tokenizer = try Tokenizer(folder: folder.path)
        let ends = try ModelTokens.ends(of: folder, tokenizer: tokenizer)
        return (tokenizer, try TokenTrie(tokenizer, endTokens: ends), ends)
    }

    /// A reply of random tokens; nil where it did not end.
    private func reply(
        _ constraint: TokenConstraint, _ tokenizer: Tokenizer, ends: Set<Int32>,
        _ dice: inout Dice
    ) throws -> String? {
        var tokens: [Int32] = []
        var logits = [Float](repeating: 0, count: tokenizer.vocabularySize)
        constraint.restart()
        while !constraint.isFinished {
            guard tokens.count < Self.tokensMax else { return nil }
            for index in logits.indices { logits[index] = Float(dice.roll(1 << 20)) }
            try logits.withUnsafeMutableBufferPointer { try constraint.restrict($0) }
            let best = try #require(logits.indices.max { logits[$0] < logits[$1] })
            if ends.contains(Int32(best)) { break }
            tokens.append(Int32(best))
            constraint.accept(Int32(best))
        }
        return tokenizer.decode(tokens, skipSpecialTokens: true)
    }

    private func schema(_ dice: inout Dice, depth: Int) -> JSONValue {
        let kinds = depth > 0 ? 11 : 6
        switch dice.roll(kinds) {
        case 0: return .object(["type": .string(["null", "boolean", "number"][dice.roll(3)])])
        case 1:
            let low = dice.roll(4000) - 2000
            return .object([
                "type": .string("integer"), "minimum": .int(low),
                "maximum": .int(low + dice.roll(500)),
            ])
        case 2:
            let low = Double(dice.roll(4000) - 2000) / 16
            return .object([
                "type": .string("number"), "exclusiveMinimum": .double(low),
                "maximum": .double(low + Double(1 + dice.roll(99)) / 8),
            ])
        case 3:
            let least = dice.roll(3)
            return .object([
                "type": .string("string"), "minLength": .int(least),
                "maxLength": .int(least + dice.roll(6)),
            ])
        case 4:
            let patterns = ["^[a-f]{2,4}$", "^(ab|c\\d)?x{1,3}$", "^[^a-z]{0,3}é?$", "^\\w+$"]
            return .object([
                "type": .string("string"), "pattern": .string(patterns[dice.roll(4)]),
            ])
        case 5:
            return .object(["enum": .array([.string("a\"b"), .int(7), .double(0.5), .bool(true)])])
        case 6, 7: return object(&dice, depth: depth)
        case 8:
            let least = dice.roll(3)
            return .object([
                "type": .string("array"), "items": schema(&dice, depth: depth - 1),
                "minItems": .int(least), "maxItems": .int(least + dice.roll(3)),
            ])
        case 9:
            return .object([
                "anyOf": .array([schema(&dice, depth: depth - 1), schema(&dice, depth: depth - 1)])
            ])
        default:
            let formats = ["date", "time", "date-time", "uuid"]
            return .object([
                "type": .string("string"), "format": .string(formats[dice.roll(4)]),
            ])
        }
    }

    private func object(_ dice: inout Dice, depth: Int) -> JSONValue {
        var members: JSONObject = [:]
        var required: [JSONValue] = []
        for name in ["id", "näme", "a\"", "id2"].prefix(1 + dice.roll(4)) {
            members[name] = schema(&dice, depth: depth - 1)
            if dice.roll(2) == 0 { required.append(.string(name)) }
        }
        var object: JSONObject = ["type": .string("object"), "properties": .object(members)]
        if !required.isEmpty { object["required"] = .array(required) }
        if dice.roll(3) == 0 {
            object["additionalProperties"] = schema(&dice, depth: 0)
        }
        return .object(object)
    }

    @Test func randomRepliesSatisfyRandomSchemas() throws {
        let (tokenizer, trie, ends) = try vocabulary()
        var dice = Dice(11)
        var finished = 0
        for _ in 0..<120 {
            let document = schema(&dice, depth: 3)
            let text = document.serialized()
            let constraint = TokenConstraint(
                try JSONSchema(text, source: "random"), vocabulary: trie, endTokens: ends)
            for _ in 0..<2 {
                guard let reply = try reply(constraint, tokenizer, ends: ends, &dice) else {
                    continue
                }
                finished += 1
                // Ours refuses a name that comes twice, Foundation's is another opinion.
                let value = try JSONValue.parse(reply, source: reply)
                _ = try JSONSerialization.jsonObject(
                    with: Data(reply.utf8), options: .fragmentsAllowed)
                let validator = SchemaValidator(document: document)
                #expect(validator.isValid(value, document), "\(text)\n\(reply)")
            }
        }
        #expect(finished > 200)
    }

    @Test func anythingIsJSONAndRecursionEnds() throws {
        let (tokenizer, trie, ends) = try vocabulary()
        var dice = Dice(5)
        var finished = 0
        for text in ["{}", ##"{"type":"object","additionalProperties":{"$ref":"#"}}"##] {
            let document = try JSONValue.parse(text, source: "test")
            let constraint = TokenConstraint(
                try JSONSchema(text, source: "test"), vocabulary: trie, endTokens: ends)
            for _ in 0..<10 {
                guard let reply = try reply(constraint, tokenizer, ends: ends, &dice) else {
                    continue
                }
                finished += 1
                let value = try JSONValue.parse(reply, source: reply)
                #expect(SchemaValidator(document: document).isValid(value, document), "\(reply)")
            }
        }
        #expect(finished > 10)
    }

    /// A vocabulary of pieces with byte fallback, whose decoder strips the first blank if asked to.
    @Test(arguments: [false, true])
    func piecesWithBlanksAreHeldToo(strips: Bool) throws {
        let text = try String(
            contentsOfFile: Fixtures.path("tokenizer/scalars/tokenizer.json"), encoding: .utf8)
        var file = try #require(JSONValue.parse(text, source: "scalars").asObject)
        var decoders = try #require(file["decoder"]?["decoders"]?.asArray)
        if strips {
            decoders.append(
                .object([
                    "type": .string("Strip"), "content": .string(" "), "start": .int(1),
                    "stop": .int(0),
                ]))
        }
        file["decoder"] = .object([
            "type": .string("Sequence"), "decoders": .array(decoders),
        ])
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("mlxi-pieces-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try Data(JSONValue.object(file).serialized().utf8)
            .write(to: folder.appendingPathComponent("tokenizer.json"))
        let tokenizer = try Tokenizer(folder: folder.path)
        let trie = try TokenTrie(tokenizer, endTokens: [1])
        #expect(trie.bytes(of: try #require(tokenizer.id(of: "▁"))) == [0x20])
        var dice = Dice(3)
        let schema =
            ##"{"type":"array","items":{"anyOf":[{"type":"boolean"},{"type":"string","##
            + ##""maxLength":5},{"type":"array","items":{"$ref":"#"},"maxItems":2}]},"##
            + ##""maxItems":4}"##
        let document = try JSONValue.parse(schema, source: "test")
        let constraint = TokenConstraint(
            try JSONSchema(schema, source: "test"), vocabulary: trie, endTokens: [1])
        var finished = 0
        for _ in 0..<20 {
            guard let reply = try reply(constraint, tokenizer, ends: [1], &dice) else { continue }
            finished += 1
            let value = try JSONValue.parse(reply, source: reply)
            #expect(SchemaValidator(document: document).isValid(value, document), "\(reply)")
        }
        #expect(finished > 15)
    }

    @Test func aVocabularyOfWordsIsRefused() throws {
        let words = try Tokenizer(folder: Fixtures.path("tokenizer/wordpiece"))
        #expect(throws: ConstraintError.tokenizer) { try TokenTrie(words, endTokens: []) }
    }

    @Test func endTokensComeOnlyBehindACompleteValue() throws {
        let (tokenizer, trie, ends) = try vocabulary()
        let constraint = TokenConstraint(
            try JSONSchema(#"{"type":"integer"}"#, source: "test"), vocabulary: trie,
            endTokens: ends)
        func allowed() throws -> Set<Int32> {
            var logits = [Float](repeating: 0, count: tokenizer.vocabularySize + 8)
            try logits.withUnsafeMutableBufferPointer { try constraint.restrict($0) }
            return Set(logits.indices.filter { logits[$0] == 0 }.map(Int32.init))
        }
        #expect(try allowed().isDisjoint(with: ends))
        let one = try #require(tokenizer.encode("1", addSpecialTokens: false).first)
        constraint.accept(one)
        #expect(try allowed().isSuperset(of: ends) && !constraint.isFinished)
        constraint.restart()
        #expect(try allowed().isDisjoint(with: ends))
    }

    @Test func namesAreFollowedThroughObjectsAndArrays() {
        var keys = KeyScanner()
        for byte in #"{"a":[{"a":"b","\"":1},"a"],"c":{"b"#.utf8 {
            let isRepeated = keys.read(byte)
            #expect(!isRepeated)
        }
        #expect(keys.quotesToNextKey == 1)
        #expect(!keys.repeatsKey(Array(#"":{},"#.utf8)))
        #expect(keys.repeatsKey(Array(#"":{}},"a":"#.utf8)))
        #expect(keys.repeatsKey(Array(#"":1,"b":"#.utf8)))
        #expect(!keys.repeatsKey(Array(#"":1,"a":"#.utf8)))
    }
}
