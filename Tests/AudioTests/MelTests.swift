import Foundation
import Testing

@testable import Audio

@Suite struct MelTests {
    /// The formula of Tools/golden/make_mel.py.
    private func signal() -> [Float] {
        var noise = Signals.Noise()
        return (0..<6473).map { i in
            let t = Double(i) / 16000
            let sweep = 0.5 * sin(2 * Double.pi * (100 * t + 9000 * t * t))
            return Float(sweep + 0.01 * noise.next())
        }
    }

    /// Agreement of f32 implementations with openai-whisper after normalization.
    private let tolerance: Float = 5e-5

    @Test(arguments: [80, 128]) func agreesWithTransformers(filters: Int) throws {
        let url = Signals.fixtures.appending(path: "mel\(filters).f32")
        let golden = try Data(contentsOf: url).withUnsafeBytes {
            Array($0.bindMemory(to: Float.self))
        }
        let mel = Mel(filterCount: filters).features(PCM(signal()))
        #expect(mel.frames == 40)
        #expect(mel.filters == filters)
        #expect(mel.values.count == golden.count)
        let worst = zip(mel.values, golden).map { abs($0 - $1) }.max() ?? .infinity
        #expect(worst < tolerance)
    }

    @Test func silenceIsTheFloor() {
        let mel = Mel(filterCount: 128).features(PCM([Float](repeating: 0, count: 1600)))
        #expect(mel.values.allSatisfy { $0 == -1.5 })
        #expect(mel.values.count == 10 * 128)
    }

    @Test func lengths() {
        let mel = Mel(filterCount: 80)
        for (samples, frames) in [(0, 0), (1, 1), (200, 1), (201, 1), (320, 2), (479, 2), (480, 3)]
        {
            let features = mel.features(PCM([Float](repeating: 0.1, count: samples)))
            #expect(features.frames == frames)
            #expect(features.values.count == frames * 80)
        }
    }

    @Test func aFrameDependsOnItsOwnSamplesAlone() {
        let mel = Mel(filterCount: 80)
        let samples = signal()
        let whole = mel.logPower(PCM(samples)).values
        // Dropping whole hops from the front shifts the frames; those clear of the edges are equal.
        let later = mel.logPower(PCM(Array(samples[(5 * Mel.hopSamples)...]))).values
        #expect(Array(whole[(8 * 80)..<(30 * 80)]) == Array(later[(3 * 80)..<(25 * 80)]))
    }

    @Test func transposed() {
        let mel = Mel(filterCount: 80).features(PCM(signal()))
        let columns = mel.transposed()
        #expect(columns[7 * mel.frames + 3] == mel.values[3 * 80 + 7])
    }
}
