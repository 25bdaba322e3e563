import Foundation
import Testing

@testable import mlxi

/// The options of `mlxi chat` through the real binary.
@Suite struct ChatOptionsTests {
    private func chat(
        _ arguments: String..., environment: [String: String] = [:]
    ) async throws -> [String: Any] {
        let run = try await Program(
            ["chat", "--json", "--temp", "0"] + arguments, environment: environment
        ).result()
        #expect(run.status == 0, "\(run.err)")
        return try #require(
            try JSONSerialization.jsonObject(with: Data(run.out.utf8)) as? [String: Any])
    }

    @Test func probabilitiesComeWithEveryToken() async throws {
        let reply = try await chat("-n", "6", "--logprobs", "2", "hello")
        let tokens = try #require(reply["logprobs"] as? [[String: Any]])
        #expect(tokens.count == reply["tokens"] as? Int && tokens.count > 0)
        for token in tokens {
            let top = try #require(token["top"] as? [[String: Any]])
            #expect(top.count == 2)
            // Greedy: the chosen token is the best one.
            #expect(top[0]["id"] as? Int == token["id"] as? Int)
            #expect((token["logprob"] as? Double ?? 1) <= 0)
        }
        let text = tokens.compactMap { $0["text"] as? String }.joined()
        #expect(!text.isEmpty)
    }

    @Test func aBannedTokenDoesNotComeAndPenaltiesChangeTheReply() async throws {
        let plain = try await chat("-n", "12", "--logprobs", "0", "hello")
        let tokens = try #require(plain["logprobs"] as? [[String: Any]])
        let first = try #require(tokens[0]["id"] as? Int)
        let banned = try await chat(
            "-n", "12", "--logprobs", "0", "--logit-bias", "\(first)=-100", "hello")
        let others = try #require(banned["logprobs"] as? [[String: Any]])
        #expect(!others.contains { $0["id"] as? Int == first })
        let ids = tokens.compactMap { $0["id"] as? Int }
        let penalised = try await chat(
            "-n", "12", "--logprobs", "0", "--frequency-penalty", "100", "hello")
        let varied = try #require(penalised["logprobs"] as? [[String: Any]])
            .compactMap { $0["id"] as? Int }
        #expect(Set(varied).count == varied.count)
        #expect(Set(ids).count == ids.count || varied != ids)
    }

    @Test func theCheckpointsSamplingIsUsedAndTold() async throws {
        let run = try await Program.run("chat", "--json", "-n", "1", "--seed", "1", "hello")
        let reply = try #require(
            try JSONSerialization.jsonObject(with: Data(run.out.utf8)) as? [String: Any])
        let sampling = try #require(reply["sampling"] as? [String: Any])
        #expect(sampling["top_k"] as? Int == 20)
        #expect(abs((sampling["temperature"] as? Double ?? 0) - 0.6) < 1e-6)
    }

    @Test func draftsChangeNothing() async throws {
        let text = "copy this text, copy this text, copy this text"
        let on = try await chat("-n", "32", text)
        let off = try await chat("-n", "32", "--speculative", "off", text)
        #expect(on["text"] as? String == off["text"] as? String)
    }

    @Test func attachedFilesPrecedeThePrompt() async throws {
        let folder = try TestFolder()
        let path = folder.path("notes.txt")
        try Data("some notes\n".utf8).write(to: URL(filePath: path))
        let attached = try await chat("-n", "4", "-a", path, "what is missing?")
        let written = try await chat("-n", "4", "notes.txt:\nsome notes\n\nwhat is missing?")
        #expect(attached["prompt_tokens"] as? Int == written["prompt_tokens"] as? Int)
        #expect(attached["text"] as? String == written["text"] as? String)
        try Data([0xFF, 0x00]).write(to: URL(filePath: path))
        let binary = try await Program.run("chat", "-a", path, "x")
        #expect(binary.status == 3 && binary.err.contains("notes.txt: not UTF-8 text"))
        let absent = try await Program.run("chat", "-a", "/nonexistent", "x")
        #expect(absent.status == 3 && absent.err.contains("/nonexistent: cannot be read"))
    }

    /// A saved conversation of many turns.
    private func home(turns: Int) throws -> (TestFolder, [String: String]) {
        let folder = try TestFolder()
        var conversation = Conversation(model: "m", system: "You are terse.")
        for index in 0..<turns {
            let role = index % 2 == 0 ? "user" : "assistant"
            conversation.turns.append(
                .init(role: role, content: "turn \(index) says something about the plan"))
        }
        let environment = ["XDG_DATA_HOME": folder.path("data")]
        try ConversationStore(environment: environment).save(conversation, as: "last")
        return (folder, environment)
    }

    @Test func anOverlongConversationIsAnErrorUnlessItMaySlide() async throws {
        let (folder, environment) = try home(turns: 40)
        defer { withExtendedLifetime(folder) {} }
        let arguments = ["chat", "-c", "-m", Program.languageModel, "--context", "256", "next"]
        let refused = try await Program(arguments, environment: environment).result()
        #expect(refused.status == 3)
        #expect(refused.err.contains("the context holds 256"), "\(refused.err)")
        let slid = try await chat(
            "-c", "-m", Program.languageModel, "--context", "256", "--overflow", "slide", "-n",
            "8", "next", environment: environment)
        #expect((slid["dropped_turns"] as? Int ?? 0) > 0)
        #expect((slid["prompt_tokens"] as? Int ?? 999) <= 256)
        // The conversation that is kept has lost them too.
        let kept = try ConversationStore(environment: environment).load("last")
        #expect(kept.turns.count == 42 - (slid["dropped_turns"] as? Int ?? 0))
        #expect(kept.turns.first?.role == "user" && kept.system == "You are terse.")
    }

    @Test func aSummaryReplacesEarlyTurns() async throws {
        let (folder, environment) = try home(turns: 60)
        let whole = try await chat(
            "-c", "-m", Program.languageModel, "-n", "4", "next", environment: environment)
        let before = try #require(whole["prompt_tokens"] as? Int)
        let (other, fresh) = try home(turns: 60)
        defer { withExtendedLifetime((folder, other)) {} }
        let reply = try await chat(
            "-c", "-m", Program.languageModel, "--context", "512", "--overflow", "summarize", "-n",
            "4", "next", environment: fresh)
        let after = try #require(reply["prompt_tokens"] as? Int)
        // What the cache holds falls by 60 % at least.
        #expect(Double(after) <= 0.4 * Double(before), "\(before) to \(after)")
        let summary = try #require(reply["summary"] as? String)
        let kept = try ConversationStore(environment: fresh).load("last")
        #expect(kept.summary == summary && kept.turns.count < 60)
    }

    /// Longer than the context by itself, a turn is summarised in parts and not left out.
    @Test func aTurnLongerThanTheContextIsSummarised() async throws {
        let (folder, environment) = try home(turns: 2)
        defer { withExtendedLifetime(folder) {} }
        let store = try ConversationStore(environment: environment)
        var conversation = try store.load(ConversationStore.last)
        conversation.turns[0].content = (0..<900).map { "word\($0)" }.joined(separator: " ")
        try store.save(conversation, as: ConversationStore.last)
        let reply = try await chat(
            "-c", "-m", Program.languageModel, "--context", "512", "--overflow", "summarize", "-n",
            "4", "next", environment: environment)
        #expect(reply["dropped_turns"] as? Int == 2)
        #expect((reply["summary"] as? String)?.isEmpty == false)
    }

    @Test func aDamagedGenerationConfigIsSaid() async throws {
        let folder = try TestFolder()
        try FileManager.default.copyItem(
            atPath: Program.languageModel, toPath: folder.path("m"))
        for (text, wanted) in [
            ("{", "generation_config.json"), (#"{"do_sample":true,"top_p":7}"#, "top-p"),
        ] {
            try folder.write("m/generation_config.json", text)
            let run = try await Program.run("chat", "-m", folder.path("m"), "x")
            #expect(run.status == 3)
            #expect(run.err.contains(wanted), "\(run.err)")
            #expect(run.err.split(separator: "\n").count == 1)
        }
    }

    @Test(arguments: [
        (["--logprobs", "1", "x"], 2, "--logprobs needs --json"),
        (["--logit-bias", "x", "x"], 2, "want TOKEN=NUMBER"),
        (["--logit-bias", "no such token=1", "x"], 3, "want one"),
        (["--overflow", "never", "x"], 2, "overflow"),
        (["--context", "999999999", "x"], 3, "--context is 999999999"),
        (["--context", "3", "x"], 2, "--context is 3"),
        (["-c", "x"], 3, "no conversation there"),
    ])
    func whatIsWrongIsSaid(arguments: [String], status: Int32, text: String) async throws {
        let run = try await Program(["chat"] + arguments).result()
        #expect(run.status == status, "\(run.err)")
        #expect(run.err.contains(text), "\(run.err)")
    }
}
