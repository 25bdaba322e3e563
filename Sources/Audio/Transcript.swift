/// The text of a recording with its times. Every second of the recording lies in one segment.
public struct Transcript: Sendable, Codable, Equatable {
    /// A stretch of the recording.
    public struct Segment: Sendable, Codable, Equatable {
        /// What became of it.
        public enum Kind: Sendable, Codable, Equatable {
            /// The model listened; the text may still be empty.
            case speech
            /// Nobody spoke; no model was asked.
            case silence
            /// The model failed here; the rest of the recording is not affected.
            case failed(reason: String)
        }

        /// Start in seconds from the beginning of the recording.
        public var start: Double
        /// End in seconds.
        public var end: Double
        /// What was said.
        public var text: String
        /// English name of the language, empty if unknown.
        public var language: String
        /// What became of it.
        public var kind: Kind
        /// Set if the model was stopped, so that the text may be incomplete.
        public var stoppedEarly: SpokenText.EarlyStop?

        /// One stretch.
        public init(
            start: Double, end: Double, text: String, language: String, kind: Kind,
            stoppedEarly: SpokenText.EarlyStop? = nil
        ) {
            self.start = start
            self.end = end
            self.text = text
            self.language = language
            self.kind = kind
            self.stoppedEarly = stoppedEarly
        }
    }

    /// Consecutive stretches from 0 to `duration`.
    public var segments: [Segment]
    /// Seconds of audio that were decoded.
    public var duration: Double
    /// What could not be decoded, in one line.
    public var damage: String?

    /// A transcript; the default is that of no audio.
    public init(segments: [Segment] = [], duration: Double = 0, damage: String? = nil) {
        self.segments = segments
        self.duration = duration
        self.damage = damage
    }

    /// Seconds that lie in some segment; equals `duration` in a finished transcript.
    public var accountedSeconds: Double {
        segments.reduce(0) { $0 + $1.end - $1.start }
    }

    /// Languages in the order they were heard, repetitions in a row left out.
    public var languages: [String] {
        var merged: [String] = []
        for segment in segments where !segment.language.isEmpty {
            if segment.language != merged.last { merged.append(segment.language) }
        }
        return merged
    }

    /// All that was said, in one line.
    public var text: String {
        segments.reduce("") { TextJoin.join($0, $1.text) }
    }
}
