/// Ids of words seen before. A text repeats its words, and a look-up is ten times faster than the
/// merges. Each word has one slot; a newcomer takes it over.
struct WordCache: Sendable {
    /// Longer words do not repeat.
    static let wordBytesMax = 48
    private static let slotCount = 1 << 14
    /// All is forgotten when the stored words and ids reach this.
    private static let arenaMax = 1 << 20

    private struct Slot: Sendable {
        var hash: UInt64 = 0
        var keyStart: UInt32 = 0
        var idStart: UInt32 = 0
        var keyCount: UInt16 = 0
        var idCount: UInt16 = 0
    }

    private var slots = [Slot](repeating: Slot(), count: slotCount)
    private var keys: [UInt8] = []
    private var stored: [Int32] = []

    /// Appends the ids of a word that is known; returns false for others.
    func append(_ word: UnsafeRawBufferPointer, hash: UInt64, to ids: inout [Int32]) -> Bool {
        let slot = slots[Int(truncatingIfNeeded: hash) & (Self.slotCount - 1)]
        guard slot.hash == hash, Int(slot.keyCount) == word.count else { return false }
        let start = Int(slot.keyStart)
        for index in 0..<word.count where keys[start + index] != word[index] { return false }
        let idStart = Int(slot.idStart)
        for index in idStart..<idStart + Int(slot.idCount) { ids.append(stored[index]) }
        return true
    }

    /// Remembers a word of at most `wordBytesMax` bytes.
    mutating func store(_ word: UnsafeRawBufferPointer, hash: UInt64, ids: ArraySlice<Int32>) {
        if keys.count + stored.count > Self.arenaMax {
            keys.removeAll(keepingCapacity: true)
            stored.removeAll(keepingCapacity: true)
            slots = [Slot](repeating: Slot(), count: Self.slotCount)
        }
        slots[Int(truncatingIfNeeded: hash) & (Self.slotCount - 1)] = Slot(
            hash: hash, keyStart: UInt32(keys.count), idStart: UInt32(stored.count),
            keyCount: UInt16(word.count), idCount: UInt16(ids.count))
        keys.append(contentsOf: word)
        stored.append(contentsOf: ids)
    }
}
