import CKernels
import Foundation
import TestSupport
import Testing

@testable import Kernels

/// Attention of every instruction set against the definition in double precision.
@Suite struct AttentionTests {
    /// One case: sizes, mask, and how the cache stores numbers.
    struct Case: CustomTestStringConvertible, Sendable {
        var tokens = 40
        var heads = 4
        var kvHeads = 2
        var dims = 32
        var causal = true
        var window: Int?
        var format = KVFormat.f32

        var testDescription: String {
            "\(tokens) tokens, \(heads)/\(kvHeads) heads of \(dims), "
                + (causal ? "causal, window \(window ?? 0)" : "full") + ", \(format)"
        }
    }

    static let cases = [
        Case(tokens: 1), Case(), Case(tokens: 63), Case(tokens: 64), Case(tokens: 65),
        Case(tokens: 90, heads: 5, kvHeads: 1, dims: 128), Case(tokens: 70, dims: 72),
        Case(tokens: 90, dims: 6), Case(tokens: 150, dims: 8, window: 10),
        Case(tokens: 150, dims: 8, window: 64),
        Case(tokens: 150, dims: 8, window: 65, format: .half),
        Case(tokens: 104, dims: 16, causal: false),
        Case(tokens: 66, heads: 3, kvHeads: 3, dims: 56, causal: false), Case(format: .half),
        Case(tokens: 66, heads: 3, kvHeads: 1, dims: 256, format: .half),
        Case(tokens: 200, heads: 5, kvHeads: 1, dims: 64, window: 70, format: .half),
        Case(tokens: 150, heads: 4, kvHeads: 2, dims: 128, format: .half),
        Case(format: .int8), Case(tokens: 100, dims: 8, window: 65, format: .int8),
        Case(tokens: 90, dims: 6, format: .int8),
        Case(tokens: 80, heads: 3, kvHeads: 1, dims: 64, window: 70, format: .int8),
        Case(tokens: 70, heads: 2, kvHeads: 1, dims: 128, format: .int8),
    ]

    /// Edges of the order of bf16 pairs: head sizes that fill no vector, odd ones, key counts that end
    /// within a pair or a vector, tiles of few queries and of many.
    static let halfCases =
        [64, 72, 80, 96, 128, 31].map {
            Case(tokens: 67, heads: 2, kvHeads: 1, dims: $0, format: .half)
        }
        + (1...20).map { Case(tokens: $0, heads: 6, kvHeads: 2, dims: 64, format: .half) }
        + [1, 31, 33, 65].map {
            Case(tokens: $0, heads: 2, kvHeads: 2, dims: 80, causal: false, format: .half)
        } + [
            Case(tokens: 20, heads: 16, kvHeads: 1, dims: 64, format: .half),
            Case(tokens: 100, heads: 3, kvHeads: 1, dims: 72, window: 3, format: .half),
            Case(tokens: 140, heads: 2, kvHeads: 1, dims: 96, window: 32, format: .half),
        ]

    static let codeCases = halfCases.map { c in
        var c = c
        c.format = .int8
        return c
    }

    private struct Inputs {
        let query: [Float]
        let key: [Float]
        let value: [Float]
    }

    private func inputs(_ c: Case) -> Inputs {
        Inputs(
            query: noise(c.tokens * c.heads * c.dims, seed: 5).map { $0 * 3 },
            key: noise(c.tokens * c.kvHeads * c.dims, seed: 6).map { $0 * 2 },
            value: noise(c.tokens * c.kvHeads * c.dims, seed: 7))
    }

    private func definition(_ c: Case, _ x: Inputs) -> [Float] {
        var out: [Float] = []
        let scale = 1 / Double(c.dims).squareRoot()
        for token in 0..<c.tokens {
            let first = c.causal ? max(0, token + 1 - (c.window ?? token + 1)) : 0
            let seen = first..<(c.causal ? token + 1 : c.tokens)
            for head in 0..<c.heads {
                let kvHead = head / (c.heads / c.kvHeads)
                func at(_ t: Int) -> Int { (t * c.kvHeads + kvHead) * c.dims }
                let q = (token * c.heads + head) * c.dims
                var scores: [Double] = []
                for t in seen {
                    var sum = 0.0
                    for d in 0..<c.dims { sum += Double(x.query[q + d]) * Double(x.key[at(t) + d]) }
                    scores.append(sum * scale)
                }
                let top = scores.max() ?? 0
                let weights = scores.map { exp($0 - top) }
                let total = weights.reduce(0, +)
                for d in 0..<c.dims {
                    var mixed = 0.0
                    for (t, weight) in zip(seen, weights) {
                        mixed += weight * Double(x.value[at(t) + d])
                    }
                    out.append(Float(mixed / total))
                }
            }
        }
        return out
    }

