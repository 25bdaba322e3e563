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
        let x = inputs(c)
        let found = try InstructionSets.with(isa) { try attend(c, x, step: c.tokens) }
        // f16 keys and values carry 11 bits, the bf16 products of AMX 8; int8 has steps of a 127th of
        // the largest number of a head.
        let rounding = isa == "amx" ? 1e-2 : 4e-3
        let tolerance = c.format == .f32 ? 2e-6 : c.format == .half ? rounding : 6e-2
        #expect(difference(found, definition(c, x)).max < tolerance)
    }

    /// A query's result does not depend on what it is computed with.
    @Test(arguments: InstructionSets.available, cases.filter(\.causal))
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
