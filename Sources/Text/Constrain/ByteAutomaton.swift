/// Runs a `ByteGrammar` over bytes: all ways to read them are followed at once.
///
/// A state is the set of places (node, stack of callers) reached so far. Stacks and states are
/// numbered as they are met, so that equal ones are the same number, and steps are remembered: a
/// byte costs one look into a table wherever the automaton has been before. Ways that cannot end
/// within `depthMax` calls are not taken, so every state but `dead` can be completed.
struct ByteAutomaton: Sendable {
    typealias State = Int32

    /// The state that accepts nothing more and is no end.
    static let dead: State = -1
    /// Most calls inside each other: a bound on the nesting of recursive schemas, chosen below what
    /// readers of JSON take.
    static let depthMax: UInt8 = 64
    /// Most places of a state. Alternatives that begin alike and recurse double them at each level;
    /// what is left out beyond this is a part of the texts, never the last way to end one.
    static let placesMax = 1024
    /// Most states that are remembered, of up to 1 KiB each.
    static let statesMax = 16_384

    private static let unknown: State = -2
    private static let bottom: Int32 = -1

    private struct Place: Hashable, Sendable {
        var node: ByteGrammar.Node
        var stack: Int32
    }

    private let grammar: ByteGrammar
    private let heights: [UInt8]
    private let classes: ByteClasses
    /// Where to go on, and the stack below.
    private var stacks: [Place] = []
    private var stackNumbers: [Place: Int32] = [:]
    private var depths: [UInt8] = []
    private var places: [[Place]] = []
    private var isEnd: [Bool] = []
    private var numbers: [[Place]: State] = [:]
    /// [states, classes].
    private var next: [State] = []

    /// The state before the first byte; `dead` where no text is complete.
    private(set) var start: State = Self.dead

    init(_ grammar: ByteGrammar, root: ByteGrammar.Rule) {
        self.grammar = grammar
        heights = grammar.heights(limit: Self.depthMax)
        classes = ByteClasses(grammar)
        start = closed([Place(node: grammar.entries[Int(root)], stack: Self.bottom)])
    }

    var isFull: Bool { places.count > Self.statesMax }

    /// Whether the text so far is complete.
    func isComplete(_ state: State) -> Bool { state >= 0 && isEnd[Int(state)] }

    /// Whether a byte can follow.
    func canContinue(_ state: State) -> Bool {
        state >= 0 && places[Int(state)].contains { $0.node != ByteGrammar.end }
    }

    /// Runs half a million times for a mask: what is known is one look into a table.
    @inline(__always)
    mutating func step(_ state: State, _ byte: UInt8) -> State {
        guard state >= 0 else { return Self.dead }
        let slot = Int(state) * classes.count + classes[byte]
        let known = next[slot]
        return known != Self.unknown ? known : firstStep(state, byte, slot: slot)
    }

    private mutating func firstStep(_ state: State, _ byte: UInt8, slot: Int) -> State {
        var reached: [Place] = []
        for place in places[Int(state)] {
            if case .bytes(let set, let node) = grammar.steps[Int(place.node)], set.contains(byte) {
                reached.append(Place(node: node, stack: place.stack))
            }
        }
        let result = closed(reached)
        next[slot] = result
        return result
    }

    /// Forgets all states but one, which gets a new number; `start` is met anew.
    mutating func forget(allBut state: State) -> State {
        let kept = state >= 0 ? places[Int(state)] : []
        let first = start >= 0 ? places[Int(start)] : []
        places.removeAll()
        isEnd.removeAll()
        numbers.removeAll()
        next.removeAll()
        start = number(first)
        return number(kept)
    }

    /// The state of everything that is reached from `open` without a byte.
    private mutating func closed(_ open: [Place]) -> State {
        var open = open
        var seen = Set<Place>()
        var found: [Place] = []
        while found.count < Self.placesMax, let place = open.popLast() {
            guard canEnd(place), seen.insert(place).inserted else { continue }
            switch grammar.steps[Int(place.node)] {
            case .bytes: found.append(place)
            case .either(let nodes):
                open.append(contentsOf: nodes.map { Place(node: $0, stack: place.stack) })
            case .call(let rule, let node):
                let stack = pushed(Place(node: node, stack: place.stack))
                open.append(Place(node: grammar.entries[Int(rule)], stack: stack))
            case .leave:
                if place.stack == Self.bottom {
                    found.append(place)
                } else {
                    open.append(stacks[Int(place.stack)])
                }
            }
        }
        found.sort { ($0.node, $0.stack) < ($1.node, $1.stack) }
        return number(found)
    }

    private func depth(_ stack: Int32) -> UInt8 { stack == Self.bottom ? 0 : depths[Int(stack)] }

    private func canEnd(_ place: Place) -> Bool {
        let height = heights[Int(place.node)]
        return height != ByteGrammar.endless && depth(place.stack) + height <= Self.depthMax
    }

    private mutating func pushed(_ place: Place) -> Int32 {
        // A call at the end of a rule needs no way back to it: right recursion stays flat.
        if place.node == ByteGrammar.end { return place.stack }
        if let number = stackNumbers[place] { return number }
        let number = Int32(stacks.count)
        depths.append(depth(place.stack) + 1)
        stacks.append(place)
        stackNumbers[place] = number
        return number
    }

    private mutating func number(_ found: [Place]) -> State {
        if found.isEmpty { return Self.dead }
        if let number = numbers[found] { return number }
        let number = State(places.count)
        numbers[found] = number
        places.append(found)
        isEnd.append(found.contains { $0.node == ByteGrammar.end })
        next.append(contentsOf: repeatElement(Self.unknown, count: classes.count))
        return number
    }
}

/// Bytes that no set of a grammar tells apart, under one number.
private struct ByteClasses: Sendable {
    private var numbers = [UInt8](repeating: 0, count: 256)
    private(set) var count = 1

    init(_ grammar: ByteGrammar) {
        var sets: Set<ByteSet> = []
        for case .bytes(let set, _) in grammar.steps { sets.insert(set) }
        var labels = [Int](repeating: 0, count: 256)
        var labelCount = 1
        for set in sets {
            var split: [Int: Int] = [:]
            for byte in 0..<256 where set.contains(UInt8(byte)) {
                let label = split[labels[byte]] ?? labelCount
                if label == labelCount { labelCount += 1 }
                split[labels[byte]] = label
                labels[byte] = label
            }
        }
        var known: [Int: UInt8] = [:]
        for byte in 0..<256 {
            let number = known[labels[byte]] ?? UInt8(known.count)
            known[labels[byte]] = number
            numbers[byte] = number
        }
        count = known.count
    }

    subscript(byte: UInt8) -> Int { Int(numbers[Int(byte)]) }
}
