/// BERT's model: the longest piece that begins the word, then the longest continuation, and so on.
///
/// Source: the `WordpieceTokenizer` of the BERT release (Devlin et al. 2018).
struct WordPiece: Sendable {
    let vocabulary: Vocabulary
    let unknown: Int32
    /// Written before every piece that continues a word, usually `##`.
    let continuation: [UInt8]
    /// Longer words become the unknown token.
    let wordScalarsMax: Int

    /// Appends the ids of `word`.
    func encode(_ word: UnsafeRawBufferPointer, into ids: inout [Int32]) {
        let scalars = word.count { $0 & 0xC0 != 0x80 }
        guard scalars <= wordScalarsMax else {
            ids.append(unknown)
            return
        }
        let before = ids.count
        var start = 0
        var key: [UInt8] = []
        while start < word.count {
            var end = word.count
            var found: Int32?
            while end > start, found == nil {
                key.removeAll(keepingCapacity: true)
                if start > 0 { key.append(contentsOf: continuation) }
                key.append(contentsOf: word[start..<end])
                found = vocabulary.id(of: key)
                if found == nil {
                    repeat { end -= 1 } while end > start && word[end] & 0xC0 == 0x80
                }
            }
            guard let found else {
                ids.removeLast(ids.count - before)
                ids.append(unknown)
                return
            }
            ids.append(found)
            start = end
        }
    }
}
