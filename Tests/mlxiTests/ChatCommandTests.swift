import Foundation
import Testing

@testable import mlxi

@Suite struct ChatCommandTests {
    private func object(_ text: String) throws -> [String: Any] {
        try #require(
            try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }

    @Test func theReplyStreamsAndEndsWithALine() async throws {
        let run = try await Program.run("chat", "-n", "8", "--stats", "hello")
        #expect(run.status == 0, "\(run.err)")
        #expect(run.out.isEmpty || run.out.hasSuffix("\n"))
        #expect(run.err.contains(" prompt tokens, 0 of them cached"))
    }

    @Test func argumentAndStdinAreTheSamePrompt() async throws {
        let argument = try await Program.run("chat", "-n", "8", "--temp", "0", "--json", "hello")
        let piped = try await Program.run(
            "chat", "-n", "8", "--temp", "0", "--json", input: Data("hello\n".utf8))
        let (one, other) = (try object(argument.out), try object(piped.out))
        #expect(one["text"] as? String == other["text"] as? String)
        #expect(one["prompt_tokens"] as? Int == other["prompt_tokens"] as? Int)
        #expect((one["tokens"] as? Int ?? 99) <= 8)
    }

    @Test func theSameSeedGivesTheSameReply() async throws {
        var texts: [String] = []
        for seed in ["7", "7", "8"] {
            let run = try await Program.run(
                "chat", "-n", "12", "--temp", "1.5", "--seed", seed, "--json", "hello")
            texts.append(try object(run.out)["text"] as? String ?? "")
        }
        #expect(texts[0] == texts[1])
        #expect(texts[0] != texts[2])
    }

    @Test func aPromptCacheSavesTheWorkOfTheLastProcess() async throws {
        let folder = try TestFolder()
        let plain = try object(
            try await Program.run("chat", "-n", "8", "--temp", "0", "--json", "hello you").out)
        var cached: [Int] = []
        for _ in 0..<2 {
            let run = try await Program.run(
                "chat", "-n", "8", "--temp", "0", "--json", "--prompt-cache", "p.kv", "hello you",
                folder: folder.path)
            #expect(run.status == 0, "\(run.err)")
            let reply = try object(run.out)
            #expect(reply["text"] as? String == plain["text"] as? String)
            cached.append(reply["cached_tokens"] as? Int ?? -1)
        }
        #expect(cached[0] == 0)
        #expect(cached[1] == (plain["prompt_tokens"] as? Int ?? 0) - 1)
        #expect(try folder.files() == ["p.kv"])
        let other = try await Program.run(
            "chat", "--kv-bits", "8", "--prompt-cache", "p.kv", "hello", folder: folder.path)
        #expect(other.status == 3)
        #expect(other.err.contains("p.kv: not a usable prompt cache: made for"))
        #expect(other.err.split(separator: "\n").count == 1)
        try folder.write("p.kv", "broken")
        let broken = try await Program.run(
            "chat", "--prompt-cache", "p.kv", "hello", folder: folder.path)
        #expect(broken.status == 3)
        #expect(try folder.read("p.kv") == "broken")
    }

    @Test func traceLeavesTensorsAndTokens() async throws {
        let folder = try TestFolder()
        let run = try await Program.run(
            "chat", "-n", "2", "--trace", folder.path("trace"), "hello")
        #expect(run.status == 0)
        let names = try folder.files()
        #expect(names.contains("trace/logits.npy"))
        #expect(names.contains("trace/tokens.json"))
    }

    @Test(arguments: [
        (["chat"], 2, "the prompt is empty"),
        (["chat", "--temp=-1", "x"], 2, "temperature"),
        (["chat", "-n", "0", "x"], 2, "--max-tokens is 0"),
        (["chat", "--kv-bits", "4", "x"], 2, "--kv-bits is 4, want 8 or 16"),
        (["chat", "-m", Program.speechModel, "x"], 3, "is not a language model known here"),
    ])
    func whatIsWrongIsSaid(arguments: [String], status: Int32, text: String) async throws {
        let run = try await Program(arguments).result()
        #expect(run.status == status)
        #expect(run.err.contains(text), "\(run.err)")
    }

    @Test func doctorNamesWhatItFindsAndWhatIsMissing() async throws {
        let run = try await Program.run("doctor", "--json")
        let report = try object(run.out)
        #expect(run.status == 0 || run.status == 1)
        #expect((report["problems"] as? [String])?.isEmpty == (run.status == 0))
        let libraries = report["libraries"] as? [[String: String]] ?? []
        #expect(Set(libraries.compactMap { $0["name"] }).isSuperset(of: ["libsndfile", "sqlite"]))
        let text = try await Program.run("doctor", environment: ["MLXI_ISA": "scalar"])
        #expect(text.status == 1)
        #expect(text.out.contains("scalar kernels are in use"))
    }
}
