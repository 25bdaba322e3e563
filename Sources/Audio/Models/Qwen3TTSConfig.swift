// What config.json says about a Qwen3-TTS talker. References: references/tts-qwen3.md; qwen-tts 0.1.1
// core/models/configuration_qwen3_tts.py.
import Kernels

/// Dimensions and token ids of talker and code predictor.
struct Qwen3TTSConfig {
    /// Ids that stand for no sound and no text: padding, beginning and end.
    struct Marks {
        let pad: Int32
        let begin: Int32
        let end: Int32
    }

    let textVocabulary: Int
    let textHidden: Int
    /// Codes and marks that the talker knows.
    let codecVocabulary: Int
    let hidden: Int
    /// Codebooks of a frame.
    let codebooks: Int
    /// Codes of a codebook; what lies above in `codecVocabulary` is no sound.
    let codes: Int
    let predictorHidden: Int
    /// Of the text, in the whole model's vocabulary.
    let text: Marks
    let codec: Marks
    /// The objects that describe the two decoders.
    let talker: JSONValue
    let predictor: JSONValue

    private static let sizeMax = 1 << 20

    /// - Throws: `JSONError` naming the key.
    init(_ config: JSONValue) throws {
        talker = try config.value("talker_config")
        predictor = try talker.value("code_predictor_config")
        textVocabulary = try talker.int("text_vocab_size")
        textHidden = try talker.int("text_hidden_size")
        codecVocabulary = try talker.int("vocab_size")
        hidden = try talker.int("hidden_size")
        codebooks = try talker.int("num_code_groups")
        codes = try predictor.int("vocab_size")
        predictorHidden = try predictor.int("hidden_size")
        let sizes = [
            textVocabulary, textHidden, codecVocabulary, hidden, codebooks, codes, predictorHidden,
        ]
        guard sizes.allSatisfy({ (1...Self.sizeMax).contains($0) }), codes <= codecVocabulary else {
            throw JSONError(
                detail: "no talker has \(codecVocabulary) codec ids, \(codebooks) codebooks of "
                    + "\(codes) codes and widths of \(textHidden), \(hidden) and \(predictorHidden)"
            )
        }
        func mark(_ key: String, of source: JSONValue, below bound: Int) throws -> Int32 {
            let id = try source.int(key)
            guard (0..<bound).contains(id) else {
                throw JSONError(detail: "\(key) is \(id), want less than \(bound)")
            }
            return Int32(id)
        }
        text = Marks(
            pad: try mark("tts_pad_token_id", of: config, below: textVocabulary),
            begin: try mark("tts_bos_token_id", of: config, below: textVocabulary),
            end: try mark("tts_eos_token_id", of: config, below: textVocabulary))
        codec = Marks(
            pad: try mark("codec_pad_id", of: talker, below: codecVocabulary),
            begin: try mark("codec_bos_id", of: talker, below: codecVocabulary),
            end: try mark("codec_eos_token_id", of: talker, below: codecVocabulary))
    }
}

/// What is to be said, and how, as token ids. All of the text is there before the first frame (the
/// arrangement that qwen-tts calls non-streaming).
public struct Qwen3TTSPrompt: Sendable {
    /// How the voice is described, with the markers of a user's turn; may be empty.
    public var instruction: [Int32]
    /// The markers that begin the assistant's turn.
    public var role: [Int32]
    /// Codec ids: what is known of the language, then the speaker if the model has named ones.
    public var codecPrefix: [Int32]
    /// The text.
    public var body: [Int32]

    /// A prompt of token ids that the model knows.
    public init(instruction: [Int32] = [], role: [Int32], codecPrefix: [Int32], body: [Int32]) {
        self.instruction = instruction
        self.role = role
        self.codecPrefix = codecPrefix
        self.body = body
    }

    /// Rows that it becomes.
    public var count: Int { instruction.count + role.count + codecPrefix.count + body.count + 3 }
}
