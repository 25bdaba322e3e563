import Audio
import Text

/// What stands in a page's header: where the text comes from and how it was made.
struct PageFacts: Sendable {
    var title: String
    var source: String
    var model: String
    var proofreader: String?
    var transcribeSeconds = 0.0
    var proofreadSeconds = 0.0

    var workSeconds: Double { transcribeSeconds + proofreadSeconds }
}

/// Transcripts as Markdown pages: a header of facts, then one paragraph for each piece of speech.
enum MarkdownPage {
    static func raw(_ transcript: Transcript, _ facts: PageFacts) -> String {
        page(
            facts, facts: transcriptFacts(transcript, facts),
            paragraphs: transcript.paragraphs.map { gap($0) ?? escaped($0.text) })
    }

    /// The page with the proofread text. Paragraphs that the guard refused stand as they were
    /// heard and are marked.
    static func corrected(
        _ text: ProofreadResult, of transcript: Transcript, _ facts: PageFacts
    ) -> String {
        var lines = transcriptFacts(transcript, facts)
        if let proofreader = facts.proofreader {
            lines.append(
                "proofread by: \(proofreader), \(Timestamp.length(facts.proofreadSeconds))")
        }
        lines.append("edits: \(text.summary)")
        var corrections = text.paragraphs.makeIterator()
        let body = transcript.paragraphs.compactMap { paragraph -> String? in
            if let gap = gap(paragraph) { return gap }
            guard let correction = corrections.next() else { return escaped(paragraph.text) }
            let text = escaped(correction.text)
            let marks = correction.rejections.map { "> in part as heard, not corrected: \($0)" }
            let lines = (text.isEmpty ? [] : [text]) + marks
            return lines.isEmpty ? nil : lines.joined(separator: "\n\n")
        }
        return page(facts, facts: lines, paragraphs: body)
    }

    private static func transcriptFacts(_ transcript: Transcript, _ facts: PageFacts) -> [String] {
        let length = transcript.duration
        var lines = [
            "source: \(facts.source)",
            "length: \(Timestamp.length(length))",
            "model: \(facts.model)",
        ]
        let languages = transcript.languages
        if !languages.isEmpty { lines.append("language: \(languages.joined(separator: ", "))") }
        if length > 0 {
            let factor = Timestamp.fixed(facts.transcribeSeconds / length, places: 3)
            lines.append(
                "transcribed in: \(Timestamp.length(facts.transcribeSeconds)) "
                    + "(real-time factor \(factor))")
        }
        if let damage = transcript.damage { lines.append("damage: \(damage)") }
        let stopped = transcript.segments.filter { $0.stoppedEarly != nil }
        if let first = stopped.first {
            lines.append(
                "incomplete: the model was stopped in \(stopped.count) places, first at "
                    + Timestamp.clock(first.start))
        }
        return lines
    }

    private static func page(
        _ page: PageFacts, facts: [String], paragraphs: [String]
    ) -> String {
        let header = "# \(page.title)\n\n" + facts.map { "- \($0)\n" }.joined()
        let body = paragraphs.isEmpty ? ["*(no speech)*"] : paragraphs
        return header + "\n" + body.joined(separator: "\n\n") + "\n"
    }

    /// A stretch that has no text because it failed is said; silence is not.
    private static func gap(_ paragraph: Transcript.Paragraph) -> String? {
        guard let reason = paragraph.failure else { return nil }
        let start = Timestamp.clock(paragraph.start)
        let end = Timestamp.clock(paragraph.end)
        return "> \(start)–\(end) could not be transcribed: \(reason)"
    }

    /// Speech never means markup: a line that Markdown would read as a heading, quote or list gets
    /// a backslash.
    private static func escaped(_ text: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: true).map { line in
            guard let first = line.first, "#>-*+|=`".contains(first) else { return String(line) }
            return "\\" + line
        }.joined(separator: "\n")
    }
}

extension Transcript {
    /// What was said, paragraph by paragraph, without the places of failures.
    var spokenTexts: [String] { paragraphs.filter { $0.failure == nil }.map(\.text) }

    /// Reasons of stretches that could not be transcribed.
    var failures: [String] { paragraphs.compactMap(\.failure) }
}
