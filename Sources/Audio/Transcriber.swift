/// What a caller asks of a transcriber, for every segment of a recording.
public struct TranscribeOptions: Sendable, Equatable {
    /// Language spoken, by name or code as the model knows it; nil lets the model find out.
    public var language: String?
    /// Words and names that may occur, or any other text that helps the model.
    public var context: String
    /// Most tokens for one segment; nil leaves it to the model.
    public var tokensMax: Int?

    /// Options; the defaults let the model decide everything.
    public init(language: String? = nil, context: String = "", tokensMax: Int? = nil) {
        self.language = language
        self.context = context
        self.tokensMax = tokensMax
    }
}

/// What a transcriber heard in one segment.
public struct SpokenText: Sendable, Equatable {
    /// Why a text may be incomplete.
    public enum EarlyStop: String, Sendable, Codable {
        /// The limit of tokens was reached.
        case tokenLimit
        /// The model began to repeat itself and was stopped.
        case repetition
    }

    /// The text, empty where nothing was said.
    public var text: String
    /// The language's English name as the model reports it, empty if unknown.
    public var language: String
    /// Set if the model did not end by itself.
    public var stoppedEarly: EarlyStop?

    /// One segment's result.
    public init(text: String, language: String, stoppedEarly: EarlyStop? = nil) {
        self.text = text
        self.language = language
        self.stoppedEarly = stoppedEarly
    }
}

/// A speech model that is ready to listen. Used from one thread at a time.
public protocol Transcriber: AnyObject {
    /// Longest segment it takes, in seconds.
    var segmentSecondsMax: Double { get }
    /// English names of the languages it knows.
    var supportedLanguages: [String] { get }

    /// Transcribes one segment of at most `segmentSecondsMax`.
    ///
    /// - Parameters:
    ///   - isCancelled: asked between tokens; once true, the call ends soon by throwing
    ///     `CancellationError`.
    ///   - onText: receives the pieces of the text as they become certain.
    /// - Throws: `CancellationError`, or an error that concerns this segment alone.
    func transcribe(
        _ segment: PCM, options: TranscribeOptions, isCancelled: () -> Bool,
        onText: (String) -> Void
    ) throws -> SpokenText
}
