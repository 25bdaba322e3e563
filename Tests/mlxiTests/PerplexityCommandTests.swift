import Foundation
import Testing

@testable import mlxi

/// The values are mlx-lm's own, in f32 (Tools/golden/make_perplexity.py).
@Suite struct PerplexityCommandTests {
    private struct Wanted: Decodable {
        var model: String
        var text: String
        var ids: [Int32]
        var logprobs: [Double]
        var windowed: Double
        var window: Int
        var stride: Int
    }

    private struct Found: Decodable {
        struct Token: Decodable {
            struct Alternative: Decodable {
                var id: Int32
                var logprob: Double
            }
            var id: Int32
            var logprob: Double
            var top: [Alternative]
        }
        var tokens: Int
        var scored_tokens: Int
        var negative_log_likelihood: Double
        var perplexity: Double
        var logprobs: [Token]?
    }

    private func wanted() throws -> Wanted {
        let path = Program.fixture("perplexity.json")
        return try JSONDecoder().decode(
            Wanted.self, from: Data(contentsOf: URL(filePath: path)))
    }

    private func found(_ arguments: [String], input: String = "") async throws -> Found {
        let run = try await Program(["perplexity"] + arguments, input: Data(input.utf8)).result()
        #expect(run.status == 0, "\(run.err)")
        return try JSONDecoder().decode(Found.self, from: Data(run.out.utf8))
    }

    @Test func everyTokenIsAsLikelyAsInTheReference() async throws {
        let wanted = try wanted()
        let model = Program.fixture(wanted.model)
        let found = try await found(
            ["-m", model, "--precise", "--json", "--top-logprobs", "3"], input: wanted.text)
        let tokens = try #require(found.logprobs)
        #expect(tokens.map(\.id) == Array(wanted.ids.dropFirst()))
        for (token, logprob) in zip(tokens, wanted.logprobs) {
            #expect(abs(token.logprob - logprob) < 1e-3)
            #expect(token.top.count == 3 && token.top[0].logprob >= token.logprob)
        }
        let mean = -wanted.logprobs.reduce(0, +) / Double(wanted.logprobs.count)
        #expect(abs(found.negative_log_likelihood - mean) < 1e-4)
        #expect(abs(found.perplexity / exp(mean) - 1) < 1e-3)
        #expect(found.tokens == wanted.ids.count && found.scored_tokens == tokens.count)
    }

    @Test func windowsScoreEveryTokenOnce() async throws {
        let wanted = try wanted()
        let folder = try TestFolder()
        let ids = folder.path("ids.json")
        try JSONEncoder().encode(wanted.ids).write(to: URL(filePath: ids))
        let found = try await found([
            "-m", Program.fixture(wanted.model), "--precise", "--json", "--tokens", ids,
            "--context", "\(wanted.window)", "--stride", "\(wanted.stride)",
        ])
        #expect(found.scored_tokens == wanted.ids.count - 1)
        #expect(abs(found.negative_log_likelihood - wanted.windowed) < 1e-4)
    }

    @Test func theLineIsForPeople() async throws {
        let run = try await Program.run("perplexity", input: Data("hello there".utf8))
        #expect(run.status == 0)
        #expect(run.out.hasPrefix("perplexity ") && run.out.hasSuffix(" nats a token\n"))
    }

    @Test(arguments: [
        (["perplexity"], "", 3, "stdin: 0 tokens, want 2 or more"),
        (["perplexity", "--top-logprobs", "2"], "x y", 2, "--top-logprobs needs --json"),
        (["perplexity", "--context", "8", "--stride", "8"], "some text here", 2, "--stride is 8"),
        (["perplexity", "--context", "999999"], "some text here", 3, "--context is 999999"),
        (["perplexity", "/nonexistent.txt"], "", 3, "/nonexistent.txt: cannot be read"),
        (["perplexity", "a.txt", "--tokens", "b.json"], "", 2, "not both"),
    ])
    func whatIsWrongIsSaid(
        arguments: [String], input: String, status: Int32, text: String
    ) async throws {
        let run = try await Program(arguments, input: Data(input.utf8)).result()
        #expect(run.status == status)
        #expect(run.err.contains(text), "\(run.err)")
    }

    @Test func foreignTokensAndBytesAreRefused() async throws {
        let folder = try TestFolder()
        try Data("[1, 99999999]".utf8).write(to: URL(filePath: folder.path("ids.json")))
        let ids = try await Program.run("perplexity", "--tokens", folder.path("ids.json"))
        #expect(ids.status == 3 || ids.status == 1)
        #expect(ids.err.contains("99999999"))
        try Data("[1, 2.5]".utf8).write(to: URL(filePath: folder.path("half.json")))
        let half = try await Program.run("perplexity", "--tokens", folder.path("half.json"))
        #expect(half.err.contains("half.json") && half.err.contains("is no token id"))
        let bytes = try await Program.run("perplexity", input: Data([0xFF, 0xFE, 0x41]))
        #expect(bytes.status == 3 && bytes.err.contains("not UTF-8"))
    }
}
