import Foundation
import Kernels
import TestSupport
import Testing

@testable import Text

/// A session that goes on from a file computes what it would have computed without.
@Suite struct PromptCacheTests {
    private func session(
        _ name: String, _ precision: Precision, capacity: Int = 128, kvFormat: KVFormat? = nil
    ) throws -> Session {
        let compute = try Compute(precision: precision)
        let folder = try ModelFolder(path: Fixtures.path(name))
        let model = try languageModels.open(folder, on: compute)
        return try Session(
            model: model, compute: compute, capacity: capacity, kvFormat: kvFormat)
    }

    private func bytes(_ session: Session) throws -> Data {
        var data = Data()
        try PromptCache.write(session, model: "m") { data.append(contentsOf: $0) }
        return data
    }

    private func withFile<T>(_ data: Data, _ body: (String) throws -> T) throws -> T {
        let path = FileManager.default.temporaryDirectory
            .appending(path: "mlxi-kv-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try data.write(to: URL(filePath: path))
        return try body(path)
    }

    @Test(arguments: [
        ("qwen3-q4", Precision.fast, KVFormat?.none), ("qwen3-q4", .exact, nil),
        ("qwen3-q4", .fast, .int8), ("gemma3-q4", .fast, nil), ("gemma3-q4", .exact, .int8),
    ])
    func goesOnToTheBit(name: String, precision: Precision, format: KVFormat?) throws {
        let prompt = try Golden(name).tokens("prompt")
        for count in [1, 16, 17, prompt.count] {
            let first = try session(name, precision, kvFormat: format)
            try first.sync(Prompt(Array(prompt.prefix(count))))
            let data = try bytes(first)
            let second = try session(name, precision, capacity: 320, kvFormat: format)
            try withFile(data) { path in
                let found = try PromptCache.read(path, into: second, model: "m")
                #expect(found == count)
            }
            #expect(second.tokens == first.tokens)
            let whole = prompt + [3, 1, 4]
            let reused = try second.sync(Prompt(whole))
            #expect(reused == count)
            try first.sync(Prompt(whole))
            #expect(Array(second.logits(0)) == Array(first.logits(0)))
        }
    }

    @Test func damageIsFoundAndNothingChanges() throws {
        let prompt = try Golden("qwen3-q4").tokens("prompt")
        let source = try session("qwen3-q4", .fast)
        try source.sync(Prompt(prompt))
        let data = try bytes(source)
        let target = try session("qwen3-q4", .fast)
        try target.sync(Prompt([5, 6, 7]))
        func refuses(_ damaged: Data, _ wanted: String, model: String = "m") throws {
            try withFile(damaged) { path in
                do {
                    try PromptCache.read(path, into: target, model: model)
                    Issue.record("\(wanted): accepted")
                } catch {
                    #expect("\(error)".contains(wanted), "\(error)")
                    #expect("\(error)".contains(path))
                    #expect(!"\(error)".contains("\n"))
                }
            }
            #expect(target.tokens == [5, 6, 7])
        }
        for length in [0, 4, 8, 12, 40, 200, data.count / 2, data.count - 1] {
            try refuses(data.prefix(length), "not a usable prompt cache")
        }
        try refuses(data + Data([0]), "bytes are not what 40 tokens take")
        for place in [data.count - 1, data.count - 20, data.count / 2] {
            var damaged = data
            damaged[place] ^= 1
            try refuses(damaged, "checksum")
        }
        var huge = data
        let place = 16 + Int(data[8])
        for index in place..<place + 8 { huge[index] = 0xFF }
        try refuses(huge, "cut short")
        try refuses(data, "want \(target.cacheShape), fast", model: "another")
    }
}
