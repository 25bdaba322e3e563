import CKernels
import Foundation
import Testing

/// Rows of activations with a stride larger than their length.
private struct Inputs {
    let count: Int
    let columns: Int
    var stride: Int { columns + 3 }
    var values: [Float]

    init(count: Int, columns: Int, seed: Int) {
        self.count = count
        self.columns = columns
        var random = Sequence64(seed)
        values = (0..<count * (columns + 3)).map { index in
            random.float() * (index % 7 == 0 ? 4 : 1)  // groups need different scales
        }
    }

    /// As many rows of another length.
    func like(columns: Int) -> Inputs { Inputs(count: count, columns: columns, seed: 1) }

    func row(_ index: Int) -> ArraySlice<Float> {
        values[index * stride..<index * stride + columns]
    }
}

/// Output rows are this much longer than the results; the rest must stay untouched.
private let outputPadding = 5

/// y of all parts, NaN where nothing was written.
private func linear(
    _ parts: [StoredMatrix], _ inputs: Inputs, first: Int = 0, count: Int? = nil,
    precision: ck_precision, adding previous: [Float]? = nil
) -> [Float] {
    let rows = parts.reduce(0) { $0 + $1.rows }
    let count = count ?? inputs.count
    var y = previous ?? [Float](repeating: .nan, count: count * (rows + outputPadding))
    let bytes = ck_linear_scratch_bytes(count, inputs.columns)
    let scratch = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 1)
    defer { scratch.deallocate() }
    let matrices = parts.map(\.matrix)
    inputs.values.withUnsafeBufferPointer { x in
        guard let base = x.baseAddress else { return }
        ck_linear(
            matrices, matrices.count, base + first * inputs.stride, inputs.stride, count, &y,
            rows + outputPadding, previous != nil, precision, scratch)
    }
    return y
}

/// down · (f(gate · x) * (up · x)) added to what was there.
private func gatedPair(
    _ pair: [StoredMatrix], _ down: StoredMatrix, _ function: ck_gate, _ inputs: Inputs,
    adding previous: [Float]
) -> [Float] {
    var y = previous
    let inner = down.columns
    let widest = max(inputs.columns, inner)
    let bytes = ck_linear_scratch_bytes(inputs.count, widest)
    let scratch = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 1)
    let between = UnsafeMutablePointer<Float>.allocate(capacity: 3 * inputs.count * inner + 16)
    defer {
        scratch.deallocate()
        between.deallocate()
    }
    var matrix = down.matrix
    ck_gated_pair(
        pair.map(\.matrix), &matrix, function, inputs.values, inputs.stride, inputs.count, between,
        &y, down.rows + outputPadding, true, CK_FAST, scratch)
    return y
}

/// Exact products and the sums of their magnitudes, which bound the rounding errors.
private func reference(
    _ matrix: StoredMatrix, _ inputs: Inputs
) -> (products: [Double], bounds: [Double]) {
    var products: [Double] = []
    var bounds: [Double] = []
    matrix.values.withUnsafeBufferPointer { weights in
        for token in 0..<inputs.count {
            let x = inputs.row(token).map(Double.init)
            for row in 0..<matrix.rows {
                var sum = matrix.offset(row)
                var bound = abs(sum) + 1e-9
                for column in 0..<matrix.columns {
                    let product = weights[row * matrix.columns + column] * x[column]
                    sum += product
                    bound += abs(product)
                }
                products.append(sum)
                bounds.append(bound)
            }
        }
    }
    return (products, bounds)
}

/// The largest error of y relative to the bounds; infinite if a value is missing.
private func worstError(
    _ y: [Float], _ expected: (products: [Double], bounds: [Double]), rows: Int
) -> Double {
    var worst = 0.0
    for index in expected.products.indices {
        let value = Double(y[index / rows * (rows + outputPadding) + index % rows])
        let error = abs(value - expected.products[index]) / expected.bounds[index]
        worst = error.isNaN ? .infinity : max(worst, error)
    }
    return worst
}

private func sameBits(_ a: some Sequence<Float>, _ b: some Sequence<Float>) -> Bool {
    a.elementsEqual(b) { $0.bitPattern == $1.bitPattern }
}