    /// The kernels' answer, the tokens arriving in steps of `step`, stored before or by the way.
    private func attend(
        _ c: Case, _ x: Inputs, step: Int, storesApart: Bool = true
    ) throws -> [Float] {
        let cache = try KVCache(
            layers: 2, heads: c.kvHeads, headDim: c.dims, capacity: c.tokens,
            format: c.format)
        let query = Matrix(c.tokens, c.heads * c.dims, x.query)
        let key = Matrix(c.tokens, c.kvHeads * c.dims, x.key)
        let value = Matrix(c.tokens, c.kvHeads * c.dims, x.value)
        let out = Matrix(c.tokens, c.heads * c.dims)
        for start in stride(from: 0, to: c.tokens, by: step) {
            let range = start..<min(start + step, c.tokens)
            let (keys, values) = (key.rows.rows(range), value.rows.rows(range))
            if storesApart { cache.store(layer: 1, keys: keys, values: values) }
            cache.attend(
                layer: 1, query: query.rows.rows(range), key: storesApart ? nil : keys,
                value: storesApart ? nil : values, heads: c.heads,
                scale: 1 / Float(c.dims).squareRoot(), causal: c.causal, window: c.window,
                into: out.rows.rows(range))
            cache.advance(by: range.count)
        }
        return out.rows.array
    }

    @Test(arguments: InstructionSets.available, cases)
    func equalsDefinition(isa: String, c: Case) throws {
        // f16 keys and values carry 11 bits, products of bf16 8; int8 has steps of a 127th of
        // the largest number of a head.
        let rounding = InstructionSets.hasBF16(isa) ? 1e-2 : 4e-3
        let tolerance = c.format == .f32 ? 2e-6 : c.format == .half ? rounding : 6e-2
        #expect(try errorMax(isa, c) < tolerance)
    }

    /// Some of these queries see only two or three keys, whose rounding does not average out.
    @Test(arguments: InstructionSets.available, halfCases)
    func edgesEqualTheDefinition(isa: String, c: Case) throws {
        #expect(try errorMax(isa, c) < (InstructionSets.hasBF16(isa) ? 1.5e-2 : 4e-3))
    }

    /// The same edges are those of quads of codes.
    @Test(arguments: InstructionSets.available, codeCases)
    func edgesOfCodesEqualTheDefinition(isa: String, c: Case) throws {
        #expect(try errorMax(isa, c) < 6e-2)
    }

    private func errorMax(_ isa: String, _ c: Case) throws -> Double {
        let x = inputs(c)
        let found = try InstructionSets.with(isa) { try attend(c, x, step: c.tokens) }
        return difference(found, definition(c, x)).max
    }

    /// A query's result does not depend on what it is computed with.
    @Test(arguments: InstructionSets.available, (cases + halfCases + codeCases).filter(\.causal))
    func stepsChangeNothing(isa: String, c: Case) throws {
        let x = inputs(c)
        try InstructionSets.with(isa) {
            let whole = try attend(c, x, step: c.tokens)
            #expect(try attend(c, x, step: 1) == whole)
            #expect(try attend(c, x, step: 7) == whole)
            #expect(try attend(c, x, step: c.tokens, storesApart: false) == whole)
            #expect(try attend(c, x, step: 7, storesApart: false) == whole)
        }
    }

