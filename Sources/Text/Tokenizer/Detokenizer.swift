/// How pieces become text again.
enum PieceDecoder: Sendable, Equatable {
    /// Pieces are bytes; their concatenation is UTF-8.
    case bytes
    /// Pieces are text in which `replacements` are undone; `<0xE4>` pieces are single bytes when
    /// `bytePieces` says so. `leadingStrip` blanks are dropped at the start of the whole text.
    case pieces(replacements: [Replacement], bytePieces: Bool, leadingStrip: Int)
    /// Pieces are words, joined by blanks unless they begin with `continuation`.
    case words(continuation: String, cleansUp: Bool)

    /// A literal replacement.
    struct Replacement: Sendable, Equatable {
        var old: String
        var new: String
    }
}

/// Turns tokens into text as they arrive: only complete characters are handed out, and the parts
/// joined are exactly what `Tokenizer.decode` makes of all tokens together.
public struct StreamingDetokenizer: Sendable {
    private let tokenizer: Tokenizer
    private let skipSpecialTokens: Bool
    private var utf8 = UTF8Stream()
    /// Single-byte pieces that wait for the end of their run.
    private var run: [UInt8] = []
    private var isFirst = true
    private var leadingStrip: Int

    /// A detokenizer at the start of a text.
    public init(_ tokenizer: Tokenizer, skipSpecialTokens: Bool) {
        self.tokenizer = tokenizer
        self.skipSpecialTokens = skipSpecialTokens
        if case .pieces(_, _, let strip) = tokenizer.decoder {
            leadingStrip = strip
        } else {
            leadingStrip = 0
        }
    }

    /// The text that `id` completes; empty while a character is incomplete.
    public mutating func append(_ id: Int32) -> String {
        if skipSpecialTokens, tokenizer.isSpecial(id) { return "" }
        let added = tokenizer.addedToken(id)
        switch tokenizer.decoder {
        case .bytes:
            if let added { return utf8.push(Array(added.content.utf8)) }
            return utf8.push(tokenizer.pieceBytes(id))
        case .pieces(let replacements, let bytePieces, _):
            guard let piece = added?.content ?? tokenizer.pieceText(id) else { return "" }
            if bytePieces, let byte = Self.byte(named: piece) {
                run.append(byte)
                return ""
            }
            let text = replacements.reduce(piece) { $0.replacingLiteral($1.old, with: $1.new) }
            return stripped(endOfRun() + text)
        case .words(let continuation, let cleansUp):
            guard let piece = added?.content ?? tokenizer.pieceText(id) else { return "" }
            defer { isFirst = false }
            return Self.word(piece, continuation, cleansUp: cleansUp, isFirst: isFirst)
        }
    }

    /// What is left at the end: an incomplete character becomes U+FFFD.
    public mutating func finish() -> String {
        stripped(utf8.finish() + endOfRun())
    }

    private mutating func stripped(_ text: String) -> String {
        guard leadingStrip > 0, !text.isEmpty else { return text }
        var rest = text[...]
        while leadingStrip > 0, rest.unicodeScalars.first == " " {
            rest.unicodeScalars.removeFirst()
            leadingStrip -= 1
        }
        if !rest.isEmpty { leadingStrip = 0 }
        return String(rest)
    }

    /// A run of single bytes is text if all of it is UTF-8, else one U+FFFD for each byte.
    private mutating func endOfRun() -> String {
        defer { run.removeAll(keepingCapacity: true) }
        return String(validating: run, as: UTF8.self)
            ?? String(repeating: "\u{FFFD}", count: run.count)
    }

    /// The byte that a piece such as `<0xE4>` names.
    static func byte(named piece: String) -> UInt8? {
        let text = Array(piece.utf8)
        guard text.count == 6, text.starts(with: Array("<0x".utf8)), text[5] == UInt8(ascii: ">")
        else { return nil }
        return UInt8(String(decoding: text[3...4], as: UTF8.self), radix: 16)
    }

    /// The clean-up of English that BERT's decoder does, in its order.
    private static let cleanUp: [(String, String)] = [
        (" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"), (" n't", "n't"),
        (" 'm", "'m"), (" do not", " don't"), (" 's", "'s"), (" 've", "'ve"), (" 're", "'re"),
    ]

    private static func word(
        _ piece: String, _ continuation: String, cleansUp: Bool, isFirst: Bool
    ) -> String {
        var text = piece
        if !isFirst {
            text =
                piece.hasPrefix(continuation)
                ? String(piece.unicodeScalars.dropFirst(continuation.unicodeScalars.count))
                : " " + piece
        }
        guard cleansUp else { return text }
        return cleanUp.reduce(text) { $0.replacingLiteral($1.0, with: $1.1) }
    }
}

/// UTF-8 that arrives in pieces. Complete characters come out at once; a byte that cannot begin or
/// continue one becomes U+FFFD, one for each maximal part of a sequence (Unicode 16, section 3.9).
struct UTF8Stream: Sendable {
    private var held: [UInt8] = []

    /// The text completed by `bytes`.
    mutating func push(_ bytes: some Collection<UInt8>) -> String {
        held.append(contentsOf: bytes)
        let complete = held.count - incompleteTail()
        defer { held.removeFirst(complete) }
        return String(decoding: held[..<complete], as: UTF8.self)
    }

    /// What is held back at the end, as U+FFFD.
    mutating func finish() -> String {
        defer { held = [] }
        return String(decoding: held, as: UTF8.self)
    }

    /// The number of bytes at the end that begin a character which later bytes could complete.
    private func incompleteTail() -> Int {
        for length in 1...3 where length <= held.count {
            let lead = held[held.count - length]
            if lead & 0xC0 == 0x80 { continue }
            guard lead >= 0xC2, lead <= 0xF4, UTF8Scan.length(lead) > length else { return 0 }
            return length == 1 || isPossible(lead, second: held[held.count - length + 1])
                ? length : 0
        }
        return 0
    }

    private func isPossible(_ lead: UInt8, second: UInt8) -> Bool {
        switch lead {
        case 0xE0: second >= 0xA0
        case 0xED: second < 0xA0
        case 0xF0: second >= 0x90
        case 0xF4: second < 0x90
        default: true
        }
    }
}

extension String {
    /// Replaces every occurrence, scalar by scalar and not by canonical equivalence.
    func replacingLiteral(_ old: String, with new: String) -> String {
        let (text, old) = (Array(utf8), Array(old.utf8))
        guard let first = old.first, text.contains(first) else { return self }
        var out: [UInt8] = []
        var index = 0
        while index < text.count {
            if text[index] == first, text[index...].starts(with: old) {
                out.append(contentsOf: new.utf8)
                index += old.count
            } else {
                out.append(text[index])
                index += 1
            }
        }
        return String(decoding: out, as: UTF8.self)
    }
}
