internal import CKernels
import Foundation

/// How keys and values are stored.
public enum KVFormat: String, Sendable {
    case f32, f16
    /// Eight bits, and a step for each token of a head: about half of f16.
    case int8

    /// f32 for exact arithmetic, f16 for fast.
    public static func standard(_ precision: Precision) -> KVFormat {
        precision == .exact ? .f32 : .f16
    }

    var code: ck_format {
        switch self {
        case .f32: CK_F32
        case .f16: CK_F16
        case .int8: CK_INT8
        }
    }

    var elementBytes: Int {
        switch self {
        case .f32: 4
        case .f16: 2
        case .int8: 1
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
            format: format.code)
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
        positions.truncate(to: count)
    }

    /// Says that tokens yet to come are those of an image.
    public func place(_ grid: TokenGrid) {
        require(grid.start >= length, "an image at token \(grid.start) of \(length)")
        positions.place(grid)
    }

    /// What a cache must have in common with another to take its contents.
    public var shape: String {
        let layer = layers.first
        return "\(layers.count) layers, \(layer?.heads ?? 0) heads of \(layer?.head_dim ?? 0), "
            + format.rawValue
    }

    /// The memory of the first `count` tokens, part by part, always in the same order: what is
    /// written from one cache can be read into another of the same shape and any capacity.
    public func forEachPart(
        ofTokens count: Int, _ body: (UnsafeMutableRawBufferPointer) throws -> Void
    ) rethrows {
        require((0...capacity).contains(count), "\(count) of \(capacity) tokens")
        let lanes = Self.keyLanes
        for layer in layers {
            let heads = layer.heads
            let padded = (layer.head_dim + lanes - 1) / lanes * lanes
            let sides = [
                (layer.keys, layer.head_dim, (count + lanes - 1) / lanes * lanes),
                (layer.values, padded, count),
            ]
            for (address, width, tokens) in sides {
                guard let address else { continue }
                let tokenBytes = width * format.elementBytes
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

    /// Tokens of a block of keys.
    private static let keyLanes = 16

    /// Takes the first `count` tokens, filled through `forEachPart`, for stored.
    public func restore(count: Int) {
        require((0...capacity).contains(count), "\(count) of \(capacity) tokens")
        length = count
    }
}
