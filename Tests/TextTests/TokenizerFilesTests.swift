import Foundation
import Kernels
import Testing

@testable import Text

@Suite struct TokenizerFilesTests {
    /// A folder that exists for the time of `body`.
    private func withFolder<Result>(
        _ files: [String: String], _ body: (String) throws -> Result
    ) throws -> Result {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("mlxi-tokenizer-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        for (name, text) in files {
            try Data(text.utf8).write(to: folder.appendingPathComponent(name))
        }
        return try body(folder.path)
    }

    private func failure(_ files: [String: String]) throws -> String {
        try withFolder(files) { folder in
            do {
                _ = try Tokenizer(folder: folder)
                return "loaded"
            } catch {
                return "\(error)".replacingOccurrences(of: folder, with: "")
            }
        }
    }

    private func golden(_ kind: String) throws -> JSONValue {
        try JSONValue.read(
            file: TokenizerGolden.folder.appendingPathComponent("\(kind)/tokenizer.json").path)
    }

    @Test func theOlderLayoutGivesTheSameIds() throws {
        let whole = try golden("qwen2")
        let merges = try whole.array("model", "merges").map { pair in
            (pair.asArray ?? []).compactMap(\.asString).joined(separator: " ")
        }
        var described: JSONObject = [:]
        for token in try whole.array("added_tokens") {
            described["\(try token.int("id"))"] = token
        }
        let configuration = JSONValue.object([
            "tokenizer_class": .string("Qwen2Tokenizer"),
            "added_tokens_decoder": .object(described),
            "eos_token": .object(["content": .string("<|im_end|>")]),
        ])
        let files = [
            "vocab.json": try whole.value("model", "vocab").serialized(),
            "merges.txt": "#version: 0.2\n" + merges.joined(separator: "\n") + "\n",
            "tokenizer_config.json": configuration.serialized(),
        ]
        let reference = try TokenizerGolden()
        try withFolder(files) { folder in
            let tokenizer = try Tokenizer(folder: folder)
            for (text, ids) in zip(reference.texts, try reference.rows("qwen2", "ids")) {
                // The slow layout has no tokens that are matched after normalization.
                if text.contains("<caf") { continue }
                #expect(tokenizer.encode(text, addSpecialTokens: false) == ids)
            }
            #expect(tokenizer.specialTokenId("eos_token") == tokenizer.id(of: "<|im_end|>"))
        }
        var unknown = files
        unknown["tokenizer_config.json"] = #"{"tokenizer_class": "OddTokenizer"}"#
        #expect(
            try failure(unknown)
                == "/tokenizer_config.json: tokenizer_class OddTokenizer without a "
                + "tokenizer.json is not supported")
    }

    @Test func configurationAddsMissingTokens() throws {
        let folder = TokenizerGolden.folder.appendingPathComponent("qwen2/tokenizer.json")
        let files = [
            "tokenizer.json": try String(contentsOf: folder, encoding: .utf8),
            "tokenizer_config.json":
                #"{"added_tokens_decoder": {"2000": {"content": "<new>", "special": true}}, "#
                + #""bos_token": "<new>", "pad_token": null}"#,
        ]
        try withFolder(files) { folder in
            let tokenizer = try Tokenizer(folder: folder)
            #expect(tokenizer.encode("<new>", addSpecialTokens: false) == [2000])
            #expect(tokenizer.isSpecial(2000) && tokenizer.vocabularySize == 2001)
            #expect(tokenizer.specialTokens == ["bos_token": "<new>"])
        }
    }

    @Test func refusalsNameTheFileAndTheComponent() throws {
        #expect(
            try failure([:]) == ": no tokenizer, want tokenizer.json, or vocab.json and merges.txt")
        func model(_ rest: String) -> [String: String] { ["tokenizer.json": "{\(rest)}"] }
        let bytes = #""pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false}, "#
        #expect(try failure(model("")) == "/tokenizer.json: model is missing")
        #expect(
            try failure(model(bytes + #""model": {"type": "Unigram", "vocab": []}"#))
                == "/tokenizer.json: model Unigram is not supported")
        #expect(
            try failure(model(#""pre_tokenizer": {"type": "Odd"}, "model": {}"#))
                == "/tokenizer.json: pre_tokenizer Odd is not supported")
        #expect(
            try failure(
                model(
                    #""pre_tokenizer": {"type": "Split", "pattern": {"Regex": "x+"}, "#
                        + #""behavior": "Isolated", "invert": false}, "model": {}"#))
                == "/tokenizer.json: pre_tokenizer Split with the expression x+ is not supported")
        #expect(
            try failure(
                model(
                    bytes
                        + #""model": {"type": "BPE", "vocab": {"a": 0, "b": 1}, "merges": ["a b"]}"#
                ))
                == "/tokenizer.json: merge 0, 'a b', has pieces that are not in the vocabulary")
        #expect(
            try failure(
                model(bytes + #""model": {"type": "BPE", "vocab": {"a": 0, "b": 0}, "merges": []}"#)
            )
            .hasSuffix("id 0 of a piece is taken or out of range"))
        #expect(
            try failure(
                model(bytes + #""model": {"type": "BPE", "vocab": {"a": 0, "a": 1}, "merges": []}"#)
            )
                == "/tokenizer.json: piece 1 occurs twice")
        #expect(
            try failure(["tokenizer.json": "{\"model\": "])
                .hasPrefix("/tokenizer.json: line 1, byte 10"))
    }
}
