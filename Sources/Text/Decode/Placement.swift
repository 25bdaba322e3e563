public import Kernels

/// Norms over each head of queries and of keys.
struct HeadNorms {
    let query: RMSNorm
    let key: RMSNorm
}

/// Where rows of hidden states belong.
public enum Placement {
    /// All rows follow one another, behind the tokens in the cache.
    case one(KVCache)
    /// Row i is the next token of cache i. The caches are of one shape and no two the same.
    case each([KVCache])

    /// Normalises and rotates queries and keys, stores keys and values, and lets every row see its past
    /// and itself.
    ///
    /// - Parameters:
    ///   - layer: index of the layer in the caches.
    ///   - query: [m, heads · headDim], of the last m <= n rows; all where rows are of many caches.
    ///   - key: [n, kvHeads · headDim], and `value` likewise.
    ///   - norms: of each head; nil for none.
    ///   - window: keys that a query sees, itself included; nil for all.
    ///   - out: [m, heads · headDim]
    func attend(
        layer: Int, query: Rows, key: Rows, value: Rows, rope: Rope, norms: HeadNorms?,
        heads: Int, scale: Float, window: Int? = nil, into out: Rows, on compute: Compute
    ) {
        let unasked = key.count - query.count
        forEach(key.count) { cache, rows in
            let asking = max(rows.lowerBound - unasked, 0)..<rows.upperBound - unasked
            cache.positions.rotate(
                query.rows(asking), norm: norms?.query,
                from: cache.length + rows.count - asking.count, with: rope)
            cache.positions.rotate(
                key.rows(rows), norm: norms?.key, from: cache.length, with: rope)
        }
        switch self {
        case .one(let cache):
            cache.attend(
                layer: layer, query: query, key: key, value: value, heads: heads, scale: scale,
                window: window, into: out)
        case .each(let caches):
            KVCache.attend(
                each: caches, layer: layer, query: query, key: key, value: value, heads: heads,
                scale: scale, window: window, into: out, on: compute)
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
