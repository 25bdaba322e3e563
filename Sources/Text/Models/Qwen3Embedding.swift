// Qwen3-Embedding: the Qwen3 decoder, the final norm at the last token. References:
// references/embed-qwen3.md; the model card's example; transformers 5.23.0
// models/qwen3/modeling_qwen3.py.
public import Kernels

/// Qwen3-Embedding of any size.
public final class Qwen3Embedding: EmbeddingModel {
    /// Opens `model_type` qwen3 as an encoder; an output matrix is not needed and not read.
    public static let family = Family<any EmbeddingModel>(
        name: "embed-qwen3", architectures: ["qwen3"]
    ) { folder, _ in
        let prefix = folder.has("embed_tokens.weight") ? "" : "model."
        return Qwen3Embedding(
            try Qwen3.decoder(folder, config: folder.config, prefix: prefix, isTied: true))
    }

    /// The instruction that the model card gives for search.
    static let task =
        "Given a web search query, retrieve relevant passages that answer the query"

    private let decoder: Decoder

    private init(_ decoder: Decoder) { self.decoder = decoder }

    /// Rows of the embedding matrix.
    public var vocabularyCount: Int { decoder.vocabularyCount }
    /// Width of the hidden states.
    public var hiddenColumns: Int { decoder.hiddenColumns }
    /// `max_position_embeddings`.
    public var contextTokensMax: Int { decoder.contextTokensMax }

    /// Last token, an end token behind every text, an instruction before every query.
    public var recipeDefault: EmbeddingRecipe.Default {
        let format = EmbeddingRecipe.Instruction(before: "Instruct: ", after: "\nQuery:")
        return EmbeddingRecipe.Default(
            pooling: .lastToken, endTokenRoles: ["pad_token", "eos_token"],
            prompts: ["query": format.prompt(Self.task), "document": ""], instruction: format)
    }

    /// Causal attention inside each text.
    public func encode(
        _ tokens: [Int32], sequences: [Range<Int>], into states: Rows, on compute: Compute
    ) {
        decoder.embed(tokens[...], into: states)
        decoder.encode(states, sequences: sequences, on: compute)
    }
}
