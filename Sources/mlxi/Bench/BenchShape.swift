import Foundation
import Kernels

/// A language model known by its dimensions alone. Another one is another row of `all`.
struct BenchShape: InventedModel, Sendable {
    var name: String
    var config: String
    /// Optional tensors that the checkpoint has.
    var present: [String] = []

    static let all: [BenchShape] = [
        qwen3("qwen3-0.6b", 1024, 3072, layers: 28, heads: 16),
        qwen3("qwen3-1.7b", 2048, 6144, layers: 28, heads: 16),
        qwen3("qwen3-4b", 2560, 9728, layers: 36, heads: 32),
        qwen3("qwen3-8b", 4096, 12288, layers: 36, heads: 32, isTied: false),
        qwen3("qwen3-14b", 5120, 17408, layers: 40, heads: 40, isTied: false),
        qwen3("qwen3-embedding-0.6b", 1024, 3072, layers: 28, heads: 16),
        gemma3("gemma3-1b", 1152, 6912, layers: 26, heads: 4, kvHeads: 1),
        gemma3("gemma3-4b", 2560, 10240, layers: 34, heads: 8, kvHeads: 4),
        gemma3("gemma3-12b", 3840, 15360, layers: 48, heads: 16, kvHeads: 8),
        qwen3("qwen3-asr-0.6b decoder", 1024, 3072, layers: 28, heads: 16),
        qwen3("qwen3-asr-1.7b decoder", 2048, 6144, layers: 28, heads: 16),
        BenchShape(
            name: "paddleocr-vl decoder", config: PageShape.paddleOCR,
            present: ["language_model.lm_head.weight"]),
    ]

    /// - Throws: `CommandError` that lists the names.
    static func named(_ name: String) throws -> BenchShape {
        let wanted = name.lowercased()
        if let shape = all.first(where: { $0.name == wanted || $0.name == "\(wanted) decoder" }) {
            return shape
        }
        let others =
            SpeechShape.all.map(\.name) + SynthesisShape.all.map(\.name)
            + PageShape.all.map(\.name)
        let names = (all.map(\.name) + others).joined(separator: ", ")
        throw CommandError.usage("--shape \(name) is not known; there are: \(names)")
    }

    private static func qwen3(
        _ name: String, _ hidden: Int, _ intermediate: Int, layers: Int, heads: Int,
        isTied: Bool = true
    ) -> BenchShape {
        BenchShape(
            name: name,
            config: """
                {"model_type": "qwen3", "hidden_size": \(hidden), \
                "intermediate_size": \(intermediate), "num_hidden_layers": \(layers), \
                "num_attention_heads": \(heads), "num_key_value_heads": 8, "head_dim": 128, \
                "vocab_size": 151936, "rope_theta": 1000000, "max_position_embeddings": 40960, \
                "tie_word_embeddings": \(isTied)}
                """,
            present: isTied ? [] : ["lm_head.weight"])
    }

    private static func gemma3(
        _ name: String, _ hidden: Int, _ intermediate: Int, layers: Int, heads: Int, kvHeads: Int
    ) -> BenchShape {
        BenchShape(
            name: name,
            config: """
                {"model_type": "gemma3_text", "hidden_size": \(hidden), \
                "intermediate_size": \(intermediate), "num_hidden_layers": \(layers), \
                "num_attention_heads": \(heads), "num_key_value_heads": \(kvHeads), \
                "head_dim": 256, "vocab_size": 262144, "rope_theta": 1000000, \
                "sliding_window": 1024, "max_position_embeddings": 32768}
                """)
    }
}
