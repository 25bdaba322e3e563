import Foundation
import Testing

@testable import mlxi

/// `mlxi chat --draft-model` through the real binary.
@Suite struct DraftCommandTests {
    private func reply(_ arguments: String...) async throws -> [String: Any] {
        let run = try await Program(
            ["chat", "--json", "-n", "40", "--temp", "0"] + arguments + ["hello"]
        ).result()
        #expect(run.status == 0, "\(run.err)")
        return try #require(
            try JSONSerialization.jsonObject(with: Data(run.out.utf8)) as? [String: Any])
    }

    /// The language model with another base of its rotary embedding: another model, and not a
    /// quite different one.
    private func relative(in folder: TestFolder) throws -> String {
        let source = Program.languageModel
        for name in try FileManager.default.contentsOfDirectory(atPath: source)
        where !name.hasPrefix("golden") {
            var data = try Data(contentsOf: URL(filePath: Path.join(source, name)))
            if name == "config.json" {
                let text = String(decoding: data, as: UTF8.self)
                let changed = text.replacing("1000000.0", with: "100.0")
                #expect(changed != text)
                data = Data(changed.utf8)
            }
            try folder.write("relative/\(name)", data)
        }
        return folder.path("relative")
    }

    @Test func greedyRepliesStayTheSame() async throws {
        let folder = try TestFolder()
        let plain = try await reply("--speculative", "off")
        let own = try await reply("--draft-model", Program.languageModel, "--draft-tokens", "7")
        let other = try await reply("--draft-model", try relative(in: folder))
        #expect(own["text"] as? String == plain["text"] as? String)
        #expect(other["text"] as? String == plain["text"] as? String)
        let drafted = try #require(own["drafted_tokens"] as? Int)
        #expect(drafted > 20 && own["accepted_tokens"] as? Int == drafted)
        let accepted = try #require(other["accepted_tokens"] as? Int)
        #expect(accepted < other["drafted_tokens"] as? Int ?? 0)
        #expect(plain["drafted_tokens"] == nil)
    }

    @Test func sampledRepliesRepeatAndAreCounted() async throws {
        var texts: Set<String> = []
        for _ in 0..<2 {
            let run = try await Program.run(
                "chat", "-n", "24", "--temp", "1.2", "--seed", "4", "--stats", "--draft-model",
                Program.languageModel, "hello")
            #expect(run.status == 0)
            #expect(run.err.contains(" drafted tokens confirmed"), "\(run.err)")
            texts.insert(run.out)
        }
        #expect(texts.count == 1)
    }

    @Test(arguments: [
        (["--draft-tokens", "3"], 2, "--draft-tokens needs --draft-model"),
        (["--draft-model", "x", "--draft-tokens", "16"], 2, "want 1 to 15"),
        (["--draft-model", "x", "--speculative", "off"], 2, "nothing would be drafted"),
        (["--draft-model", "nano-lm"], 3, "another vocabulary than the model's"),
        (["--draft-model", Program.speechModel], 3, "is not a language model known here"),
    ])
    func whatIsWrongIsSaid(arguments: [String], status: Int32, text: String) async throws {
        let run = try await Program(["chat", "-n", "2"] + arguments + ["hello"]).result()
        #expect(run.status == status)
        #expect(run.out.isEmpty)
        #expect(run.err.contains(text), "\(run.err)")
        #expect(status == 2 || run.err.split(separator: "\n").count == 1, "\(run.err)")
    }
}
