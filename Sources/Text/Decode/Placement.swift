public import Kernels

/// Where rows of hidden states belong.
public enum Placement {
    /// All rows follow one another, behind the tokens in the cache.
    case one(KVCache)
    /// Row i is the next token of cache i. The caches are of one shape and no two the same.
    case each([KVCache])

    /// Rotates queries and keys, stores keys and values, and lets every row see its past and itself.
    ///
    /// - Parameters:
    ///   - layer: index of the layer in the caches.
    ///   - query: [m, heads · headDim], of the last m <= n rows; all where rows are of many caches.
    ///   - key: [n, kvHeads · headDim], and `value` likewise.
    ///   - window: keys that a query sees, itself included; nil for all.
    ///   - out: [m, heads · headDim]
    func attend(
        layer: Int, query: Rows, key: Rows, value: Rows, rope: Rope, heads: Int, scale: Float,
        window: Int? = nil, into out: Rows
    ) {
        let unasked = key.count - query.count
        forEach(key.count) { cache, rows in
            let asking = max(rows.lowerBound - unasked, 0)..<rows.upperBound - unasked
            let (query, key) = (query.rows(asking), key.rows(rows))
            let unasked = key.count - query.count
            cache.positions.rotate(query, from: cache.length + unasked, with: rope)
            cache.positions.rotate(key, from: cache.length, with: rope)
            cache.store(layer: layer, keys: key, values: value.rows(rows))
            cache.attend(
                layer: layer, query: query, behind: unasked, heads: heads, scale: scale,
                window: window, into: out.rows(asking))
        }
    }

    /// Counts `rowCount` rows, whose keys and values every layer has stored.
    func advance(by rowCount: Int) {
        forEach(rowCount) { cache, rows in cache.advance(by: rows.count) }
    }

    private func forEach(_ rowCount: Int, _ body: (KVCache, Range<Int>) -> Void) {
        switch self {
        case .one(let cache): body(cache, 0..<rowCount)
        case .each(let caches):
            require(caches.count == rowCount, "\(rowCount) rows for \(caches.count) caches")
            for (row, cache) in caches.enumerated() { body(cache, row..<row + 1) }
        }
    }
}
