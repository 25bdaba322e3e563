internal import Kernels

// Log-mel features of Whisper and Qwen3-ASR. Maths: openai-whisper `whisper/audio.py`; the filters
// are librosa's (Slaney scale and area normalization).

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Log-mel features of one recording: `frames` rows of `filters` values, a row every 10 ms.
public struct MelFrames: Sendable, Equatable {
    /// Number of rows.
    public let frames: Int
    /// Values per row.
    public let filters: Int
    /// `[frames, filters]`, row-major.
    public internal(set) var values: [Float]

    /// The same as `[filters, frames]`, row-major.
    public func transposed() -> [Float] {
        var out = [Float](repeating: 0, count: values.count)
        for frame in 0..<frames {
            for filter in 0..<filters {
                out[filter * frames + frame] = values[frame * filters + filter]
            }
        }
        return out
    }
}

/// The log-mel front end: 25 ms Hann windows every 10 ms, 201 bins, Slaney mel filters to 8 kHz.
public struct Mel: Sendable {
    /// Samples between frames.
    public static let hopSamples = 160
    /// Samples in a frame, also the length of the transform.
    public static let windowSamples = 400

    /// Values per frame: 80 or 128 in the published models.
    public let filterCount: Int
    private let bank: Signal.MelBank

    /// A front end with `filterCount` mel filters between 0 and 8000 Hz.
    public init(filterCount: Int) {
        precondition(filterCount > 0, "a mel front end has filters")
        self.filterCount = filterCount
        bank = Self.slaneyBank(filterCount: filterCount)
    }

    /// Frames that `samples` samples give; the fraction of a hop at the end is dropped.
    public static func frameCount(samples: Int) -> Int {
        samples == 0 ? 0 : max(samples, samplesMin) / hopSamples
    }

    /// Normalized features: log10 power, no more than 8 below the loudest value, `(x + 4) / 4`.
    ///
    /// The loudest value is sought over everything given, so the result depends on how much audio
    /// is transformed at once. Digital silence gives -1.5.
    public func features(_ pcm: PCM) -> MelFrames {
        var mel = logPower(pcm)
        Signal.scaleLogMel(&mel.values)
        return mel
    }

    /// log10 of mel power, floored at 1e-10, not normalized.
    public func logPower(_ pcm: PCM) -> MelFrames {
        let frames = Self.frameCount(samples: pcm.samples.count)
        let values = Signal.logMelPower(Self.reflected(pcm.samples), frames: frames, bank: bank)
        return MelFrames(frames: frames, filters: filterCount, values: values)
    }

    /// Reflection needs more samples than it reflects.
    private static let samplesMin = windowSamples / 2 + 1

    /// The signal with 200 mirrored samples on both sides, the edge samples not repeated; shorter
    /// signals are continued with zeros first.
    private static func reflected(_ signal: [Float]) -> [Float] {
        let edge = windowSamples / 2
        let missing = max(0, samplesMin - signal.count)
        let whole = signal + [Float](repeating: 0, count: missing)
        return whole[1...edge].reversed() + whole
            + whole[(whole.count - 1 - edge)..<(whole.count - 1)].reversed()
    }

    private static func slaneyBank(filterCount: Int) -> Signal.MelBank {
        let hertzMax = 8000.0
        let hertzPerBin = Double(PCM.sampleRate) / Double(windowSamples)
        let melMax = mel(hertz: hertzMax)
        let edges = (0..<(filterCount + 2)).map {
            hertz(mel: melMax * Double($0) / Double(filterCount + 1))
        }
        var bank = Signal.MelBank()
        for filter in 0..<filterCount {
            let (low, centre, high) = (edges[filter], edges[filter + 1], edges[filter + 2])
            let weights = (0...(windowSamples / 2)).map { bin in
                let frequency = Double(bin) * hertzPerBin
                let rising = (frequency - low) / (centre - low)
                let falling = (high - frequency) / (high - centre)
                return Float(max(0, min(rising, falling)) * 2 / (high - low))
            }
            let first = weights.firstIndex { $0 > 0 } ?? 0
            let end = (weights.lastIndex { $0 > 0 } ?? -1) + 1
            bank.append(firstBin: first, weights: Array(weights[first..<max(first, end)]))
        }
        return bank
    }

    private static func mel(hertz: Double) -> Double {
        hertz < 1000 ? 3 * hertz / 200 : 15 + 27 * log(hertz / 1000) / log(6.4)
    }

    private static func hertz(mel: Double) -> Double {
        mel < 15 ? 200 * mel / 3 : 1000 * exp(log(6.4) * (mel - 15) / 27)
    }
}
