internal import CKernels
import Foundation

/// Keys and values of every layer of one decoder, with room for a fixed number of tokens. Address
/// space is reserved at once; memory is used as tokens arrive.
public final class KVCache {
    /// Widest head that the attention kernels take.
    public static let headDimMax = Int(CK_HEAD_DIM_MAX)

    private let layers: [ck_kv]
    private let base: UnsafeMutableRawPointer
    /// Address space reserved; as much memory when the cache is full.
    public let byteCount: Int
    /// Tokens that fit.
    public let capacity: Int
    /// Tokens stored so far. Rows beyond it are stale and never read.
    public private(set) var length = 0

    /// - Parameters:
    ///   - capacity: tokens, rounded up to a block.
    ///   - precision: f32 when exact, f16 when fast.
    /// - Throws: `KernelError.setting` when the address space cannot be reserved.
    public init(layers: Int, heads: Int, headDim: Int, capacity: Int, precision: Precision) throws {
        require(headDim <= Self.headDimMax, "head of \(headDim) dimensions")
        let block = Int(CK_KV_BLOCK)
        let rounded = (max(capacity, 1) + block - 1) / block * block
        var shape = ck_kv(
            keys: nil, values: nil, capacity: rounded, heads: heads, head_dim: headDim,
            format: precision == .exact ? CK_F32 : CK_F16)
        let keyBytes = ck_kv_key_bytes(&shape)
        let valueBytes = ck_kv_value_bytes(&shape)
        byteCount = layers * (keyBytes + valueBytes)
        let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
        let address = mmap(nil, byteCount, PROT_READ | PROT_WRITE, flags, -1, 0)
        guard let address, address != MAP_FAILED else {
            let reason = String(cString: strerror(errno))
            throw KernelError.setting("cannot reserve a cache of \(capacity) tokens: \(reason)")
        }
        base = address
        self.capacity = rounded
        self.layers = (0..<layers).map { layer in
            shape.keys = address + layer * (keyBytes + valueBytes)
            shape.values = address + layer * (keyBytes + valueBytes) + keyBytes
            return shape
        }
    }

    deinit { munmap(base, byteCount) }

    /// Stores keys and values [n, heads · headDim] of one layer behind the `length` tokens so far.
    public func store(layer: Int, keys: Rows, values: Rows) {
        require(length + keys.count <= capacity, "KV cache of \(capacity) tokens is full")
        withUnsafePointer(to: layers[layer]) {
            ck_kv_store(
                $0, keys.base, keys.stride, values.base, values.stride, length, keys.count)
        }
    }

    /// Attention of `query` [n, queryHeads · headDim], whose tokens were just stored, over the cache.
    ///
    /// - Parameters:
    ///   - causal: query i sees tokens up to its own position; otherwise all stored ones.
    ///   - window: tokens a query sees, itself included; nil for all.
    public func attend(
        layer: Int, query: Rows, heads: Int, scale: Float, causal: Bool = true,
        window: Int? = nil, into out: Rows
    ) {
        let attention = ck_attention(
            query: query.base, out: out.base, query_stride: query.stride, out_stride: out.stride,
            count: query.count, heads: heads, key_count: length + query.count,
            first_position: length, window: window ?? 0, causal: causal, scale: scale,
            kv: layers[layer])
        withUnsafePointer(to: attention) { ck_attend($0) }
    }

    /// Counts `count` tokens whose keys and values all layers have stored.
    public func advance(by count: Int) {
        require(length + count <= capacity, "KV cache of \(capacity) tokens is full")
        length += count
    }

    /// Forgets everything from token `count` on.
    public func truncate(to count: Int) {
        require(count >= 0 && count <= length, "truncate to \(count) of \(length) tokens")
        length = count
    }
}
