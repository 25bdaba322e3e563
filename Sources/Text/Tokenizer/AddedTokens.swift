/// A token that is cut out of the text before the model sees it.
struct AddedToken: Sendable, Equatable {
    var id: Int32
    var content: String
    /// Left out of decoded text on request; matched in text like every other added token.
    var special = false
    /// Matched after the normalizer ran over the text, with normalized content.
    var normalized = false
    /// Swallows white space before it.
    var stripsLeft = false
    /// Swallows white space behind it.
    var stripsRight = false
    /// Matches only between characters that are not part of a word.
    var singleWord = false
}

/// Finds added tokens in text: leftmost first, the longest of those that start together.
struct AddedTokenMatcher: Sendable {
    /// A stretch of the scanned bytes.
    enum Segment: Equatable {
        case text(Range<Int>)
        case token(Int32)
    }

    /// One level of the trie: what follows, and the token that ends here.
    private struct Node: Sendable {
        var next: [UInt8: Int] = [:]
        var token: Int?
    }

    private let tokens: [AddedToken]
    private var nodes: [Node] = [Node()]
    /// Whether some token starts with a byte; most text is passed over by this alone.
    private var starts = [Bool](repeating: false, count: 256)

    init(_ tokens: [AddedToken]) {
        self.tokens = tokens
        for (index, token) in tokens.enumerated() where !token.content.isEmpty {
            var node = 0
            for byte in token.content.utf8 {
                if let next = nodes[node].next[byte] {
                    node = next
                } else {
                    nodes.append(Node())
                    nodes[node].next[byte] = nodes.count - 1
                    node = nodes.count - 1
                }
            }
            // The first of two tokens with the same content keeps its id.
            if nodes[node].token == nil { nodes[node].token = index }
            if let first = token.content.utf8.first { starts[Int(first)] = true }
        }
    }

    var isEmpty: Bool { nodes.count == 1 }

    /// Calls `body` with the segments of `text` from left to right; no text segment is empty.
    func forEachSegment(in text: UnsafeRawBufferPointer, _ body: (Segment) -> Void) {
        var done = 0
        var index = 0
        while index < text.count {
            guard starts[Int(text[index])], let (token, end) = longest(in: text, at: index) else {
                index += 1
                continue
            }
            guard !token.singleWord || isAlone(text, index, end) else {
                index = end
                continue
            }
            let from = token.stripsLeft ? spaceStart(text, before: index, from: done) : index
            index = token.stripsRight ? spaceEnd(text, after: end) : end
            if from > done { body(.text(done..<from)) }
            body(.token(token.id))
            done = index
        }
        if done < text.count { body(.text(done..<text.count)) }
    }

    private func longest(
        in text: UnsafeRawBufferPointer, at start: Int
    ) -> (AddedToken, Int)? {
        var found: (AddedToken, Int)?
        var node = 0
        var index = start
        while index < text.count, let next = nodes[node].next[text[index]] {
            node = next
            index += 1
            if let token = nodes[node].token { found = (tokens[token], index) }
        }
        return found
    }

    private func isAlone(_ text: UnsafeRawBufferPointer, _ start: Int, _ end: Int) -> Bool {
        if start > 0, classes(UTF8Scan.scalar(text, before: start).0).contains(.word) {
            return false
        }
        return end == text.count || !classes(UTF8Scan.scalar(text, at: end).0).contains(.word)
    }

    private func classes(_ value: UInt32) -> ScalarClass {
        ScalarClass.withTable { ScalarClass(value, table: $0) }
    }

    private func spaceStart(
        _ text: UnsafeRawBufferPointer, before index: Int, from done: Int
    ) -> Int {
        var start = index
        while start > done {
            let (value, length) = UTF8Scan.scalar(text, before: start)
            guard classes(value).contains(.space) else { break }
            start -= length
        }
        return max(start, done)
    }

    private func spaceEnd(_ text: UnsafeRawBufferPointer, after index: Int) -> Int {
        var end = index
        while end < text.count {
            let (value, length) = UTF8Scan.scalar(text, at: end)
            guard classes(value).contains(.space) else { break }
            end += length
        }
        return end
    }
}
