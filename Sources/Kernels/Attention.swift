internal import CKernels

/// Attention without a cache, for encoders.
public enum Attention {
    /// Full bidirectional attention inside consecutive windows of `windowTokens` rows, none across.
    ///
    /// - Parameters:
    ///   - query: [n, heads · headDim]; `key` and `value` likewise.
    ///   - out: [n, heads · headDim]
    public static func windows(
        of windowTokens: Int, query: Rows, key: Rows, value: Rows, heads: Int, into out: Rows,
        on compute: Compute
    ) {
        let headDim = query.columns / heads
        require(headDim * heads == query.columns && headDim <= KVCache.headDimMax, "head size")
        let block = Int(CK_KV_BLOCK)
        let capacity = (min(windowTokens, query.count) + block - 1) / block * block
        compute.workspace.scope {
            var kv = ck_kv(
                keys: nil, values: nil, capacity: capacity, heads: heads, head_dim: headDim,
                format: CK_F32)
            kv.keys = compute.workspace.bytes(ck_kv_key_bytes(&kv))
            kv.values = compute.workspace.bytes(ck_kv_value_bytes(&kv))
            for start in stride(from: 0, to: query.count, by: windowTokens) {
                let window = start..<min(start + windowTokens, query.count)
                let q = query.rows(window)
                let k = key.rows(window)
                let v = value.rows(window)
                let target = out.rows(window)
                ck_kv_store(&kv, k.base, k.stride, v.base, v.stride, 0, window.count)
                var attention = ck_attention(
                    query: q.base, out: target.base, query_stride: q.stride,
                    out_stride: target.stride, count: window.count, heads: heads,
                    key_count: window.count, first_position: 0, window: 0, causal: false,
                    scale: 1 / Float(headDim).squareRoot(), kv: kv)
                ck_attend(&attention)
            }
        }
    }
}
