// Qwen2 and Qwen2.5, also distilled from DeepSeek-R1. References: references/llm-qwen2.md; mlx-lm
// 0.32.2 models/qwen2.py and transformers 5.23.0 models/qwen2/modeling_qwen2.py.
import Kernels

/// Qwen2: biases on Q, K and V.
enum Qwen2 {
    private static let traits = DecoderConfig.Traits(
        needsProjectionBias: true, isTiedDefault: true)

    /// Opens `model_type` qwen2.
    static let family = Family<any LanguageModel>(
        name: "llm-qwen2", architectures: ["qwen2"]
    ) { folder, _ in
        let config = try folder.read { try DecoderConfig($0, traits) }
        let rope = try Rope(
            headDim: config.headDim, config: folder.config, source: folder.configPath,
            thetaDefault: 1e6)
        return try Decoder(folder, config: config, rope: rope)
    }
}
