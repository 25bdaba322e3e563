// Qwen3, mixture of experts. References: references/llm-qwen3.md; mlx-lm 0.32.2 models/qwen3_moe.py
// and transformers 5.23.0 models/qwen3_moe/modeling_qwen3_moe.py.
import Kernels

/// Qwen3-MoE: Qwen3 with experts in place of the dense feed-forward part in most layers.
enum Qwen3MoE {
    /// Opens `model_type` qwen3_moe.
    static let family = Family<any LanguageModel>(
        name: "llm-qwen3", architectures: ["qwen3_moe"]
    ) { folder, _ in
        let (config, experts) = try folder.read { config in
            (try DecoderConfig(config, Qwen3.traits), try Config(config))
        }
        let rope = try Rope(
            headDim: config.headDim, config: folder.config, source: folder.configPath,
            thetaDefault: Qwen3.thetaDefault)
        return try Decoder(folder, config: config, rope: rope) { name, index in
            guard experts.isSparse(layer: index) else {
                return try DenseFeedForward(
                    folder, "\(name).mlp", hidden: config.hidden, inner: config.intermediate)
            }
            return try Experts(
                folder, "\(name).mlp", hidden: config.hidden, inner: experts.inner,
                count: experts.count, chosen: experts.chosen, normalizes: experts.normalizes)
        }
    }

    private struct Config {
        let count: Int
        let chosen: Int
        let inner: Int
        let normalizes: Bool
        private let step: Int
        private let denseLayers: Set<Int>

        init(_ config: JSONValue) throws {
            count = try config.size("num_experts")
            chosen = try config.size("num_experts_per_tok")
            inner = try config.size("moe_intermediate_size")
            normalizes = try config.bool("norm_topk_prob", default: false)
            step = try config.size("decoder_sparse_step", default: 1)
            denseLayers =
                config["mlp_only_layers"]?.isNull ?? true
                ? [] : Set(try config.ints("mlp_only_layers"))
            guard chosen <= count else {
                throw JSONError(detail: "num_experts_per_tok is \(chosen) of \(count) experts")
            }
        }

        func isSparse(layer: Int) -> Bool {
            !denseLayers.contains(layer) && (layer + 1) % step == 0
        }
    }
}
