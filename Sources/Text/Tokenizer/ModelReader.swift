import Kernels

/// Reads the `model` section of tokenizer.json.
struct ModelReader {
    let file: String
    let isByteLevel: Bool
    private(set) var exotic: [String: Int32] = [:]

    init(file: String, isByteLevel: Bool) {
        self.file = file
        self.isByteLevel = isByteLevel
    }

    /// Reads the object that comes next. Merges that come before the vocabulary, which they need,
    /// are read in a second pass.
    mutating func read(_ reader: inout JSONReader) throws -> TokenModel {
        var settings: JSONObject = [:]
        var pieces: VocabularyReader?
        var merges: MergeTable?
        var mergesStart: Int?
        try reader.members { reader, key in
            switch key {
            case "vocab":
                try checkType(settings["type"]?.asString ?? "BPE")
                var vocabulary = VocabularyReader(file: file, isByteLevel: isByteLevel)
                try vocabulary.readVocabulary(&reader)
                pieces = vocabulary
            case "merges":
                mergesStart = reader.offset
                if let pieces {
                    merges = try pieces.readMerges(&reader)
                } else {
                    try reader.skip()
                }
            default: settings[key] = try reader.value()
            }
        }
        let options = JSONValue.object(settings)
        let type = try options.string("type", default: mergesStart == nil ? "(none)" : "BPE")
        try checkType(type)
        guard let pieces else {
            throw TokenizerError.invalid(file: file, detail: "model.vocab is missing")
        }
        exotic = pieces.exotic
        if type == "WordPiece" { return .wordPiece(try wordPiece(options, pieces.vocabulary)) }
        if merges == nil, let mergesStart {
            reader.offset = mergesStart
            merges = try pieces.readMerges(&reader)
        }
        guard let merges else {
            throw TokenizerError.invalid(file: file, detail: "model.merges is missing")
        }
        return .bytePair(try bytePair(options, pieces.vocabulary, merges))
    }

    private func checkType(_ type: String) throws {
        guard type == "BPE" || type == "WordPiece" else {
            throw TokenizerError.unsupported(file: file, component: "model \(type)")
        }
    }

    private func bytePair(
        _ options: JSONValue, _ vocabulary: Vocabulary, _ merges: MergeTable
    ) throws -> BytePair {
        for key in ["continuing_subword_prefix", "end_of_word_suffix"]
        where try !options.string(key, default: "").isEmpty {
            throw TokenizerError.unsupported(file: file, component: "model \(key)")
        }
        guard try options.double("dropout", default: 0) == 0 else {
            throw TokenizerError.unsupported(file: file, component: "model dropout")
        }
        let unknown = try unknown(options, vocabulary)
        let units: BytePair.Units
        if isByteLevel {
            units = .bytes(Self.byteIds(vocabulary))
        } else if try options.bool("byte_fallback", default: false) {
            units = .scalars(fallback: Self.fallbackIds(vocabulary))
        } else {
            units = .scalars(fallback: [])
        }
        return BytePair(
            vocabulary: vocabulary, merges: merges, units: units, unknown: unknown,
            fusesUnknown: try options.bool("fuse_unk", default: false),
            ignoresMerges: try options.bool("ignore_merges", default: false))
    }

    private func wordPiece(
        _ options: JSONValue, _ vocabulary: Vocabulary
    ) throws -> WordPiece {
        guard let unknown = try unknown(options, vocabulary) else {
            throw TokenizerError.invalid(file: file, detail: "model.unk_token is missing")
        }
        return WordPiece(
            vocabulary: vocabulary, unknown: unknown,
            continuation: Array(
                try options.string("continuing_subword_prefix", default: "##").utf8),
            wordScalarsMax: try options.int("max_input_chars_per_word", default: 100))
    }

    private func unknown(_ options: JSONValue, _ vocabulary: Vocabulary) throws -> Int32? {
        guard let name = options["unk_token"]?.asString else { return nil }
        if let id = vocabulary.id(of: Array(name.utf8)) ?? exotic[name] { return id }
        throw TokenizerError.invalid(
            file: file, detail: "unk_token \(name) is not in the vocabulary")
    }

    /// The id of each single byte, -1 where the vocabulary has none.
    static func byteIds(_ vocabulary: Vocabulary) -> [Int32] {
        (0...255).map { vocabulary.id(of: [UInt8($0)]) ?? -1 }
    }

    /// The ids of `<0x00>` to `<0xFF>`, -1 where the vocabulary has none.
    private static func fallbackIds(_ vocabulary: Vocabulary) -> [Int32] {
        (0...255).map { byte in
            let digits = String(byte, radix: 16, uppercase: true)
            let name = "<0x\(byte < 16 ? "0" : "")\(digits)>"
            return vocabulary.id(of: Array(name.utf8)) ?? -1
        }
    }
}
