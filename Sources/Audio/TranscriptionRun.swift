/// The way of one recording through a model: decode, cut at quiet points, transcribe, account.
public struct TranscriptionRun {
    /// What happens on the way, in order.
    public enum Event: Sendable, Equatable {
        /// A piece of text of the segment in hand, as it becomes certain.
        case text(String)
        /// A segment is done; its whole text is in it.
        case segment(Transcript.Segment)
        /// Seconds done, of how many if the container says.
        case progress(seconds: Double, of: Double?)
    }

    /// Decoded at a time.
    static let chunkSeconds = 5.0

    private let transcriber: any Transcriber
    private let options: TranscribeOptions
    private let isCancelled: () -> Bool
    private let onEvent: (Event) -> Void

    /// A run for recordings that share a model and options.
    ///
    /// - Parameter isCancelled: asked between segments and by the model between tokens.
    public init(
        transcriber: any Transcriber, options: TranscribeOptions = TranscribeOptions(),
        isCancelled: @escaping () -> Bool = { false },
        onEvent: @escaping (Event) -> Void = { _ in }
    ) {
        self.transcriber = transcriber
        self.options = options
        self.isCancelled = isCancelled
        self.onEvent = onEvent
    }

    /// Transcribes a whole recording.
    ///
    /// A segment on which the model fails is recorded as `.failed`, and the run goes on. Stretches
    /// without speech never reach the model.
    ///
    /// - Returns: a transcript whose segments cover every second that was decoded.
    /// - Throws: `CancellationError` only.
    public func transcribe(_ file: AudioFile) throws -> Transcript {
        var transcript = Transcript()
        var segmenter = Segmenter(segmentSecondsMax: transcriber.segmentSecondsMax)
        var samples = 0
        while true {
            let chunk = file.next(samplesMax: PCM.samples(seconds: Self.chunkSeconds))
            samples += chunk.count
            let isEnd = chunk.isEmpty
            for segment in isEnd ? segmenter.finish() : segmenter.push(chunk) {
                let done = try transcribed(segment)
                transcript.segments.append(done)
                onEvent(.segment(done))
                onEvent(.progress(seconds: done.end, of: file.declaredSeconds))
            }
            if isCancelled() { throw CancellationError() }
            if isEnd { break }
        }
        transcript.duration = PCM.seconds(samples: samples)
        transcript.damage = file.damage
        return transcript
    }

    private func transcribed(_ segment: Segmenter.Segment) throws -> Transcript.Segment {
        if isCancelled() { throw CancellationError() }
        var done = Transcript.Segment(
            start: PCM.seconds(samples: segment.start),
            end: PCM.seconds(samples: segment.start + segment.count), text: "", language: "",
            kind: segment.kind == .speech ? .speech : .silence)
        guard segment.kind == .speech else { return done }
        do {
            let spoken = try transcriber.transcribe(
                PCM(segment.samples), options: options, isCancelled: isCancelled,
                onText: { onEvent(.text($0)) })
            done.text = spoken.text
            done.language = spoken.language
            done.stoppedEarly = spoken.stoppedEarly
        } catch let error as CancellationError {
            throw error
        } catch {
            done.kind = .failed(reason: "\(error)")
        }
        return done
    }
}
