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

    @Test(arguments: all) func exactPathEqualsReference(name: String) throws {
        let golden = try Golden(name)
        let run = try GoldenRun(name, .exact)
        let rows = try run.promptLogits(step: 7)
        let wanted = try golden.values("logits").values
        let positions = try golden.json.ints("positions")
        let found = positions.flatMap { rows[$0] }
        let scale = try golden.json.double("logit_std")
        #expect(difference(found, wanted).max < GoldenRun.exactToleranceRelative * scale)
        let greedyTokens = try golden.tokens("greedy")
        #expect(try run.greedy(greedyTokens.count) == greedyTokens)
    }

    @Test(arguments: rounded) func fastPathStaysWithinSimulation(name: String) throws {
        let golden = try Golden(name)
        let rows = try GoldenRun(name, .fast).promptLogits(step: 16)
        let wanted = try golden.values("logits").values
        let found = try golden.json.ints("positions").flatMap { rows[$0] }
        let simulated =
            try golden.json["int8_rms"] != nil
            ? golden.json.double("int8_rms") : golden.json.double("bf16_rms")
        let error = difference(found, wanted).rms
        #expect(error < GoldenRun.fastRmsFactor * simulated, "rms \(error), simulated \(simulated)")
    }

    /// The law of the runtime: what is computed together changes nothing, to the bit.
    @Test(arguments: ["qwen3-q4", "qwen3-mixed", "qwen3-bf16"], [Precision.exact, .fast])
    func stepsDoNotChangeLogits(name: String, precision: Precision) throws {
        let run = try GoldenRun(name, precision)
        let (session, prompt) = (run.session, run.prompt)
        let single = try run.promptLogits(step: 1)
        session.truncate(to: 0)
        let several = try run.promptLogits(step: 13)
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
