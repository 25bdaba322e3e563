import Audio
import Foundation
import Text

/// The forms a transcript can be written in.
enum TranscriptFormat: String, CaseIterable, Sendable {
    case txt, json, srt, vtt, tsv, md
}

/// A finished transcript with everything its files tell.
struct TranscriptDocument: Sendable {
    var transcript: Transcript
    var corrected: ProofreadResult?
    var facts: PageFacts

    /// The text by lines: the corrected paragraphs, or what was heard segment by segment, as it
    /// also appears on stdout.
    var lines: [String] { spoken.map(\.text).filter { !$0.isEmpty } }

    /// Each stretch of speech with the text to show.
    var spoken: [SubtitleCue] {
        guard let corrected else {
            return transcript.segments.filter { !$0.text.isEmpty }.map {
                SubtitleCue(start: $0.start, end: $0.end, text: $0.text)
            }
        }
        let paragraphs = transcript.paragraphs.filter { $0.failure == nil }
        return zip(paragraphs, corrected.paragraphs).map { paragraph, correction in
            SubtitleCue(start: paragraph.start, end: paragraph.end, text: correction.text)
        }
    }

    /// The text in pieces that fit a screen.
    var cues: [SubtitleCue] { spoken.flatMap { $0.split() } }
}

/// Renders transcripts and writes them whole or not at all.
enum TranscriptWriter {
    /// Writes `STEM.FORMAT` into a folder for every format and returns the paths.
    static func write(
        _ document: TranscriptDocument, formats: [TranscriptFormat], folder: String, stem: String,
        files: any FileSystem = PosixFileSystem()
    ) throws -> [String] {
        try formats.map { format in
            let path = Path.join(folder, "\(stem).\(format.rawValue)")
            try AtomicFile.replace(path, with: try render(document, as: format), in: files)
            return path
        }
    }

    static func render(_ document: TranscriptDocument, as format: TranscriptFormat) throws -> String
    {
        switch format {
        case .txt: text(document)
        case .json: try json(document)
        case .srt: srt(document)
        case .vtt: vtt(document)
        case .tsv: tsv(document)
        case .md: markdown(document)
        }
    }

    /// An empty file for a silent recording.
    private static func text(_ document: TranscriptDocument) -> String {
        document.lines.map { $0 + "\n" }.joined()
    }

    private static func markdown(_ document: TranscriptDocument) -> String {
        guard let corrected = document.corrected else {
            return MarkdownPage.raw(document.transcript, document.facts)
        }
        return MarkdownPage.corrected(corrected, of: document.transcript, document.facts)
    }

    /// SubRip: numbered cues. A blank line would end a cue early, and `-->` would open one.
    private static func srt(_ document: TranscriptDocument) -> String {
        document.cues.enumerated().map { index, cue in
            let start = Timestamp.subtitle(cue.start, mark: ",")
            let end = Timestamp.subtitle(cue.end, mark: ",")
            let text = oneBlock(cue.text).replacingOccurrences(of: "-->", with: "->")
            return "\(index + 1)\n\(start) --> \(end)\n\(text)\n\n"
        }.joined()
    }

    /// WebVTT: `&`, `<` and `>` are markup there.
    private static func vtt(_ document: TranscriptDocument) -> String {
        "WEBVTT\n\n"
            + document.cues.map { cue in
                let start = Timestamp.subtitle(cue.start, mark: ".")
                let end = Timestamp.subtitle(cue.end, mark: ".")
                let text = oneBlock(cue.text)
                    .replacingOccurrences(of: "&", with: "&amp;")
                    .replacingOccurrences(of: "<", with: "&lt;")
                    .replacingOccurrences(of: ">", with: "&gt;")
                return "\(start) --> \(end)\n\(text)\n\n"
            }.joined()
    }

    /// Milliseconds and text in three columns, the header of openai-whisper.
    private static func tsv(_ document: TranscriptDocument) -> String {
        "start\tend\ttext\n"
            + document.spoken.map { cue in
                let start = Timestamp.milliseconds(cue.start)
                let end = Timestamp.milliseconds(cue.end)
                let text = oneBlock(cue.text).replacingOccurrences(of: "\n", with: " ")
                    .replacingOccurrences(of: "\t", with: " ")
                return "\(start)\t\(end)\t\(text)\n"
            }.joined()
    }

    /// Lines without blank ones between, whatever the line ends were.
    private static func oneBlock(_ text: String) -> String {
        text.split(whereSeparator: \.isNewline).map { $0.trimmingCharacters(in: .whitespaces) }
            .filter { !$0.isEmpty }.joined(separator: "\n")
    }

    private static func json(_ document: TranscriptDocument) throws -> String {
        try TranscriptJSON(document).text(pretty: true) + "\n"
    }
}

/// JSON in the one style of the program: snake case, sorted keys, plain slashes.
enum JSONText {
    static func encode(_ value: some Encodable, pretty: Bool) throws -> String {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        if pretty { encoder.outputFormatting.insert(.prettyPrinted) }
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }
}
