import Foundation
import Kernels
import TestSupport
import Testing

@testable import Text

/// The other decoder families against mlx-lm and transformers (Tools/golden/make_families.py).
@Suite(.serialized) struct FamilyGoldenTests {
    static let all = [
        "qwen2-q4", "qwen2-f16", "qwen2-yarn", "llama3-q4", "llama3-bf16", "llama3-mxfp4",
        "llama3-mxfp8", "llama3-nvfp4", "qwen3moe-q4", "qwen3moe-mxfp4", "qwen3moe-f16",
        "gemma3-q4", "gemma3-bf16", "gemma3-wrapped",
    ]
    static let rounded = all.filter { !$0.hasSuffix("-f16") && $0 != "qwen2-yarn" }

    @Test(arguments: all) func exactPathEqualsReference(name: String) throws {
        let golden = try Golden(name)
        let run = try GoldenRun(name, .exact)
        let rows = try run.promptLogits(step: 7)
        let found = try golden.json.ints("positions").flatMap { rows[$0] }
        let scale = try golden.json.double("logit_std")
        let largest = difference(found, try golden.values("logits").values).max
        #expect(largest < GoldenRun.exactToleranceRelative * scale)
        let greedy = try golden.tokens("greedy")
        #expect(try run.greedy(greedy.count) == greedy)
    }

    @Test(arguments: rounded) func fastPathStaysWithinSimulation(name: String) throws {
        let golden = try Golden(name)
        let rows = try GoldenRun(name, .fast).promptLogits(step: 16)
        let found = try golden.json.ints("positions").flatMap { rows[$0] }
        let simulated =
            try golden.json["int8_rms"] != nil
            ? golden.json.double("int8_rms") : golden.json.double("bf16_rms")
        let error = difference(found, try golden.values("logits").values).rms
        #expect(
            error < GoldenRun.fastRmsFactor * simulated, "rms \(error), simulated \(simulated)")
    }

    /// What is computed together changes nothing, to the bit; experts gather tokens differently,
    /// and the windows of Gemma's layers are shorter than the prompt.
    @Test(arguments: ["qwen3moe-q4", "gemma3-q4", "qwen2-q4"], [Precision.exact, .fast])
    func stepsDoNotChangeLogits(name: String, precision: Precision) throws {
        let run = try GoldenRun(name, precision)
        let single = try run.promptLogits(step: 1)
        run.session.truncate(to: 0)
        #expect(try run.promptLogits(step: 13) == single)
        run.session.truncate(to: 0)
        try run.session.sync(Prompt(run.prompt))
        #expect(Array(run.session.logits(0)) == single.last)
    }

    @Test func aBiasOfQwen2IsNeeded() throws {
        let folder = FileManager.default.temporaryDirectory.appending(
            path: "qwen2-\(UUID().uuidString)")
        try FileManager.default.copyItem(
            atPath: Fixtures.path("llama3-bf16"), toPath: folder.path)
        defer { try? FileManager.default.removeItem(at: folder) }
        let config = folder.appending(path: "config.json")
        let text = try String(contentsOf: config, encoding: .utf8)
        try text.replacing("\"llama\"", with: "\"qwen2\"")
            .write(to: config, atomically: true, encoding: .utf8)
        let compute = try Compute()
        let opened = try ModelFolder(path: folder.path)
        #expect(
            throws: KernelError.missing(
                file: folder.path, tensor: "model.layers.0.self_attn.q_proj.bias")
        ) { try languageModels.open(opened, on: compute) }
    }
}
