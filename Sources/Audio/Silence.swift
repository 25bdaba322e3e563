#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Decides for every 10 ms whether somebody may be speaking, from loudness alone.
///
/// Speech stands out from the noise around it and moves; silence and steady noise of any level do
/// not. The noise floor is the level that the quietest tenth of the surrounding 25 s stay below, so
/// it follows a recording whose background changes. In doubt the answer is speech: a model that is
/// asked about noise costs time, a word that it is not asked about is lost.
///
/// The decision is a function of the recording, not of the pieces in which it arrives.
struct VoiceActivity {
    /// Samples per frame.
    static let frameSamples = 160
    /// Kept on both sides of what is loud enough: weak beginnings and endings of words.
    static let marginFrames = 30
    /// Loudness over the noise floor that counts as activity.
    static let overFloorDecibels: Float = 5
    /// Quieter than this (dB of full scale, mean square) is silence in any case.
    static let silenceDecibels: Float = -80
    static let floorShare = 0.1
    /// The floor is found once per block from the block and its surroundings.
    static let blockFrames = 500
    static let contextFrames = 1000
    /// With less to compare with than this, only `silenceDecibels` decides.
    static let framesToCompareMin = 100
    /// Loud frames within `densityFrames` on both sides that make speech of a click.
    static let denseMin = 5
    static let densityFrames = 5
    /// Pole of the high-pass against offset and hum, about 130 Hz.
    private static let pole: Float = 0.95
    /// Step of the low-pass against hiss, about 1800 Hz: white noise loses 5 dB, a voice hardly any.
    private static let lowPass: Float = 0.5

    /// One flag per frame, as far as decided.
    private(set) var speech: [Bool] = []
    private var loud: [Bool] = []
    private var energies: [Float] = []
    private var frameEnergy: Float = 0
    private var frameCount = 0
    private var previousInput: Float = 0
    private var previousOutput: Float = 0
    private var band: Float = 0

    /// Takes the next samples.
    mutating func push(_ samples: [Float]) {
        samples.withUnsafeBufferPointer { samples in
            for sample in samples {
                previousOutput = sample - previousInput + Self.pole * previousOutput
                previousInput = sample
                band += Self.lowPass * (previousOutput - band)
                frameEnergy += band * band
                frameCount += 1
                if frameCount == Self.frameSamples { endFrame() }
            }
        }
        while energies.count >= loud.count + Self.blockFrames + Self.contextFrames {
            decideBlock()
        }
        decideSpeech(until: loud.count - Self.marginFrames - Self.densityFrames)
    }

    /// Decides the rest; the last frame may be a part of one.
    mutating func finish() {
        if frameCount > 0 { endFrame() }
        while loud.count < energies.count { decideBlock() }
        decideSpeech(until: loud.count)
    }

    private mutating func endFrame() {
        energies.append(frameEnergy / Float(frameCount))
        (frameEnergy, frameCount) = (0, 0)
    }

    private mutating func decideBlock() {
        let block = loud.count..<min(loud.count + Self.blockFrames, energies.count)
        let first = max(0, block.lowerBound - Self.contextFrames)
        let end = min(energies.count, block.upperBound + Self.contextFrames)
        let levels = (first..<end).map(level)
        var floor = Self.silenceDecibels
        if levels.count >= Self.framesToCompareMin {
            let quiet = levels.sorted()[Int(Double(levels.count) * Self.floorShare)]
            floor = max(floor, quiet)
        }
        loud += block.map { levels[$0 - first] > floor + Self.overFloorDecibels }
    }

    /// Loudness of a frame and its neighbours in dB of full scale.
    private func level(_ frame: Int) -> Float {
        let range = max(0, frame - 1)...min(energies.count - 1, frame + 1)
        let mean = energies[range].reduce(0, +) / Float(range.count)
        return 10 * log10(mean + 1e-12)
    }

    private mutating func decideSpeech(until end: Int) {
        guard end > speech.count else { return }
        let start = speech.count
        speech += [Bool](repeating: false, count: end - start)
        let from = max(0, start - Self.marginFrames)
        let to = min(loud.count, end + Self.marginFrames)
        for frame in from..<to where loud[frame] {
            let near =
                max(0, frame - Self.densityFrames)...min(loud.count - 1, frame + Self.densityFrames)
            guard loud[near].count(where: { $0 }) >= Self.denseMin else { continue }
            let first = max(start, frame - Self.marginFrames)
            let last = min(end - 1, frame + Self.marginFrames)
            for i in stride(from: first, through: last, by: 1) { speech[i] = true }
        }
    }
}
