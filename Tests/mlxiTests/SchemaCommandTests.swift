import Foundation
import Testing

@testable import mlxi

/// `mlxi chat --schema` through the real binary. The model's weights are random: what is right in
/// these replies is the schema's work.
@Suite struct SchemaCommandTests {
    private static let schema = #"""
        {"type": "object", "properties": {
          "kind": {"enum": ["letter", "note"]},
          "count": {"type": "integer", "minimum": 1, "maximum": 99},
          "names": {"type": "array", "items": {"type": "string", "maxLength": 4}, "maxItems": 3},
          "date": {"type": "string", "format": "date"}
        }, "required": ["kind", "count", "date"], "additionalProperties": false}
        """#

    private func check(_ text: String) throws {
        let value = try JSONSerialization.jsonObject(with: Data(text.utf8))
        let object = try #require(value as? [String: Any])
        #expect(["letter", "note"].contains(object["kind"] as? String ?? ""))
        #expect((1...99).contains(object["count"] as? Int ?? 0))
        #expect((object["date"] as? String)?.count == 10)
        let names = object["names"] as? [String] ?? []
        #expect(names.count <= 3 && names.allSatisfy { $0.unicodeScalars.count <= 4 })
        #expect(Set(object.keys).isSubset(of: ["kind", "count", "names", "date"]))
    }

    @Test(arguments: ["0", "1.5"], ["1", "2", "3"])
    func theReplySatisfiesTheSchema(temperature: String, seed: String) async throws {
        let run = try await Program.run(
            "chat", "--schema", Self.schema, "--temp", temperature, "--seed", seed, "--top-k", "0",
            "--top-p", "1", "hello")
        #expect(run.status == 0, "\(run.err)")
        try check(run.out)
    }

    @Test func aFileAPipeAndJSONOutput() async throws {
        let folder = try TestFolder()
        try folder.write("note.json", Data(Self.schema.utf8))
        let run = try await Program.run(
            "chat", "--json-schema", "note.json", "--json", "--logprobs", "1", "--temp", "0",
            input: Data("hello\n".utf8), folder: folder.path)
        #expect(run.status == 0, "\(run.err)")
        let report = try #require(
            try JSONSerialization.jsonObject(with: Data(run.out.utf8)) as? [String: Any])
        try check(report["text"] as? String ?? "")
        #expect(report["finish_reason"] as? String == "stop")
        // Probabilities are the model's own: what it wanted instead is seen.
        let tokens = try #require(report["logprobs"] as? [[String: Any]])
        #expect(
            tokens.contains {
                ($0["top"] as? [[String: Any]])?[0]["id"] as? Int != $0["id"] as? Int
            })
    }

    @Test func draftsChangeNothing() async throws {
        var texts: Set<String> = []
        for drafts in ["auto", "off"] {
            let run = try await Program.run(
                "chat", "--schema", Self.schema, "--temp", "0", "--speculative", drafts,
                #"{"kind":"note","count":7,"names":["ab","ab"],"date":"2026-11-21"}"#)
            #expect(run.status == 0, "\(run.err)")
            texts.insert(run.out)
        }
        #expect(texts.count == 1)
    }

    @Test func whatIsIncompleteIsNoResult() async throws {
        let run = try await Program.run("chat", "--schema", Self.schema, "-n", "3", "hello")
        #expect(run.status == 3)
        #expect(run.out.isEmpty)
        #expect(run.err.contains("was not complete after 3 tokens"), "\(run.err)")
        #expect(run.err.split(separator: "\n").count == 1, "\(run.err)")
    }

    @Test(arguments: [
        (["--schema", "{"], 2, "--schema: line 1"),
        (["--schema", #"{"not":{}}"#], 2, #"keyword "not" is not known here"#),
        (["--schema", "/nonexistent.json"], 3, "/nonexistent.json: cannot be read"),
        (["--schema", #filePath], 3, "SchemaCommandTests.swift: line 1"),
        (["--schema", #"{"type":"integer","minimum":2,"maximum":1}"#], 2, "no value satisfies it"),
        (["--schema", "{}", "--stop", "x"], 2, "--stop with --schema"),
        (["--schema", "{}", "--think", "on"], 2, "--think on with --schema"),
    ])
    func whatIsWrongIsSaid(arguments: [String], status: Int32, text: String) async throws {
        let run = try await Program(["chat"] + arguments + ["hello"]).result()
        #expect(run.status == status)
        #expect(run.out.isEmpty)
        #expect(run.err.contains(text), "\(run.err)")
    }
}
