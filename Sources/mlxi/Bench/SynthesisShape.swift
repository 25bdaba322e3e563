import Kernels

/// A speech synthesis model known by its dimensions alone: the part that writes codes, and the codec that
/// makes them sound, which lies in a folder of its own.
struct SynthesisShape: Sendable {
    /// One of the two folders.
    struct Part: InventedModel, Sendable {
        var name: String
        var config: String
        /// Beginnings of the names of optional tensors that the checkpoint has.
        var present: [String]
        /// Beginnings of the names of matrices that conversions leave as they are.
        var plain: [String] = []
    }

    var name: String
    var talker: Part
    var codec: Part

    static let all: [SynthesisShape] = [
        qwen3("qwen3-tts-0.6b", 1024, 3072),
        qwen3("qwen3-tts-1.7b", 2048, 6144),
    ]

    static func named(_ name: String) -> SynthesisShape? {
        all.first { $0.name == name.lowercased() }
    }

    private static func qwen3(_ name: String, _ hidden: Int, _ inner: Int) -> SynthesisShape {
        let decoder = """
            "num_attention_heads": 16, "num_key_value_heads": 8, "head_dim": 128, \
            "rope_theta": 1000000, "max_position_embeddings": 32768
            """
        let talker = Part(
            name: name,
            config: """
                {"model_type": "qwen3_tts", "tts_pad_token_id": 151671, \
                "tts_bos_token_id": 151672, "tts_eos_token_id": 151673, "talker_config": \
                {"hidden_size": \(hidden), "intermediate_size": \(inner), \
                "num_hidden_layers": 28, \(decoder), "vocab_size": 3072, \
                "num_code_groups": 16, "text_vocab_size": 151936, "text_hidden_size": 2048, \
                "codec_pad_id": 2148, "codec_bos_id": 2149, "codec_eos_token_id": 2150, \
                "code_predictor_config": {"hidden_size": 1024, "intermediate_size": 3072, \
                "num_hidden_layers": 5, \(decoder), "vocab_size": 2048}}}
                """,
            present: ["talker.text_projection", "talker.code_predictor.small_to_mtp_projection"],
            plain: [
                "talker.model.text_embedding", "talker.model.codec_embedding",
                "talker.code_predictor.model.codec_embedding",
            ])
        return SynthesisShape(name: name, talker: talker, codec: codec12Hz(of: name))
    }

    private static func codec12Hz(of name: String) -> Part {
        Part(
            name: "the codec of \(name)",
            config: """
                {"model_type": "qwen3_tts_tokenizer_12hz", "decoder_config": {\
                "latent_dim": 1024, "codebook_dim": 512, "codebook_size": 2048, \
                "num_quantizers": 16, "hidden_size": 512, "intermediate_size": 1024, \
                "num_hidden_layers": 8, "num_attention_heads": 16, "num_key_value_heads": 16, \
                "head_dim": 64, "rope_theta": 10000, "sliding_window": 72, \
                "upsampling_ratios": [2, 2], "upsample_rates": [8, 5, 4, 3], \
                "decoder_dim": 1536}}
                """,
            present: [
                "decoder.pre_conv", "decoder.pre_transformer.input_proj",
                "decoder.pre_transformer.output_proj", "decoder.upsample", "decoder.decoder",
            ])
    }
}
