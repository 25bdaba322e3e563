import Audio
import Text

/// The transcript as data: times in seconds rounded to milliseconds.
struct TranscriptJSON: Encodable, Sendable {
    struct Segment: Encodable, Sendable {
        var id: Int
        var start: Double
        var end: Double
        /// `speech`, `silence` or `failed`.
        var kind: String
        /// What was heard.
        var text: String
        var language: String?
        /// Why there is no text, or why it may be incomplete.
        var reason: String?
    }

    struct Paragraph: Encodable, Sendable {
        var start: Double
        var end: Double
        var text: String
        /// What was heard, where proofreading changed it.
        var rawText: String?
        /// Why a correction was refused, or single changes of it.
        var refused: String?
    }

    var source: String
    var model: String
    var proofreader: String?
    var duration: Double
    var languages: [String]
    var damage: String?
    var edits: String?
    var text: String
    var segments: [Segment]
    /// Only after proofreading.
    var paragraphs: [Paragraph]?
    var transcribeSeconds: Double
    var proofreadSeconds: Double?

    init(_ document: TranscriptDocument) {
        let transcript = document.transcript
        source = document.facts.source
        model = document.facts.model
        duration = Self.rounded(transcript.duration)
        languages = transcript.languages
        damage = transcript.damage
        text = document.lines.joined(separator: "\n")
        segments = transcript.segments.enumerated().map { Self.segment($0.element, id: $0.offset) }
        transcribeSeconds = Self.rounded(document.facts.transcribeSeconds)
        guard let corrected = document.corrected else { return }
        proofreader = document.facts.proofreader
        edits = "\(corrected.summary)"
        proofreadSeconds = Self.rounded(document.facts.proofreadSeconds)
        paragraphs = zip(document.spoken, corrected.paragraphs).map { cue, paragraph in
            let refused = (paragraph.rejections + paragraph.refusedChanges).map { "\($0)" }
            return Paragraph(
                start: Self.rounded(cue.start), end: Self.rounded(cue.end),
                text: paragraph.text,
                rawText: paragraph.original == paragraph.text ? nil : paragraph.original,
                refused: refused.isEmpty ? nil : refused.joined(separator: "; "))
        }
    }

    /// One object, in one line or for reading.
    func text(pretty: Bool) throws -> String { try JSONText.encode(self, pretty: pretty) }

    private static func segment(_ segment: Transcript.Segment, id: Int) -> Segment {
        var json = Segment(
            id: id, start: rounded(segment.start), end: rounded(segment.end), kind: "speech",
            text: segment.text, language: segment.language.isEmpty ? nil : segment.language,
            reason: segment.stoppedEarly.map { "stopped early: \($0.rawValue)" })
        switch segment.kind {
        case .speech: break
        case .silence: json.kind = "silence"
        case .failed(let reason):
            json.kind = "failed"
            json.reason = reason
        }
        return json
    }

    private static func rounded(_ seconds: Double) -> Double {
        Double(Timestamp.milliseconds(seconds)) / 1000
    }
}
