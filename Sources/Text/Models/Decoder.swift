// The pre-norm decoder that Qwen2, Qwen3, Qwen3-MoE and Llama share. References: mlx-lm 0.32.2
// models/{qwen2,qwen3,qwen3_moe,llama}.py; transformers 5.23.0 models/*/modeling_*.py.
public import Kernels

/// Dimensions of a decoder, from `config.json` or the `text_config` of a larger model.
public struct DecoderConfig {
    /// What the families do differently; everything else is in the configuration.
    struct Traits {
        /// Q and K heads are normed before RoPE (Qwen3).
        var hasHeadNorms = false
        /// Q, K and V must have a bias (Qwen2). Where they may have one, the tensors decide.
        var needsProjectionBias = false
        /// The configuration must give `head_dim`; otherwise it is hidden / heads unless given.
        var needsHeadDim = false
        var normEpsDefault = 1e-6
        var isTiedDefault = false
        var contextTokensDefault = 32768
    }

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
    let traits: Traits

    /// - Parameter isTied: overrides `tie_word_embeddings`, for models that tie whatever they say.
    /// - Throws: `JSONError` naming the key that is absent or makes no sense.
    init(_ config: JSONValue, _ traits: Traits, isTied: Bool? = nil) throws {
        self.traits = traits
        hidden = try config.size("hidden_size")
        intermediate = try config.size("intermediate_size")
        layers = try config.size("num_hidden_layers")
        heads = try config.size("num_attention_heads")
        kvHeads = try config.size("num_key_value_heads", default: heads)
        let headDimDefault = traits.needsHeadDim ? nil : hidden / heads
        headDim = try config.size("head_dim", default: headDimDefault)
        vocabulary = try config.size("vocab_size")
        normEps = try config.double("rms_norm_eps", default: traits.normEpsDefault)
        contextTokensMax = try config.size(
            "max_position_embeddings", default: traits.contextTokensDefault)
        self.isTied =
            try isTied ?? config.bool("tie_word_embeddings", default: traits.isTiedDefault)
        try config.checkHeads(heads: heads, kvHeads: kvHeads, headDim: headDim)
        if try config.bool("use_sliding_window", default: false) {
            throw JSONError(detail: "use_sliding_window is true, which this program lacks")
        }
    }
}

/// Reading of dimensions.
extension JSONValue {
    private static var sizeMax: Int { 1 << 24 }

    /// A positive integer; with a default it may be absent or null.
    func size(_ key: String, default fallback: Int? = nil) throws -> Int {
        let isAbsent = self[key]?.isNull ?? true
        let value = try isAbsent ? fallback ?? int(key) : int(key)
        guard value > 0, value <= Self.sizeMax else {
            throw JSONError(detail: "\(key) is \(value), want a positive number")
        }
        return value
    }

    func checkHeads(heads: Int, kvHeads: Int, headDim: Int) throws {
        guard heads % kvHeads == 0, headDim % 2 == 0, headDim <= KVCache.headDimMax else {
            throw JSONError(
                detail: "num_attention_heads \(heads), num_key_value_heads \(kvHeads) and "
                    + "head_dim \(headDim) do not fit together")
        }
    }
}

/// A pre-norm decoder with grouped-query attention and RoPE: an embedding, layers, an output matrix.
public final class Decoder: LanguageModel {
    private let config: DecoderConfig
    private let embedding: Weight
    private let stack: DecoderStack
    private let head: Linear

    /// Rows of the output matrix.
    public var vocabularyCount: Int { config.vocabulary }
    /// Width of the residual stream.
    public var hiddenColumns: Int { config.hidden }
    /// `max_position_embeddings`.
    public var contextTokensMax: Int { config.contextTokensMax }

    /// - Parameters:
    ///   - rope: the frequencies.
    ///   - prefix: what precedes "layers.0" in tensor names.
    ///   - head: module path of the output matrix.
    ///   - feedForward: how layers are made that are not dense.
    init(
        _ folder: ModelFolder, config: DecoderConfig, rope: Rope, prefix: String = "model.",
        head headName: String = "lm_head", feedForward: DecoderStack.MakeFeedForward? = nil
    ) throws {
        self.config = config
        embedding = try folder.matrix(
            "\(prefix)embed_tokens", rows: config.vocabulary, columns: config.hidden)
        stack = try DecoderStack(
            folder, config: config, rope: rope, prefix: prefix, feedForward: feedForward)
        let isTied = config.isTied || !folder.has("\(headName).weight")
        head =
            isTied
            ? Linear(embedding)
            : Linear(
                try folder.matrix(headName, rows: config.vocabulary, columns: config.hidden))
    }

