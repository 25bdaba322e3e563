/// Cuts a recording into segments for a model, at quiet points, in bounded memory.
///
/// Every sample given comes out in exactly one segment. A segment of speech is as long as the model
/// allows unless nobody speaks for two seconds; it is then ended at the longest pause in its last
/// third, or at the quietest tenth of a second there. The cuts depend on the recording alone, not on
/// the pieces in which it arrives.
public struct Segmenter {
    /// A stretch of the recording.
    public struct Segment: Sendable, Equatable {
        /// What is in it.
        public enum Kind: Sendable, Equatable {
            /// Somebody may be speaking.
            case speech
            /// Nobody is.
            case silence
        }

        /// Index of the first sample in the recording.
        public let start: Int
        /// Number of samples.
        public let count: Int
        /// What is in it.
        public let kind: Kind
        /// The samples of speech; empty for silence.
        public let samples: [Float]
    }

    /// A silence that ends a segment, less the margins that count as speech: 2 s of quiet.
    static let pauseFrames = 200 - 2 * VoiceActivity.marginFrames
    /// Shorter silences before and after speech stay with it.
    static let silenceSamplesMin = PCM.sampleRate / 2
    /// Length of the quiet stretch that is sought where there is no pause.
    static let quietSamples = PCM.sampleRate / 10

    private let segmentSamplesMax: Int
    private var activity = VoiceActivity()
    private var pending: [Float] = []
    /// Index of `pending[0]` in the recording.
    private var pendingStart = 0
    /// Where the next segment starts; before `pendingStart` when silence was let go.
    private var start = 0
    private var isFinished = false

    /// Segments of at most `segmentSecondsMax`, at least one second.
    public init(segmentSecondsMax: Double) {
        segmentSamplesMax = PCM.samples(seconds: max(1, segmentSecondsMax))
    }

    /// Takes the next samples; returns the segments that are complete.
    public mutating func push(_ samples: [Float]) -> [Segment] {
        pending += samples
        activity.push(samples)
        return takeAll()
    }

    /// The remaining segments; nothing may be pushed afterwards.
    public mutating func finish() -> [Segment] {
        activity.finish()
        isFinished = true
        return takeAll()
    }

    private var end: Int { pendingStart + pending.count }

    private mutating func takeAll() -> [Segment] {
        var segments: [Segment] = []
        while let segment = takeNext() { segments.append(segment) }
        return segments
    }

    private mutating func takeNext() -> Segment? {
        guard start < end else { return nil }
        let frames = activity.speech
        let firstFrame = max(start, pendingStart) / VoiceActivity.frameSamples
        guard let speechFrame = frames[min(firstFrame, frames.count)...].firstIndex(of: true) else {
            if isFinished { return take(until: end, .silence) }
            // What is let go is then longer than the silences that stay with speech.
            discard(until: frames.count * VoiceActivity.frameSamples - Self.silenceSamplesMin)
            return nil
        }
        let speechStart = max(start, speechFrame * VoiceActivity.frameSamples)
        if speechStart - start >= Self.silenceSamplesMin {
            return take(until: speechStart, .silence)
        }

        let limit = start + segmentSamplesMax
        if let speechEnd = endOfSpeech(from: speechFrame, limit: limit) {
            if speechEnd <= limit { return take(until: speechEnd, .speech) }
        } else {
            // Only after a whole pause could follow is it known that the speech is too long.
            let known = frames.count - Self.pauseFrames
            guard known * VoiceActivity.frameSamples > limit else { return nil }
        }
        return take(until: cut(before: limit), .speech)
    }

    /// Where speech that goes on at a frame is followed by a long silence; nil if not known yet.
    private func endOfSpeech(from first: Int, limit: Int) -> Int? {
        let frames = activity.speech
        var lastSpeech = first
        for frame in first..<frames.count {
            if frames[frame] {
                lastSpeech = frame
            } else if frame - lastSpeech >= Self.pauseFrames {
                return (lastSpeech + 1) * VoiceActivity.frameSamples
            }
        }
        guard isFinished else { return nil }
        let speechEnd = min(end, (lastSpeech + 1) * VoiceActivity.frameSamples)
        return end - speechEnd < Self.silenceSamplesMin && end <= limit ? end : speechEnd
    }

    /// The best place to end a segment in the third before `limit`.
    private func cut(before limit: Int) -> Int {
        let range = (limit - segmentSamplesMax / 3)..<limit
        let size = VoiceActivity.frameSamples
        var longest = 0..<0
        var pause = 0..<0
        for frame in (range.lowerBound / size + 1)..<(range.upperBound / size) {
            if activity.speech[frame] {
                pause = 0..<0
            } else {
                pause = (pause.isEmpty ? frame : pause.lowerBound)..<(frame + 1)
                if pause.count >= longest.count { longest = pause }
            }
        }
        return longest.isEmpty ? quietPoint(in: range) : longest.lowerBound * size
    }

    /// The sample nearest to zero in the quietest tenth of a second.
    private func quietPoint(in range: Range<Int>) -> Int {
        let window = min(Self.quietSamples, range.count)
        let offset = range.lowerBound - pendingStart
        return pending.withUnsafeBufferPointer { samples in
            var sum = 0.0
            for i in 0..<window { sum += Double(abs(samples[offset + i])) }
            var (least, quietest) = (sum, 0)
            for i in 0..<(range.count - window) {
                sum += Double(abs(samples[offset + i + window])) - Double(abs(samples[offset + i]))
                if sum <= least { (least, quietest) = (sum, i + 1) }
            }
            var best = offset + quietest
            for i in best..<(best + window) where abs(samples[i]) < abs(samples[best]) { best = i }
            return max(best + pendingStart, start + 1)
        }
    }

    private mutating func take(until stop: Int, _ kind: Segment.Kind) -> Segment {
        let samples =
            kind == .speech ? Array(pending[(start - pendingStart)..<(stop - pendingStart)]) : []
        let segment = Segment(start: start, count: stop - start, kind: kind, samples: samples)
        discard(until: stop)
        start = stop
        return segment
    }

    private mutating func discard(until stop: Int) {
        guard stop > pendingStart else { return }
        pending.removeFirst(stop - pendingStart)
        pendingStart = stop
    }
}
