import Foundation
import Kernels
import Testing

@testable import Text

/// Answers of the `tokenizers` package, made by Tools/golden/make_tokenizer.py.
struct TokenizerGolden {
    static let kinds = ["gpt2", "qwen2", "llama3", "marks", "deepseek", "scalars", "wordpiece"]
    /// The committed answers, or a larger set that was made just now.
    static let folder =
        ProcessInfo.processInfo.environment["MLXI_TOKENIZER_GOLDEN"]
        .map { URL(fileURLWithPath: $0) }
        ?? URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("Fixtures/tokenizer")

    let root: JSONValue
    let texts: [String]

    init() throws {
        root = try JSONValue.read(file: Self.folder.appendingPathComponent("golden.json").path)
        texts = try root.array("texts").compactMap(\.asString)
    }

    func tokenizer(_ kind: String) throws -> Tokenizer {
        try Tokenizer(folder: Self.folder.appendingPathComponent(kind).path)
    }

    func rows(_ kind: String, _ key: String) throws -> [[Int32]] {
        try root.array("kinds", kind, key).map { row in
            (row.asArray ?? []).compactMap { $0.asInt.map { Int32($0) } }
        }
    }
}

@Suite struct TokenizerTests {
    @Test(arguments: TokenizerGolden.kinds)
    func idsEqualTheReference(kind: String) throws {
        let golden = try TokenizerGolden()
        let tokenizer = try golden.tokenizer(kind)
        let rows = try golden.rows(kind, "ids")
        #expect(rows.count == golden.texts.count && rows.count > 100)
        for (text, want) in zip(golden.texts, rows) {
            let got = tokenizer.encode(text, addSpecialTokens: false)
            #expect(got == want, "\(kind) \(text.debugDescription)")
        }
        let special = try golden.root.ints("kinds", kind, "special").map { Int32($0) }
        #expect(tokenizer.encode("hello <|im_end|>", addSpecialTokens: true) == special)
    }

    @Test(arguments: TokenizerGolden.kinds)
    func decodingEqualsTheReference(kind: String) throws {
        let golden = try TokenizerGolden()
        let tokenizer = try golden.tokenizer(kind)
        let decoded = try golden.root.array("kinds", kind, "decoded")
        for (index, ids) in try golden.rows(kind, "ids").enumerated() {
            let want = decoded[index].asString ?? golden.texts[index]
            expectSame(tokenizer.decode(ids, skipSpecialTokens: false), want, "\(kind) \(ids)")
        }
        let random = try golden.root.array("kinds", kind, "random_decoded")
        for (index, ids) in try golden.rows(kind, "random_ids").enumerated() {
            let want = try #require(random[index].asString)
            expectSame(tokenizer.decode(ids, skipSpecialTokens: true), want, "\(kind) \(ids)")
            expectSame(streamed(tokenizer, ids), want, "\(kind) \(ids)")
        }
    }

    /// Equality scalar by scalar; Swift's own is up to canonical equivalence.
    private func expectSame(_ got: String, _ want: String, _ note: String) {
        #expect(Array(got.unicodeScalars) == Array(want.unicodeScalars), "\(note)")
    }

    private func streamed(_ tokenizer: Tokenizer, _ ids: [Int32]) -> String {
        var stream = StreamingDetokenizer(tokenizer, skipSpecialTokens: true)
        return ids.map { stream.append($0) }.joined() + stream.finish()
    }

    @Test(arguments: ["gpt2", "llama3", "deepseek"])
    func byteLevelTextSurvivesTheRoundTrip(kind: String) throws {
        let golden = try TokenizerGolden()
        let tokenizer = try golden.tokenizer(kind)
        for text in golden.texts where !text.contains("<mask>") {
            let ids = tokenizer.encode(text, addSpecialTokens: false, parseAddedTokens: false)
            expectSame(tokenizer.decode(ids, skipSpecialTokens: true), text, kind)
            #expect(ids.allSatisfy { !tokenizer.isSpecial($0) })
        }
    }

    @Test func charactersAreHandedOutWhole() throws {
        let tokenizer = try TokenizerGolden().tokenizer("qwen2")
        let ids = tokenizer.encode("a😀é𐍈", addSpecialTokens: false)
        var stream = StreamingDetokenizer(tokenizer, skipSpecialTokens: true)
        let parts = ids.map { stream.append($0) }
        #expect(parts.joined() == "a😀é𐍈" && stream.finish().isEmpty)
        #expect(parts.allSatisfy { !$0.contains("\u{FFFD}") })
        let emoji = tokenizer.encode("😀", addSpecialTokens: false)
        stream = StreamingDetokenizer(tokenizer, skipSpecialTokens: true)
        #expect(emoji.count > 1 && stream.append(emoji[0]).isEmpty)
        #expect(stream.finish() == "\u{FFFD}")
    }

    @Test func wordsEqualTheReference() throws {
        let golden = try TokenizerGolden()
        for (kind, entry) in try golden.root.object("words") {
            let expression = try entry.string("pattern")
            let step = try #require(
                WordPattern.known[expression].map { PreTokenizer.words($0) }
                    ?? StretchPattern.known[expression].map { .stretches($0) }, "\(kind)")
            for (text, words) in zip(golden.texts, try entry.array("words")) {
                let want = (words.asArray ?? []).compactMap(\.asString)
                var got: [String] = []
                Array(text.utf8).withUnsafeBytes { bytes in
                    ScalarClass.withTable { table in
                        PreTokenizer.forEachPiece(
                            of: bytes, steps: [step], table: table
                        ) { got.append(String(decoding: $0, as: UTF8.self)) }
                    }
                }
                #expect(got == want, "\(kind) \(text.debugDescription)")
            }
        }
    }

    @Test func namesAndIds() throws {
        let tokenizer = try TokenizerGolden().tokenizer("qwen2")
        let end = try #require(tokenizer.id(of: "<|im_end|>"))
        let think = try #require(tokenizer.id(of: "<think>"))
        #expect(tokenizer.isSpecial(end) && !tokenizer.isSpecial(think))
        #expect(tokenizer.name(of: end) == "<|im_end|>")
        let the = try #require(tokenizer.id(of: "Ġthe"))
        #expect(tokenizer.name(of: the) == "Ġthe" && tokenizer.bytes(of: the) == Array(" the".utf8))
        #expect(tokenizer.id(of: "no such piece") == nil && tokenizer.id(of: "中文字") == nil)
        let beyond = Int32(tokenizer.vocabularySize)
        #expect(tokenizer.name(of: beyond) == nil && tokenizer.name(of: -1) == nil)
        #expect(tokenizer.decode([beyond, the], skipSpecialTokens: false) == " the")
        #expect(
            tokenizer.encode("x<think>", addSpecialTokens: false, parseAddedTokens: false).count > 2
        )
        let config = try JSONValue.parse(#"{"text_config": {"eos_token_id": [5, 6]}}"#, source: "c")
        #expect(tokenizer.endTokens(config: config, generation: nil) == [5, 6])
        let generation = try JSONValue.parse(#"{"eos_token_id": 7}"#, source: "g")
        #expect(tokenizer.endTokens(config: config, generation: generation) == [7])
    }

    @Test func severalThreadsMayEncode() async throws {
        let golden = try TokenizerGolden()
        let tokenizer = try golden.tokenizer("qwen2")
        let rows = try golden.rows("qwen2", "ids")
        let texts = golden.texts
        await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    texts.map { tokenizer.encode($0, addSpecialTokens: false) } == rows
                }
            }
            for await same in group { #expect(same) }
        }
    }
}
