import Foundation
import Kernels
import TestSupport
import Testing

@testable import Text

/// Embedding families against transformers (Tools/golden/make_embed.py).
@Suite(.serialized) struct EmbedGoldenTests {
    static let all = [
        "bert-f32", "bert-bf16", "bert-q4", "bert-bare", "qwen3embed-q4", "qwen3embed-bf16",
    ]

    private func embedder(_ name: String, _ precision: Precision) throws -> TextEmbedder {
        try TextEmbedder(
            try ModelFolder(path: Fixtures.path(name)), on: try Compute(precision: precision))
    }

    private func cases(_ golden: Golden) throws -> [(text: String, prompt: String)] {
        zip(try golden.json.array("texts"), try golden.json.array("prompts")).map {
            ($0.asString ?? "", $1.asString ?? "")
        }
    }

    @Test(arguments: all) func tokensEqualReference(name: String) throws {
        let golden = try Golden(name)
        let embedder = try embedder(name, .exact)
        #expect(embedder.recipe.pooling.rawValue == (try golden.json.string("pooling")))
        let around = embedder.tokenizer.surroundingTokens
        for (index, (text, prompt)) in try cases(golden).enumerated() {
            let line = try golden.json.array("tokens")[index].asString ?? ""
            let wanted = try JSONValue.parse(line, source: name).asArray?.compactMap(\.asInt)
            let inner = embedder.tokens(of: text, prompt: prompt).map(Int.init)
            let suffix = wanted.map { $0.suffix(embedder.addedTokens - around.prefix.count) } ?? []
            #expect(around.prefix.map(Int.init) + inner + suffix == wanted, "\(text)")
        }
    }

    @Test(arguments: all, [Precision.exact, .fast])
    func vectorsEqualReference(name: String, precision: Precision) throws {
        let golden = try Golden(name)
        let embedder = try embedder(name, precision)
        let texts = try cases(golden).map { embedder.tokens(of: $0.text, prompt: $0.prompt) }
        for (tensor, dimensions) in [("vectors", embedder.columns), ("short", 16)] {
            let wanted = try golden.values(tensor).values
            let vectors = try embedder.vectors(
                texts, dimensions: dimensions, normalizes: true, batchTokens: 100)
            for (index, vector) in vectors.enumerated() {
                let row = wanted[index * dimensions..<(index + 1) * dimensions]
                let cosine = zip(vector, row).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
                // Random weights amplify the rounding of activations to int8 or bf16.
                let least = precision == .exact ? 1 - 1e-6 : name.hasSuffix("q4") ? 0.998 : 0.9995
                #expect(cosine > least, "\(name) text \(index), \(dimensions) columns: \(cosine)")
            }
        }
    }

    /// A text's vector does not depend on its neighbours in a batch.
    @Test(arguments: ["bert-q4", "qwen3embed-bf16"], [Precision.exact, .fast])
    func batchesDoNotChangeVectors(name: String, precision: Precision) throws {
        let embedder = try embedder(name, precision)
        let texts = try cases(try Golden(name)).map { embedder.tokens(of: $0.text, prompt: "") }
        let together = try embedder.vectors(texts, dimensions: 32, normalizes: false)
        let alone = try texts.map {
            try embedder.vectors([$0], dimensions: 32, normalizes: false)[0]
        }
        #expect(together == alone)
    }

    @Test func recipesComeFromTheFiles() throws {
        let cls = try embedder("bert-q4", .exact).recipe
        #expect(cls.prompts["query"] == "represent this for search: ")
        #expect(cls.tokensMax == 64)
        #expect(cls.instruction == nil)
        let bare = try embedder("bert-bare", .exact).recipe
        #expect(bare.pooling == .mean)
        #expect(bare.isNormalized)
        #expect(bare.tokensMax == 96)
        let qwen = try embedder("qwen3embed-bf16", .exact).recipe
        #expect(qwen.pooling == .lastToken)
        #expect(qwen.prompts["query"]?.hasPrefix("Instruct: Given a web search") == true)
        #expect(qwen.instruction?.prompt("T") == "Instruct: T\nQuery:")
    }

    @Test func batchesFollowTheBudget() {
        let counts = [5, 60, 7, 8, 100, 9]
        let batches = TextEmbedder.batches(counts, tokensMax: 30)
        #expect(batches == [[4], [1], [5, 3, 2, 0]])
        #expect(TextEmbedder.batches([], tokensMax: 30).isEmpty)
    }

    @Test func unknownModulesAreRefused() throws {
        for (name, text, wanted) in [
            (
                "modules.json", #"[{"type":"sentence_transformers.models.Dense","path":"x"}]"#,
                "Dense"
            ),
            ("modules.json", #"[{"type":"a.Pooling","path":"../x"}]"#, "leaves the folder"),
            ("modules.json", "{}", "want an array"),
            (
                "1_Pooling/config.json", #"{"pooling_mode_mean_sqrt_len_tokens":true}"#,
                "mean_sqrt_len"
            ),
            (
                "1_Pooling/config.json",
                #"{"pooling_mode_mean_tokens":true,"pooling_mode_cls_token":true}"#, "cls_token"
            ),
            ("config_sentence_transformers.json", #"{"prompts":{"query":3}}"#, "prompt query"),
            ("sentence_bert_config.json", #"{"max_seq_length":3}"#, "at most 3 tokens"),
        ] {
            let copy = FileManager.default.temporaryDirectory
                .appending(path: "mlxi-embed-\(UUID().uuidString)").path
            defer { try? FileManager.default.removeItem(atPath: copy) }
            try FileManager.default.copyItem(atPath: Fixtures.path("bert-q4"), toPath: copy)
            try Data(text.utf8).write(to: URL(filePath: "\(copy)/\(name)"))
            do {
                _ = try TextEmbedder(try ModelFolder(path: copy), on: try Compute())
                Issue.record("\(text) was accepted")
            } catch {
                #expect("\(error)".contains(wanted), "\(error)")
                #expect(!"\(error)".contains("\n"))
            }
        }
    }
}
