import Audio
import Foundation
import Synchronization
import Text

@testable import mlxi

/// An engine without models: a recording "says" what its file contains.
final class FakeDoor: JobDoor {
    private let submitted = Mutex<[String]>([])

    /// Paths of the recordings that were transcribed, in order.
    var paths: [String] { submitted.withLock { $0 } }

    func submit(
        _ job: Job, cancellation: Cancellation
    ) -> AsyncThrowingStream<JobEvent, any Error> {
        AsyncThrowingStream { stream in
            guard case .transcribe(let transcription) = job else { return stream.finish() }
            submitted.withLock { $0.append(transcription.audioPath) }
            if cancellation.isRequested { return stream.finish(throwing: Cancelled()) }
            do {
                let data = try Data(contentsOf: URL(fileURLWithPath: transcription.audioPath))
                let text = String(decoding: data, as: UTF8.self)
                guard !text.hasPrefix("BAD") else { throw NotAudio(path: transcription.audioPath) }
                stream.yield(.transcript(Self.transcript(text), workSeconds: 0.5))
                if transcription.proofreader != nil {
                    stream.yield(.corrected(Self.corrected(text), workSeconds: 0.25))
                }
                stream.finish()
            } catch {
                stream.finish(throwing: error)
            }
        }
    }

    static func transcript(_ text: String) -> Transcript {
        Transcript(
            segments: [
                .init(start: 0, end: 2, text: text, language: "English", kind: .speech)
            ], duration: 2)
    }

    static func corrected(_ text: String) -> ProofreadResult {
        Proofreader.correct(paragraphs: [text], generate: { _ in sentence(text) })
    }

    /// A proofreader's work on "hello there": "Hello there."
    static func sentence(_ text: String) -> String {
        text.prefix(1).uppercased() + text.dropFirst() + "."
    }
}

struct NotAudio: Error, CustomStringConvertible {
    var path: String
    var description: String { "\(path): not an audio file" }
}

extension WatchSettings {
    static let test = WatchSettings(
        model: FoundModel(name: "asr", folder: "/nowhere/asr"),
        proofreader: FoundModel(name: "lm", folder: "/nowhere/lm"))
}
