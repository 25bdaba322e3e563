/// A recording, decoded as it is read: mono f32 at one rate, in bounded memory whatever its length.
///
/// Reads what libsndfile (uncompressed) and libav (the rest, and the sound of videos) know. A file
/// that is damaged gives what can be decoded, and then says in `damage` what was lost.
public final class AudioFile {
    /// Channels that are mixed at most.
    static let channelsMax = 64
    /// Hours after which a file is cut off, so that a hostile one ends.
    static let hoursMax = 48
    /// Larger samples are damage; f32 recordings in the scale of 16-bit integers exist.
    static let magnitudeMax: Float = 1e6

    /// The path as given; `-` is standard input.
    public let name: String
    /// Container and codec in words.
    public var formatName: String { decoder.format.name }
    /// Channels of the file.
    public var channels: Int { decoder.format.channels }
    /// Samples per second of the file.
    public var sampleRate: Int { decoder.format.sampleRate }
    /// Length that the container declares, if it does; in some formats an estimate.
    public var declaredSeconds: Double? { decoder.format.declaredSeconds }
    /// What was lost, in one line without the file's name. Complete once `next` returned nothing.
    public private(set) var damage: String?

    private let source: AudioSource
    private let decoder: any AudioDecoder
    private let outputRate: Int
    private var first: DecodedChunk?
    private var resampler: Resampler?
    private var resamplerRate = 0
    private var ready: [Float] = []
    private var decodedSeconds = 0.0
    private var badSamples = 0
    private var stopReason: String?
    private var isFinished = false

    /// Opens a file and decodes its beginning.
    ///
    /// - Parameters:
    ///   - path: `-` for standard input. Pipes are copied to a temporary file first.
    ///   - outputRate: samples per second that `next` gives.
    /// - Throws: `AudioError` if it gives no audio at all.
    public init(_ path: String, outputRate: Int = PCM.sampleRate) throws(AudioError) {
        name = path
        self.outputRate = outputRate
        source = try AudioSource(path)
        if let uncompressed = SndfileDecoder(source) {
            decoder = uncompressed
        } else {
            decoder = try LibAVDecoder(source)
        }
        first = decoder.read()
        if let first {
            try check(first)
        } else if let problem = decoder.problem {
            throw AudioError(
                kind: .notAudio, file: path, found: "\(formatName) with \(problem)",
                wanted: "audio that decodes")
        }
    }

    /// The next samples, at most `samplesMax`; fewer only at the end, none after it.
    public func next(samplesMax: Int) -> [Float] {
        while ready.count < samplesMax && !isFinished {
            if let chunk = first ?? decoder.read() {
                first = nil
                accept(chunk)
            } else {
                finish()
            }
        }
        let count = min(samplesMax, ready.count)
        let samples = Array(ready[..<count])
        ready.removeFirst(count)
        return samples
    }

    private func check(_ chunk: DecodedChunk) throws(AudioError) {
        if chunk.channels > Self.channelsMax {
            throw AudioError(
                kind: .unsupported, file: name, found: "\(chunk.channels) channels",
                wanted: "at most \(Self.channelsMax)")
        }
        let range = Resampler.hertzRange
        if !range.contains(chunk.sampleRate) {
            throw AudioError(
                kind: .unsupported, file: name, found: "a sampling rate of \(chunk.sampleRate) Hz",
                wanted: "\(range.lowerBound) to \(range.upperBound) Hz")
        }
    }

    private func accept(_ chunk: DecodedChunk) {
        do {
            try check(chunk)
        } catch {
            stopReason = error.found
            return finish()
        }
        if chunk.sampleRate != resamplerRate {
            ready += resampler?.finish() ?? []
            resampler = Resampler(from: chunk.sampleRate, to: outputRate)
            resamplerRate = chunk.sampleRate
        }
        let mono = mix(chunk)
        decodedSeconds += Double(mono.count) / Double(chunk.sampleRate)
        ready += resampler?.push(mono) ?? []
        if decodedSeconds > Double(Self.hoursMax) * 3600 {
            stopReason = "longer than \(Self.hoursMax) hours"
            finish()
        }
    }

    /// The arithmetic mean of the channels. Samples that are no numbers become 0 and are counted.
    private func mix(_ chunk: DecodedChunk) -> [Float] {
        let channels = chunk.channels
        let count = chunk.samples.count / channels
        let share = 1 / Float(channels)
        var bad = 0
        let mono = [Float](unsafeUninitializedCapacity: count) { mono, filled in
            chunk.samples.withUnsafeBufferPointer { samples in
                for i in 0..<count {
                    var sum: Float = 0
                    for channel in 0..<channels {
                        let sample = samples[i * channels + channel]
                        if abs(sample) <= Self.magnitudeMax {
                            sum += sample
                        } else {
                            bad += 1
                        }
                    }
                    mono[i] = sum * share
                }
            }
            filled = count
        }
        badSamples += bad
        return mono
    }

    private func finish() {
        isFinished = true
        ready += resampler?.finish() ?? []
        var notes: [String] = []
        let format = decoder.format
        if let declared = format.declaredSeconds,
            declared - decodedSeconds > format.toleranceSeconds
        {
            notes.append("decoded \(seconds(decodedSeconds)) of \(seconds(declared))")
        }
        if let stopReason { notes.append("stopped: \(stopReason)") }
        if let problem = decoder.problem { notes.append(problem) }
        if badSamples > 0 { notes.append("\(badSamples) samples were not usable numbers") }
        damage = notes.isEmpty ? nil : notes.joined(separator: "; ")
    }
}

/// "61.2 s".
func seconds(_ value: Double) -> String {
    "\((value * 10).rounded() / 10) s"
}
