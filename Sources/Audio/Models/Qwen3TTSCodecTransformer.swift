// The transformer between the codes and the convolutions of Qwen3-TTS's codec. References:
// references/tts-qwen3.md; qwen-tts 0.1.1 core/tokenizer_12hz/modeling_qwen3_tts_tokenizer_v2.py.
import Kernels

/// Pre-norm layers with a sliding window, whose additions to the residual stream are scaled channel by
/// channel. Its matrices go through the convolutions' products, which may round f32 weights.
final class Qwen3TTSCodecTransformer {
    /// What it remembers of the frames before.
    struct State {
        let cache: KVCache
    }

    private struct Layer {
        let inputNorm: RMSNorm
        let query: CausalConvolution  // [heads · headDim, hidden]
        let key: CausalConvolution
        let value: CausalConvolution
        let output: CausalConvolution
        let attentionScale: Vector
        let postAttentionNorm: RMSNorm
        let gate: CausalConvolution  // [intermediate, hidden]
        let up: CausalConvolution
        let down: CausalConvolution
        let feedForwardScale: Vector
    }

    private static let thetaDefault = 10000.0

    private let config: Qwen3TTSCodecConfig
    private let input: CausalConvolution  // [hidden, latent]
    private let layers: [Layer]
    private let norm: RMSNorm
    private let output: CausalConvolution  // [latent, hidden]
    private let rope: Rope

    /// Multiplications of a row.
    let products: Int

    init(_ folder: ModelFolder, _ config: Qwen3TTSCodecConfig, _ settings: JSONValue) throws {
        self.config = config
        let first = folder.matricesAsked.count
        let prefix = "decoder.pre_transformer"
        input = CausalConvolution(
            try folder.biasedMatrix(
                "\(prefix).input_proj", rows: config.hidden, columns: config.latent
            ).rounding())
        layers = try (0..<config.layers).map {
            try Self.layer(folder, config, "\(prefix).layers.\($0)")
        }
        norm = RMSNorm(
            weight: try folder.vector("\(prefix).norm.weight", count: config.hidden),
            eps: config.normEps)
        output = CausalConvolution(
            try folder.biasedMatrix(
                "\(prefix).output_proj", rows: config.latent, columns: config.hidden
            ).rounding())
        rope = try Rope(
            headDim: config.headDim, config: settings, source: folder.configPath,
            thetaDefault: Self.thetaDefault)
        products = folder.matricesAsked[first...].reduce(0) { $0 + $1.rows * $1.columns }
    }

    private static func layer(
        _ folder: ModelFolder, _ config: Qwen3TTSCodecConfig, _ name: String
    ) throws -> Layer {
        let (hidden, inner, wide) = (
            config.hidden, config.intermediate, config.heads * config.headDim
        )
        func matrix(_ module: String, _ rows: Int, _ columns: Int) throws -> CausalConvolution {
            CausalConvolution(
                try folder.matrix("\(name).\(module)", rows: rows, columns: columns).rounding())
        }
        func norm(_ module: String) throws -> RMSNorm {
            RMSNorm(
                weight: try folder.vector("\(name).\(module).weight", count: hidden),
                eps: config.normEps)
        }
        return Layer(
            inputNorm: try norm("input_layernorm"),
            query: try matrix("self_attn.q_proj", wide, hidden),
            key: try matrix("self_attn.k_proj", wide, hidden),
            value: try matrix("self_attn.v_proj", wide, hidden),
            output: try matrix("self_attn.o_proj", hidden, wide),
            attentionScale: try folder.vector(
                "\(name).self_attn_layer_scale.scale", count: hidden),
            postAttentionNorm: try norm("post_attention_layernorm"),
            gate: try matrix("mlp.gate_proj", inner, hidden),
            up: try matrix("mlp.up_proj", inner, hidden),
            down: try matrix("mlp.down_proj", hidden, inner),
            feedForwardScale: try folder.vector("\(name).mlp_layer_scale.scale", count: hidden))
    }

    /// - Parameter capacity: frames between two starts.
    func makeState(capacity: Int, on compute: Compute) throws -> State {
        State(
            cache: try KVCache(
                layers: config.layers, heads: config.heads, headDim: config.headDim,
                capacity: capacity, format: .standard(compute.precision)))
    }

    /// rows [n, latent] in place, behind those that the state has seen.
    func apply(_ rows: Rows, _ state: State, on compute: Compute) {
        let work = compute.workspace
        work.scope {
            let hidden = work.rows(rows.count, config.hidden)
            input.apply(rows, into: hidden, on: compute)
            for (index, layer) in layers.enumerated() {
                attend(hidden, layer, index, state.cache, compute)
                feedForward(hidden, layer, compute)
            }
            state.cache.advance(by: rows.count)
            norm.apply(hidden, into: hidden)
            output.apply(hidden, into: rows, on: compute)
        }
    }

    private func attend(
        _ hidden: Rows, _ layer: Layer, _ index: Int, _ cache: KVCache, _ compute: Compute
    ) {
        let work = compute.workspace
        let wide = config.heads * config.headDim
        work.scope {
            let h = work.rows(hidden.count, config.hidden)
            layer.inputNorm.apply(hidden, into: h)
            let query = work.rows(hidden.count, wide)
            let key = work.rows(hidden.count, wide)
            let value = work.rows(hidden.count, wide)
            layer.query.apply(h, into: query, on: compute)
            layer.key.apply(h, into: key, on: compute)
            layer.value.apply(h, into: value, on: compute)
            rope.apply(query, at: cache.length)
            rope.apply(key, at: cache.length)
            let mixed = work.rows(hidden.count, wide)
            cache.attend(
                layer: index, query: query, key: key, value: value, heads: config.heads,
                scale: 1 / Float(config.headDim).squareRoot(), window: config.windowFrames,
                into: mixed)
            layer.output.apply(mixed, into: h, on: compute)
            Activation.add(h, scale: layer.attentionScale, to: hidden)
        }
    }

    private func feedForward(_ hidden: Rows, _ layer: Layer, _ compute: Compute) {
        let work = compute.workspace
        work.scope {
            let h = work.rows(hidden.count, config.hidden)
            layer.postAttentionNorm.apply(hidden, into: h)
            let gate = work.rows(hidden.count, config.intermediate)
            let up = work.rows(hidden.count, config.intermediate)
            layer.gate.apply(h, into: gate, on: compute)
            layer.up.apply(h, into: up, on: compute)
            Activation.multiply(.silu, gate: gate, up: up, into: gate)
            layer.down.apply(gate, into: h, on: compute)
            Activation.add(h, scale: layer.feedForwardScale, to: hidden)
        }
    }
}
