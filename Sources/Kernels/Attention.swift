internal import CKernels

/// Attention without a cache, for encoders.
public enum Attention {
    /// Full bidirectional attention inside consecutive windows of `windowTokens` rows, none across.
    ///
    /// - Parameters:
    ///   - query: [n, heads · headDim]; `key` and `value` likewise.
    ///   - out: [n, heads · headDim]
    public static func windows(
        of windowTokens: Int, query: Rows, key: Rows, value: Rows, heads: Int,
        quantized: Bool = false, into out: Rows, on compute: Compute
    ) {
        let starts = stride(from: 0, to: query.count, by: windowTokens)
        sequences(
            starts.map { $0..<min($0 + windowTokens, query.count) }, query: query, key: key,
            value: value, heads: heads, quantized: quantized, into: out, on: compute)
    }

    /// Attention inside each sequence of rows, none across.
    ///
    /// - Parameters:
    ///   - sequences: ranges of rows; rows in none of them are left as they are.
    ///   - query: [n, heads · headDim]
    ///   - key: [n, kvHeads · headDim], and `value` likewise; heads is a multiple of kvHeads.
    ///   - causal: a row sees only itself and the rows of its sequence before it.
    ///   - quantized: the products around it are of quantized weights; fast arithmetic may then
    ///     round to 8 bits here too (Zhang et al. 2024, SageAttention).
    ///   - out: [n, heads · headDim]
    public static func sequences(
        _ sequences: [Range<Int>], query: Rows, key: Rows, value: Rows, heads: Int,
        causal: Bool = false, quantized: Bool = false, into out: Rows, on compute: Compute
    ) {
        let headDim = query.columns / heads
        require(headDim * heads == query.columns && headDim <= KVCache.headDimMax, "head size")
        let block = Int(CK_KV_BLOCK)
        let longest = sequences.map(\.count).max() ?? 0
        compute.workspace.scope {
            var kv = ck_kv(
                keys: nil, values: nil, capacity: (longest + block - 1) / block * block,
                heads: key.columns / headDim, head_dim: headDim,
                format: quantized && compute.precision == .fast
                    ? ck_kv_quantized_format(headDim, longest)
                    : KVFormat.standard(compute.precision).code(headDim: headDim))
            kv.keys = compute.workspace.bytes(ck_kv_key_bytes(&kv))
            kv.values = compute.workspace.bytes(ck_kv_value_bytes(&kv))
            for sequence in sequences where !sequence.isEmpty {
                let q = query.rows(sequence)
                let k = key.rows(sequence)
                let v = value.rows(sequence)
                let target = out.rows(sequence)
                var attention = ck_attention(
                    query: q.base, out: target.base, query_stride: q.stride,
                    out_stride: target.stride, count: sequence.count, heads: heads,
                    key_count: sequence.count, first_position: 0, window: 0, causal: causal,
                    scale: 1 / Float(headDim).squareRoot(), kv: kv,
                    fresh: ck_kv_rows(k, v, at: 0))
                ck_attend(&attention, 1)
            }
        }
    }
}