    /// One layer of keys and values per decoder layer.
    public func makeCache(capacity: Int, format: KVFormat) throws -> KVCache {
        try stack.makeCache(capacity: capacity, format: format)
    }

    /// Embedding look-up, row by row.
    public func embed(_ tokens: ArraySlice<Int32>, into hidden: Rows) {
        for (row, token) in tokens.enumerated() {
            embedding.row(Int(token), into: hidden[row])
        }
    }

    /// All layers, in place on `hidden`.
    public func forward(
        _ hidden: Rows, in placement: Placement, keeping kept: Int, on compute: Compute
    ) {
        stack.forward(hidden, in: placement, keeping: kept, on: compute)
    }

    /// All layers and the final norm, in place on `hidden`, over several texts that do not see each
    /// other; nothing is kept.
    public func encode(_ hidden: Rows, sequences: [Range<Int>], on compute: Compute) {
        stack.encode(hidden, sequences: sequences, on: compute)
    }

    /// Final norm and output matrix.
    public func logits(_ hidden: Rows, into logits: Rows, on compute: Compute) {
        compute.workspace.scope {
            let normed = compute.workspace.rows(hidden.count, config.hidden)
            stack.normalize(hidden, into: normed)
            compute.traceRows("final_norm", normed)
            head.apply(normed, into: logits, on: compute)
        }
    }
}

/// The layers of a decoder and its final norm: rows that were embedded somehow, to hidden states. Also
/// a part of models that have other embeddings and output matrices.
public final class DecoderStack {
    /// Makes the feed-forward part of layer `index`, whose tensors begin with `name`.
    typealias MakeFeedForward = (_ name: String, _ index: Int) throws -> any FeedForward

    /// Weights of one layer; names as in the checkpoint.
    private struct Layer {
        let inputNorm: RMSNorm
        let queryKeyValue: Linear  // [heads · headDim + 2 · kvHeads · headDim, hidden]
        let headNorms: HeadNorms?
        let output: Linear
        let postAttentionNorm: RMSNorm
        let feedForward: any FeedForward
    }

    /// What a token sees of the others.
    private enum Context {
        /// Those in the cache and those before it.
        case placement(Placement)
        /// Those before it in its sequence of rows.
        case sequences([Range<Int>])
    }

    private let config: DecoderConfig
    private let layers: [Layer]
    private let finalNorm: RMSNorm
    private let rope: Rope

    /// Width of the residual stream.
    public var hiddenColumns: Int { config.hidden }
    /// `max_position_embeddings`.
    public var contextTokensMax: Int { config.contextTokensMax }

    /// - Parameters:
    ///   - rope: the frequencies.
    ///   - prefix: what precedes "layers.0" in tensor names.
    ///   - feedForward: how layers are made that are not dense.
    init(
        _ folder: ModelFolder, config: DecoderConfig, rope: Rope, prefix: String = "model.",
        feedForward: MakeFeedForward? = nil
    ) throws {
        self.config = config
        self.rope = rope
        layers = try (0..<config.layers).map { index in
            let name = "\(prefix)layers.\(index)"
            let feedForward =
                try feedForward?(name, index)
                ?? DenseFeedForward(
                    folder, "\(name).mlp", hidden: config.hidden, inner: config.intermediate)
            return try Self.layer(folder, config, name, feedForward)
        }
        finalNorm = try Self.norm(folder, "\(prefix)norm", config.hidden, config)
    }

    private static func norm(
        _ folder: ModelFolder, _ name: String, _ count: Int, _ config: DecoderConfig
    ) throws -> RMSNorm {
        RMSNorm(weight: try folder.vector("\(name).weight", count: count), eps: config.normEps)
    }

