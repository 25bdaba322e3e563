import Foundation
import Kernels
import TestSupport
import Testing

@testable import Audio

/// Whisper against transformers (Tools/golden/make_whisper.py): the layouts of mlx-whisper and of
/// transformers, and the mixture that mlx-audio writes.
@Suite(.serialized) struct WhisperGoldenTests {
    static let all = ["whisper-f16", "whisper-bf16", "whisper-q4"]
    static let exactTolerance = 1e-3
    /// Of the simulated error; the rest is attention in bytes and another order of additions.
    static let fastRmsFactor = 1.6

    private func open(_ name: String, _ compute: Compute) throws -> WhisperEncoder {
        let folder = try ModelFolder(path: Fixtures.path(name))
        let encoder = try speechEncoders.open(folder, on: compute)
        // The table of positions is computed.
        let known = ["decoder.", "model.decoder.", "model.encoder.embed_positions."]
        #expect(folder.unused.allSatisfy { name in known.contains { name.hasPrefix($0) } })
        return try #require(encoder as? WhisperEncoder)
    }

    @Test(arguments: all, [Precision.exact, .fast])
    func encoderEqualsReference(name: String, precision: Precision) throws {
        let golden = try Golden(name)
        let compute = try Compute(precision: precision)
        let encoder = try open(name, compute)
        let scale = try golden.json.double("encoder_std")
        let simulated = try golden.json.double("fast_encoder_rms")
        for clip in try golden.json.array("clips") {
            let label = try clip.string("clip")
            let signal = Qwen3ASRGoldenTests.signal(try clip.int("samples"))
            let features = Mel(filterCount: encoder.mels).features(PCM(signal))
            #expect(features.frames == (try clip.int("mel_frames")))
            let found = compute.workspace.scope {
                let output = encoder.encode(features, on: compute)
                return (0..<output.count).map { Array(output[$0]) }
            }
            #expect(found.count == encoder.config.encoder.positions)
            let rows = try clip.ints("rows").flatMap { found[$0] }
            let error = difference(rows, try golden.values("\(label).encoder_output").values)
            if precision == .exact {
                #expect(error.max < Self.exactTolerance * scale, "\(label)")
            } else {
                #expect(error.rms < Self.fastRmsFactor * simulated, "\(label) \(error)")
            }
        }
    }

    @Test func aQueryBiasIsNeededAndNamed() throws {
        let folder = FileManager.default.temporaryDirectory.appending(
            path: "whisper-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let source = URL(filePath: Fixtures.path("whisper-f16"))
        try FileManager.default.copyItem(
            at: source.appending(path: "config.json"), to: folder.appending(path: "config.json"))
        var weights = try Data(contentsOf: source.appending(path: "model.safetensors"))
        let name = Data("encoder.blocks.1.attn.query.bias".utf8)
        let place = try #require(weights.range(of: name))
        weights.replaceSubrange(place, with: Data("encoder.blocks.1.attn.query.bios".utf8))
        try weights.write(to: folder.appending(path: "model.safetensors"))
        let compute = try Compute()
        let opened = try ModelFolder(path: folder.path)
        #expect(
            throws: KernelError.missing(
                file: folder.path, tensor: "encoder.blocks.1.attn.query.bias")
        ) { try speechEncoders.open(opened, on: compute) }
    }

    @Test func aConfigurationThatDescribesNothingIsRefused() throws {
        let good = try ModelFolder(path: Fixtures.path("whisper-f16")).config
        guard case .object(var entries) = good else { return }
        #expect(throws: Never.self) { try WhisperConfig(good) }
        for (key, value) in [
            ("n_audio_head", 3), ("n_audio_state", 0), ("n_mels", -1), ("n_text_state", 64),
        ] {
            let kept = entries[key]
            entries[key] = .int(value)
            #expect(throws: JSONError.self, "\(key)") { try WhisperConfig(.object(entries)) }
            entries[key] = kept
        }
        entries["n_audio_layer"] = nil
        #expect(throws: JSONError.self) { try WhisperConfig(.object(entries)) }
    }
}
