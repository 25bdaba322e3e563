// The talker of Qwen3-TTS: text and the frames so far to the first code of the next frame; and the code
// predictor for the rest of it. References: references/tts-qwen3.md; qwen-tts 0.1.1
// core/models/modeling_qwen3_tts.py, mlx-audio 0.6.2 tts/models/qwen3_tts/talker.py.
public import Kernels
import Text

/// Text to frames of codes. The sound of the codes is the business of `Qwen3TTSCodec`.
public final class Qwen3TTSTalker {
    /// Opens `model_type` qwen3_tts; the codec lies in a folder of its own.
    public static let family = Family<Qwen3TTSTalker>(
        name: "tts-qwen3", architectures: ["qwen3_tts"]
    ) { folder, _ in try Qwen3TTSTalker(folder) }

    /// Where the codec's files are, inside the model's folder.
    public static let codecFolder = "speech_tokenizer"

    /// Bytes that one frame reads of weights: the talker once, the predictor once for each code.
    public struct FrameCost: Sendable {
        /// Layers and codec head.
        public let talkerBytes: Int
        /// Layers and projection for each code but the first, and every output matrix once.
        public let predictorBytes: Int
    }

    let config: Qwen3TTSConfig
    let predictor: Qwen3TTSCodePredictor
    let stack: DecoderStack
    /// Bytes read for a frame.
    public let frameCost: FrameCost
    /// Operations of the products of one row of a prompt.
    public let promptRowOperations: Int
    private let textEmbedding: Weight  // [textVocabulary, textHidden]
    private let textInner: Linear  // linear_fc1 [textHidden, textHidden]
    private let textOuter: Linear  // linear_fc2 [hidden, textHidden]
    private let codecEmbedding: Weight  // [codecVocabulary, hidden]
    private let head: Linear  // [codecVocabulary, hidden]

    /// Codebooks of a frame.
    public var codebooks: Int { config.codebooks }
    /// Codes of a codebook.
    public var codes: Int { config.codes }
    /// Ids of text that there are.
    public var textVocabularyCount: Int { config.textVocabulary }
    /// Rows of prompt and frames together.
    public var contextRowsMax: Int { stack.contextTokensMax }

    /// - Throws: `KernelError` naming the tensor that is missing or shaped otherwise.
    init(_ folder: ModelFolder) throws {
        config = try folder.read { try Qwen3TTSConfig($0) }
        let (text, hidden) = (config.textHidden, config.hidden)
        func bytes(_ from: Int) -> Int {
            folder.matricesAsked[from...].reduce(0) { $0 + $1.byteCount }
        }
        func products(_ from: Int) -> Int {
            folder.matricesAsked[from...].reduce(0) { $0 + $1.rows * $1.columns }
        }
        textEmbedding = try folder.matrix(
            "talker.model.text_embedding", rows: config.textVocabulary, columns: text)
        codecEmbedding = try folder.matrix(
            "talker.model.codec_embedding", rows: config.codecVocabulary, columns: hidden)
        let projection = folder.matricesAsked.count
        textInner = Linear(
            try folder.biasedMatrix("talker.text_projection.linear_fc1", rows: text, columns: text))
        textOuter = Linear(
            try folder.biasedMatrix(
                "talker.text_projection.linear_fc2", rows: hidden, columns: text))
        let layers = folder.matricesAsked.count
        stack = try Qwen3.stack(folder, config: config.talker, prefix: "talker.model.")
        promptRowOperations = 2 * products(projection)
        head = Linear(
            try folder.matrix("talker.codec_head", rows: config.codecVocabulary, columns: hidden))
        let talkerBytes = bytes(layers)
        predictor = try Qwen3TTSCodePredictor(folder, config)
        frameCost = FrameCost(talkerBytes: talkerBytes, predictorBytes: predictor.frameBytes)
    }

    /// Embeddings of text: fc2(silu(fc1(embedding))), [ids.count, hidden].
    func embed(text ids: [Int32], into rows: Rows, on compute: Compute) {
        let work = compute.workspace
        work.scope {
            let embedded = work.rows(ids.count, config.textHidden)
            for (row, id) in ids.enumerated() { textEmbedding.row(Int(id), into: embedded[row]) }
            let inner = work.rows(ids.count, config.textHidden)
            textInner.apply(embedded, into: inner, on: compute)
            Activation.silu(inner)
            textOuter.apply(inner, into: rows, on: compute)
        }
    }

    /// Adds the embedding of a codec id to a row.
    func add(codec id: Int32, to row: Rows, on compute: Compute) {
        compute.workspace.scope {
            let embedded = compute.workspace.rows(1, config.hidden)
            codecEmbedding.row(Int(id), into: embedded[0])
            Activation.add(embedded, to: row)
        }
    }