    private static func layer(
        _ folder: ModelFolder, _ config: DecoderConfig, _ name: String,
        _ feedForward: any FeedForward
    ) throws -> Layer {
        let queryColumns = config.heads * config.headDim
        let keyColumns = config.kvHeads * config.headDim
        func projection(_ letter: String, _ rows: Int) throws -> Weight {
            let module = "\(name).self_attn.\(letter)_proj"
            return config.traits.needsProjectionBias
                ? try folder.biasedMatrix(module, rows: rows, columns: config.hidden)
                : try folder.matrix(module, rows: rows, columns: config.hidden)
        }
        var headNorms: HeadNorms?
        if config.traits.hasHeadNorms {
            headNorms = HeadNorms(
                query: try norm(folder, "\(name).self_attn.q_norm", config.headDim, config),
                key: try norm(folder, "\(name).self_attn.k_norm", config.headDim, config))
        }
        return Layer(
            inputNorm: try norm(folder, "\(name).input_layernorm", config.hidden, config),
            queryKeyValue: Linear(
                try projection("q", queryColumns), try projection("k", keyColumns),
                try projection("v", keyColumns)),
            headNorms: headNorms,
            output: Linear(
                try folder.matrix(
                    "\(name).self_attn.o_proj", rows: config.hidden, columns: queryColumns)),
            postAttentionNorm: try norm(
                folder, "\(name).post_attention_layernorm", config.hidden, config),
            feedForward: feedForward)
    }

    /// One layer of keys and values per decoder layer.
    public func makeCache(capacity: Int, format: KVFormat) throws -> KVCache {
        try KVCache(
            layers: config.layers, heads: config.kvHeads, headDim: config.headDim,
            capacity: capacity, format: format)
    }

    /// All layers, in place on `hidden`, complete for the last `kept` rows.
    public func forward(
        _ hidden: Rows, in placement: Placement, keeping kept: Int, on compute: Compute
    ) {
        run(hidden, .placement(placement), keeping: kept, on: compute)
        placement.advance(by: hidden.count)
    }

    /// All layers and the final norm, in place on `hidden`, over several texts that do not see each
    /// other; nothing is kept.
    public func encode(_ hidden: Rows, sequences: [Range<Int>], on compute: Compute) {
        run(hidden, .sequences(sequences), keeping: hidden.count, on: compute)
        finalNorm.apply(hidden, into: hidden)
    }

    private func run(
        _ hidden: Rows, _ context: Context, keeping kept: Int, on compute: Compute
    ) {
        compute.traceRows("embeddings", hidden)
        for index in layers.indices {
            let layer = layers[index]
            let asking = index == layers.count - 1 ? kept : hidden.count
            attention(hidden, asking, layer, index, context, compute)
            compute.workspace.scope {
                let m = compute.workspace.rows(asking, config.hidden)
                layer.postAttentionNorm.apply(hidden.last(asking), into: m)
                layer.feedForward.apply(
                    m, into: hidden.last(asking), accumulate: true, on: compute)
            }
            compute.traceRows("layer_\(index)", hidden)
        }
    }

    /// Of the last `asking` rows hidden += Wo · attention(RoPE(norm(Wq h)), RoPE(norm(Wk h)), Wv h),
    /// h = norm(hidden)
    private func attention(
        _ hidden: Rows, _ asking: Int, _ layer: Layer, _ index: Int, _ context: Context,
        _ compute: Compute
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
            let query = projected.columns(0..<queryColumns).last(asking)
            let key = projected.columns(queryColumns..<queryColumns + keyColumns)
            let value = projected.columns(queryColumns + keyColumns..<projected.columns)
            let mixed = work.rows(asking, queryColumns)
            switch context {
            case .placement(let placement):
                placement.attend(
                    layer: index, query: query, key: key, value: value, rope: rope,
                    norms: layer.headNorms, heads: config.heads,
                    scale: 1 / Float(config.headDim).squareRoot(),
                    into: mixed, on: compute)
            case .sequences(let sequences):
                for sequence in sequences {
                    rope.apply(query.rows(sequence), norm: layer.headNorms?.query, at: 0)
                    rope.apply(key.rows(sequence), norm: layer.headNorms?.key, at: 0)
                }
                Attention.sequences(
                    sequences, query: query, key: key, value: value, heads: config.heads,
                    causal: true, into: mixed, on: compute)
            }
            layer.output.apply(mixed, into: hidden.last(asking), accumulate: true, on: compute)
        }
    }

    /// The final norm of hidden states [n, hiddenColumns] into rows of that shape.
    public func normalize(_ hidden: Rows, into normed: Rows) {
        finalNorm.apply(hidden, into: normed)
    }
}
