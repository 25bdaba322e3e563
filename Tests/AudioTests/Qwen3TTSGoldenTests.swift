import Foundation
import Kernels
import TestSupport
import Testing

@testable import Audio

/// Qwen3-TTS against mlx-audio (Tools/golden/make_qwen3_tts.py): quantized with a narrower code
/// predictor, and bf16 with one as wide as the talker.
@Suite(.serialized) struct Qwen3TTSGoldenTests {
    static let all = ["qwen3tts-q4", "qwen3tts-bf16"]
    static let exactTolerance = 1e-3
    /// Of the simulated error; the rest is the f16 cache and another order of additions.
    static let fastRmsFactor = 1.6

    private func open(_ name: String, _ compute: Compute) throws -> Qwen3TTSTalker {
        let folder = try ModelFolder(path: Fixtures.path(name))
        let talker = try talkers.open(folder, on: compute)
        #expect(folder.unused.isEmpty)
        return talker
    }

    private func prompt(_ golden: Golden) throws -> Qwen3TTSPrompt {
        Qwen3TTSPrompt(
            instruction: try golden.tokens("instruct"), role: try golden.tokens("role"),
            codecPrefix: try golden.tokens("prefix"), body: try golden.tokens("body"))
    }

    @Test(arguments: all) func promptsAreArranged(name: String) throws {
        let golden = try Golden(name)
        let compute = try Compute(precision: .exact)
        let talker = try open(name, compute)
        let prompt = try prompt(golden)
        let rows = compute.workspace.scope { talker.rows(prompt, on: compute).array }
        #expect(difference(rows, try golden.values("prompt").values).max < Self.exactTolerance)
    }

    /// Every frame is chosen by the reference, so that each is compared.
    @Test(arguments: all, [Precision.exact, .fast])
    func logitsEqualReference(name: String, precision: Precision) throws {
        let golden = try Golden(name)
        let compute = try Compute(precision: precision)
        let talker = try open(name, compute)
        let frames = try golden.json.array("frames").map { try $0.ints("codes").map { Int32($0) } }
        let prompt = try prompt(golden)
        let utterance = try Qwen3TTSUtterance(
            talker, compute: compute, capacity: prompt.count + frames.count)
        try utterance.begin(prompt)
        var first: [Float] = []
        var others: [Float] = []
        for frame in frames {
            let isGoing = utterance.next { codebook, logits in
                if codebook == 0 { first += Array(logits) } else { others += Array(logits) }
                if precision == .exact {
                    let codes = UnsafeMutableBufferPointer(rebasing: logits[0..<talker.codes])
                    #expect(Logits.argmax(codes) == Int(frame[codebook]))
                }
                return frame[codebook]
            }
            #expect(isGoing && utterance.frame == frame)
        }
        #expect(utterance.framesLeft == 0)
        for (found, key, scale, simulated) in [
            (first, "logits", "logit_std", "fast_logits_rms"),
            (others, "predictor_logits", "predictor_logit_std", "fast_predictor_logits_rms"),
        ] {
            let error = difference(found, try golden.values(key).values)
            if precision == .exact {
                #expect(error.max < Self.exactTolerance * (try golden.json.double(scale)), "\(key)")
            } else {
                let tolerated = Self.fastRmsFactor * (try golden.json.double(simulated))
                #expect(error.rms < tolerated, "\(key) \(error)")
            }
        }
    }

    @Test func anUtteranceEndsAndBeginsAnew() throws {
        let compute = try Compute(precision: .exact)
        let talker = try open("qwen3tts-bf16", compute)
        let prompt = try prompt(try Golden("qwen3tts-bf16"))
        let utterance = try Qwen3TTSUtterance(talker, compute: compute, capacity: 64)
        var runs: [[[Int32]]] = []
        for _ in 0..<2 {
            try utterance.begin(prompt)
            var frames: [[Int32]] = []
            while utterance.next({ codebook, logits in
                codebook == 0 && frames.count == 3
                    ? talker.config.codec.end
                    : Int32(Logits.argmax(.init(rebasing: logits[0..<talker.codes])))
            }) {
                frames.append(utterance.frame)
            }
            runs.append(frames)
        }
        #expect(runs[0].count == 3 && runs[0] == runs[1])
        #expect(throws: KernelError.self) {
            try Qwen3TTSUtterance(talker, compute: compute, capacity: 1 << 20)
        }
        let short = try Qwen3TTSUtterance(talker, compute: compute, capacity: 4)
        #expect(throws: KernelError.self) { try short.begin(prompt) }
    }

    @Test(arguments: [
        ("vocab_size", 0, "no talker"), ("codec_bos_id", 64, "codec_bos_id is 64"),
    ])
    func aConfigurationThatDescribesNothingIsRefused(key: String, value: Int, text: String) throws {
        let good = try ModelFolder(path: Fixtures.path("qwen3tts-q4")).config
        guard case .object(var entries) = good, case .object(var talker)? = entries["talker_config"]
        else { return }
        #expect(throws: Never.self) { try Qwen3TTSConfig(good) }
        talker[key] = .int(value)
        entries["talker_config"] = .object(talker)
        let error = #expect(throws: JSONError.self) { try Qwen3TTSConfig(.object(entries)) }
        #expect(error?.detail.contains(text) ?? false)
    }
}

