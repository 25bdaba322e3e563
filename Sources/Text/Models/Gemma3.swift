// Gemma 3, text: the models of that kind, and the text part of the multimodal ones. References:
// references/llm-gemma3.md; mlx-lm 0.32.2 models/{gemma3_text,gemma3}.py and transformers 5.23.0
// models/gemma3/modeling_gemma3.py.
import Foundation
import Kernels

/// Dimensions of a Gemma 3 decoder. The multimodal files leave out most keys, so their defaults
/// count.
private struct Gemma3Config {
    let hidden: Int
    let intermediate: Int
    let layers: Int
    let heads: Int
    let kvHeads: Int
    let headDim: Int
    let vocabulary: Int
    let normEps: Double
    let contextTokensMax: Int
    let scale: Float
    /// For each layer the tokens that a query sees, nil for all.
    let windows: [Int?]
    /// The objects with the RoPE keys of global and of sliding layers.
    let globalRope: JSONValue
    let localRope: JSONValue

    /// - Parameters:
    ///   - text: `text_config` of a multimodal model, or the whole configuration.
    ///   - outer: the whole configuration, which may hold the vocabulary's size.
    init(_ text: JSONValue, outer: JSONValue) throws {
        hidden = try text.size("hidden_size")
        intermediate = try text.size("intermediate_size")
        layers = try text.size("num_hidden_layers")
        heads = try text.size("num_attention_heads", default: 8)
        kvHeads = try text.size("num_key_value_heads", default: 4)
        headDim = try text.size("head_dim", default: 256)
        let outerVocabulary = try outer.size("vocab_size", default: 262_208)
        vocabulary = try text.size("vocab_size", default: outerVocabulary)
        normEps = try text.double("rms_norm_eps", default: 1e-6)
        contextTokensMax = try text.size("max_position_embeddings", default: 131_072)
        scale = 1 / Float(try text.double("query_pre_attn_scalar", default: 256)).squareRoot()
        try text.checkHeads(heads: heads, kvHeads: kvHeads, headDim: headDim)
        windows = try Self.windows(text, layers: layers)
        if let nested = text["rope_parameters"], let global = nested["full_attention"] {
            globalRope = .object(["rope_parameters": global])
            localRope = .object(["rope_parameters": nested["sliding_attention"] ?? .null])
        } else {
            globalRope = text
            let theta = try text.double("rope_local_base_freq", default: 1e4)
            localRope = .object(["rope_theta": .double(theta)])
        }
    }

    private static func windows(_ text: JSONValue, layers: Int) throws -> [Int?] {
        let window = try text.size("sliding_window", default: 512)
        guard let kinds = text["layer_types"], !kinds.isNull else {
            let pattern = try text.size("sliding_window_pattern", default: 6)
            return (0..<layers).map { ($0 + 1) % pattern == 0 ? nil : window }
        }
        let names = try text.array("layer_types").map(\.asString)
        guard names.count == layers,
            names.allSatisfy({ $0 == "full_attention" || $0 == "sliding_attention" })
        else {
            throw JSONError(
                detail: "layer_types has \(names.count) entries, want \(layers) of "
                    + "full_attention or sliding_attention")
        }
        return names.map { $0 == "full_attention" ? nil : window }
    }
}

/// The Gemma 3 decoder: norms before and after both parts of a layer, sliding-window layers with a
/// RoPE of their own between the global ones.
final class Gemma3: LanguageModel {
    /// Opens `model_type` gemma3_text and gemma3.
    static let family = Family<any LanguageModel>(
        name: "llm-gemma3", architectures: ["gemma3_text", "gemma3"]
    ) { folder, _ in try Gemma3(folder) }

    private struct Layer {
        let inputNorm: RMSNorm
        let queryKeyValue: Linear
        let headNorms: HeadNorms
        let output: Linear
        let postAttentionNorm: RMSNorm
        let preFeedForwardNorm: RMSNorm
        let feedForward: DenseFeedForward
        let postFeedForwardNorm: RMSNorm
        let window: Int?
    }

    private let config: Gemma3Config
    private let embedding: Weight
    /// sqrt(hidden), rounded to bf16 as in training.
    private let embeddingScale: Float
    private let layers: [Layer]
    private let finalNorm: RMSNorm
    private let head: Linear
    private let globalRope: Rope
    private let localRope: Rope

    var vocabularyCount: Int { config.vocabulary }
    var hiddenColumns: Int { config.hidden }
    var contextTokensMax: Int { config.contextTokensMax }

    private init(_ folder: ModelFolder) throws {
        let config = try folder.read { try Gemma3Config($0["text_config"] ?? $0, outer: $0) }
        self.config = config
        let roots = ["language_model.model.", "model.language_model.", "model."]
        let prefix = roots.first { folder.has("\($0)embed_tokens.weight") } ?? roots[2]
        embedding = try folder.matrix(
            "\(prefix)embed_tokens", rows: config.vocabulary, columns: config.hidden)
        embeddingScale = Self.bf16(Float(config.hidden).squareRoot())
        func rope(_ keys: JSONValue, theta: Double) throws -> Rope {
            try Rope(
                headDim: config.headDim, config: keys, source: folder.configPath,
                thetaDefault: theta)
        }
        globalRope = try rope(config.globalRope, theta: 1e6)
        localRope = try rope(config.localRope, theta: 1e4)
        layers = try (0..<config.layers).map {
            try Self.layer(folder, config, $0, "\(prefix)layers.\($0)")
        }
        finalNorm = try Self.norm(folder, "\(prefix)norm", config.hidden, config)
        let headName = ["language_model.lm_head", "lm_head"].first { folder.has("\($0).weight") }
        head = Linear(
            try headName.map {
                try folder.matrix($0, rows: config.vocabulary, columns: config.hidden)
            } ?? embedding)
    }