/// Column counts of a format: odd ones where it allows them, and more than one panel of columns.
private func columnCounts(_ format: StoredFormat) -> [Int] {
    format.isPlain
        ? [1, 9, 15, 33, 100, 1100] : [1, 3, 5].map { $0 * format.group } + [2176]
}

@Suite struct LinearTests {
    static let f32Tolerance = 2e-6
    /// Activations keep seven bits.
    static let int8Tolerance = 1.5e-2
    /// Activations keep eight bits where products of bf16 numbers multiply them.
    static let bf16Tolerance = 4e-3

    @Test(arguments: StoredFormat.all)
    func exactMatchesDoublePrecision(format: StoredFormat) {
        for (index, columns) in columnCounts(format).enumerated() {
            let rows = [1, 15, 17, 5][index % 4]
            let matrix = StoredMatrix(
                format, rows: rows, columns: columns, seed: index, offset: index % 2 == 1)
            let inputs = Inputs(count: [1, 2, 4, 3][index % 4], columns: columns, seed: 7)
            let expected = reference(matrix, inputs)
            InstructionSets.forEach { isa in
                let y = linear([matrix], inputs, precision: CK_EXACT)
                let error = worstError(y, expected, rows: rows)
                #expect(error < Self.f32Tolerance, "\(isa), \(rows) x \(columns)")
            }
        }
    }

