// What a Whisper checkpoint looks like on disk: two dialects of config.json, two sets of tensor names.
// Reference: references/asr-whisper.md; mlx-whisper 0.4.3 load_models.py, transformers 5.23.0
// models/whisper.
import Kernels

/// Dimensions of a model, in the dialect of mlx-whisper (`n_audio_state`, ...) or of transformers
/// (`d_model`, ...).
struct WhisperConfig {
    /// One of the two transformers.
    struct Stack {
        let width: Int
        let heads: Int
        let layers: Int
        let feedForward: Int
        /// Rows it takes at most: positions of 20 ms, or tokens.
        let positions: Int
    }

    let mels: Int
    let vocabulary: Int
    let encoder: Stack
    let decoder: Stack

    private static let sizeMax = 1 << 20

    /// - Throws: `JSONError` naming the key.
    init(_ config: JSONValue) throws {
        let isHuggingFace = config["d_model"] != nil
        if isHuggingFace {
            let width = try config.int("d_model")
            mels = try config.int("num_mel_bins", default: 80)
            vocabulary = try config.int("vocab_size")
            encoder = Stack(
                width: width, heads: try config.int("encoder_attention_heads"),
                layers: try config.int("encoder_layers"),
                feedForward: try config.int("encoder_ffn_dim", default: 4 * width),
                positions: try config.int("max_source_positions", default: 1500))
            decoder = Stack(
                width: width, heads: try config.int("decoder_attention_heads"),
                layers: try config.int("decoder_layers"),
                feedForward: try config.int("decoder_ffn_dim", default: 4 * width),
                positions: try config.int("max_target_positions", default: 448))
        } else {
            let width = try config.int("n_audio_state")
            let textWidth = try config.int("n_text_state", default: width)
            mels = try config.int("n_mels")
            vocabulary = try config.int("n_vocab")
            encoder = Stack(
                width: width, heads: try config.int("n_audio_head"),
                layers: try config.int("n_audio_layer"), feedForward: 4 * width,
                positions: try config.int("n_audio_ctx", default: 1500))
            decoder = Stack(
                width: textWidth, heads: try config.int("n_text_head"),
                layers: try config.int("n_text_layer"), feedForward: 4 * textWidth,
                positions: try config.int("n_text_ctx", default: 448))
        }
        guard (1...Self.sizeMax).contains(mels), (1...Self.sizeMax).contains(vocabulary) else {
            throw JSONError(detail: "no model has \(mels) mels and \(vocabulary) tokens")
        }
        guard encoder.width == decoder.width else {
            throw JSONError(
                detail: "the encoder's width is \(encoder.width), the decoder's \(decoder.width)")
        }
        for (name, stack) in [("encoder", encoder), ("decoder", decoder)] {
            guard Self.isSound(stack) else {
                throw JSONError(
                    detail: "no \(name) has width \(stack.width), \(stack.heads) heads, "
                        + "\(stack.layers) layers, \(stack.feedForward) columns between products "
                        + "and \(stack.positions) positions")
            }
        }
    }

    private static func isSound(_ stack: Stack) -> Bool {
        let sizes = [stack.width, stack.heads, stack.layers, stack.feedForward, stack.positions]
        return sizes.allSatisfy { (1...sizeMax).contains($0) } && stack.width % stack.heads == 0
            && stack.width % 2 == 0 && stack.width / stack.heads <= KVCache.headDimMax
    }
}

/// Tensor names of the two layouts.
struct WhisperNames {
    /// Names inside one attention block.
    struct AttentionNames {
        let query, key, value, out: String
        let norm: String
    }

    let encoder: String
    let decoder: String
    let layers: String
    let own: AttentionNames
    /// Of the decoder, over the encoder's rows.
    let cross: AttentionNames
    let feedForwardNorm: String
    let feedForwardInner: String
    let feedForwardOuter: String
    let encoderNorm: String
    let decoderNorm: String
    let embedding: String
    let positions: String

    private static let mlx = WhisperNames(
        encoder: "encoder.", decoder: "decoder.", layers: "blocks",
        own: AttentionNames(
            query: "attn.query", key: "attn.key", value: "attn.value", out: "attn.out",
            norm: "attn_ln"),
        cross: AttentionNames(
            query: "cross_attn.query", key: "cross_attn.key", value: "cross_attn.value",
            out: "cross_attn.out", norm: "cross_attn_ln"),
        feedForwardNorm: "mlp_ln", feedForwardInner: "mlp1", feedForwardOuter: "mlp2",
        encoderNorm: "encoder.ln_post", decoderNorm: "decoder.ln",
        embedding: "decoder.token_embedding", positions: "decoder.positional_embedding")

    private static let huggingFace = WhisperNames(
        encoder: "model.encoder.", decoder: "model.decoder.", layers: "layers",
        own: AttentionNames(
            query: "self_attn.q_proj", key: "self_attn.k_proj", value: "self_attn.v_proj",
            out: "self_attn.out_proj", norm: "self_attn_layer_norm"),
        cross: AttentionNames(
            query: "encoder_attn.q_proj", key: "encoder_attn.k_proj",
            value: "encoder_attn.v_proj", out: "encoder_attn.out_proj",
            norm: "encoder_attn_layer_norm"),
        feedForwardNorm: "final_layer_norm", feedForwardInner: "fc1", feedForwardOuter: "fc2",
        encoderNorm: "model.encoder.layer_norm", decoderNorm: "model.decoder.layer_norm",
        embedding: "model.decoder.embed_tokens",
        positions: "model.decoder.embed_positions.weight")

    /// The layout of `folder`.
    ///
    /// - Throws: `KernelError.missing` when it has neither.
    static func found(in folder: ModelFolder) throws -> WhisperNames {
        let known = [mlx, huggingFace].first { folder.has("\($0.encoder)conv1.weight") }
        guard let known else {
            throw KernelError.missing(file: folder.path, tensor: "encoder.conv1.weight")
        }
        return known
    }
}
