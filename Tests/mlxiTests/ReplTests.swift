import Foundation
import Glibc
import Testing

@testable import mlxi

/// The conversation at a terminal, in a pseudo-terminal.
@Suite(.serialized) struct ReplTests {
    /// The program with a terminal of its own.
    private final class TerminalRun {
        let process = Process()
        private let master: Int32
        private(set) var seen = ""

        static let timeoutSeconds = 240.0

        init(_ arguments: [String], home: String) throws {
            var (master, slave): (Int32, Int32) = (-1, -1)
            try #require(openpty(&master, &slave, nil, nil, nil) == 0)
            self.master = master
            let handle = FileHandle(fileDescriptor: slave, closeOnDealloc: true)
            process.executableURL = URL(filePath: Program.path)
            process.arguments = arguments
            process.environment = Program.environment.merging(
                ["HOME": home, "TERM": "xterm", "NO_COLOR": "1", "LC_ALL": "C.UTF-8"]) { $1 }
            process.standardInput = handle
            process.standardOutput = handle
            process.standardError = handle
            try process.run()
            try handle.close()
            _ = fcntl(master, F_SETFL, O_NONBLOCK)
        }

        deinit {
            process.terminate()
            close(master)
        }

        func type(_ text: String) {
            let bytes = Array(text.utf8)
            _ = bytes.withUnsafeBytes { write(master, $0.baseAddress, $0.count) }
        }

        /// Reads until `text` appears behind what was waited for before.
        func wait(for text: String) async throws {
            let deadline = Date().addingTimeInterval(Self.timeoutSeconds)
            while Date() < deadline {
                readAvailable()
                if let range = seen.firstRange(of: text) {
                    seen = String(seen[range.upperBound...])
                    return
                }
                try await Task.sleep(for: .milliseconds(20))
            }
            Issue.record("no \"\(text)\" in \"\(seen)\"")
        }

        /// Reads until so many characters came: an answer is streaming.
        func wait(forCharacters count: Int) async throws {
            let deadline = Date().addingTimeInterval(Self.timeoutSeconds)
            while seen.count < count, Date() < deadline {
                readAvailable()
                try await Task.sleep(for: .milliseconds(20))
            }
            #expect(seen.count >= count)
        }

        func waitForExit() async throws -> Int32 {
            let deadline = Date().addingTimeInterval(Self.timeoutSeconds)
            while process.isRunning, Date() < deadline {
                readAvailable()
                try await Task.sleep(for: .milliseconds(20))
            }
            try #require(!process.isRunning)
            return process.terminationStatus
        }

        private func readAvailable() {
            var buffer = [UInt8](repeating: 0, count: 4096)
            while true {
                let count = read(master, &buffer, buffer.count)
                guard count > 0 else { return }
                seen += String(decoding: buffer[..<count], as: UTF8.self)
            }
        }
    }

    @Test func aConversationWithCommands() async throws {
        let home = try TestFolder()
        let run = try TerminalRun(["chat", "--temp", "0", "-n", "6"], home: home.path("h"))
        try await run.wait(for: "/help for commands")
        try await run.wait(for: "> ")
        run.type("/help\n")
        try await run.wait(for: "/regen")
        run.type("/system Be brief.\n/system\n")
        try await run.wait(for: "Be brief.")
        run.type("/nonsense\n")
        try await run.wait(for: "/nonsense is no command")
        run.type("/set temp warm\n")
        try await run.wait(for: "temp")
        run.type("/stats\n")
        try await run.wait(for: "nothing was answered yet")
        run.type("hello\n")
        run.type("/stats\n")
        try await run.wait(for: "first token after")
        run.type("second line \\\nof it\n/stats\n")
        try await run.wait(for: "of them cached")
        run.type("/regen\n/save talk\n/clear\n/load talk\n")
        try await run.wait(for: "> hello")
        try await run.wait(for: "> second line ")
        run.type("/bye\n")
        #expect(try await run.waitForExit() == 0)
        let store = try ConversationStore(environment: ["HOME": home.path("h")])
        #expect(store.names() == ["last", "talk"])
        let talk = try store.load("talk")
        #expect(talk.system == "Be brief." && talk.turns.count == 4)
        #expect(talk.turns[2].content == "second line \nof it")
    }

    @Test func aSchemaAndADraftModelHoldForAllReplies() async throws {
        let home = try TestFolder()
        let run = try TerminalRun(
            [
                "chat", "--temp", "0", "--schema", #"{"enum":["yes","no"]}"#, "--draft-model",
                Program.languageModel,
            ], home: home.path("h"))
        try await run.wait(for: "/help for commands")
        run.type("/set think on\n")
        try await run.wait(for: "think is off: the replies are held to a schema")
        for _ in 0..<2 {
            run.type("hello\n/stats\n")
            try await run.wait(for: "drafted tokens confirmed")
        }
        run.type("/bye\n")
        #expect(try await run.waitForExit() == 0)
        let talk = try ConversationStore(environment: ["HOME": home.path("h")]).load("last")
        let answers = talk.turns.filter { $0.role == "assistant" }.map(\.content)
        #expect(answers.count == 2 && answers.allSatisfy { ["\"yes\"", "\"no\""].contains($0) })
    }

    @Test func controlCStopsTheAnswerAndNotTheProgram() async throws {
        let home = try TestFolder()
        let run = try TerminalRun(
            [
                // Slow enough for the answer to be still under way on a busy machine.
                "chat", "-m", "nano-lm", "--precise", "--speculative", "off", "--temp", "1",
                "--seed", "1", "-n", "15000", "--logit-bias", "<|im_end|>=-100", "--logit-bias",
                "<|endoftext|>=-100",
            ], home: home.path("h"))
        try await run.wait(for: "/help for commands")
        run.type("hello\n")
        try await run.wait(forCharacters: 300)
        kill(run.process.processIdentifier, SIGINT)
        run.type("/stats\n")
        try await run.wait(for: "ended by cancelled")
        // At the prompt it is for the line, not for the program.
        kill(run.process.processIdentifier, SIGINT)
        run.type("\u{4}")
        #expect(try await run.waitForExit() == 0)
    }
}
