public import Kernels
import Synchronization

/// Text to token ids and back, as a model's own files describe it.
///
/// The pipeline is data: added tokens are cut out, the text between them is normalized, cut into
/// words, and each word encoded by the model. Byte-level BPE (Qwen, Llama 3, GPT-2, Whisper),
/// BPE with byte fallback (Gemma) and WordPiece (BERT) are known; other components are refused by
/// name when the files are read. Safe to use from several threads at once.
public final class Tokenizer: Sendable {
    private let parts: TokenizerParts
    private let rawMatcher: AddedTokenMatcher
    private let normalizedMatcher: AddedTokenMatcher
    private let addedTokens: [Int32: AddedToken]
    private let addedIds: [String: Int32]
    /// Memory and word cache of the last call, taken by the next one; a second caller at the same
    /// time starts with fresh ones.
    private let idle = Mutex<EncodeState?>(nil)

    /// One more than the largest token id. Models may have more rows; those are padding.
    public let vocabularySize: Int

    /// The tokens the files name, by role: `bos_token`, `eos_token`, `pad_token`… Chat templates
    /// see these as variables.
    public var specialTokens: [String: String] { parts.specialTokens }

    /// Reads tokenizer.json, or vocab.json with merges.txt, and tokenizer_config.json.
    ///
    /// - Throws: `TokenizerError` or `JSONError`, one line that names the file.
    public convenience init(folder: String) throws {
        self.init(try TokenizerFiles(folder: folder).parts())
    }

    init(_ parts: TokenizerParts) {
        self.parts = parts
        rawMatcher = AddedTokenMatcher(parts.added.filter { !$0.normalized })
        normalizedMatcher = AddedTokenMatcher(
            parts.added.filter(\.normalized).map { token in
                var token = token
                token.content = Self.normalize(token.content, parts.normalizers)
                return token
            })
        addedTokens = Dictionary(parts.added.map { ($0.id, $0) }) { first, _ in first }
        addedIds = Dictionary(parts.added.map { ($0.content, $0.id) }) { first, _ in first }
        let largest = parts.added.map { Int($0.id) }.max() ?? -1
        vocabularySize = max(parts.model.vocabulary.idCount, largest + 1)
    }

    /// The ids of `text`.
    ///
    /// - Parameters:
    ///   - addSpecialTokens: puts the tokens of the post-processor around it, such as BOS. The
    ///     output of a chat template has them already.
    ///   - parseAddedTokens: when false, text that looks like an added token (`<|im_end|>`) is
    ///     encoded as the plain characters it consists of.
    public func encode(
        _ text: String, addSpecialTokens: Bool, parseAddedTokens: Bool = true
    ) -> [Int32] {
        var state = idle.withLock { $0.take() } ?? EncodeState()
        state.ids = addSpecialTokens ? parts.post.prefix : []
        var text = text
        text.withUTF8 { buffer in
            let bytes = UnsafeRawBufferPointer(buffer)
            guard parseAddedTokens, !rawMatcher.isEmpty else {
                encodeGap(bytes, parseAddedTokens: parseAddedTokens, &state)
                return
            }
            rawMatcher.forEachSegment(in: bytes) { segment in
                switch segment {
                case .token(let id): state.ids.append(id)
                case .text(let range):
                    encodeGap(
                        UnsafeRawBufferPointer(rebasing: bytes[range]), parseAddedTokens: true,
                        &state)
                }
            }
        }
        var ids: [Int32] = []
        swap(&ids, &state.ids)
        let finished = state
        idle.withLock { $0 = finished }
        return addSpecialTokens ? ids + parts.post.suffix : ids
    }

    /// What `encode` puts around a text as special tokens.
    public var surroundingTokens: (prefix: [Int32], suffix: [Int32]) {
        (parts.post.prefix, parts.post.suffix)
    }

