import Kernels

/// A speech model known by its dimensions alone: its encoder, and its decoder if that is one of
/// `BenchShape`.
struct SpeechShape: InventedModel, Sendable {
    var name: String
    var config: String
    /// Beginnings of the names of optional tensors that the checkpoint has.
    var present: [String]
    /// Beginnings of the names of matrices that conversions leave as they are.
    var plain: [String]
    /// How most checkpoints are published.
    var bitsDefault: Int
    /// A row of `BenchShape.all`.
    var decoder: String?

    static let all: [SpeechShape] = [
        whisper("whisper-tiny", 384, heads: 6, layers: 4),
        whisper("whisper-base", 512, heads: 8, layers: 6),
        whisper("whisper-small", 768, heads: 12, layers: 12),
        whisper("whisper-medium", 1024, heads: 16, layers: 24),
        whisper("whisper-large-v3", 1280, heads: 20, layers: 32, mels: 128),
        whisper(
            "whisper-large-v3-turbo", 1280, heads: 20, layers: 32, mels: 128, decoderLayers: 4),
        qwen3("qwen3-asr-0.6b", 896, 3584, layers: 18, heads: 14, output: 1024),
        qwen3("qwen3-asr-1.7b", 1024, 4096, layers: 24, heads: 16, output: 2048),
    ]

    static func named(_ name: String) -> SpeechShape? {
        all.first { $0.name == name.lowercased() }
    }

    private static func whisper(
        _ name: String, _ width: Int, heads: Int, layers: Int, mels: Int = 80,
        decoderLayers: Int? = nil
    ) -> SpeechShape {
        SpeechShape(
            name: name,
            config: """
                {"model_type": "whisper", "n_mels": \(mels), "n_audio_ctx": 1500, \
                "n_audio_state": \(width), "n_audio_head": \(heads), "n_audio_layer": \(layers), \
                "n_vocab": \(mels == 128 ? 51866 : 51865), "n_text_ctx": 448, \
                "n_text_state": \(width), "n_text_head": \(heads), \
                "n_text_layer": \(decoderLayers ?? layers)}
                """,
            present: ["encoder."], plain: ["encoder.conv"], bitsDefault: 16)
    }

    private static func qwen3(
        _ name: String, _ width: Int, _ feedForward: Int, layers: Int, heads: Int, output: Int
    ) -> SpeechShape {
        SpeechShape(
            name: name,
            config: """
                {"model_type": "qwen3_asr", "audio_config": {"num_mel_bins": 128, \
                "d_model": \(width), "encoder_layers": \(layers), \
                "encoder_attention_heads": \(heads), "encoder_ffn_dim": \(feedForward), \
                "downsample_hidden_size": 480, "output_dim": \(output), "n_window": 50, \
                "n_window_infer": 800}}
                """,
            present: ["audio_tower."], plain: ["audio_tower."], bitsDefault: 4,
            decoder: "\(name) decoder")
    }
}
