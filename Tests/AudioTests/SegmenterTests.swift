import Foundation
import Testing

@testable import Audio

@Suite struct SegmenterTests {
    private typealias Segment = Segmenter.Segment

    /// Something like speech: harmonics of a gliding voice in syllables of about 0.2 s.
    private func speech(seconds: Double, level: Double, seed: UInt32 = 3) -> [Float] {
        var noise = Signals.Noise(state: seed)
        var out: [Float] = []
        var phase = 0.0
        while out.count < PCM.samples(seconds: seconds) {
            let length = 1600 + noise.below(3200)
            let pitch = 110 + 60 * noise.next()
            let loudness = level * (0.6 + 0.4 * noise.next())
            for i in 0..<length {
                phase += 2 * .pi * pitch / 16000
                let envelope = sin(.pi * Double(i) / Double(length))
                let voice = sin(phase) + 0.6 * sin(2 * phase) + 0.4 * sin(7 * phase)
                out.append(Float(loudness * envelope * voice + 1e-4 * noise.next()))
            }
        }
        return Array(out.prefix(PCM.samples(seconds: seconds)))
    }

    private func noise(seconds: Double, level: Double) -> [Float] {
        var noise = Signals.Noise(state: 11)
        return noise.samples(PCM.samples(seconds: seconds), level: level)
    }

    private func silence(_ seconds: Double) -> [Float] {
        [Float](repeating: 0, count: PCM.samples(seconds: seconds))
    }

    private func segments(
        _ samples: [Float], secondsMax: Double, piece: () -> Int = { 80_000 }
    ) -> [Segment] {
        var segmenter = Segmenter(segmentSecondsMax: secondsMax)
        var out: [Segment] = []
        var start = 0
        while start < samples.count {
            let end = min(samples.count, start + max(1, piece()))
            out += segmenter.push(Array(samples[start..<end]))
            start = end
        }
        return out + segmenter.finish()
    }

    /// Every sample in exactly one segment, in order, speech with its own samples.
    private func expectAccounted(_ segments: [Segment], _ samples: [Float], secondsMax: Double) {
        var next = 0
        for segment in segments {
            #expect(segment.start == next)
            #expect(segment.count > 0)
            next += segment.count
            if segment.kind == .speech {
                #expect(segment.count <= PCM.samples(seconds: secondsMax))
                #expect(segment.samples.elementsEqual(samples[segment.start..<next]))
            } else {
                #expect(segment.samples.isEmpty)
            }
        }
        #expect(next == samples.count)
    }

    @Test(arguments: [0.0, 1e-5, 1e-3, 0.05, 0.3]) func steadyNoiseIsSilence(level: Double) {
        let samples = noise(seconds: 20, level: level)
        let found = segments(samples, secondsMax: 30)
        #expect(found.map(\.kind) == [.silence])
        expectAccounted(found, samples, secondsMax: 30)
    }

    @Test func humAndOffsetAreSilence() {
        let hum = Signals.sine(50, seconds: 12, level: 0.1)
        let hiss = noise(seconds: 12, level: 0.002)
        let samples = zip(hum, hiss).map { 0.2 + $0 + $1 }
        #expect(segments(samples, secondsMax: 30).map(\.kind) == [.silence])
    }

    @Test(arguments: [0.5, 0.02, 0.002]) func quietSpeechIsSpeech(level: Double) {
        let samples = silence(4) + speech(seconds: 6, level: level) + silence(4)
        let found = segments(samples, secondsMax: 30)
        #expect(found.map(\.kind) == [.silence, .speech, .silence])
        expectAccounted(found, samples, secondsMax: 30)
    }

    @Test func aShortWordInNoiseIsFound() {
        var samples = noise(seconds: 12, level: 0.01)
        let word = speech(seconds: 0.25, level: 0.1)
        for (i, value) in word.enumerated() { samples[96_000 + i] += value }
        let found = segments(samples, secondsMax: 30)
        #expect(found.map(\.kind) == [.silence, .speech, .silence])
        #expect(found[1].start < 96_000 && found[1].start + found[1].count > 100_000)
    }

    @Test(arguments: [0.05, 0.3, 0.9]) func shortClipsAreHeard(seconds: Double) {
        let samples = speech(seconds: seconds, level: 0.2)
        #expect(segments(samples, secondsMax: 30).map(\.kind) == [.speech])
    }

    @Test func aClickIsNotSpeech() {
        var samples = noise(seconds: 8, level: 0.001)
        samples[50_000] = 0.9
        #expect(segments(samples, secondsMax: 30).map(\.kind) == [.silence])
    }

    @Test func pausesInsideSpeechDoNotSplitButLongOnesDo() {
        let talk = speech(seconds: 3, level: 0.3)
        let short = talk + silence(1) + talk
        #expect(segments(short, secondsMax: 30).map(\.kind) == [.speech])
        let long = talk + silence(4) + talk
        let found = segments(long, secondsMax: 30)
        #expect(found.map(\.kind) == [.speech, .silence, .speech])
        #expect(found[1].count > PCM.samples(seconds: 3))
        expectAccounted(found, long, secondsMax: 30)
    }

    @Test func longSpeechIsCutInAPause() {
        let (first, second) = (speech(seconds: 8.5, level: 0.3), speech(seconds: 9, level: 0.3))
        let samples = first + silence(0.8) + second
        let found = segments(samples, secondsMax: 10)
        expectAccounted(found, samples, secondsMax: 10)
        let end = found[0].start + found[0].count
        #expect(end >= first.count && end <= first.count + PCM.samples(seconds: 0.8))
    }

    @Test func withoutAPauseTheQuietestPlaceIsTaken() {
        var samples = speech(seconds: 14, level: 0.3)
        // A closure of 0.12 s, too short to be a pause.
        for i in 140_000..<141_920 { samples[i] *= 0.001 }
        let found = segments(samples, secondsMax: 10)
        expectAccounted(found, samples, secondsMax: 10)
        #expect((140_000...141_920).contains(found[0].count))
    }

    @Test func anySignalInAnyPiecesIsAccountedAndCutTheSame() {
        var random = Signals.Noise(state: 5)
        for round in 0..<12 {
            var samples: [Float] = []
            for part in 0..<(1 + random.below(6)) {
                let seconds = 0.01 + 4 * (random.next() + 1)
                switch random.below(3) {
                case 0: samples += silence(seconds)
                case 1: samples += noise(seconds: seconds, level: 0.01)
                default: samples += speech(seconds: seconds, level: 0.2, seed: UInt32(part + 9))
                }
            }
            let secondsMax = [1.0, 2.5, 10, 30][round % 4]
            let whole = segments(samples, secondsMax: secondsMax) { samples.count }
            expectAccounted(whole, samples, secondsMax: secondsMax)
            let pieces = segments(samples, secondsMax: secondsMax) { 1 + random.below(30_000) }
            #expect(pieces == whole)
        }
        #expect(segments([], secondsMax: 10).isEmpty)
    }
}
