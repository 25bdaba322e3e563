// Qwen3, dense. References: references/llm-qwen3.md; mlx-lm 0.32.2 models/qwen3.py and transformers
// 5.23.0 models/qwen3/modeling_qwen3.py.
public import Kernels

/// Dimensions of a Qwen3 decoder, from `config.json` or the `text_config` of a larger model.
public struct Qwen3Config {
    /// Width of the residual stream.
    public let hidden: Int
    let intermediate: Int
    let layers: Int
    let heads: Int
    let kvHeads: Int
    let headDim: Int
    let vocabulary: Int
    let normEps: Double
    let contextTokensMax: Int
    let isTied: Bool

    /// - Parameter isTied: overrides `tie_word_embeddings`, for models that tie whatever they say.
    /// - Throws: `JSONError` naming the key that is absent or makes no sense.
    public init(_ config: JSONValue, isTied: Bool? = nil) throws {
        hidden = try Self.positive(config, "hidden_size")
        intermediate = try Self.positive(config, "intermediate_size")
        layers = try Self.positive(config, "num_hidden_layers")
        heads = try Self.positive(config, "num_attention_heads")
        kvHeads = try Self.positive(config, "num_key_value_heads")
        headDim = try Self.positive(config, "head_dim")
        vocabulary = try Self.positive(config, "vocab_size")
        normEps = try config.double("rms_norm_eps", default: 1e-6)
        contextTokensMax = try config.int("max_position_embeddings", default: 32768)
        self.isTied = try isTied ?? config.bool("tie_word_embeddings", default: false)
        guard heads % kvHeads == 0, headDim % 2 == 0, headDim <= KVCache.headDimMax else {
            throw JSONError(
                detail: "num_attention_heads \(heads), num_key_value_heads \(kvHeads) and "
                    + "head_dim \(headDim) do not fit together")
        }
        guard contextTokensMax > 0 else {
            throw JSONError(detail: "max_position_embeddings is \(contextTokensMax)")
        }
    }

    private static func positive(_ config: JSONValue, _ key: String) throws -> Int {
        let value = try config.int(key)
        guard value > 0, value <= 1 << 24 else {
            throw JSONError(detail: "\(key) is \(value), want a positive number")
        }
        return value
    }
}

/// The Qwen3 decoder.
public final class Qwen3: LanguageModel {
    /// Opens `model_type` qwen3.
    public static let family = Family<any LanguageModel>(
        name: "llm-qwen3", architectures: ["qwen3"]
    ) { folder, _ in
        let config = try folder.read { try Qwen3Config($0) }
        // The embedding models were uploaded without the "model." prefix.
        let prefix = folder.has("embed_tokens.weight") ? "" : "model."
        return try Qwen3(folder, config: config, rope: folder.config, prefix: prefix)
    }

    /// Weights of one layer; names as in the checkpoint.
    private struct Layer {
        let inputNorm: RMSNorm
        let queryKeyValue: Linear  // [heads · headDim + 2 · kvHeads · headDim, hidden]
        let queryNorm: RMSNorm
        let keyNorm: RMSNorm
        let output: Linear
        let postAttentionNorm: RMSNorm
        let gateUp: Linear  // [2 · intermediate, hidden]
        let down: Linear
    }

    private let config: Qwen3Config
    private let embedding: Weight
    private let layers: [Layer]
    private let finalNorm: RMSNorm
    private let head: Linear
    private let rope: Rope

    /// Rows of the output matrix.
    public var vocabularyCount: Int { config.vocabulary }
    /// Width of the residual stream.
    public var hiddenColumns: Int { config.hidden }
    /// `max_position_embeddings`.
    public var contextTokensMax: Int { config.contextTokensMax }

    /// - Parameters:
    ///   - rope: the configuration object that holds the RoPE keys.
    ///   - prefix: what precedes "layers.0" in tensor names; the head is `lm_head` beside "model.".
    ///   - headName: module path of the output matrix when it is not tied.
    public init(
        _ folder: ModelFolder, config: Qwen3Config, rope: JSONValue, prefix: String,
        headName: String = "lm_head"
    ) throws {
        self.config = config
        self.rope = try Rope(
            headDim: config.headDim, config: rope, source: folder.configPath, thetaDefault: 1e6)
        embedding = try folder.matrix(
            "\(prefix)embed_tokens", rows: config.vocabulary, columns: config.hidden)
        layers = try (0..<config.layers).map {
            try Self.layer(folder, config, "\(prefix)layers.\($0)")
        }
        finalNorm = try Self.norm(folder, "\(prefix)norm", config.hidden, config)
        let isTied = config.isTied || !folder.has("\(headName).weight")
        head =
            isTied
            ? Linear(embedding)
            : Linear(
                try folder.matrix(headName, rows: config.vocabulary, columns: config.hidden))
    }

    private static func norm(
        _ folder: ModelFolder, _ name: String, _ count: Int, _ config: Qwen3Config
    ) throws -> RMSNorm {
        RMSNorm(weight: try folder.vector("\(name).weight", count: count), eps: config.normEps)
    }

