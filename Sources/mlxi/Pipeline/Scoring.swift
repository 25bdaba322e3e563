import Audio
import Foundation
import Text

/// How far transcripts are from the references in a folder (`--reference DIR`): for `talk.mp3`, the
/// text of `talk.txt` there.
struct Scoring: Sendable {
    let folder: String

    /// Error counts of one recording, or summed over many.
    struct Score: Sendable {
        var words = ErrorRate()
        var characters = ErrorRate()
        /// The same for the proofread text, where there is one.
        var correctedWords: ErrorRate?
        /// Words with case and punctuation, before and after proofreading.
        var written = ErrorRate()
        var correctedWritten: ErrorRate?

        static func += (sum: inout Score, other: Score) {
            sum.words = sum.words + other.words
            sum.characters = sum.characters + other.characters
            sum.written = sum.written + other.written
            if let corrected = other.correctedWords {
                sum.correctedWords = (sum.correctedWords ?? ErrorRate()) + corrected
            }
            if let corrected = other.correctedWritten {
                sum.correctedWritten = (sum.correctedWritten ?? ErrorRate()) + corrected
            }
        }

        /// One line for people.
        var line: String {
            var parts = [
                "WER \(Self.percent(words)) (\(words.errors) of \(words.units) words)",
                "CER \(Self.percent(characters))",
                "with case and punctuation \(Self.percent(written))",
            ]
            if let correctedWords, let correctedWritten {
                parts.append(
                    "after proofreading WER \(Self.percent(correctedWords)), "
                        + "with case and punctuation \(Self.percent(correctedWritten))")
            }
            return parts.joined(separator: ", ")
        }

        private static func percent(_ rate: ErrorRate) -> String {
            rate.rate.map { Timestamp.fixed($0 * 100, places: 1) + " %" } ?? "-"
        }
    }

    /// The score of a transcript.
    ///
    /// - Throws: `CommandError.cannotRun` where the reference is absent or not text.
    func score(_ document: TranscriptDocument, stem: String) throws -> Score {
        let path = Path.join(folder, stem + ".txt")
        guard let data = FileManager.default.contents(atPath: path),
            let reference = String(data: data, encoding: .utf8)
        else { throw CommandError.cannotRun("\(path): no reference text (UTF-8) there") }
        let heard = document.transcript.text
        var score = Score(
            words: .words(reference: reference, hypothesis: heard),
            characters: .characters(reference: reference, hypothesis: heard),
            written: .writtenWords(reference: reference, hypothesis: heard))
        if let corrected = document.corrected {
            let text = corrected.paragraphs.map(\.text).joined(separator: "\n")
            score.correctedWords = .words(reference: reference, hypothesis: text)
            score.correctedWritten = .writtenWords(reference: reference, hypothesis: text)
        }
        return score
    }
}
