internal import CKernels
import Foundation

/// How keys and values are stored.
public enum KVFormat: Sendable {
    case f32
    /// Two bytes: f16, or bf16 in the order of the machine's products of bf16 where it has them.
    case half
    /// Eight bits, and a step for each token of a head: about half of `half`.
    case int8

    /// f32 for exact arithmetic, two bytes for fast.
    public static func standard(_ precision: Precision) -> KVFormat {
        precision == .exact ? .f32 : .half
    }

    func code(headDim: Int) -> ck_format {
        switch self {
        case .f32: CK_F32
        case .half: ck_kv_half_format(headDim)
        case .int8: CK_INT8
        }
    }
}

/// Keys and values of every layer of one decoder, with room for a fixed number of tokens. Address
/// space is reserved at once; memory is used as tokens arrive.
public final class KVCache {
    /// Widest head that the attention kernels take.
    public static let headDimMax = Int(CK_HEAD_DIM_MAX)

    private let layers: [ck_kv]
    private let base: UnsafeMutableRawPointer
    /// How numbers are stored.
    public let format: KVFormat
    /// Address space reserved; as much memory when the cache is full.
    public let byteCount: Int
    /// Tokens that fit.
    public let capacity: Int
    /// Tokens stored so far. Rows beyond it are stale and never read.
    public private(set) var length = 0

    /// Where the tokens stand, for rotary embeddings.
    public private(set) var positions = TokenPositions()

    /// - Parameters:
    ///   - capacity: tokens, rounded up to a block.
    ///   - format: how numbers are stored.
    /// - Throws: `KernelError.setting` when the address space cannot be reserved.
    public init(layers: Int, heads: Int, headDim: Int, capacity: Int, format: KVFormat) throws {
        require(headDim <= Self.headDimMax, "head of \(headDim) dimensions")
        let block = Int(CK_KV_BLOCK)
        let rounded = (max(capacity, 1) + block - 1) / block * block
        var shape = ck_kv(
            keys: nil, values: nil, capacity: rounded, heads: heads, head_dim: headDim,
            format: format.code(headDim: headDim))
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
        self.format = format
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
        withUnsafePointer(to: layers[layer]) { kv in
            withUnsafePointer(to: ck_kv_rows(keys, values, at: length)) { ck_kv_store(kv, $0) }
        }
    }

    /// Stores keys and values of n tokens, then attention of the last m of them over the cache.
    ///
    /// - Parameters:
    ///   - query: [m, queryHeads · headDim], m <= n
    ///   - key: [n, heads · headDim], and `value` likewise; nil if `store` has stored those of the
    ///     query.
    ///   - causal: a query sees tokens up to its own; otherwise all stored ones.
    ///   - window: tokens a query sees, itself included; nil for all.
    ///   - out: [m, queryHeads · headDim]
    public func attend(
        layer: Int, query: Rows, key: Rows? = nil, value: Rows? = nil, heads: Int, scale: Float,
        causal: Bool = true, window: Int? = nil, into out: Rows
    ) {
        let attention = attention(
            layer: layer, query: query, key: key, value: value, heads: heads, scale: scale,
            causal: causal, window: window, into: out)
        withUnsafePointer(to: attention) { ck_attend($0, 1) }
    }

    /// The same for rows that are the next tokens of one cache each.
    public static func attend(
        each caches: [KVCache], layer: Int, query: Rows, key: Rows, value: Rows, heads: Int,
        scale: Float, window: Int? = nil, into out: Rows, on compute: Compute
    ) {
        let work = compute.workspace
        work.scope {
            let bytes = work.bytes(caches.count * MemoryLayout<ck_attention>.stride)
            let attentions = bytes.bindMemory(to: ck_attention.self, capacity: caches.count)
            for (row, cache) in caches.enumerated() {
                let rows = row..<row + 1
                (attentions + row).initialize(
                    to: cache.attention(
                        layer: layer, query: query.rows(rows), key: key.rows(rows),
                        value: value.rows(rows), heads: heads, scale: scale, causal: true,
                        window: window, into: out.rows(rows)))
            }
            ck_attend(attentions, caches.count)
        }
    }

