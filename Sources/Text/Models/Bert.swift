// BERT encoders: MiniLM, BGE, E5 and others of their shape. References: references/embed-bert.md;
// Devlin et al. 2018; transformers 5.23.0 models/bert/modeling_bert.py.
public import Kernels

/// The post-norm bidirectional encoder of BERT.
public final class Bert: EmbeddingModel {
    /// Opens `model_type` bert.
    public static let family = Family<any EmbeddingModel>(
        name: "embed-bert", architectures: ["bert"]
    ) { folder, _ in try Bert(folder) }

    private struct Config {
        let hidden: Int
        let intermediate: Int
        let layers: Int
        let heads: Int
        let vocabulary: Int
        let positions: Int
        let types: Int
        let normEps: Double

        private static let typesDefault = 2
        private static let normEpsDefault = 1e-12

        init(_ config: JSONValue) throws {
            hidden = try config.size("hidden_size")
            intermediate = try config.size("intermediate_size")
            layers = try config.size("num_hidden_layers")
            heads = try config.size("num_attention_heads")
            vocabulary = try config.size("vocab_size")
            positions = try config.size("max_position_embeddings")
            types = try config.size("type_vocab_size", default: Self.typesDefault)
            normEps = try config.double("layer_norm_eps", default: Self.normEpsDefault)
            guard hidden % heads == 0, hidden / heads <= KVCache.headDimMax else {
                throw JSONError(
                    detail: "hidden_size \(hidden) and num_attention_heads \(heads) "
                        + "do not fit together")
            }
            let activation = try config.string("hidden_act", default: "gelu")
            guard activation == "gelu" else {
                throw JSONError(detail: "hidden_act is \"\(activation)\", known: gelu")
            }
            let position = try config.string("position_embedding_type", default: "absolute")
            guard position == "absolute" else {
                throw JSONError(
                    detail: "position_embedding_type is \"\(position)\", known: absolute")
            }
        }
    }

    /// Weights of one layer.
    private struct Layer {
        let queryKeyValue: Linear
        let attentionOutput: Linear
        let attentionNorm: LayerNorm
        let up: Linear
        let down: Linear
        let outputNorm: LayerNorm
    }

    private let config: Config
    private let words: Weight
    /// position + type 0, [positions, hidden]
    private let places: [Float]
    private let embeddingNorm: LayerNorm
    private let layers: [Layer]

    /// Rows of the embedding matrix.
    public var vocabularyCount: Int { config.vocabulary }
    /// Width of the hidden states.
    public var hiddenColumns: Int { config.hidden }
    /// `max_position_embeddings`.
    public var contextTokensMax: Int { config.positions }
    /// The mean over all tokens.
    public var recipeDefault: EmbeddingRecipe.Default { .init(pooling: .mean) }

    private init(_ folder: ModelFolder) throws {
        let config = try folder.read { try Config($0) }
        let hidden = config.hidden
        let prefix = folder.has("bert.embeddings.word_embeddings.weight") ? "bert." : ""
        func norm(_ name: String) throws -> LayerNorm {
            // Conversions of the first release have the names of TensorFlow.
            let isOld = folder.has("\(name).gamma")
            return LayerNorm(
                weight: try folder.vector(name + (isOld ? ".gamma" : ".weight"), count: hidden),
                bias: try folder.vector(name + (isOld ? ".beta" : ".bias"), count: hidden),
                eps: config.normEps)
        }
        func dense(_ name: String, _ rows: Int, _ columns: Int) throws -> Weight {
            try folder.biasedMatrix(name, rows: rows, columns: columns)
        }
        self.config = config
        let embeddings = "\(prefix)embeddings"
        words = try folder.matrix(
            "\(embeddings).word_embeddings", rows: config.vocabulary, columns: hidden)
        let positions = try folder.matrix(
            "\(embeddings).position_embeddings", rows: config.positions, columns: hidden)
        let types = try folder.matrix(
            "\(embeddings).token_type_embeddings", rows: config.types, columns: hidden)
        places = Self.places(positions, types)
        embeddingNorm = try norm("\(embeddings).LayerNorm")
        layers = try (0..<config.layers).map { index in
            let name = "\(prefix)encoder.layer.\(index)"
            let attention = "\(name).attention"
            return Layer(
                queryKeyValue: Linear(
                    try dense("\(attention).self.query", hidden, hidden),
                    try dense("\(attention).self.key", hidden, hidden),
                    try dense("\(attention).self.value", hidden, hidden)),
                attentionOutput: Linear(
                    try dense("\(attention).output.dense", hidden, hidden)),
                attentionNorm: try norm("\(attention).output.LayerNorm"),
                up: Linear(
                    try dense("\(name).intermediate.dense", config.intermediate, hidden)),
                down: Linear(try dense("\(name).output.dense", hidden, config.intermediate)),
                outputNorm: try norm("\(name).output.LayerNorm"))
        }
    }

    private static func places(_ positions: Weight, _ types: Weight) -> [Float] {
        let columns = positions.columns
        var sum = [Float](repeating: 0, count: positions.rows * columns)
        var type = [Float](repeating: 0, count: columns)
        type.withUnsafeMutableBufferPointer { types.row(0, into: $0) }
        sum.withUnsafeMutableBufferPointer { sum in
            for position in 0..<positions.rows {
                let row = position * columns..<(position + 1) * columns
                let target = UnsafeMutableBufferPointer(rebasing: sum[row])
                positions.row(position, into: target)
                for column in 0..<columns { target[column] += type[column] }
            }
        }
        return sum
    }

    /// Full attention inside each text.
    public func encode(
        _ tokens: [Int32], sequences: [Range<Int>], into states: Rows, on compute: Compute
    ) {
        for sequence in sequences {
            for (position, row) in sequence.enumerated() {
                let target = states[row]
                words.row(Int(tokens[row]), into: target)
                let first = position * config.hidden
                for column in target.indices { target[column] += places[first + column] }
            }
        }
        embeddingNorm.apply(states, into: states)
        compute.traceRows("embeddings", states)
        for (index, layer) in layers.enumerated() {
            attention(states, layer, sequences, compute)
            compute.workspace.scope {
                let inner = compute.workspace.rows(states.count, config.intermediate)
                layer.up.apply(states, into: inner, on: compute)
                Activation.gelu(inner)
                layer.down.apply(inner, into: states, accumulate: true, on: compute)
            }
            layer.outputNorm.apply(states, into: states)
            compute.traceRows("layer_\(index)", states)
        }
    }

    /// states = norm(states + Wo · attention(states))
    private func attention(
        _ states: Rows, _ layer: Layer, _ sequences: [Range<Int>], _ compute: Compute
    ) {
        let hidden = config.hidden
        compute.workspace.scope {
            let projected = compute.workspace.rows(states.count, 3 * hidden)
            layer.queryKeyValue.apply(states, into: projected, on: compute)
            let mixed = compute.workspace.rows(states.count, hidden)
            Attention.sequences(
                sequences, query: projected.columns(0..<hidden),
                key: projected.columns(hidden..<2 * hidden),
                value: projected.columns(2 * hidden..<3 * hidden), heads: config.heads,
                into: mixed, on: compute)
            layer.attentionOutput.apply(mixed, into: states, accumulate: true, on: compute)
        }
        layer.attentionNorm.apply(states, into: states)
    }
}
