import Foundation
import Testing

@testable import Audio

@Suite struct AudioFileTests {
    /// The mean of the channels of Tools/golden/make_audio.py, at 16 kHz.
    private func sweep() -> [Float] {
        (0..<24000).map { i in
            let t = Double(i) / 16000
            return Float(0.375 * sin(2 * Double.pi * (200 * t + 700 * t * t)))
        }
    }

    /// Cosine between two signals where both are.
    private func cosine(_ a: [Float], _ b: [Float]) -> Double {
        var (ab, aa, bb) = (0.0, 0.0, 0.0)
        for (x, y) in zip(a, b) {
            ab += Double(x * y)
            aa += Double(x * x)
            bb += Double(y * y)
        }
        return ab / max((aa * bb).squareRoot(), 1e-12)
    }

    private func fixture(_ name: String) -> String { Signals.fixtures.appending(path: name).path }

    @Test(arguments: ["mp3", "m4a", "ogg", "opus", "webm", "flac", "mp4"])
    func everyContainer(type: String) throws {
        let file = try AudioFile(fixture("sweep.\(type)"))
        let samples = Signals.decode(file)
        #expect(file.damage == nil)
        #expect(abs(samples.count - 24000) < 800)
        #expect(cosine(samples, sweep()) > 0.99)
        #expect(abs((file.declaredSeconds ?? 0) - 1.5) < 0.1)
    }

    @Test(arguments: Wave.Encoding.allCases) func everyWaveEncoding(encoding: Wave.Encoding) throws
    {
        try Signals.inFolder { folder in
            let tone = Signals.sine(300, seconds: 0.2)
            let path = try Wave(channels: [tone], rate: 16000, encoding: encoding)
                .write(to: folder.appending(path: "tone.wav"))
            let samples = Signals.decode(try AudioFile(path))
            #expect(samples.count == tone.count)
            let worst = zip(samples, tone).map { abs($0 - $1) }.max() ?? .infinity
            #expect(worst < (encoding == .u8 ? 0.01 : 1e-4))
        }
    }

    @Test func channelsAreAveragedAndAnyPieceSizeGivesTheSame() throws {
        try Signals.inFolder { folder in
            let tone = Signals.sine(440, seconds: 0.2, rate: 192_000, level: 0.8)
            let quiet = [Float](repeating: 0, count: tone.count)
            let channels = [tone, tone, tone, tone] + [quiet, quiet, quiet, quiet]
            let path = try Wave(channels: channels, rate: 192_000)
                .write(to: folder.appending(path: "eight.wav"))
            let file = try AudioFile(path)
            #expect(file.channels == 8)
            let samples = Signals.decode(file)
            #expect(samples.count == 3200)
            #expect(abs((samples[500..<2500].max() ?? 0) - 0.4) < 1e-3)
            #expect(Signals.decode(try AudioFile(path), samplesMax: 77) == samples)
        }
    }

    @Test func noSamplesIsNoError() throws {
        try Signals.inFolder { folder in
            let path = try Wave(channels: [[]], rate: 44100)
                .write(to: folder.appending(path: "none.wav"))
            let file = try AudioFile(path)
            #expect(file.next(samplesMax: 100) == [])
            #expect(file.damage == nil)
        }
    }

    @Test(arguments: ["wav", "mp3", "m4a", "flac", "webm", "ogg"])
    func truncatedFilesGiveTheirBeginningAndSayWhatIsLost(type: String) throws {
        try Signals.inFolder { folder in
            let whole =
                type == "wav"
                ? Wave(channels: [Signals.sine(300, seconds: 1.5)], rate: 16000).bytes
                : try Data(contentsOf: URL(filePath: fixture("sweep.\(type)")))
            let cut = folder.appending(path: "cut.\(type)")
            try whole.prefix(whole.count * 7 / 10).write(to: cut)
            let file = try AudioFile(cut.path)
            let seconds = PCM.seconds(samples: Signals.decode(file).count)
            #expect(seconds > 0.3 && seconds < 1.3)
            #expect(file.damage != nil)
        }
    }

    @Test func garbageInsideIsSurvivedAndReported() throws {
        try Signals.inFolder { folder in
            var noise = Signals.Noise()
            for type in ["mp3", "m4a", "flac"] {
                var bytes = try Data(contentsOf: URL(filePath: fixture("sweep.\(type)")))
                for i in (bytes.count / 2)..<(bytes.count * 6 / 10) {
                    bytes[i] = UInt8(noise.below(256))
                }
                let url = folder.appending(path: "bad.\(type)")
                try bytes.write(to: url)
                let file = try AudioFile(url.path)
                #expect(Signals.decode(file).count > 8000)
                #expect(file.damage != nil, "\(type)")
            }
        }
    }

    @Test func samplesThatAreNoNumbersBecomeZero() throws {
        try Signals.inFolder { folder in
            var tone = Signals.sine(300, seconds: 0.1)
            (tone[10], tone[20], tone[30]) = (.nan, .infinity, 1e30)
            let path = try Wave(channels: [tone], rate: 16000, encoding: .f32)
                .write(to: folder.appending(path: "nan.wav"))
            let file = try AudioFile(path)
            let samples = Signals.decode(file)
            #expect(samples[10] == 0 && samples[20] == 0 && samples[30] == 0)
            #expect(file.damage == "3 samples were not usable numbers")
        }
    }

    @Test func bytesThatMeanNothingNeverCrash() throws {
        try Signals.inFolder { folder in
            var noise = Signals.Noise()
            let url = folder.appending(path: "mutant")
            for type in ["mp3", "m4a", "ogg", "opus", "webm", "flac", "mp4"] {
                let original = try Data(contentsOf: URL(filePath: fixture("sweep.\(type)")))
                for _ in 0..<6 {
                    var bytes = original
                    for _ in 0..<(1 + noise.below(40)) {
                        bytes[noise.below(bytes.count)] = UInt8(noise.below(256))
                    }
                    try bytes.prefix(1 + noise.below(bytes.count)).write(to: url)
                    if let file = try? AudioFile(url.path) { _ = Signals.decode(file) }
                }
            }
        }
    }
}