    private func attention(
        layer: Int, query: Rows, key: Rows?, value: Rows?, heads: Int, scale: Float, causal: Bool,
        window: Int?, into out: Rows
    ) -> ck_attention {
        require((key == nil) == (value == nil), "keys without values")
        let stored = key?.count ?? query.count
        require(length + stored <= capacity, "KV cache of \(capacity) tokens is full")
        var fresh = ck_kv_rows()
        if let key, let value { fresh = ck_kv_rows(key, value, at: length) }
        return ck_attention(
            query: query.base, out: out.base, query_stride: query.stride, out_stride: out.stride,
            count: query.count, heads: heads, key_count: length + stored,
            first_position: length + stored - query.count, window: window ?? 0, causal: causal,
            scale: scale, kv: layers[layer], fresh: fresh)
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
        positions.truncate(to: count)
    }

    /// Says that tokens yet to come are those of an image.
    public func place(_ grid: TokenGrid) {
        require(grid.start >= length, "an image at token \(grid.start) of \(length)")
        positions.place(grid)
    }

    /// How numbers lie in memory.
    var storage: String {
        switch layers.first?.format {
        case CK_F16: "f16"
        case CK_BF16: "bf16"
        case CK_BF16_PAIRS: "bf16 pairs"
        case CK_INT8: "int8"
        default: "f32"
        }
    }

    /// What a cache must have in common with another to take its contents.
    public var shape: String {
        let layer = layers.first
        return "\(layers.count) layers, \(layer?.heads ?? 0) heads of \(layer?.head_dim ?? 0), "
            + storage
    }

    /// The memory of the first `count` tokens, part by part, always in the same order: what is
    /// written from one cache can be read into another of the same shape and any capacity.
    public func forEachPart(
        ofTokens count: Int, _ body: (UnsafeMutableRawBufferPointer) throws -> Void
    ) rethrows {
        require((0...capacity).contains(count), "\(count) of \(capacity) tokens")
        for layer in layers {
            let heads = layer.heads
            let elementBytes = format == .f32 ? 4 : format == .half ? 2 : 1
            let (keys, values) = Self.extents(of: layer, count)
            let sides = [
                (layer.keys, keys.width, keys.tokens), (layer.values, values.width, values.tokens),
            ]
            for (address, width, tokens) in sides {
                guard let address else { continue }
                let tokenBytes = width * elementBytes
                for head in 0..<heads {
                    let start = address + head * capacity * tokenBytes
                    try body(.init(start: start, count: tokens * tokenBytes))
                }
                guard format == .int8 else { continue }
                let steps = address + heads * capacity * tokenBytes
                for head in 0..<heads {
                    try body(.init(start: steps + head * capacity * 4, count: count * 4))
                }
            }
        }
    }

    /// Dimensions and tokens that a head's part has.
    private struct Extent {
        let width: Int
        let tokens: Int
    }

    /// What the keys and the values of `count` tokens take: a part ends where a block does.
    private static func extents(of layer: ck_kv, _ count: Int) -> (keys: Extent, values: Extent) {
        func padded(_ number: Int, _ multiple: Int) -> Int {
            (number + multiple - 1) / multiple * multiple
        }
        let (dims, lanes) = (layer.head_dim, 16)
        switch layer.format {
        case CK_BF16:
            let tile = padded(dims, 32)
            return (
                Extent(width: tile, tokens: count),
                Extent(width: tile, tokens: padded(count, Int(CK_KV_BLOCK)))
            )
        case CK_BF16_PAIRS:
            return (
                Extent(width: padded(dims, 2), tokens: padded(count, lanes)),
                Extent(width: padded(dims, lanes), tokens: padded(count, 2))
            )
        default:
            return (
                Extent(width: dims, tokens: padded(count, lanes)),
                Extent(width: padded(dims, lanes), tokens: count)
            )
        }
    }

    /// Takes the first `count` tokens, filled through `forEachPart`, for stored.
    public func restore(count: Int) {
        require((0...capacity).contains(count), "\(count) of \(capacity) tokens")
        length = count
    }
}

extension ck_kv_rows {
    /// Keys and values [n, heads · headDim] of the tokens from `first` on.
    init(_ keys: Rows, _ values: Rows, at first: Int) {
        self.init(
            keys: keys.base, values: values.base, key_stride: keys.stride,
            value_stride: values.stride, first: first, count: keys.count)
    }
}
