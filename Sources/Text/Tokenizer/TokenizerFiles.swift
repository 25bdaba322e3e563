import Foundation
import Kernels

/// Finds and reads the tokenizer files of a model folder.
struct TokenizerFiles {
    private let folder: URL
    private let configuration: JSONValue

    /// Reads tokenizer_config.json, if there is one.
    init(folder: String) throws {
        self.folder = URL(fileURLWithPath: folder, isDirectory: true)
        let path = self.folder.appendingPathComponent("tokenizer_config.json").path
        configuration =
            FileManager.default.fileExists(atPath: path)
            ? try JSONValue.read(file: path) : .object([:])
    }

    /// Reads the newest layout present: tokenizer.json, else vocab.json with merges.txt.
    func parts() throws -> TokenizerParts {
        var parts: TokenizerParts
        if let path = existing("tokenizer.json") {
            parts = try JSONError.naming(path) { try unified(path) }
        } else if let vocabulary = existing("vocab.json"), let merges = existing("merges.txt") {
            parts = try JSONError.naming(vocabulary) { try split(vocabulary, merges) }
        } else {
            throw TokenizerError.missing(
                folder: folder.path, wanted: "tokenizer.json, or vocab.json and merges.txt")
        }
        let path = folder.appendingPathComponent("tokenizer_config.json").path
        try JSONError.naming(path) {
            let reader = ComponentReader(file: path)
            let known = Set(parts.added.map(\.id))
            for (key, value) in try configuration.object("added_tokens_decoder", default: [:]) {
                guard let id = Int(key) else {
                    throw TokenizerError.invalid(
                        file: path, detail: "added_tokens_decoder has the id \(key)")
                }
                let token = try reader.addedToken(value, id: id)
                if !known.contains(token.id) { parts.added.append(token) }
            }
            parts.specialTokens = try specialTokens()
        }
        return parts
    }

    private func existing(_ name: String) -> String? {
        let path = folder.appendingPathComponent(name).path
        return FileManager.default.fileExists(atPath: path) ? path : nil
    }

    private func contents(_ path: String) throws -> Data {
        do {
            return try Data(contentsOf: URL(fileURLWithPath: path), options: .mappedIfSafe)
        } catch {
            throw TokenizerError.invalid(file: path, detail: "cannot be read")
        }
    }

    // MARK: tokenizer.json

    private func unified(_ path: String) throws -> TokenizerParts {
        try contents(path).withUnsafeBytes { bytes in
            var reader = try JSONReader(bytes, source: path)
            let components = ComponentReader(file: path)
            var sections: JSONObject = [:]
            var modelStart: Int?
            var read: (model: TokenModel, exotic: [String: Int32], cuts: CutPlan)?
            func readModel(_ reader: inout JSONReader) throws {
                let cuts = try components.cuts(sections["pre_tokenizer"] ?? .null)
                var model = ModelReader(file: path, isByteLevel: cuts.isByteLevel)
                read = (try model.read(&reader), model.exotic, cuts)
            }
            try reader.members { reader, key in
                if key != "model" {
                    sections[key] = try reader.value()
                } else if sections["pre_tokenizer"] != nil {
                    try readModel(&reader)
                } else {
                    // The vocabulary cannot be read before the alphabet it is written in is known.
                    modelStart = reader.offset
                    try reader.skip()
                }
            }
            try reader.finish()
            if read == nil, let modelStart {
                reader.offset = modelStart
                try readModel(&reader)
            }
            guard let read else {
                throw TokenizerError.invalid(file: path, detail: "model is missing")
            }
            let decoder = try components.decoder(
                sections["decoder"] ?? .null, isByteLevel: read.cuts.isByteLevel)
            var parts = TokenizerParts(model: read.model, decoder: decoder)
            parts.exotic = read.exotic
            parts.cuts = read.cuts
            parts.normalizers = try components.normalizers(sections["normalizer"] ?? .null)
            parts.post = try components.post(sections["post_processor"] ?? .null)
            parts.added = try (sections["added_tokens"]?.asArray ?? []).map(components.addedToken)
            return parts
        }
    }

