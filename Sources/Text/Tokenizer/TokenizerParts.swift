/// The special tokens put around a text when they are asked for.
struct PostProcessor: Sendable, Equatable {
    var prefix: [Int32] = []
    var suffix: [Int32] = []
}

/// The model proper: from one word to ids.
enum TokenModel: Sendable {
    case bytePair(BytePair)
    case wordPiece(WordPiece)

    var vocabulary: Vocabulary {
        switch self {
        case .bytePair(let model): model.vocabulary
        case .wordPiece(let model): model.vocabulary
        }
    }
}

/// The components of a tokenizer, as the files describe them.
struct TokenizerParts: Sendable {
    var added: [AddedToken] = []
    var normalizers: [Normalizer] = []
    var cuts: CutPlan = CutPlan()
    var model: TokenModel
    /// Pieces outside the byte alphabet, by name; they can be asked for but never result from text.
    var exotic: [String: Int32] = [:]
    var decoder: PieceDecoder
    var post = PostProcessor()
    /// `bos_token`, `eos_token`… as strings, for chat templates.
    var specialTokens: [String: String] = [:]
}

/// What the pre-tokenizer section asks for.
struct CutPlan: Sendable, Equatable {
    var steps: [PreTokenizer] = []
    /// Pieces are bytes written in GPT-2's alphabet.
    var isByteLevel = false
    /// A text that does not begin with a blank gets one.
    var addsPrefixBlank = false
}
