import Foundation
import Testing

@testable import Audio

/// Says how much it heard; fails or stops on request.
private final class CountingTranscriber: Transcriber {
    struct Broken: Error, CustomStringConvertible { var description: String { "out of paper" } }

    let segmentSecondsMax = 5.0
    let supportedLanguages = ["English"]
    var calls = 0
    var samplesHeard = 0
    var failingCall = -1

    func transcribe(
        _ segment: PCM, options: TranscribeOptions, isCancelled: () -> Bool,
        onText: (String) -> Void
    ) throws -> SpokenText {
        calls += 1
        samplesHeard += segment.samples.count
        if calls == failingCall { throw Broken() }
        if isCancelled() { throw CancellationError() }
        onText("part ")
        return SpokenText(text: "part \(calls).", language: options.language ?? "English")
    }
}

@Suite struct TranscriptionRunTests {
    /// Bursts of a tone with pauses, silence around them, noise under all of it.
    private func recording() -> [Float] {
        var noise = Signals.Noise()
        return (0..<(16000 * 30)).map { i in
            let t = Double(i) / 16000
            let isLoud = t > 4 && t < 20 && Int(t * 5) % 2 == 0 || t > 26 && t < 26.5
            return Float((isLoud ? 0.3 * sin(2 * .pi * 330 * t) : 0) + 0.001 * noise.next())
        }
    }

    private func inFile(_ samples: [Float], _ body: (String) throws -> Void) throws {
        try Signals.inFolder { folder in
            let url = folder.appending(path: "talk.wav")
            try body(try Wave(channels: [samples], rate: 16000).write(to: url))
        }
    }

    @Test func everySecondIsAccountedFor() throws {
        try inFile(recording()) { path in
            let model = CountingTranscriber()
            model.failingCall = 2
            var events: [TranscriptionRun.Event] = []
            let run = TranscriptionRun(transcriber: model, onEvent: { events.append($0) })
            let transcript = try run.transcribe(try AudioFile(path))
            #expect(transcript.duration == 30)
            #expect(abs(transcript.accountedSeconds - 30) < 1e-6)
            #expect(transcript.segments.first?.kind == .silence)
            let failed = transcript.segments.filter { $0.kind == .failed(reason: "out of paper") }
            #expect(failed.count == 1)
            let spoken = transcript.segments.filter { $0.kind != .silence }
            #expect(spoken.count == model.calls && model.calls >= 4)
            let seconds = spoken.reduce(0) { $0 + $1.end - $1.start }
            #expect(abs(seconds - PCM.seconds(samples: model.samplesHeard)) < 1e-6)
            #expect(transcript.languages == ["English"])
            let reported = events.compactMap { event -> Transcript.Segment? in
                if case .segment(let segment) = event { segment } else { nil }
            }
            #expect(reported == transcript.segments)
            #expect(events.contains(.text("part ")))
            #expect(events.last == .progress(seconds: 30, of: 30))
        }
    }

    @Test func silenceAndNothingNeverReachTheModel() throws {
        for samples in [[], [Float](repeating: 0, count: 16000 * 10)] {
            try inFile(samples) { path in
                let model = CountingTranscriber()
                let transcript = try TranscriptionRun(transcriber: model)
                    .transcribe(try AudioFile(path))
                #expect(model.calls == 0)
                #expect(transcript.text.isEmpty)
                #expect(transcript.accountedSeconds == transcript.duration)
            }
        }
    }

    @Test func cancellationEndsTheRun() throws {
        try inFile(recording()) { path in
            let model = CountingTranscriber()
            let run = TranscriptionRun(transcriber: model, isCancelled: { model.calls >= 2 })
            #expect(throws: CancellationError.self) { try run.transcribe(try AudioFile(path)) }
            #expect(model.calls == 2)
        }
    }

    @Test func damageIsCarriedOver() throws {
        try Signals.inFolder { folder in
            let url = folder.appending(path: "cut.wav")
            let bytes = Wave(channels: [recording()], rate: 16000).bytes
            try bytes.prefix(bytes.count / 2).write(to: url)
            let transcript = try TranscriptionRun(transcriber: CountingTranscriber())
                .transcribe(try AudioFile(url.path))
            #expect(transcript.damage == "decoded 15.0 s of 30.0 s")
            #expect(abs(transcript.accountedSeconds - transcript.duration) < 1e-6)
        }
    }
}
