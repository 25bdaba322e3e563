/// Mono audio at 16 kHz, f32, nominally in [-1, 1]. Below `AudioFile` all audio is this.
public struct PCM: Sendable, Equatable {
    /// Samples per second of every `PCM`.
    public static let sampleRate = 16_000

    /// The samples.
    public var samples: [Float]

    /// Wraps samples that are at 16 kHz already.
    public init(_ samples: [Float]) {
        self.samples = samples
    }

    /// Length in seconds.
    public var seconds: Double { Self.seconds(samples: samples.count) }

    /// Seconds that `samples` samples last.
    public static func seconds(samples: Int) -> Double {
        Double(samples) / Double(sampleRate)
    }

    /// Samples in `seconds`, rounded to the nearest.
    public static func samples(seconds: Double) -> Int {
        Int((seconds * Double(sampleRate)).rounded())
    }

    /// Divided by its peak where that exceeds 1, then clipped to [-1, 1]: the input rule of
    /// qwen-asr. Audio within range is unchanged.
    public func peakNormalized() -> PCM {
        let peak = samples.reduce(Float(0)) { max($0, abs($1)) }
        guard peak > 1 else { return self }
        return PCM(samples.map { min(max($0 / peak, -1), 1) })
    }

    /// Followed by zeros up to `seconds`; longer audio is unchanged.
    public func padded(toSeconds seconds: Double) -> PCM {
        let missing = Self.samples(seconds: seconds) - samples.count
        guard missing > 0 else { return self }
        return PCM(samples + [Float](repeating: 0, count: missing))
    }
}