    /// Rows [prompt.count, hidden] of a prompt, from the scope of the caller: instruction and role; what
    /// precedes the sound, with text padding; the text with its end, over codec padding; and the beginning
    /// of the sound.
    func rows(_ prompt: Qwen3TTSPrompt, on compute: Compute) -> Rows {
        let (text, codec) = (config.text, config.codec)
        let padding = [Int32](repeating: text.pad, count: prompt.codecPrefix.count)
        let ids =
            prompt.instruction + prompt.role + padding + [text.begin] + prompt.body
            + [text.end, text.pad]
        let sounds =
            prompt.codecPrefix + [codec.pad]
            + [Int32](repeating: codec.pad, count: prompt.body.count + 1) + [codec.begin]
        let rows = compute.workspace.rows(prompt.count, config.hidden)
        embed(text: ids, into: rows, on: compute)
        let first = prompt.count - sounds.count
        for (index, id) in sounds.enumerated() {
            add(codec: id, to: rows.rows(first + index..<first + index + 1), on: compute)
        }
        return rows
    }

    /// Adds the embeddings of a frame's codes to a row.
    func add(frame: [Int32], to row: Rows, on compute: Compute) {
        for (codebook, code) in frame.enumerated() {
            if codebook == 0 {
                add(codec: code, to: row, on: compute)
            } else {
                predictor.add(code, of: codebook, to: row, on: compute)
            }
        }
    }

    /// Logits [n, codecVocabulary] of the first code behind normed states [n, hidden].
    func logits(_ states: Rows, into logits: Rows, on compute: Compute) {
        head.apply(states, into: logits, on: compute)
    }
}

/// The small decoder that writes the codes of a frame behind the first, one codebook after the other.
final class Qwen3TTSCodePredictor {
    private let config: Qwen3TTSConfig
    private let embeddings: [Weight]  // of codebooks 1...: [codes, talker's hidden]
    private let projection: Linear?  // [predictorHidden, hidden], where the two differ
    private let heads: [Linear]  // of codebooks 1...: [codes, predictorHidden]
    let stack: DecoderStack
    /// Bytes of weights that a frame reads.
    let frameBytes: Int

    init(_ folder: ModelFolder, _ config: Qwen3TTSConfig) throws {
        self.config = config
        let prefix = "talker.code_predictor."
        let count = config.codebooks - 1
        embeddings = try (0..<count).map {
            try folder.matrix(
                "\(prefix)model.codec_embedding.\($0)", rows: config.codes, columns: config.hidden)
        }
        let first = folder.matricesAsked.count
        projection =
            config.predictorHidden == config.hidden
            ? nil
            : Linear(
                try folder.biasedMatrix(
                    "\(prefix)small_to_mtp_projection", rows: config.predictorHidden,
                    columns: config.hidden))
        stack = try Qwen3.stack(folder, config: config.predictor, prefix: "\(prefix)model.")
        let each = folder.matricesAsked[first...].reduce(0) { $0 + $1.byteCount }
        heads = try (0..<count).map {
            Linear(
                try folder.matrix(
                    "\(prefix)lm_head.\($0)", rows: config.codes, columns: config.predictorHidden))
        }
        frameBytes = count * each + heads.reduce(0) { $0 + $1.byteCount }
    }

    /// A cache for the rows of one frame.
    func makeCache(_ format: KVFormat) throws -> KVCache {
        try stack.makeCache(capacity: config.codebooks, format: format)
    }

    /// Adds the embedding of a code of codebook 1... to a row [1, hidden].
    func add(_ code: Int32, of codebook: Int, to row: Rows, on compute: Compute) {
        compute.workspace.scope {
            let embedded = compute.workspace.rows(1, config.hidden)
            embeddings[codebook - 1].row(Int(code), into: embedded[0])
            Activation.add(embedded, to: row)
        }
    }

    /// Writes the codes of `frame` behind the first.
    ///
    /// - Parameters:
    ///   - start: the talker's normed state and the embedding of the first code, [2, hidden].
    ///   - cache: of this model; what it holds is forgotten.
    ///   - choose: picks a code of a codebook by its logits [codes].
    func predict(
        _ frame: inout [Int32], from start: Rows, cache: KVCache, on compute: Compute,
        choose: (_ codebook: Int, _ logits: UnsafeMutableBufferPointer<Float>) -> Int32
    ) {
        cache.truncate(to: 0)
        let work = compute.workspace
        work.scope {
            let logits = work.rows(1, config.codes)
            let embedded = work.rows(1, config.hidden)
            for codebook in 1..<config.codebooks {
                if codebook > 1 {
                    embeddings[codebook - 2].row(Int(frame[codebook - 1]), into: embedded[0])
                }
                step(codebook == 1 ? start : embedded, cache, codebook, into: logits, compute)
                frame[codebook] = choose(codebook, logits[0])
            }
        }
    }

    /// Logits behind the last of the rows, which follow those in the cache.
    private func step(
        _ rows: Rows, _ cache: KVCache, _ codebook: Int, into logits: Rows, _ compute: Compute
    ) {
        let work = compute.workspace
        work.scope {
            let hidden = work.rows(rows.count, config.predictorHidden)
            if let projection {
                projection.apply(rows, into: hidden, on: compute)
            } else {
                hidden.copy(from: rows)
            }
            stack.forward(hidden, in: .one(cache), keeping: 1, on: compute)
            let state = work.rows(1, config.predictorHidden)
            stack.normalize(hidden.rows(rows.count - 1..<rows.count), into: state)
            heads[codebook - 1].apply(state, into: logits, on: compute)
        }
    }
}
