import Foundation
import Kernels
import TestSupport
import Testing
import Text

@testable import Audio

/// Qwen3-ASR against mlx-audio and transformers (Tools/golden/make_qwen3_asr.py): three layouts of
/// the files, clips of 0.3 to 21.3 s.
@Suite(.serialized) struct Qwen3ASRGoldenTests {
    static let all = ["qwen3asr-bf16", "qwen3asr-q4", "qwen3asr-original"]
    static let exactTolerance = 1e-3
    /// Of the simulated error; the rest is the f16 cache and another order of additions.
    static let fastRmsFactor = 1.6

    /// The test signal that Tools/golden/audio_reference.py describes.
    static func signal(_ count: Int) -> [Float] {
        var state: UInt32 = 12345
        return (0..<count).map { n in
            state = state &* 1_664_525 &+ 1_013_904_223
            let noise = Double(state >> 8) / 8_388_608 - 1
            let t = Double(n) / 16000
            let u = Double(n % 16000) / 16000
            let turn = 2 * Double.pi
            var x = 0.25 * (0.5 + 0.5 * sin(turn * 0.7 * t)) * sin(turn * (150 * u + 600 * u * u))
            x += 0.12 * sin(turn * (1200 * t - 20 * t * t))
            x += 0.05 * (1 + sin(turn * 3 * t)) * noise
            return Float(n / 16000 % 5 == 3 ? 0.01 * x : x)
        }
    }

    private func open(_ name: String, _ precision: Precision) throws -> Qwen3ASR {
        let folder = try ModelFolder(path: Fixtures.path(name))
        let model = try transcribers.open(folder, on: try Compute(precision: precision))
        #expect(folder.unused.isEmpty)
        return try #require(model as? Qwen3ASR)
    }

    private func audio(_ clip: JSONValue) throws -> PCM {
        PCM(Self.signal(try clip.int("samples"))).padded(toSeconds: 0.5)
    }

    @Test(arguments: all, [Precision.exact, .fast])
    func encoderEqualsReference(name: String, precision: Precision) throws {
        let golden = try Golden(name)
        let asr = try open(name, precision)
        let simulated = try golden.json.double("fast_encoder_rms", default: 0)
        for clip in try golden.json.array("clips") {
            let features = asr.mel.features(try audio(clip))
            #expect(features.frames == (try clip.int("mel_frames")))
            let label = try clip.string("clip")
            let mel = try clip.ints("mel_rows").flatMap { row in
                features.values[row * features.filters..<(row + 1) * features.filters]
            }
            #expect(difference(mel, try golden.values("\(label).mel").values).max < 1e-4)
            let found = asr.compute.workspace.scope {
                let output = asr.encoder.encode(features, on: asr.compute)
                return (0..<output.count).map { Array(output[$0]) }
            }
            #expect(found.count == (try clip.int("tokens")))
            let rows = try clip.ints("rows").flatMap { found[$0] }
            let error = difference(rows, try golden.values("\(label).encoder_output").values)
            if precision == .exact {
                #expect(error.max < Self.exactTolerance, "\(label)")
            } else if simulated > 0 {
                #expect(error.rms < Self.fastRmsFactor * simulated, "\(label)")
            }
        }
    }

    @Test(arguments: all) func promptsLogitsAndTokensEqualReference(name: String) throws {
        let golden = try Golden(name)
        let asr = try open(name, .exact)
        let clips = try golden.json.array("clips")
        for (index, wanted) in try golden.json.array("cases").enumerated() {
            let label = try wanted.string("clip")
            let clip = try #require(clips.first { $0["clip"]?.asString == label })
            let features = asr.mel.features(try audio(clip))
            try asr.compute.workspace.scope {
                let embeddings = asr.encoder.encode(features, on: asr.compute)
                let prompt = asr.prompt(
                    audioTokens: embeddings.count, context: try wanted.string("context"),
                    language: wanted["language"]?.asString)
                #expect(prompt == (try wanted.ints("prompt").map { Int32($0) }))
                let start = try #require(prompt.firstIndex(of: asr.audioPad))
                try asr.session.sync(Prompt(prompt, splice: (start, embeddings)))
                let logits = try golden.values("case\(index).logits").values
                let scale = try wanted.double("logit_std")
                let error = difference(Array(asr.session.logits(0)), logits).max
                #expect(error < Self.exactTolerance * scale, "\(label)")
                for token in try wanted.ints("greedy") {
                    #expect(Logits.argmax(asr.session.logits(0)) == token)
                    try asr.session.run([Int32(token)])
                }
            }
        }
    }
}