    private static func layer(
        _ folder: ModelFolder, _ config: Qwen3Config, _ name: String
    ) throws -> Layer {
        let queryColumns = config.heads * config.headDim
        let keyColumns = config.kvHeads * config.headDim
        func matrix(_ module: String, _ rows: Int, _ columns: Int) throws -> Weight {
            try folder.matrix("\(name).\(module)", rows: rows, columns: columns)
        }
        return Layer(
            inputNorm: try norm(folder, "\(name).input_layernorm", config.hidden, config),
            queryKeyValue: Linear(
                try matrix("self_attn.q_proj", queryColumns, config.hidden),
                try matrix("self_attn.k_proj", keyColumns, config.hidden),
                try matrix("self_attn.v_proj", keyColumns, config.hidden)),
            queryNorm: try norm(folder, "\(name).self_attn.q_norm", config.headDim, config),
            keyNorm: try norm(folder, "\(name).self_attn.k_norm", config.headDim, config),
            output: Linear(try matrix("self_attn.o_proj", config.hidden, queryColumns)),
            postAttentionNorm: try norm(
                folder, "\(name).post_attention_layernorm", config.hidden, config),
            gateUp: Linear(
                try matrix("mlp.gate_proj", config.intermediate, config.hidden),
                try matrix("mlp.up_proj", config.intermediate, config.hidden)),
            down: Linear(try matrix("mlp.down_proj", config.hidden, config.intermediate)))
    }

    /// One layer of keys and values per decoder layer.
    public func makeCache(capacity: Int, precision: Precision) throws -> KVCache {
        try KVCache(
            layers: config.layers, heads: config.kvHeads, headDim: config.headDim,
            capacity: capacity, precision: precision)
    }

    /// Embedding look-up, row by row.
    public func embed(_ tokens: ArraySlice<Int32>, into hidden: Rows) {
        for (row, token) in tokens.enumerated() {
            embedding.row(Int(token), into: hidden[row])
        }
    }

    /// All layers, in place on `hidden`.
    public func forward(_ hidden: Rows, cache: KVCache, on compute: Compute) {
        compute.traceRows("embeddings", hidden)
        for (index, layer) in layers.enumerated() {
            attention(hidden, layer, index, cache, compute)
            feedForward(hidden, layer, compute)
            compute.traceRows("layer_\(index)", hidden)
        }
        cache.advance(by: hidden.count)
    }

    /// hidden += Wo · attention(RoPE(norm(Wq h)), RoPE(norm(Wk h)), Wv h), h = norm(hidden)
    private func attention(
        _ hidden: Rows, _ layer: Layer, _ index: Int, _ cache: KVCache, _ compute: Compute
    ) {
        let work = compute.workspace
        let count = hidden.count
        let queryColumns = config.heads * config.headDim
        let keyColumns = config.kvHeads * config.headDim
        work.scope {
            let h = work.rows(count, config.hidden)
            layer.inputNorm.apply(hidden, into: h)
            let projected = work.rows(count, queryColumns + 2 * keyColumns)
            layer.queryKeyValue.apply(h, into: projected, on: compute)
            let query = projected.columns(0..<queryColumns)
            let key = projected.columns(queryColumns..<queryColumns + keyColumns)
            let value = projected.columns(queryColumns + keyColumns..<projected.columns)
            layer.queryNorm.applyToHeads(query)
            layer.keyNorm.applyToHeads(key)
            rope.apply(query, at: cache.length)
            rope.apply(key, at: cache.length)
            cache.store(layer: index, keys: key, values: value)
            let mixed = work.rows(count, queryColumns)
            cache.attend(
                layer: index, query: query, heads: config.heads,
                scale: 1 / Float(config.headDim).squareRoot(), into: mixed)
            layer.output.apply(mixed, into: hidden, accumulate: true, on: compute)
        }
    }

    /// hidden += Wdown · (silu(Wgate m) * (Wup m)), m = norm(hidden)
    private func feedForward(_ hidden: Rows, _ layer: Layer, _ compute: Compute) {
        let work = compute.workspace
        work.scope {
            let m = work.rows(hidden.count, config.hidden)
            layer.postAttentionNorm.apply(hidden, into: m)
            let gateUp = work.rows(hidden.count, 2 * config.intermediate)
            layer.gateUp.apply(m, into: gateUp, on: compute)
            let inner = work.rows(hidden.count, config.intermediate)
            Activation.siluMultiply(
                gate: gateUp.columns(0..<config.intermediate),
                up: gateUp.columns(config.intermediate..<2 * config.intermediate), into: inner)
            layer.down.apply(inner, into: hidden, accumulate: true, on: compute)
        }
    }

    /// Final norm and output matrix.
    public func logits(_ hidden: Rows, into logits: Rows, on compute: Compute) {
        compute.workspace.scope {
            let normed = compute.workspace.rows(hidden.count, config.hidden)
            finalNorm.apply(hidden, into: normed)
            compute.traceRows("final_norm", normed)
            head.apply(normed, into: logits, on: compute)
        }
    }
}
