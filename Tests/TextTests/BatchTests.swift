import Kernels
import TestSupport
import Testing

@testable import Text

/// Several sequences through the weights together.
@Suite struct BatchTests {
    /// The law of the runtime: a sequence gets the same bits whoever is computed beside it.
    @Test(
        arguments: ["qwen3-q4", "qwen3-bf16", "qwen3moe-q4", "gemma3-q4"], [Precision.exact, .fast])
    func sequencesDoNotChangeEachOther(name: String, precision: Precision) throws {
        let run = try GoldenRun(name, precision)
        let model = run.session.model
        let lengths = [3, 21, 9, 4, 16, 1, 12, 7, 18]
        let prompts = lengths.map { Prompt(Array(run.prompt.prefix($0))) }
        let next = (0..<4).map { step in lengths.indices.map { Int32(5 + 11 * step + $0) } }
        let alone = try prompts.enumerated().map { index, prompt in
            run.session.truncate(to: 0)
            try run.session.sync(prompt)
            return try next.map { tokens in
                try run.session.run([tokens[index]])
                return Array(run.session.logits(0))
            }
        }
        let sessions = try prompts.map { prompt in
            let session = try Session(model: model, compute: run.session.compute, capacity: 64)
            try session.sync(prompt)
            return session
        }
        for (step, tokens) in next.enumerated() {
            try Session.run(tokens, in: sessions)
            for (index, session) in sessions.enumerated() {
                #expect(Array(session.logits(0)) == alone[index][step])
                #expect(session.tokens.count == lengths[index] + step + 1)
            }
        }
    }

    @Test func aTokenOfAnotherVocabularyChangesNothing() throws {
        let run = try GoldenRun("qwen3-q4", .fast)
        try run.session.sync(Prompt([1, 2, 3]))
        #expect(throws: SessionError.self) { try Session.run([1 << 30], in: [run.session]) }
        #expect(run.session.tokens == [1, 2, 3])
        try Session.run([], in: [])
    }
}
