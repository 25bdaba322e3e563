import Kernels

/// Characters inside a JSON string.
extension ByteGrammar {
    /// Characters with an escape of two bytes, and its second byte. Others below 0x20 have only
    /// `\u00XX`, which the sets here do not spell: one scalar, one spelling.
    private static let escapes: [(scalar: UInt32, byte: UInt8)] = [
        (0x22, 0x22), (0x5C, 0x5C), (0x08, 0x62), (0x09, 0x74), (0x0A, 0x6E), (0x0C, 0x66),
        (0x0D, 0x72),
    ]

    /// Scalars that stand for themselves.
    private static let plain = ScalarSet([0x20...0x21, 0x23...0x5B, 0x5D...0x10FFFF])
    private static let hex = ByteSet(0x30...0x39, 0x41...0x46, 0x61...0x66)

    /// One character of the set, raw or as its short escape.
    mutating func character(_ set: ScalarSet, then next: Node) -> Node {
        var nodes: [Node] = []
        var escaped = ByteSet()
        for (scalar, byte) in Self.escapes
        where set.ranges.contains(where: { $0.contains(scalar) }) {
            escaped.insert(byte)
        }
        if !escaped.isEmpty {
            nodes.append(bytes(ByteSet(0x5C), then: bytes(escaped, then: next)))
        }
        var single = ByteSet()
        var tails: [[ClosedRange<UInt8>]: Node] = [:]
        let raw = set.subtracting(Self.plain.inverted)
        for sequence in raw.ranges.flatMap(UTF8Range.spelling) {
            guard sequence.bytes.count > 1 else {
                sequence.bytes[0].forEach { single.insert($0) }
                continue
            }
            // Sequences with the same tail share it.
            var node = next
            for index in sequence.bytes.indices.dropFirst().reversed() {
                let tail = Array(sequence.bytes[index...])
                node = tails[tail] ?? bytes(ByteSet(sequence.bytes[index]), then: node)
                tails[tail] = node
            }
            nodes.append(bytes(ByteSet(sequence.bytes[0]), then: node))
        }
        if !single.isEmpty { nodes.append(bytes(single, then: next)) }
        return either(nodes)
    }

    /// One character in any spelling that JSON has, surrogates in pairs.
    mutating func anyCharacter(then next: Node) -> Node {
        func hex(_ count: Int, _ grammar: inout ByteGrammar, then next: Node) -> Node {
            (0..<count).reduce(next) { node, _ in grammar.bytes(Self.hex, then: node) }
        }
        let d = ByteSet(0x44...0x44, 0x64...0x64)
        let low = bytes(
            d, then: bytes(ByteSet(0x43...0x46, 0x63...0x66), then: hex(2, &self, then: next)))
        let pair = hex(2, &self, then: literal("\\u", then: low))
        let high = bytes(d, then: bytes(ByteSet(0x38...0x39, 0x41...0x42, 0x61...0x62), then: pair))
        let other = bytes(
            ByteSet(0x30...0x39, 0x41...0x43, 0x45...0x46, 0x61...0x63, 0x65...0x66),
            then: hex(3, &self, then: next))
        let below = bytes(d, then: bytes(ByteSet(0x30...0x37), then: hex(2, &self, then: next)))
        let number = either([other, below, high])
        var short = ByteSet()
        for byte in "\"\\/bfnrt".utf8 { short.insert(byte) }
        let escape = either([
            bytes(short, then: next), bytes(ByteSet(UInt8(ascii: "u")), then: number),
        ])
        return either([
            character(Self.plain, then: next), bytes(ByteSet(0x5C), then: escape),
        ])
    }

    /// A JSON string that is none of `names`, in which a character has one spelling.
    mutating func key(noneOf names: [String], then next: Node) -> Node {
        let quote = bytes(ByteSet(0x22), then: next)
        let rest = repeated(0, nil, then: quote) { $0.character(.all, then: $1) }
        let tree = NameTree(names)
        return bytes(ByteSet(0x22), then: others(tree, rest: rest, quote: quote))
    }

    private mutating func others(_ tree: NameTree, rest: Node, quote: Node) -> Node {
        let known = ScalarSet(tree.children.keys)
        var nodes = [character(known.inverted, then: rest)]
        if !tree.isName { nodes.append(quote) }
        for (scalar, child) in tree.children.sorted(by: { $0.key < $1.key }) {
            let below = others(child, rest: rest, quote: quote)
            nodes.append(character(ScalarSet([scalar]), then: below))
        }
        return either(nodes)
    }

    /// A value in its one spelling.
    mutating func value(_ value: JSONValue, then next: Node) -> Node {
        literal(value.serialized(.compact), then: next)
    }
}

/// Names by their scalars.
private struct NameTree {
    var isName = false
    var children: [Unicode.Scalar: NameTree] = [:]

    init(_ names: [String]) {
        for name in names { insert(Array(name.unicodeScalars)[...]) }
    }

    private mutating func insert(_ name: ArraySlice<Unicode.Scalar>) {
        guard let first = name.first else {
            isName = true
            return
        }
        children[first, default: NameTree([])].insert(name.dropFirst())
    }
}
