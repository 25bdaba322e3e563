/// The pieces of a model: id to bytes and bytes to id, in flat arrays.
///
/// 150,000 Swift strings in a dictionary take longer to build than a model may take to open, so the
/// bytes of all pieces lie in one arena and the hash table holds ids.
struct Vocabulary: Sendable {
    /// Largest id that is believed; larger ones are taken for a damaged file.
    static let idMax = 1 << 24

    /// The bytes of all pieces, one after another.
    private var arena: [UInt8] = []
    private var spans: [Span] = []
    /// Hash table with linear probing: high half a part of the hash, low half id + 1, 0 for empty.
    private var slots: [UInt64] = [0]
    private var findable: [Int32] = []

    /// One more than the largest id.
    var idCount: Int { spans.count }

    /// Where a piece lies in the arena; `none` marks an id without a piece.
    private struct Span: Sendable, Equatable {
        static let none = Span(start: .max, end: .max)
        var start: UInt32
        var end: UInt32
        var range: Range<Int> { Int(start)..<Int(end) }
    }

    /// Adds a piece by its bytes. A piece that is not `findable` can be printed, but `id(of:)` does
    /// not see it. Returns false when the id is taken or out of range.
    mutating func add(id: Int, bytes: some Collection<UInt8>, findable isFindable: Bool) -> Bool {
        guard id >= 0, id <= Self.idMax else { return false }
        if id >= spans.count {
            spans.append(contentsOf: repeatElement(.none, count: id + 1 - spans.count))
        }
        guard spans[id] == .none else { return false }
        let start = UInt32(arena.count)
        arena.append(contentsOf: bytes)
        spans[id] = Span(start: start, end: UInt32(arena.count))
        if isFindable { findable.append(Int32(id)) }
        return true
    }

    /// Builds the hash table once all pieces are added. Returns an id whose piece occurs twice.
    mutating func seal() -> Int32? {
        var capacity = 64
        while capacity < findable.count * 2 { capacity *= 2 }
        slots = Array(repeating: 0, count: capacity)
        for id in findable {
            guard insert(id) else { return id }
        }
        findable = []
        return nil
    }

    private mutating func insert(_ id: Int32) -> Bool {
        let mask = slots.count - 1
        let range = spans[Int(id)].range
        return arena.withUnsafeBytes { arena in
            let key = UnsafeRawBufferPointer(rebasing: arena[range])
            let hash = ByteHash.hash(key)
            var slot = Int(truncatingIfNeeded: hash) & mask
            while slots[slot] != 0 {
                if slots[slot] >> 32 == hash >> 32,
                    ByteHash.equal(key, bytes(of: slots[slot], in: arena))
                {
                    return false
                }
                slot = (slot + 1) & mask
            }
            slots[slot] = (hash >> 32) << 32 | UInt64(id + 1)
            return true
        }
    }

    /// The id of the piece with these bytes.
    func id(of key: UnsafeRawBufferPointer) -> Int32? {
        let hash = ByteHash.hash(key)
        let mask = slots.count - 1
        var slot = Int(truncatingIfNeeded: hash) & mask
        return arena.withUnsafeBytes { arena in
            while slots[slot] != 0 {
                if slots[slot] >> 32 == hash >> 32,
                    ByteHash.equal(key, bytes(of: slots[slot], in: arena))
                {
                    return Int32(truncatingIfNeeded: slots[slot] & 0xFFFF_FFFF) - 1
                }
                slot = (slot + 1) & mask
            }
            return nil
        }
    }

    /// The id of the piece with these bytes.
    func id(of key: [UInt8]) -> Int32? { key.withUnsafeBytes { id(of: $0) } }

    /// The bytes of a piece; nil for an id without one.
    func bytes(of id: Int32) -> ArraySlice<UInt8>? {
        guard id >= 0, Int(id) < spans.count, spans[Int(id)] != .none else { return nil }
        return arena[spans[Int(id)].range]
    }

    private func bytes(
        of slot: UInt64, in arena: UnsafeRawBufferPointer
    ) -> UnsafeRawBufferPointer {
        let id = Int(slot & 0xFFFF_FFFF) - 1
        return UnsafeRawBufferPointer(rebasing: arena[spans[id].range])
    }
}