    /// The text of `ids`; ids without a piece, such as padding rows, add nothing.
    public func decode(_ ids: some Sequence<Int32>, skipSpecialTokens: Bool) -> String {
        if case .bytes = decoder {
            var bytes: [UInt8] = []
            for id in ids where !(skipSpecialTokens && isSpecial(id)) {
                if let token = addedTokens[id] {
                    bytes.append(contentsOf: token.content.utf8)
                } else {
                    bytes.append(contentsOf: pieceBytes(id))
                }
            }
            return String(decoding: bytes, as: UTF8.self)
        }
        var stream = StreamingDetokenizer(self, skipSpecialTokens: skipSpecialTokens)
        var text = ""
        for id in ids { text += stream.append(id) }
        return text + stream.finish()
    }

    /// The id of a token by its name in the files: `<|im_end|>`, or `Ġthe` in a byte-level
    /// vocabulary.
    public func id(of token: String) -> Int32? {
        if let id = addedIds[token] { return id }
        var bytes = Array(token.utf8)
        if parts.cuts.isByteLevel {
            var decoded: [UInt8] = []
            guard ByteLevel.decode(bytes[...], appendingTo: &decoded) else {
                return parts.exotic[token]
            }
            bytes = decoded
        }
        return parts.model.vocabulary.id(of: bytes)
    }

    /// The name of a token in the files; nil for an id without one.
    public func name(of id: Int32) -> String? {
        if let token = addedTokens[id] { return token.content }
        guard let bytes = parts.model.vocabulary.bytes(of: id) else { return nil }
        let text = String(decoding: bytes, as: UTF8.self)
        guard parts.cuts.isByteLevel, parts.exotic[text] != id else { return text }
        return String(String.UnicodeScalarView(bytes.map { ByteLevel.characters[Int($0)] }))
    }

    /// The bytes a token adds to the text, without regard to its neighbours.
    public func bytes(of id: Int32) -> [UInt8] {
        var stream = StreamingDetokenizer(self, skipSpecialTokens: false)
        if case .bytes = decoder {
            return addedTokens[id].map { Array($0.content.utf8) } ?? Array(pieceBytes(id))
        }
        if let piece = pieceText(id), let byte = StreamingDetokenizer.byte(named: piece) {
            return [byte]
        }
        return Array((stream.append(id) + stream.finish()).utf8)
    }

    /// Whether `id` is left out of decoded text on request: BOS, EOS and the like, but not
    /// `<think>`.
    public func isSpecial(_ id: Int32) -> Bool { addedTokens[id]?.special ?? false }

    /// The first token in which two vocabularies differ; nil where they are the same.
    public func firstDifference(from other: Tokenizer) -> Int32? {
        let count = max(vocabularySize, other.vocabularySize)
        return (0..<Int32(count)).first { id in
            addedTokens[id]?.content != other.addedTokens[id]?.content
                || pieceBytes(id) != other.pieceBytes(id)
        }
    }

    /// The token that the files name as `role`, for example "eos_token".
    public func specialTokenId(_ role: String) -> Int32? {
        specialTokens[role].flatMap { id(of: $0) }
    }

    /// The tokens that end a reply: those of generation_config.json if it names any, else those of
    /// config.json or its text_config, and always the tokenizer's own.
    public func endTokens(config: JSONValue, generation: JSONValue?) -> Set<Int32> {
        let places =
            [generation?["eos_token_id"], config["eos_token_id"]]
            + [config["text_config"]?["eos_token_id"]]
        let named = places.lazy.compactMap { place -> [Int32]? in
            guard let place, !place.isNull else { return nil }
            let ids = place.asArray ?? [place]
            return ids.compactMap { $0.asInt.flatMap { Int32(exactly: $0) } }
        }.first
        return Set(named ?? []).union(specialTokenId("eos_token").map { [$0] } ?? [])
    }
}

// What the encoder and the detokenizer see of the parts.
extension Tokenizer {
    var decoder: PieceDecoder { parts.decoder }

    func addedToken(_ id: Int32) -> AddedToken? { addedTokens[id] }