    @Test(arguments: StoredFormat.all)
    func fastIsCloseAndEqualInEveryInstructionSet(format: StoredFormat) {
        for (index, columns) in columnCounts(format).enumerated() {
            let rows = [1, 15, 33, 16][index % 4]
            let matrix = StoredMatrix(
                format, rows: rows, columns: columns, seed: index, offset: index % 2 == 0)
            let inputs = Inputs(count: [7, 3, 5, 2][index % 4], columns: columns, seed: 8)
            let expected = reference(matrix, inputs)
            let scalar = InstructionSets.with("scalar") {
                linear([matrix], inputs, precision: CK_FAST)
            }
            let tolerance = format.isInteger ? Self.int8Tolerance : Self.f32Tolerance
            #expect(worstError(scalar, expected, rows: rows) < tolerance)
            InstructionSets.forEach { isa in
                let y = linear([matrix], inputs, precision: CK_FAST)
                if format.isInteger {
                    #expect(sameBits(y, scalar), "\(isa), \(rows) x \(columns)")
                    for count in 1..<min(inputs.count, 5) {
                        let few = linear([matrix], inputs, count: count, precision: CK_FAST)
                        for first in stride(from: 0, to: few.count, by: rows + outputPadding) {
                            let row = first..<first + rows
                            #expect(sameBits(few[row], scalar[row]), "\(isa), \(count) tokens")
                        }
                    }
                } else {
                    let isNarrow = InstructionSets.hasBF16(isa) && format.format == CK_BF16
                    #expect(
                        worstError(y, expected, rows: rows)
                            < (isNarrow ? Self.bf16Tolerance : tolerance), "\(isa)")
                }
            }
        }
    }

    /// Saturating 16-bit sums would show here.
    @Test(arguments: StoredFormat.grouped.filter(\.isInteger), [3, 11])
    func largestCodesDoNotOverflow(format: StoredFormat, groups: Int) {
        let columns = format.group * groups
        let matrix = StoredMatrix(format, rows: 17, columns: columns, seed: 1, extreme: true)
        var inputs = Inputs(count: 5, columns: columns, seed: 1)
        for index in inputs.values.indices { inputs.values[index] = index % 11 == 0 ? -1 : 1 }
        let expected = reference(matrix, inputs)
        InstructionSets.forEach { isa in
            for count in [1, 5] {
                let y = linear([matrix], inputs, count: count, precision: CK_FAST)
                let part = (
                    Array(expected.products[..<(count * 17)]),
                    Array(expected.bounds[..<(count * 17)])
                )
                #expect(worstError(y, part, rows: 17) < Self.f32Tolerance, "\(isa)")
            }
        }
    }

    /// The law of the runtime: a row never depends on how many are computed with it.
    @Test(arguments: StoredFormat.all)
    func rowsDoNotDependOnTheirNumber(format: StoredFormat) {
        let columns = format.isPlain ? 1000 : 2176
        let rows = 65
        let matrix = StoredMatrix(format, rows: rows, columns: columns, seed: 3)
        let counts = Array(1...9) + [12, 13, 15, 16, 17, 20]
        let inputs = Inputs(count: counts.reduce(0, +), columns: columns, seed: 9)
        let stride = rows + outputPadding
        InstructionSets.forEach { isa in
            for precision in [CK_EXACT, CK_FAST] {
                let whole = linear([matrix], inputs, precision: precision)
                var first = 0
                for count in counts {
                    let y = linear(
                        [matrix], inputs, first: first, count: count, precision: precision)
                    for token in 0..<count {
                        let row = y[token * stride..<token * stride + rows]
                        let same = whole[
                            (first + token) * stride..<(first + token) * stride + rows]
                        #expect(sameBits(row, same), "\(isa), \(count) rows")
                    }
                    first += count
                }
            }
        }
    }

    @Test func manyRowsOnTwoThreadsAreTheSame() {
        let threads = ck_pool_threads()
        defer { ck_pool_start(threads) }
        for format in [StoredFormat.grouped[7], StoredFormat.plain[2]] {
            let matrix = StoredMatrix(format, rows: 300, columns: 256, seed: 4)
            let inputs = Inputs(count: 500, columns: 256, seed: 5)
            let stride = 300 + outputPadding
            ck_pool_start(1)
            let one = linear([matrix], inputs, precision: CK_FAST)
            ck_pool_start(2)
            let two = linear([matrix], inputs, precision: CK_FAST)
            ck_pool_start(5)
            let five = linear([matrix], inputs, precision: CK_FAST)
            #expect(sameBits(one, two) && sameBits(one, five))
            for token in [0, 239, 240, 499] {
                let y = linear([matrix], inputs, first: token, count: 1, precision: CK_FAST)
                #expect(sameBits(y[..<300], one[token * stride..<token * stride + 300]))
                let padding = one[token * stride + 300..<(token + 1) * stride]
                #expect(padding.allSatisfy { $0.isNaN })
            }
        }
    }

    @Test func stackedPartsOfDifferentFormats() {
        let formats = StoredFormat.grouped.filter { $0.group <= 64 } + StoredFormat.plain
        let parts = formats.enumerated().map { index, format in
            StoredMatrix(
                format, rows: 1 + index * 5 % 37, columns: 192, seed: index,
                offset: index % 3 == 0)
        }
        let inputs = Inputs(count: 6, columns: 192, seed: 6)
        let rows = parts.reduce(0) { $0 + $1.rows }
        InstructionSets.forEach { isa in
            let all = linear(parts, inputs, precision: CK_FAST)
            var start = 0
            for part in parts {
                let own = linear([part], inputs, precision: CK_FAST)
                for token in 0..<inputs.count {
                    let from = token * (rows + outputPadding) + start
                    let ownFrom = token * (part.rows + outputPadding)
                    #expect(
                        sameBits(
                            all[from..<from + part.rows], own[ownFrom..<ownFrom + part.rows]))
                }
                start += part.rows
            }
        }
    }

    @Test(arguments: [StoredFormat.grouped[7], StoredFormat.grouped[0], StoredFormat.plain[0]])
    func accumulateAddsToTheOutput(format: StoredFormat) {
        let matrix = StoredMatrix(format, rows: 19, columns: 128, seed: 2, offset: true)
        for count in [1, 9] {
            let inputs = Inputs(count: count, columns: 128, seed: 3)
            InstructionSets.forEach { isa in
                let product = linear([matrix], inputs, precision: CK_FAST)
                let before = product.indices.map { Float($0) }
                let after = linear([matrix], inputs, precision: CK_FAST, adding: before)
                for (index, value) in after.enumerated() {
                    let added = product[index].isNaN ? 0 : product[index]
                    #expect(value == before[index] + added)
                }
            }
        }
    }

    @Test(arguments: StoredFormat.all)
    func rowLookUpDecodes(format: StoredFormat) {
        let columns = format.isPlain ? 45 : 384
        let matrix = StoredMatrix(format, rows: 3, columns: columns, seed: 11)
        InstructionSets.forEach { isa in
            var out = [Float](repeating: .nan, count: columns + 1)
            withUnsafePointer(to: matrix.matrix) { ck_row($0, 2, &out) }
            #expect(out[columns].isNaN)
            for column in 0..<columns {
                let expected = matrix.values[2 * columns + column]
                #expect(abs(Double(out[column]) - expected) <= 1e-6 * max(1, abs(expected)))
            }
        }
    }

    @Test func zeroAndTinyRowsStayFinite() {
        let matrix = StoredMatrix(StoredFormat.grouped[7], rows: 16, columns: 64, seed: 1)
        var inputs = Inputs(count: 3, columns: 64, seed: 1)
        for index in inputs.values.indices {
            inputs.values[index] = index < inputs.stride ? 0 : 1e-38
        }
        InstructionSets.forEach { isa in
            let y = linear([matrix], inputs, precision: CK_FAST)
            #expect(y[..<16].allSatisfy { $0 == 0 })
            #expect(y[21..<37].allSatisfy { $0 == 0 })
        }
    }

    /// Several callers at once: one has the pool, the others run alone; all get the same numbers.
    @Test func concurrentCallersShareThePool() {
        let before = ck_pool_threads()
        defer { ck_pool_start(before) }
        let matrix = StoredMatrix(StoredFormat.grouped[7], rows: 100, columns: 64, seed: 1)
        let inputs = Inputs(count: 2, columns: 64, seed: 2)
        let expected = linear([matrix], inputs, precision: CK_FAST)
        for threads in [2, 3, 1, 4] {
            ck_pool_start(threads)
            DispatchQueue.concurrentPerform(iterations: 3) { _ in
                let own = StoredMatrix(StoredFormat.grouped[7], rows: 100, columns: 64, seed: 1)
                for _ in 0..<300 {
                    let y = linear([own], inputs, precision: CK_FAST)
                    #expect(sameBits(y, expected))
                }
            }
        }
    }

    /// A caller that found the pool busy works alone, and its blocks must stay cut as they were.
    @Test func resizingThePoolMeanwhileChangesNothing() {
        let before = ck_pool_threads()
        defer { ck_pool_start(before) }
        DispatchQueue.concurrentPerform(iterations: 2) { role in
            if role == 0 {
                for round in 0..<1000 { ck_pool_start(1 + round % 4) }
                return
            }
            let matrix = StoredMatrix(StoredFormat.grouped[7], rows: 2000, columns: 64, seed: 1)
            let inputs = Inputs(count: 2, columns: 64, seed: 2)
            let expected = linear([matrix], inputs, precision: CK_EXACT)
            for _ in 0..<1000 {
                let y = linear([matrix], inputs, precision: CK_EXACT)
                #expect(sameBits(y, expected))
            }
        }
    }

    @Test func unknownInstructionSetIsRefused() {
        #expect(!ck_isa_select("sse9") && !ck_isa_select_thread("sse9"))
        #expect(InstructionSets.available.last == "scalar")
    }

    /// To the bit, though what lies between is quantized where it was computed.
    @Test(arguments: StoredFormat.all.filter { $0.bits != 16 }, [3, 16, 37, 530])
    func gatedPairEqualsItsSteps(format: StoredFormat, count: Int) {
        let columns = format.isPlain ? 40 : format.group
        let inner = 256
        let rows = 9
        let pair = [4, 5].map { seed in
            StoredMatrix(format, rows: inner, columns: columns, seed: seed, offset: seed == 5)
        }
        let down = StoredMatrix(format, rows: rows, columns: inner, seed: 6, offset: true)
        let inputs = Inputs(count: count, columns: columns, seed: 10)
        let before = noise(count * (rows + outputPadding), seed: 3)
        InstructionSets.forEach { isa in
            for function in [CK_SILU, CK_GELU_TANH] {
                let both = linear(pair, inputs, precision: CK_FAST)
                var middle = inputs.like(columns: inner)
                both.withUnsafeBufferPointer { both in
                    guard let gate = both.baseAddress else { return }
                    ck_gated(
                        function, gate, gate + inner, 2 * inner + outputPadding, count, inner,
                        &middle.values, middle.stride)
                }
                let steps = linear([down], middle, precision: CK_FAST, adding: before)
                let one = gatedPair(pair, down, function, inputs, adding: before)
                #expect(sameBits(one, steps), "\(isa), \(function)")
            }
        }
    }
}
