import Foundation
import Kernels
import TestSupport
import Testing

@testable import Text

/// Qwen3 against mlx-lm and transformers (Tools/golden/make_qwen3.py), in every weight format.
@Suite(.serialized) struct Qwen3GoldenTests {
    static let all = [
        "qwen3-bf16", "qwen3-f16", "qwen3-f32", "qwen3-yarn", "qwen3-q2", "qwen3-q3", "qwen3-q4",
        "qwen3-q5", "qwen3-q6", "qwen3-q8", "qwen3-mixed",
    ]
    static let rounded = all.filter { !["qwen3-f16", "qwen3-f32", "qwen3-yarn"].contains($0) }

    /// Of the standard deviation of the logits: f32 arithmetic in another order.
    static let exactToleranceRelative = 1e-3
    /// Of the simulated error: the fast path adds the f16 cache and another order of additions.
    static let fastRmsFactor = 1.5

    private func session(_ name: String, _ precision: Precision) throws -> Session {
        let compute = try Compute(precision: precision)
        let folder = try ModelFolder(path: Fixtures.path(name))
        let model = try languageModels.open(folder, on: compute)
        #expect(folder.unused.isEmpty)
        return try Session(model: model, compute: compute, capacity: 128)
    }

    /// Logits of all prompt positions, computed in steps of `step` tokens.
    private func promptLogits(_ session: Session, _ prompt: [Int32], step: Int) throws -> [[Float]]
    {
        try session.sync(Prompt([prompt[0]]))
        var rows = [Array(session.logits(0))]
        for start in stride(from: 1, to: prompt.count, by: step) {
            let part = prompt[start..<min(start + step, prompt.count)]
            try session.run(part)
            for index in 0..<part.count { rows.append(Array(session.logits(index))) }
        }
        return rows
    }

    private func greedy(_ session: Session, _ prompt: [Int32], _ count: Int) throws -> [Int32] {
        try session.sync(Prompt(prompt))
        var tokens: [Int32] = []
        while tokens.count < count {
            let token = Int32(Logits.argmax(session.logits(0)))
            tokens.append(token)
            try session.run([token])
        }
        return tokens
    }

    @Test(arguments: all) func exactPathEqualsReference(name: String) throws {
        let golden = try Golden(name)
        let session = try session(name, .exact)
        let prompt = try golden.tokens("prompt")
        let rows = try promptLogits(session, prompt, step: 7)
        let wanted = try golden.values("logits").values
        let positions = try golden.json.ints("positions")
        let found = positions.flatMap { rows[$0] }
        let scale = try golden.json.double("logit_std")
        #expect(difference(found, wanted).max < Self.exactToleranceRelative * scale)
        let greedyTokens = try golden.tokens("greedy")
        #expect(try greedy(session, prompt, greedyTokens.count) == greedyTokens)
    }

    @Test(arguments: rounded) func fastPathStaysWithinSimulation(name: String) throws {
        let golden = try Golden(name)
        let session = try session(name, .fast)
        let rows = try promptLogits(session, try golden.tokens("prompt"), step: 16)
        let wanted = try golden.values("logits").values
        let found = try golden.json.ints("positions").flatMap { rows[$0] }
        let simulated =
            try golden.json["int8_rms"] != nil
            ? golden.json.double("int8_rms") : golden.json.double("bf16_rms")
        let error = difference(found, wanted).rms
        #expect(error < Self.fastRmsFactor * simulated, "rms \(error), simulated \(simulated)")
    }

    /// The law of the runtime: what is computed together changes nothing, to the bit.
    @Test(arguments: ["qwen3-q4", "qwen3-mixed", "qwen3-bf16"], [Precision.exact, .fast])
    func stepsDoNotChangeLogits(name: String, precision: Precision) throws {
        let prompt = try Golden(name).tokens("prompt")
        let session = try session(name, precision)
        let single = try promptLogits(session, prompt, step: 1)
        session.truncate(to: 0)
        let several = try promptLogits(session, prompt, step: 13)
        #expect(single == several)
        session.truncate(to: 0)
        try session.sync(Prompt(prompt))
        #expect(Array(session.logits(0)) == single.last)
        let reused = try session.sync(Prompt(Array(prompt.prefix(20)) + [1, 2, 3]))
        #expect(reused == 20)
        let afterReuse = Array(session.logits(0))
        session.truncate(to: 0)
        try session.sync(Prompt(Array(prompt.prefix(20)) + [1, 2, 3]))
        #expect(Array(session.logits(0)) == afterReuse)
    }
}
