import Foundation
import Testing

@testable import Audio

@Suite struct ResampleTests {
    private func convert(_ samples: [Float], _ from: Int, _ to: Int, pieces: () -> Int) -> [Float] {
        var resampler = Resampler(from: from, to: to)
        var out: [Float] = []
        var start = 0
        while start < samples.count {
            let end = min(samples.count, start + max(1, pieces()))
            out += resampler.push(Array(samples[start..<end]))
            start = end
        }
        return out + resampler.finish()
    }

    @Test(arguments: [8000, 11025, 12345, 22050, 32000, 44100, 44101, 48000, 96000, 192_000])
    func keepsATone(rate: Int) {
        let input = Signals.sine(440, seconds: 0.3, rate: rate)
        let output = convert(input, rate, 16000) { 4096 }
        #expect(output.count == (input.count * 16000 + rate - 1) / rate)
        let ideal = Signals.sine(440, seconds: 0.3)
        // Away from the ends, where the filter sees the signal on both sides.
        let inner = 200..<(min(output.count, ideal.count) - 200)
        let worst = inner.map { abs(output[$0] - ideal[$0]) }.max() ?? .infinity
        #expect(worst < 1e-4)
    }

    @Test func removesWhatTheOutputCannotHold() {
        let output = convert(Signals.sine(9000, seconds: 0.3, rate: 44100), 44100, 16000) { 999 }
        #expect(output[300..<(output.count - 300)].allSatisfy { abs($0) < 1e-3 })
    }

    @Test(arguments: [(44100, 16000), (12345, 16000), (8000, 16000), (44101, 16000)])
    func piecesDoNotMatter(from: Int, to: Int) {
        var noise = Signals.Noise()
        let input = noise.samples(5000, level: 0.9)
        let whole = convert(input, from, to) { input.count }
        var cuts = Signals.Noise(state: 7)
        for bound in [1, 2, 50, 700] {
            #expect(convert(input, from, to) { 1 + cuts.below(bound) } == whole)
        }
    }

    @Test func shortestInputs() {
        #expect(convert([], 44100, 16000) { 1 } == [])
        #expect(convert([0.5], 44100, 16000) { 1 }.count == 1)
        #expect(convert([0.5], 8000, 16000) { 1 }.count == 2)
        #expect(convert([0.1, 0.2], 16000, 16000) { 1 } == [0.1, 0.2])
    }
}
