/// Byte pair encoding of one word: symbols are joined pair by pair, always the pair that was
/// learned first, until no known pair is left.
///
/// Source: Sennrich, Haddow, Birch 2016, "Neural machine translation of rare words with subword
/// units", section 3.2; the fallback to bytes is SentencePiece's.
struct BytePair: Sendable {
    /// What a word starts from.
    enum Units: Sendable {
        /// One symbol per byte; the id of each byte, -1 where the vocabulary lacks it.
        case bytes([Int32])
        /// One symbol per Unicode scalar. A scalar outside the vocabulary becomes the ids of its
        /// UTF-8 bytes, when `fallback` holds all of them.
        case scalars(fallback: [Int32])
    }

    /// Words of more symbols go through a heap, O(n log n); a scan is faster below.
    private static let scanSymbolsMax = 48

    let vocabulary: Vocabulary
    let merges: MergeTable
    let units: Units
    let unknown: Int32?
    /// Adjacent unknown symbols become one.
    let fusesUnknown: Bool
    /// A word that is a piece is taken whole, whatever the merges say.
    let ignoresMerges: Bool

    /// Memory that is reused from word to word.
    struct Scratch: Sendable {
        var symbols: [Int32] = []
        var pairs: [UInt64] = []
        var next: [Int32] = []
        var previous: [Int32] = []
        var heap = PairHeap()
    }

    /// Appends the ids of `word`.
    func encode(
        _ word: UnsafeRawBufferPointer, into ids: inout [Int32], scratch: inout Scratch
    ) {
        if ignoresMerges, let id = vocabulary.id(of: word) {
            ids.append(id)
            return
        }
        scratch.symbols.removeAll(keepingCapacity: true)
        appendUnits(of: word, to: &scratch.symbols)
        if scratch.symbols.count <= Self.scanSymbolsMax {
            mergeByScan(&scratch)
        } else {
            mergeByHeap(&scratch)
        }
        ids.append(contentsOf: scratch.symbols)
    }

    private func appendUnits(of word: UnsafeRawBufferPointer, to symbols: inout [Int32]) {
        switch units {
        case .bytes(let table):
            for byte in word { append(table[Int(byte)], to: &symbols) }
        case .scalars(let fallback):
            var index = 0
            while index < word.count {
                let length = min(UTF8Scan.length(word[index]), word.count - index)
                let scalar = UnsafeRawBufferPointer(rebasing: word[index..<index + length])
                if let id = vocabulary.id(of: scalar) {
                    symbols.append(id)
                } else if !fallback.isEmpty, scalar.allSatisfy({ fallback[Int($0)] >= 0 }) {
                    symbols.append(contentsOf: scalar.map { fallback[Int($0)] })
                } else {
                    append(-1, to: &symbols)
                }
                index += length
            }
        }
    }

    private func append(_ id: Int32, to symbols: inout [Int32]) {
        if id >= 0 {
            symbols.append(id)
        } else if let unknown, !(fusesUnknown && symbols.last == unknown) {
            symbols.append(unknown)
        }
    }

    private func mergeByScan(_ scratch: inout Scratch) {
        var count = scratch.symbols.count
        guard count > 1 else { return }
        scratch.pairs.removeAll(keepingCapacity: true)
        for index in 1..<count {
            scratch.pairs.append(
                merges.find(scratch.symbols[index - 1], scratch.symbols[index]))
        }
        while count > 1 {
            var best = 0
            for index in 1..<count - 1 where scratch.pairs[index] < scratch.pairs[best] {
                best = index
            }
            let merge = scratch.pairs[best]
            if merge == MergeTable.none { break }
            scratch.symbols[best] = MergeTable.merged(merge)
            scratch.symbols.remove(at: best + 1)
            scratch.pairs.remove(at: best)
            count -= 1
            if best > 0 {
                scratch.pairs[best - 1] = merges.find(
                    scratch.symbols[best - 1], scratch.symbols[best])
            }
            if best + 1 < count {
                scratch.pairs[best] = merges.find(
                    scratch.symbols[best], scratch.symbols[best + 1])
            }
        }
    }

