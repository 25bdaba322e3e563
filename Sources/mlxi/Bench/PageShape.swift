import Kernels

/// A page model known by its dimensions alone: its encoder, and its decoder, a row of `BenchShape`.
struct PageShape: InventedModel, Sendable {
    var name: String
    var config: String
    /// Beginnings of the names of optional tensors that the checkpoint has.
    var present: [String]
    /// How most checkpoints are published.
    var bitsDefault: Int
    /// A row of `BenchShape.all`.
    var decoder: String

    static let all: [PageShape] = [
        PageShape(
            name: "paddleocr-vl", config: paddleOCR, present: ["visual."], bitsDefault: 4,
            decoder: "paddleocr-vl decoder")
    ]

    static func named(_ name: String) -> PageShape? {
        all.first { $0.name == name.lowercased() }
    }

    /// PaddleOCR-VL 1.5: SigLIP and ERNIE-4.5-0.3B.
    static let paddleOCR = """
        {"model_type": "paddleocr_vl", "hidden_size": 1024, "intermediate_size": 3072, \
        "num_hidden_layers": 18, "num_attention_heads": 16, "num_key_value_heads": 2, \
        "head_dim": 128, "vocab_size": 103424, "rms_norm_eps": 1e-5, "rope_theta": 500000, \
        "rope_scaling": {"rope_type": "default", "mrope_section": [16, 24, 24]}, \
        "max_position_embeddings": 131072, "tie_word_embeddings": false, "vision_config": \
        {"hidden_size": 1152, "intermediate_size": 4304, "num_hidden_layers": 27, \
        "num_attention_heads": 16, "image_size": 384, "patch_size": 14, "spatial_merge_size": 2}}
        """
}
