// Llama 3, also distilled from DeepSeek-R1. References: references/llm-llama3.md; mlx-lm 0.32.2
// models/llama.py and transformers 5.23.0 models/llama/modeling_llama.py.
import Kernels

/// Llama 3: the plain decoder; biases where the checkpoint has them.
enum Llama {
    private static let traits = DecoderConfig.Traits(normEpsDefault: 1e-6, isTiedDefault: false)

    /// Opens `model_type` llama.
    static let family = Family<any LanguageModel>(
        name: "llm-llama3", architectures: ["llama"]
    ) { folder, _ in
        let config = try folder.read { config in
            let kinds = try config["layer_types"].map { _ in try config.array("layer_types") } ?? []
            guard kinds.allSatisfy({ $0.asString == "full_attention" }) else {
                throw JSONError(detail: "layer_types has others than full_attention")
            }
            return try DecoderConfig(config, traits)
        }
        let rope = try Rope(
            headDim: config.headDim, config: folder.config, source: folder.configPath,
            thetaDefault: 1e4)
        return try Decoder(folder, config: config, rope: rope)
    }
}