    // MARK: vocab.json and merges.txt

    /// The word expression and normalizer that the classes of the older layout stand for.
    private static let classes: [String: (WordPattern, [Normalizer])] = [
        "Qwen2Tokenizer": (.qwen2, [.nfc]), "Qwen2TokenizerFast": (.qwen2, [.nfc]),
        "GPT2Tokenizer": (.gpt2, []), "GPT2TokenizerFast": (.gpt2, []),
        "WhisperTokenizer": (.gpt2, []), "WhisperTokenizerFast": (.gpt2, []),
    ]

    private func split(_ vocabularyPath: String, _ mergesPath: String) throws -> TokenizerParts {
        let name = try configuration.string("tokenizer_class", default: "(none)")
        guard let (pattern, normalizers) = Self.classes[name] else {
            throw TokenizerError.unsupported(
                file: folder.appendingPathComponent("tokenizer_config.json").path,
                component: "tokenizer_class \(name) without a tokenizer.json")
        }
        var pieces = VocabularyReader(file: vocabularyPath, isByteLevel: true)
        try contents(vocabularyPath).withUnsafeBytes { bytes in
            var reader = try JSONReader(bytes, source: vocabularyPath)
            try pieces.readVocabulary(&reader)
            try reader.finish()
        }
        let merges = try contents(mergesPath).withUnsafeBytes { bytes in
            try pieces.readMerges(lines: bytes, file: mergesPath)
        }
        let model = BytePair(
            vocabulary: pieces.vocabulary, merges: merges,
            units: .bytes(ModelReader.byteIds(pieces.vocabulary)), unknown: nil,
            fusesUnknown: false, ignoresMerges: false)
        var parts = TokenizerParts(model: .bytePair(model), decoder: .bytes)
        parts.exotic = pieces.exotic
        parts.normalizers = normalizers
        parts.cuts = CutPlan(
            steps: [.words(pattern)], isByteLevel: true,
            addsPrefixBlank: try configuration.bool("add_prefix_space", default: false))
        parts.added = try looseAddedTokens()
        if try configuration.bool("add_bos_token", default: false),
            let bos = try specialTokens()["bos_token"]
        {
            let key = Array(bos.utf8)
            let id = parts.added.first { $0.content == bos }?.id ?? pieces.vocabulary.id(of: key)
            parts.post.prefix = id.map { [$0] } ?? []
        }
        return parts
    }

    /// added_tokens.json maps content to id; the configuration's own list says more about each
    /// token and is preferred where it has the id.
    private func looseAddedTokens() throws -> [AddedToken] {
        guard let path = existing("added_tokens.json") else { return [] }
        let described = try configuration.object("added_tokens_decoder", default: [:])
        let special = Set(try specialTokens().values)
        return try JSONError.naming(path) {
            guard case .object(let tokens) = try JSONValue.read(file: path) else {
                throw TokenizerError.invalid(file: path, detail: "want an object")
            }
            return try tokens.compactMap { content, id in
                guard let id = id.asInt, id >= 0, id <= Vocabulary.idMax else {
                    throw TokenizerError.invalid(file: path, detail: "\(content) has no id")
                }
                if described["\(id)"] != nil { return nil }
                return AddedToken(
                    id: Int32(id), content: content, special: special.contains(content))
            }
        }
    }

    // MARK: names of special tokens

    /// Strings, or objects with `content`; from special_tokens_map.json where the configuration
    /// names none.
    private func specialTokens() throws -> [String: String] {
        var names: [String: String] = [:]
        var sources = [configuration]
        if let path = existing("special_tokens_map.json") {
            sources.append(try JSONValue.read(file: path))
        }
        for source in sources {
            for (key, value) in source.asObject ?? [:] where key.hasSuffix("_token") {
                guard names[key] == nil else { continue }
                names[key] = value.asString ?? value["content"]?.asString
            }
        }
        return names
    }
}
