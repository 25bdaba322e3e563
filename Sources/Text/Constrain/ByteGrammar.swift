/// A set of bytes.
struct ByteSet: Hashable, Sendable {
    private var words = SIMD4<UInt64>.zero

    init(_ ranges: ClosedRange<UInt8>...) {
        for range in ranges { for byte in range { insert(byte) } }
    }

    init(_ byte: UInt8) { insert(byte) }

    mutating func insert(_ byte: UInt8) { words[Int(byte >> 6)] |= 1 << UInt64(byte & 63) }

    mutating func remove(_ byte: UInt8) { words[Int(byte >> 6)] &= ~(1 << UInt64(byte & 63)) }

    func contains(_ byte: UInt8) -> Bool { words[Int(byte >> 6)] >> UInt64(byte & 63) & 1 == 1 }

    var isEmpty: Bool { words == .zero }
}

/// A context-free grammar over bytes, as a graph: a rule is entered by a call and left by `leave`.
///
/// Built back to front: every `add` takes the node that follows and returns the node to begin at, so
/// that nothing is patched but the entries of recursive rules.
struct ByteGrammar: Sendable {
    typealias Node = Int32
    typealias Rule = Int32

    enum Step: Sendable, Equatable {
        /// One byte of the set, then the node.
        case bytes(ByteSet, Node)
        /// Any of the nodes.
        case either([Node])
        /// The whole of a rule, then the node.
        case call(Rule, Node)
        /// The end of a rule.
        case leave
    }

    /// Most nodes of a grammar: what large repeat counts multiply to is refused beyond it.
    static let nodesMax = 400_000

    private(set) var steps: [Step] = [.leave]
    private(set) var entries: [Node] = []

    /// The node that ends a rule.
    static let end: Node = 0

    var isTooLarge: Bool { steps.count > Self.nodesMax }

    mutating func add(_ step: Step) -> Node {
        steps.append(step)
        return Node(steps.count - 1)
    }

    mutating func bytes(_ set: ByteSet, then next: Node) -> Node { add(.bytes(set, next)) }

    mutating func literal(_ text: String, then next: Node) -> Node {
        text.utf8.reversed().reduce(next) { node, byte in bytes(ByteSet(byte), then: node) }
    }

    /// Any of the words; common beginnings are shared, so that a long list is no crowd of places.
    mutating func words(_ words: [[UInt8]], then next: Node) -> Node {
        // At each depth of the last word, the nodes that are known to follow there.
        var levels: [[Node]] = [[]]
        var last: [UInt8] = []
        func close(_ grammar: inout ByteGrammar, downTo depth: Int) {
            while levels.count > depth + 1 {
                let node = grammar.either(levels.removeLast())
                let byte = ByteSet(last[levels.count - 1])
                levels[levels.count - 1].append(grammar.bytes(byte, then: node))
            }
        }
        for word in Set(words).sorted(by: { $0.lexicographicallyPrecedes($1) }) {
            close(&self, downTo: zip(word, last).prefix { $0 == $1 }.count)
            while levels.count <= word.count { levels.append([]) }
            levels[word.count].append(next)
            last = word
        }
        close(&self, downTo: 0)
        return either(levels[0])
    }

    /// Any of the nodes; of none, what no text passes.
    mutating func either(_ nodes: [Node]) -> Node {
        nodes.count == 1 ? nodes[0] : add(.either(nodes))
    }

    mutating func call(_ rule: Rule, then next: Node) -> Node { add(.call(rule, next)) }

    /// A rule whose entry is set later by `define`.
    mutating func declareRule() -> Rule {
        entries.append(Self.end)
        return Rule(entries.count - 1)
    }

    mutating func define(_ rule: Rule, _ entry: Node) { entries[Int(rule)] = entry }

    /// A rule that begins at a node.
    mutating func rule(_ entry: Node) -> Rule {
        let rule = declareRule()
        define(rule, entry)
        return rule
    }

