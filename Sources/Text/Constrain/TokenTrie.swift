/// The bytes of all tokens of a vocabulary as a tree in one array, depth first: what a state of an
/// automaton refuses is skipped with everything below it.
public struct TokenTrie: Sendable {
    private struct Node: Sendable {
        var byte: UInt8
        var depth: UInt16
        /// The node behind the last one below.
        var end: Int32
        /// The first of the tokens that end here; they go on to that of the next node.
        var firstToken: Int32
    }

    /// Most quotation marks of a token that `tokens(withQuotes:)` tells apart.
    private static let quotesMax = 3

    private var nodes: [Node] = []
    private var tokens: [Int32] = []
    private var depthMax = 0
    private var quoted = [[Int32]](repeating: [], count: quotesMax + 1)
    private let tokenizer: Tokenizer
    /// One more than the largest id.
    let tokenCount: Int

    /// Added tokens are left out, for decoding may drop them, and so are those that end a reply.
    ///
    /// - Throws: `ConstraintError.tokenizer` for a vocabulary of words, whose text depends on their
    ///   neighbours.
    public init(_ tokenizer: Tokenizer, endTokens: Set<Int32>) throws(ConstraintError) {
        if case .words = tokenizer.decoder { throw .tokenizer }
        self.tokenizer = tokenizer
        tokenCount = tokenizer.vocabularySize
        var pieces: [(bytes: [UInt8], id: Int32)] = []
        pieces.reserveCapacity(tokenCount)
        for id in 0..<Int32(tokenCount)
        where tokenizer.addedToken(id) == nil && !endTokens.contains(id) {
            let bytes = tokenizer.innerBytes(id)
            guard !bytes.isEmpty, bytes.count < Int(UInt16.max) else { continue }
            pieces.append((bytes, id))
            let quotes = bytes.count { $0 == UInt8(ascii: "\"") }
            for count in 0..<quotes where count < Self.quotesMax { quoted[count + 1].append(id) }
        }
        pieces.sort { left, right in
            left.bytes == right.bytes
                ? left.id < right.id : left.bytes.lexicographicallyPrecedes(right.bytes)
        }
        for (bytes, id) in pieces { insert(bytes, id) }
        for index in path { nodes[index].end = Int32(nodes.count) }
        nodes.append(Node(byte: 0, depth: 0, end: 0, firstToken: Int32(tokens.count)))
        (path, previous) = ([], [])
    }

    // The way to the last token, while tokens are added in order.
    private var path: [Int] = []
    private var previous: [UInt8] = []

    private mutating func insert(_ bytes: [UInt8], _ id: Int32) {
        let common = zip(bytes, previous).prefix { $0 == $1 }.count
        for index in path[common...] { nodes[index].end = Int32(nodes.count) }
        path.removeLast(path.count - common)
        for byte in bytes[common...] {
            path.append(nodes.count)
            nodes.append(
                Node(
                    byte: byte, depth: UInt16(path.count - 1), end: 0,
                    firstToken: Int32(tokens.count)))
        }
        tokens.append(id)
        depthMax = max(depthMax, path.count)
        previous = bytes
    }

    /// The text of a token behind other text. At the start of a reply a blank may be stripped; no
    /// value begins with one.
    func bytes(of token: Int32) -> [UInt8] { tokenizer.innerBytes(token) }

    /// Tokens with at least so many quotation marks.
    func tokens(withQuotes count: Int) -> [Int32] { quoted[min(count, Self.quotesMax)] }

    /// The tokens that `automaton` reads to their end from `state`, a bit each.
    func mask(_ automaton: inout ByteAutomaton, from state: ByteAutomaton.State) -> TokenMask {
        var mask = TokenMask(count: tokenCount)
        var states = [ByteAutomaton.State](repeating: state, count: depthMax + 1)
        nodes.withUnsafeBufferPointer { nodes in
            states.withUnsafeMutableBufferPointer { states in
                var index = 0
                while index < nodes.count - 1 {
                    let node = nodes[index]
                    let depth = Int(node.depth)
                    let reached = automaton.step(states[depth], node.byte)
                    if reached == ByteAutomaton.dead {
                        index = Int(node.end)
                        continue
                    }
                    states[depth + 1] = reached
                    index += 1
                    let end = nodes[index].firstToken
                    if node.firstToken < end {
                        mask.insert(tokens[Int(node.firstToken)..<Int(end)])
                    }
                }
            }
        }
        return mask
    }
}

/// A set of token ids.
struct TokenMask: Sendable {
    private var words: [UInt64]

    init(count: Int) { words = Array(repeating: 0, count: (count + 63) / 64) }

    mutating func insert(_ id: Int32) { words[Int(id) >> 6] |= 1 << UInt64(id & 63) }

    mutating func insert(_ ids: ArraySlice<Int32>) {
        for id in ids { insert(id) }
    }

    func contains(_ id: Int32) -> Bool {
        Int(id) >> 6 < words.count && words[Int(id) >> 6] >> UInt64(id & 63) & 1 == 1
    }

    var isEmpty: Bool { words.allSatisfy { $0 == 0 } }

    /// Sets the logits of all other tokens to minus infinity.
    func apply(to logits: UnsafeMutableBufferPointer<Float>) {
        for start in stride(from: 0, to: logits.count, by: 64) {
            let word = start >> 6 < words.count ? words[start >> 6] : 0
            if word == .max { continue }
            let part = logits[start..<min(start + 64, logits.count)]
            for index in part.indices where word >> UInt64(index - start) & 1 == 0 {
                logits[index] = -.infinity
            }
        }
    }
}