/// The decoder of the codec.
@Suite(.serialized) struct Qwen3TTSCodecTests {
    private static let path = "qwen3tts-q4/speech_tokenizer"

    private func open(_ compute: Compute) throws -> Qwen3TTSCodec {
        let folder = try ModelFolder(path: Fixtures.path(Self.path))
        let codec = try speechCodecs.open(folder, on: compute)
        #expect(folder.unused.isEmpty)
        return codec
    }

    private func codes(_ golden: Golden) throws -> [Int32] {
        try golden.json.array("codes").flatMap { try $0.ints("codes").map { Int32($0) } }
    }

    /// The formula of Tools/golden/make_qwen3_tts.py.
    private func longCodes(_ frames: Int, _ codec: Qwen3TTSCodec) -> [Int32] {
        (0..<frames).flatMap { t in
            (0..<codec.codebooks).map { Int32((t * 7 + $0 * 11 + t * t % 13) % codec.codes) }
        }
    }

    @Test(arguments: [Precision.exact, .fast]) func soundEqualsReference(precision: Precision)
        throws
    {
        let golden = try Golden(Self.path)
        let compute = try Compute(precision: precision)
        let codec = try open(compute)
        #expect(codec.frameSamples == (try golden.json.int("samples_of_frame")))
        let wave = try codec.makeStream(on: compute).decode(try codes(golden))
        let error = difference(wave, try golden.values("wave").values)
        if precision == .exact {
            let scale = try golden.json.double("wave_std")
            #expect(error.max < Qwen3TTSGoldenTests.exactTolerance * scale)
        } else {
            let simulated = try golden.json.double("fast_wave_rms")
            #expect(error.rms < Qwen3TTSGoldenTests.fastRmsFactor * simulated, "\(error)")
        }
    }

    /// Past 300 frames the reference begins anew.
    @Test func longSoundEqualsReference() throws {
        let golden = try Golden(Self.path)
        let compute = try Compute(precision: .exact)
        let codec = try open(compute)
        let codes = longCodes(try golden.json.int("long_frames"), codec)
        let wave = try codec.makeStream(on: compute).decode(codes)
        let first = try golden.json.int("long_first")
        let error = difference(Array(wave[first...]), try golden.values("long").values)
        let scale = try golden.json.double("wave_std")
        #expect(error.max < Qwen3TTSGoldenTests.exactTolerance * scale)
    }

    /// To the bit, in pieces of any length, and again after a reset.
    @Test(arguments: [Precision.exact, .fast]) func piecesAreTheWhole(precision: Precision) throws {
        let compute = try Compute(precision: precision)
        let codec = try open(compute)
        let codes = longCodes(320, codec)
        let stream = try codec.makeStream(on: compute)
        let whole = stream.decode(codes)
        stream.reset()
        var parts: [Float] = []
        var (first, frames) = (0, 1)
        while first < codes.count {
            let end = min(first + frames * codec.codebooks, codes.count)
            parts += stream.decode(Array(codes[first..<end]))
            (first, frames) = (end, frames % 40 + 3)
        }
        #expect(parts == whole)
        #expect(whole.count == 320 * codec.frameSamples)
    }

    @Test func theWorkOfAFrameIsCounted() throws {
        let codec = try open(try Compute())
        let (front, transformer, upsamples) = (4096, 19456, 18432 + 2 * 18432)
        let vocoder = 14336 + 16384 + 98304 + 12288 + 73728 + 1344
        #expect(codec.frameOperations == 2 * (front + transformer + upsamples + 4 * vocoder))
    }

    @Test func aTensorThatIsMissingIsNamed() throws {
        let folder = FileManager.default.temporaryDirectory.appending(
            path: "codec-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let source = URL(filePath: Fixtures.path(Self.path))
        try FileManager.default.copyItem(
            at: source.appending(path: "config.json"), to: folder.appending(path: "config.json"))
        let weights = try Data(contentsOf: source.appending(path: "model.safetensors"))
        for (name, other) in [
            ("decoder.decoder.1.block.2.act1.alpha", "decoder.decoder.1.block.2.act1.alpho"),
            ("decoder.decoder.2.block.1.conv.bias", "decoder.decoder.2.block.1.conv.bios"),
            ("decoder.pre_conv.conv.bias", "decoder.pre_conv.conv.bios"),
        ] {
            var spoiled = weights
            let place = try #require(spoiled.range(of: Data(name.utf8)))
            spoiled.replaceSubrange(place, with: Data(other.utf8))
            try spoiled.write(to: folder.appending(path: "model.safetensors"))
            let opened = try ModelFolder(path: folder.path)
            #expect(throws: KernelError.missing(file: folder.path, tensor: name)) {
                try speechCodecs.open(opened, on: try Compute())
            }
        }
    }
}