    /// `body` between `least` and `most` times; nil for no limit. `body` builds one copy that goes
    /// on to the node it is given.
    mutating func repeated(
        _ least: Int, _ most: Int?, then next: Node,
        _ body: (inout ByteGrammar, Node) -> Node
    ) -> Node {
        var node = next
        if let most {
            var optional = max(most - least, 0)
            while optional > 0, !isTooLarge {
                node = either([body(&self, node), next])
                optional -= 1
            }
        } else {
            let loop = add(.either([next]))
            let start = body(&self, loop)
            steps[Int(loop)] = .either([start, next])
            node = loop
        }
        var required = least
        while required > 0, !isTooLarge {
            node = body(&self, node)
            required -= 1
        }
        return node
    }
}

// What is to be known about a grammar before anything is read by it.
extension ByteGrammar {
    /// The height of a node from which no text ends.
    static let endless = UInt8.max

    /// For each node, how many calls inside each other the flattest text to the end of its rule
    /// takes; `endless` where that is more than `limit` or there is no such text, as in
    /// `{"a": <itself>}`.
    func heights(limit: UInt8) -> [UInt8] {
        var heights = [UInt8](repeating: Self.endless, count: steps.count)
        for height in 0...limit {
            var isAnyFound = false
            // Up and down in turn: bodies follow earlier nodes, chains of rules later ones.
            var (isUpward, idlePasses) = (true, 0)
            while idlePasses < 2 {
                var isChanged = false
                for place in steps.indices {
                    let index = isUpward ? place : steps.count - 1 - place
                    guard heights[index] == Self.endless, ends(index, at: height, heights) else {
                        continue
                    }
                    heights[index] = height
                    isChanged = true
                }
                isAnyFound = isAnyFound || isChanged
                idlePasses = isChanged ? 0 : idlePasses + 1
                isUpward.toggle()
            }
            if !isAnyFound { break }
        }
        return heights
    }

    /// Whether a text from a node ends with so many calls, given what is known of other nodes.
    private func ends(_ index: Int, at height: UInt8, _ heights: [UInt8]) -> Bool {
        switch steps[index] {
        case .bytes(let set, let next): !set.isEmpty && heights[Int(next)] <= height
        case .either(let nodes): nodes.contains { heights[Int($0)] <= height }
        case .call(let rule, let next):
            // A call at the end of a rule replaces its caller.
            heights[Int(next)] <= height
                && heights[Int(entries[Int(rule)])] < (next == Self.end ? height + 1 : height)
        case .leave: true
        }
    }

    /// A rule that can call itself before it has read a byte: reading it would not end.
    func ruleWithoutProgress() -> Rule? {
        let calls = entries.map { firstCalls(from: $0) }
        // Depth first, without recursion: a chain may be as long as the schema.
        var isDone = [Bool](repeating: false, count: entries.count)
        var isOpen = isDone
        for root in entries.indices where !isDone[root] {
            var path: [(rule: Int, next: Int)] = [(root, 0)]
            isOpen[root] = true
            while let (rule, next) = path.last {
                guard next < calls[rule].count else {
                    isOpen[rule] = false
                    isDone[rule] = true
                    path.removeLast()
                    continue
                }
                path[path.count - 1].next += 1
                let called = calls[rule][next]
                if isOpen[called] { return Rule(called) }
                if !isDone[called] {
                    isOpen[called] = true
                    path.append((called, 0))
                }
            }
        }
        return nil
    }

    /// The rules that can be called from a node before a byte is read. A called rule counts as one
    /// that may read nothing, which is careful: white space is all that does.
    private func firstCalls(from entry: Node) -> [Int] {
        var open = [entry]
        var seen: Set<Node> = []
        var calls: Set<Int> = []
        while let node = open.popLast() {
            guard seen.insert(node).inserted else { continue }
            switch steps[Int(node)] {
            case .bytes, .leave: break
            case .either(let nodes): open.append(contentsOf: nodes)
            case .call(let rule, let next):
                calls.insert(Int(rule))
                open.append(next)
            }
        }
        return calls.sorted()
    }
}