    private static func bf16(_ value: Float) -> Float {
        let bits = value.bitPattern
        return Float(bitPattern: (bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF_0000)
    }

    /// Weights are stored as the difference from 1.
    private static func norm(
        _ folder: ModelFolder, _ name: String, _ count: Int, _ config: Gemma3Config
    ) throws -> RMSNorm {
        RMSNorm(
            weight: try folder.vector("\(name).weight", count: count), offset: 1,
            eps: config.normEps)
    }

    private static func layer(
        _ folder: ModelFolder, _ config: Gemma3Config, _ index: Int, _ name: String
    ) throws -> Layer {
        let queryColumns = config.heads * config.headDim
        let keyColumns = config.kvHeads * config.headDim
        func matrix(_ module: String, _ rows: Int, _ columns: Int) throws -> Weight {
            try folder.matrix("\(name).self_attn.\(module)", rows: rows, columns: columns)
        }
        func norm(_ module: String, _ count: Int) throws -> RMSNorm {
            try Self.norm(folder, "\(name).\(module)", count, config)
        }
        return Layer(
            inputNorm: try norm("input_layernorm", config.hidden),
            queryKeyValue: Linear(
                try matrix("q_proj", queryColumns, config.hidden),
                try matrix("k_proj", keyColumns, config.hidden),
                try matrix("v_proj", keyColumns, config.hidden)),
            headNorms: HeadNorms(
                query: try norm("self_attn.q_norm", config.headDim),
                key: try norm("self_attn.k_norm", config.headDim)),
            output: Linear(try matrix("o_proj", config.hidden, queryColumns)),
            postAttentionNorm: try norm("post_attention_layernorm", config.hidden),
            preFeedForwardNorm: try norm("pre_feedforward_layernorm", config.hidden),
            feedForward: try DenseFeedForward(
                folder, "\(name).mlp", hidden: config.hidden, inner: config.intermediate,
                gate: .geluTanh),
            postFeedForwardNorm: try norm("post_feedforward_layernorm", config.hidden),
            window: config.windows[index])
    }

    func makeCache(capacity: Int, format: KVFormat) throws -> KVCache {
        try KVCache(
            layers: config.layers, heads: config.kvHeads, headDim: config.headDim,
            capacity: capacity, format: format)
    }

    func embed(_ tokens: ArraySlice<Int32>, into hidden: Rows) {
        for (row, token) in tokens.enumerated() {
            let values = hidden[row]
            embedding.row(Int(token), into: values)
            for index in values.indices { values[index] *= embeddingScale }
        }
    }

    func forward(_ hidden: Rows, in placement: Placement, keeping kept: Int, on compute: Compute) {
        compute.traceRows("embeddings", hidden)
        for (index, layer) in layers.enumerated() {
            let asking = index == layers.count - 1 ? kept : hidden.count
            attention(hidden, asking, layer, index, placement, compute)
            feedForward(hidden.last(asking), layer, compute)
            compute.traceRows("layer_\(index)", hidden)
        }
        placement.advance(by: hidden.count)
    }

    /// Of the last `asking` rows hidden += norm(Wo · attention(RoPE(norm(Wq h)), RoPE(norm(Wk h)),
    /// Wv h)), h = norm(hidden)
    private func attention(
        _ hidden: Rows, _ asking: Int, _ layer: Layer, _ index: Int, _ placement: Placement,
        _ compute: Compute
    ) {
        let work = compute.workspace
        let queryColumns = config.heads * config.headDim
        let keyColumns = config.kvHeads * config.headDim
        let rope = layer.window == nil ? globalRope : localRope
        work.scope {
            let h = work.rows(hidden.count, config.hidden)
            layer.inputNorm.apply(hidden, into: h)
            let projected = work.rows(hidden.count, queryColumns + 2 * keyColumns)
            layer.queryKeyValue.apply(h, into: projected, on: compute)
            let query = projected.columns(0..<queryColumns).last(asking)
            let key = projected.columns(queryColumns..<queryColumns + keyColumns)
            let value = projected.columns(queryColumns + keyColumns..<projected.columns)
            let mixed = work.rows(asking, queryColumns)
            placement.attend(
                layer: index, query: query, key: key, value: value, rope: rope,
                norms: layer.headNorms, heads: config.heads, scale: config.scale,
                window: layer.window, into: mixed,
                on: compute)
            let added = h.last(asking)
            layer.output.apply(mixed, into: added, on: compute)
            layer.postAttentionNorm.apply(added, into: added)
            Activation.add(added, to: hidden.last(asking))
        }
    }

    /// hidden += norm(Wdown · (gelu(Wgate m) * (Wup m))), m = norm(hidden)
    private func feedForward(_ hidden: Rows, _ layer: Layer, _ compute: Compute) {
        let work = compute.workspace
        work.scope {
            let m = work.rows(hidden.count, config.hidden)
            layer.preFeedForwardNorm.apply(hidden, into: m)
            let out = work.rows(hidden.count, config.hidden)
            layer.feedForward.apply(m, into: out, accumulate: false, on: compute)
            layer.postFeedForwardNorm.apply(out, into: out)
            Activation.add(out, to: hidden)
        }
    }

    func logits(_ hidden: Rows, into logits: Rows, on compute: Compute) {
        compute.workspace.scope {
            let normed = compute.workspace.rows(hidden.count, config.hidden)
            finalNorm.apply(hidden, into: normed)
            compute.traceRows("final_norm", normed)
            head.apply(normed, into: logits, on: compute)
        }
    }
}
