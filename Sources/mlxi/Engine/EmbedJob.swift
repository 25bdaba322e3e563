/// Texts to vectors.
struct EmbedJob: Sendable {
    /// What goes before every text.
    enum Prompt: Sendable, Equatable {
        /// What the checkpoint puts there by itself.
        case standard
        /// The checkpoint's prompt of this name.
        case named(String)
        /// The first of these that the checkpoint has; nothing where it has none.
        case firstNamed([String])
        /// A task, put as the model was trained to read it.
        case task(String)
        /// These characters.
        case text(String)
    }

    var model: FoundModel
    var texts: [String]
    var prompt = Prompt.standard
    /// The first so many columns; nil for all.
    var dimensions: Int?
    /// Nil for what the checkpoint does.
    var normalizes: Bool?
    /// Over-long texts are cut; otherwise they are refused.
    var truncates = false
    var batchTokens: Int?
    /// Texts are cut into chunks, each with a vector of its own.
    var chunks: ChunkSizes?
    /// Folder for named intermediate tensors.
    var traceFolder: String?
}

/// Sizes of chunks in tokens; nil for the default.
struct ChunkSizes: Sendable {
    var tokensMax: Int?
    var overlapTokens: Int?
}

/// A text or a chunk of one.
struct EmbeddedPiece: Sendable {
    /// UTF-8 offsets in the text.
    var range: Range<Int>
    /// Prompt and special tokens included.
    var tokenCount: Int
    var isTruncated = false
    var vector: [Float]
}

/// What became of one text.
enum EmbeddedText: Sendable {
    case pieces([EmbeddedPiece])
    /// Why not.
    case refused(String)
}

/// How vectors were made.
struct EmbeddingFacts: Sendable, Equatable {
    var dimensions: Int
    var pooling: String
    var prompt: String
    var isNormalized: Bool
    /// Most tokens of a text.
    var tokensMax: Int
    /// Sizes of chunks, where texts were cut.
    var chunkTokens: Int?
    var overlapTokens: Int?

    /// One line for people.
    var line: String {
        let length = isNormalized ? "normalised" : "not normalised"
        let before = prompt.isEmpty ? "no prompt" : "prompt \(prompt.debugDescription)"
        return "\(dimensions) dimensions, \(pooling) pooling, \(length), \(before), "
            + "texts of at most \(tokensMax) tokens"
    }
}

/// Vectors of all texts of a job.
struct EmbeddedTexts: Sendable {
    var texts: [EmbeddedText]
    var facts: EmbeddingFacts
}