    private func mergeByHeap(_ scratch: inout Scratch) {
        let count = scratch.symbols.count
        scratch.next = (1...Int32(count)).map { $0 }
        scratch.previous = (-1..<Int32(count) - 1).map { $0 }
        scratch.heap.removeAll()
        for index in 0..<count - 1 { push(index, index + 1, &scratch) }
        while let (merge, position) = scratch.heap.pop() {
            let left = Int(position)
            let right = Int(scratch.next[left])
            // Entries are not removed when their symbols change, so each is checked when it comes.
            guard scratch.symbols[left] >= 0, right < count,
                merges.find(scratch.symbols[left], scratch.symbols[right]) == merge
            else { continue }
            scratch.symbols[left] = MergeTable.merged(merge)
            scratch.symbols[right] = -1
            let after = Int(scratch.next[right])
            scratch.next[left] = Int32(after)
            if after < count {
                scratch.previous[after] = position
                push(left, after, &scratch)
            }
            let before = Int(scratch.previous[left])
            if before >= 0 { push(before, left, &scratch) }
        }
        scratch.symbols.removeAll { $0 < 0 }
    }

    private func push(_ left: Int, _ right: Int, _ scratch: inout Scratch) {
        let merge = merges.find(scratch.symbols[left], scratch.symbols[right])
        if merge != MergeTable.none { scratch.heap.push(merge, Int32(left)) }
    }
}

/// Learned pairs: two symbols to rank and merged symbol.
struct MergeTable: Sendable {
    /// What `find` answers for an unknown pair; larger than every merge.
    static let none = UInt64.max

    private struct Entry: Sendable {
        var key = UInt64.max
        var merge = MergeTable.none
    }

    /// Hash table with linear probing; no pair has the key of an empty entry.
    private var entries: [Entry]

    /// A table with room for `count` pairs.
    init(count: Int) {
        var capacity = 64
        while capacity * 3 < count * 4 { capacity *= 2 }
        entries = Array(repeating: Entry(), count: capacity)
    }

    /// Adds a pair; of a repeated pair the later rank counts, as in the reference.
    mutating func insert(_ left: Int32, _ right: Int32, rank: Int, merged: Int32) {
        let key = Self.key(left, right)
        entries[slot(key)] = Entry(key: key, merge: UInt64(rank) << 32 | UInt64(merged))
    }

    /// The merge of a pair, ordered by rank; `none` for an unknown pair.
    func find(_ left: Int32, _ right: Int32) -> UInt64 {
        entries[slot(Self.key(left, right))].merge
    }

    /// The symbol a merge yields.
    static func merged(_ merge: UInt64) -> Int32 {
        Int32(truncatingIfNeeded: merge & 0xFFFF_FFFF)
    }

    private static func key(_ left: Int32, _ right: Int32) -> UInt64 {
        UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
    }

    private func slot(_ key: UInt64) -> Int {
        let mask = entries.count - 1
        var slot = Int(truncatingIfNeeded: ByteHash.hash(key)) & mask
        while entries[slot].key != key, entries[slot].key != .max { slot = (slot + 1) & mask }
        return slot
    }
}

/// A binary heap of merges, lowest rank first, leftmost first among equals.
struct PairHeap: Sendable {
    private var entries: [(merge: UInt64, position: Int32)] = []

    mutating func removeAll() { entries.removeAll(keepingCapacity: true) }

    mutating func push(_ merge: UInt64, _ position: Int32) {
        entries.append((merge, position))
        var child = entries.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard precedes(child, parent) else { return }
            entries.swapAt(child, parent)
            child = parent
        }
    }

    mutating func pop() -> (merge: UInt64, position: Int32)? {
        guard let top = entries.first, let last = entries.popLast() else { return nil }
        if entries.isEmpty { return top }
        entries[0] = last
        var parent = 0
        while true {
            var child = 2 * parent + 1
            guard child < entries.count else { return top }
            if child + 1 < entries.count, precedes(child + 1, child) { child += 1 }
            guard precedes(child, parent) else { return top }
            entries.swapAt(child, parent)
            parent = child
        }
    }

    private func precedes(_ left: Int, _ right: Int) -> Bool {
        let (left, right) = (entries[left], entries[right])
        return left.merge != right.merge
            ? left.merge < right.merge : left.position < right.position
    }
}
