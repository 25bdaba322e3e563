// Qwen3, dense. References: references/llm-qwen3.md; mlx-lm 0.32.2 models/qwen3.py and transformers
// 5.23.0 models/qwen3/modeling_qwen3.py.
public import Kernels

/// Qwen3: head norms, no biases, `head_dim` of its own.
public enum Qwen3 {
    static let traits = DecoderConfig.Traits(hasHeadNorms: true, needsHeadDim: true)
    static let thetaDefault = 1e6

    /// Opens `model_type` qwen3.
    public static let family = Family<any LanguageModel>(
        name: "llm-qwen3", architectures: ["qwen3"]
    ) { folder, _ in
        // The embedding models were uploaded without the "model." prefix.
        let prefix = folder.has("embed_tokens.weight") ? "" : "model."
        return try decoder(folder, config: folder.config, prefix: prefix)
    }

    /// A Qwen3 decoder, also as a part of a larger model.
    ///
    /// - Parameters:
    ///   - config: the object that holds its dimensions and RoPE keys.
    ///   - prefix: what precedes "layers.0" in tensor names.
    ///   - isTied: overrides `tie_word_embeddings`.
    public static func decoder(
        _ folder: ModelFolder, config: JSONValue, prefix: String, isTied: Bool? = nil
    ) throws -> Decoder {
        let (dimensions, rope) = try dimensions(folder, config, isTied: isTied)
        return try Decoder(folder, config: dimensions, rope: rope, prefix: prefix)
    }

    /// The layers and the final norm of a Qwen3 decoder, as a part of a model that embeds and reads
    /// hidden states in its own way.
    ///
    /// - Parameters:
    ///   - config: the object that holds its dimensions and RoPE keys.
    ///   - prefix: what precedes "layers.0" in tensor names.
    public static func stack(
        _ folder: ModelFolder, config: JSONValue, prefix: String
    ) throws -> DecoderStack {
        let (dimensions, rope) = try dimensions(folder, config)
        return try DecoderStack(folder, config: dimensions, rope: rope, prefix: prefix)
    }

    private static func dimensions(
        _ folder: ModelFolder, _ config: JSONValue, isTied: Bool? = nil
    ) throws -> (DecoderConfig, Rope) {
        let dimensions = try folder.read { _ in
            try DecoderConfig(config, traits, isTied: isTied)
        }
        let rope = try Rope(
            headDim: dimensions.headDim, config: config, source: folder.configPath,
            thetaDefault: thetaDefault)
        return (dimensions, rope)
    }
}
