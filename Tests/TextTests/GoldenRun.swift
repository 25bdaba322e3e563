import Kernels
import TestSupport
import Testing

@testable import Text

/// A fixture's checkpoint, opened, and the prompt of its golden values.
struct GoldenRun {
    /// Of the standard deviation of the logits: f32 arithmetic in another order.
    static let exactToleranceRelative = 1e-3
    /// Of the simulated error: the fast path adds the f16 cache and another order of additions.
    static let fastRmsFactor = 1.5

    let session: Session
    let prompt: [Int32]

    init(_ name: String, _ precision: Precision) throws {
        let compute = try Compute(precision: precision)
        let folder = try ModelFolder(path: Fixtures.path(name))
        let model = try languageModels.open(folder, on: compute)
        #expect(folder.unused.isEmpty)
        session = try Session(model: model, compute: compute, capacity: 128)
        prompt = try Golden(name).tokens("prompt")
    }

    /// Logits of all prompt positions, computed in steps of `step` tokens.
    func promptLogits(step: Int) throws -> [[Float]] {
        try session.sync(Prompt([prompt[0]]))
        var rows = [Array(session.logits(0))]
        for start in stride(from: 1, to: prompt.count, by: step) {
            let part = prompt[start..<min(start + step, prompt.count)]
            try session.run(part)
            for index in 0..<part.count { rows.append(Array(session.logits(index))) }
        }
        return rows
    }

    /// The most likely continuation of the prompt.
    func greedy(_ count: Int) throws -> [Int32] {
        try session.sync(Prompt(prompt))
        var tokens: [Int32] = []
        while tokens.count < count {
            let token = Int32(Logits.argmax(session.logits(0)))
            tokens.append(token)
            try session.run([token])
        }
        return tokens
    }
}