    /// What was never written may hold anything (for the tiles of AMX anything finite), and behind the
    /// memory of a layer nothing is touched.
    @Test(arguments: InstructionSets.available, (cases + halfCases + codeCases).filter(\.causal))
    func unwrittenMemoryChangesNothing(isa: String, c: Case) throws {
        let x = inputs(c)
        try InstructionSets.with(isa) {
            let expected = try attend(c, x, step: 7)
            let block = Int(CK_KV_BLOCK)
            var kv = ck_kv(
                keys: nil, values: nil, capacity: (c.tokens + block - 1) / block * block,
                heads: c.kvHeads, head_dim: c.dims, format: c.format.code(headDim: c.dims))
            let sides = [ck_kv_key_bytes(&kv), ck_kv_value_bytes(&kv)].map {
                GuardedMemory(byteCount: $0, slackBytes: 0)
            }
            let filler: Int32 = isa == "amx" ? 0x3f : 0xff
            memset(sides[0].base, filler, ck_kv_key_bytes(&kv))
            memset(sides[1].base, filler, ck_kv_value_bytes(&kv))
            (kv.keys, kv.values) = (sides[0].base, sides[1].base)
            let query = Matrix(c.tokens, c.heads * c.dims, x.query)
            let key = Matrix(c.tokens, c.kvHeads * c.dims, x.key)
            let value = Matrix(c.tokens, c.kvHeads * c.dims, x.value)
            let out = Matrix(c.tokens, c.heads * c.dims)
            for start in stride(from: 0, to: c.tokens, by: 7) {
                let range = start..<min(start + 7, c.tokens)
                let (q, o) = (query.rows.rows(range), out.rows.rows(range))
                var attention = ck_attention(
                    query: q.base, out: o.base, query_stride: q.stride, out_stride: o.stride,
                    count: range.count, heads: c.heads, key_count: range.upperBound,
                    first_position: start, window: c.window ?? 0, causal: true,
                    scale: 1 / Float(c.dims).squareRoot(), kv: kv,
                    fresh: ck_kv_rows(key.rows.rows(range), value.rows.rows(range), at: start))
                ck_attend(&attention, 1)
            }
            #expect(out.rows.array == expected)
        }
    }

    /// Tokens that move to another cache, part by part, are those that were stored.
    @Test(
        arguments: InstructionSets.available,
        (cases + halfCases).filter { $0.causal && $0.tokens > 1 })
    func partsHoldTheTokens(isa: String, c: Case) throws {
        let x = inputs(c)
        let count = c.tokens - 1
        let key = Matrix(c.tokens, c.kvHeads * c.dims, x.key)
        let value = Matrix(c.tokens, c.kvHeads * c.dims, x.value)
        let query = Matrix(c.tokens, c.heads * c.dims, x.query)
        try InstructionSets.with(isa) {
            func cache(_ capacity: Int) throws -> KVCache {
                try KVCache(
                    layers: 2, heads: c.kvHeads, headDim: c.dims, capacity: capacity,
                    format: c.format)
            }
            let (source, target) = (try cache(c.tokens), try cache(c.tokens + 100))
            var parts: [[UInt8]] = []
            for layer in 0..<2 {
                source.store(
                    layer: layer, keys: key.rows.rows(0..<count), values: value.rows.rows(0..<count)
                )
            }
            source.advance(by: count)
            source.forEachPart(ofTokens: count) { parts.append([UInt8]($0)) }
            var next = 0
            target.forEachPart(ofTokens: count) {
                $0.copyBytes(from: parts[next])
                next += 1
            }
            target.restore(count: count)
            let outs = [source, target].map { cache in
                let out = Matrix(1, c.heads * c.dims)
                let last = count..<count + 1
                cache.attend(
                    layer: 1, query: query.rows.rows(last), key: key.rows.rows(last),
                    value: value.rows.rows(last), heads: c.heads,
                    scale: 1 / Float(c.dims).squareRoot(), window: c.window, into: out.rows)
                return out.rows.array
            }
            #expect(outs[0] == outs[1])
        }
    }

    @Test func halfPrecisionRoundTrips() throws {
        let values: [Float] = [0, -0.0, 1, -1, 0.1, 65504, 6e-8, 1e-7, 6.1e-5, 3.14159]
        let results = try InstructionSets.available.map { isa in
            try InstructionSets.with(isa) {
                let cache = try KVCache(
                    layers: 1, heads: 1, headDim: 10, capacity: 1, format: .half)
                let x = Matrix(1, 10, values)
                let out = Matrix(1, 10)
                cache.store(layer: 0, keys: x.rows, values: x.rows)
                cache.attend(layer: 0, query: x.rows, heads: 1, scale: 0, into: out.rows)
                return out.rows.array
            }
        }
        for found in results {
            #expect(found == values.map { Float(Float16($0)) })
        }
    }
}