    /// The bytes that a token adds behind other text, where no blank is stripped from its start.
    func innerBytes(_ id: Int32) -> [UInt8] {
        guard case .pieces(let replacements, let bytePieces, _) = decoder, addedTokens[id] == nil,
            let piece = pieceText(id)
        else { return bytes(of: id) }
        if bytePieces, let byte = StreamingDetokenizer.byte(named: piece) { return [byte] }
        return Array(replacements.reduce(piece) { $0.replacingLiteral($1.old, with: $1.new) }.utf8)
    }

    func pieceBytes(_ id: Int32) -> ArraySlice<UInt8> {
        parts.model.vocabulary.bytes(of: id) ?? []
    }

    func pieceText(_ id: Int32) -> String? {
        parts.model.vocabulary.bytes(of: id).map { String(decoding: $0, as: UTF8.self) }
    }

    /// What one call of `encode` needs; kept from call to call.
    struct EncodeState: Sendable {
        var ids: [Int32] = []
        var cache = WordCache()
        var scratch = BytePair.Scratch()
    }

    private static func normalize(_ text: String, _ normalizers: [Normalizer]) -> String {
        normalizers.reduce(text) { text, normalizer in
            Array(text.utf8).withUnsafeBytes { normalizer.apply($0) }
                .map { String(decoding: $0, as: UTF8.self) } ?? text
        }
    }

    /// Encodes a stretch without raw added tokens: normalizes it, then looks for the added tokens
    /// that are matched in normalized text.
    private func encodeGap(
        _ text: UnsafeRawBufferPointer, parseAddedTokens: Bool, _ state: inout EncodeState
    ) {
        var changed: [UInt8]?
        for normalizer in parts.normalizers {
            let next =
                changed.map { $0.withUnsafeBytes { normalizer.apply($0) } }
                ?? normalizer.apply(text)
            if let next { changed = next }
        }
        guard let changed else {
            encodeNormalized(text, parseAddedTokens: parseAddedTokens, &state)
            return
        }
        changed.withUnsafeBytes {
            encodeNormalized($0, parseAddedTokens: parseAddedTokens, &state)
        }
    }

    private func encodeNormalized(
        _ text: UnsafeRawBufferPointer, parseAddedTokens: Bool, _ state: inout EncodeState
    ) {
        guard parseAddedTokens, !normalizedMatcher.isEmpty else {
            encodeWords(text, &state)
            return
        }
        normalizedMatcher.forEachSegment(in: text) { segment in
            switch segment {
            case .token(let id): state.ids.append(id)
            case .text(let range):
                encodeWords(UnsafeRawBufferPointer(rebasing: text[range]), &state)
            }
        }
    }

    private func encodeWords(_ text: UnsafeRawBufferPointer, _ state: inout EncodeState) {
        if parts.cuts.addsPrefixBlank, text.first != UInt8(ascii: " "), !text.isEmpty {
            let prefixed = [UInt8(ascii: " ")] + Array(text)
            prefixed.withUnsafeBytes { cutAndEncode($0, &state) }
        } else {
            cutAndEncode(text, &state)
        }
    }

    private func cutAndEncode(_ text: UnsafeRawBufferPointer, _ state: inout EncodeState) {
        let steps = parts.cuts.steps[...]
        ScalarClass.withTable { table in
            switch parts.model {
            case .wordPiece(let model):
                PreTokenizer.forEachPiece(of: text, steps: steps, table: table) { word in
                    model.encode(word, into: &state.ids)
                }
            case .bytePair(let model):
                PreTokenizer.forEachPiece(of: text, steps: steps, table: table) { word in
                    encode(word, model, &state)
                }
            }
        }
    }

    private func encode(
        _ word: UnsafeRawBufferPointer, _ model: BytePair, _ state: inout EncodeState
    ) {
        guard word.count <= WordCache.wordBytesMax else {
            model.encode(word, into: &state.ids, scratch: &state.scratch)
            return
        }
        let hash = ByteHash.hash(word)
        if state.cache.append(word, hash: hash, to: &state.ids) { return }
        let start = state.ids.count
        model.encode(word, into: &state.ids, scratch: &state.scratch)
        state.cache.store(word, hash: hash, ids: state.ids[start...])
    }
}
