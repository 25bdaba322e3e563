import Foundation
import TestSupport
import Testing

@testable import Kernels

/// What encoders have beside linear layers, in every instruction set.
@Suite struct EncoderKernelTests {
    /// Sequences side by side and how their rows see each other.
    struct Case: CustomTestStringConvertible, Sendable {
        var lengths: [Int]
        var heads = 2
        var kvHeads = 2
        var dims = 64
        var causal = false
        var gain: Float = 3

        var testDescription: String {
            "\(lengths), \(heads)/\(kvHeads) heads of \(dims)\(causal ? ", causal" : "")"
        }
    }

    static let cases = [
        Case(lengths: [1]), Case(lengths: [63, 2, 64]), Case(lengths: [130]),
        Case(lengths: [200], heads: 3, kvHeads: 3, dims: 32),
        Case(lengths: [90, 75], heads: 6, kvHeads: 2, dims: 128, causal: true),
        Case(lengths: [150], heads: 4, kvHeads: 4, dims: 96, causal: true),
        Case(lengths: [70, 5], dims: 72), Case(lengths: [100], heads: 1, kvHeads: 1, dims: 256),
        Case(lengths: [257, 40], heads: 1, kvHeads: 1, dims: 72),
        Case(lengths: [290], heads: 2, kvHeads: 1, dims: 128, causal: true),
        // Scores of a hundred and more: the maximum is raised again and again.
        Case(lengths: [300], heads: 1, kvHeads: 1, gain: 60),
    ]

    private func definition(
        _ c: Case, _ query: [Float], _ key: [Float], _ value: [Float]
    ) -> [Float] {
        var out = [Float](repeating: 0, count: query.count)
        let scale = 1 / Double(c.dims).squareRoot()
        let (width, kvWidth) = (c.heads * c.dims, c.kvHeads * c.dims)
        var start = 0
        for length in c.lengths {
            for row in start..<start + length {
                let seen = start..<(c.causal ? row + 1 : start + length)
                for head in 0..<c.heads {
                    let from = head / (c.heads / c.kvHeads) * c.dims
                    let q = row * width + head * c.dims
                    var scores: [Double] = []
                    for other in seen {
                        var sum = 0.0
                        for d in 0..<c.dims {
                            sum += Double(query[q + d]) * Double(key[other * kvWidth + from + d])
                        }
                        scores.append(sum * scale)
                    }
                    let top = scores.max() ?? 0
                    let weights = scores.map { exp($0 - top) }
                    let total = weights.reduce(0, +)
                    for d in 0..<c.dims {
                        var mixed = 0.0
                        for (other, weight) in zip(seen, weights) {
                            mixed += weight * Double(value[other * kvWidth + from + d])
                        }
                        out[q + d] = Float(mixed / total)
                    }
                }
            }
            start += length
        }
        return out
    }

    @Test(arguments: cases) func sequencesAttendAsDefined(c: Case) throws {
        let count = c.lengths.reduce(0, +)
        let query = noise(count * c.heads * c.dims, seed: 5).map { $0 * c.gain }
        let key = noise(count * c.kvHeads * c.dims, seed: 6).map { $0 * 2 }
        let value = noise(count * c.kvHeads * c.dims, seed: 7)
        let wanted = definition(c, query, key, value)
        let ends = c.lengths.reduce(into: [0]) { $0.append(($0.last ?? 0) + $1) }
        let ranges = zip(ends, ends.dropFirst()).map { $0..<$1 }
        // bf16 products: steps of a 256th of scores that reach 5, more where they reach 100. Products
        // of bytes where the layers around are quantized: a query's steps are a 127th of its largest.
        let isSteep = c.gain > 10
        let exact = isSteep ? 1e-4 : 1e-5
        let rounded = (narrow: isSteep ? 0.4 : 2e-2, bytes: isSteep ? 0.4 : 3e-2)
        let q = Matrix(count, c.heads * c.dims, query)
        let k = Matrix(count, c.kvHeads * c.dims, key)
        let v = Matrix(count, c.kvHeads * c.dims, value)
        for (precision, quantized) in [
            (Precision.exact, false), (.exact, true), (.fast, false), (.fast, true),
        ] {
            let compute = try Compute(precision: precision)
            InstructionSets.forEach { isa in
                let out = Matrix(count, c.heads * c.dims)
                Attention.sequences(
                    ranges, query: q.rows, key: k.rows, value: v.rows, heads: c.heads,
                    causal: c.causal, quantized: quantized, into: out.rows, on: compute)
                let error = difference(out.rows.array, wanted).max
                let fast = quantized ? rounded.bytes : rounded.narrow
                #expect(
                    error < (precision == .exact ? exact : fast),
                    "\(isa), \(precision), quantized \(quantized)")
            }
        }
    }

    /// Only long sequences between quantized weights are rounded to bytes, in fast arithmetic where
    /// that is faster; everything else is the same to the bit.
    @Test(arguments: [255, 256]) func bytesAreForLongSequencesOfFastArithmetic(count: Int) throws {
        let x = Matrix(count, 64, noise(count * 64, seed: 5))
        for precision in [Precision.exact, .fast] {
            let compute = try Compute(precision: precision)
            InstructionSets.forEach { isa in
                let outs = [false, true].map { quantized in
                    let out = Matrix(count, 64)
                    Attention.windows(
                        of: count, query: x.rows, key: x.rows, value: x.rows, heads: 1,
                        quantized: quantized, into: out.rows, on: compute)
                    return out.rows.array
                }
                let rounds = precision == .fast && count >= 256 && isa.hasPrefix("avx512")
                #expect((outs[0] != outs[1]) == rounds, "\(isa), \(precision)")
            }
        }
    }

    /// To the bit: what is handed on in bf16 would have been rounded to it.
    @Test(arguments: InstructionSets.available, [16, 31, 33, 70, 540])
    func geluBetweenTwoProductsIsTheSame(isa: String, count: Int) throws {
        let format: WeightFormat = count % 2 == 0 ? .f16 : .bf16
        for (columns, between, rows) in [(40, 96, 33), (64, 160, 64), (48, 72, 24)] {
            try expectSameGelu(isa, count, format, columns, between, rows)
        }
    }

    /// To the bit: what is handed on quantized would have been quantized so.
    @Test(arguments: InstructionSets.available, [15, 16, 70, 540])
    func geluBetweenTwoQuantizedProductsIsTheSame(isa: String, count: Int) throws {
        for format in [
            WeightFormat.affine(bits: 4, group: 64), .affine(bits: 8, group: 32), .mxfp4,
        ] {
            for (columns, between, rows) in [(128, 256, 33), (2176, 128, 64), (64, 192, 24)] {
                try expectSameGelu(isa, count, format, columns, between, rows)
            }
        }
    }

    private func expectSameGelu(
        _ isa: String, _ count: Int, _ format: WeightFormat, _ columns: Int, _ between: Int,
        _ rows: Int
    ) throws {
        let compute = try Compute(precision: .fast)
        let weights = InventedWeights(format: format, present: ["w"])
        let bias = Vector(noise(between, seed: 3))
        let inner = Linear(
            try weights.matrix("w1", rows: between, columns: columns).adding(bias: bias).rounding())
        let outer = Linear(try weights.matrix("w2", rows: rows, columns: between).rounding())
        weights.fill()
        let x = Matrix(count, columns, noise(count * columns).map { $0 * 40 })
        let middle = Matrix(count, between)
        let one = Matrix(count, rows, noise(count * rows, seed: 9))
        let two = Matrix(count, rows, one.rows.array)
        InstructionSets.with(isa) {
            inner.apply(x.rows, into: middle.rows, on: compute)
            Activation.gelu(middle.rows)
            outer.apply(middle.rows, into: one.rows, accumulate: true, on: compute)
            inner.applyGelu(x.rows, then: outer, into: two.rows, accumulate: true, on: compute)
        }
        #expect(one.rows.array == two.rows.array, "\(format), \(columns), \(between), \(rows)")
    }

    /// As far as bf16 goes, and the same for a row alone and among many.
    @Test func halfNumbersThatMayBeRoundedAre() throws {
        let compute = try Compute(precision: .fast)
        let (columns, rows, count) = (600, 50, 70)
        let weights = InventedWeights(format: .f16)
        let weight = try weights.matrix("w", rows: rows, columns: columns)
        weights.fill()
        let x = Matrix(count, columns, noise(count * columns))
        let exact = Matrix(count, rows)
        Linear(weight).apply(x.rows, into: exact.rows, precision: .exact, on: compute)
        let linear = Linear(weight.rounding())
        InstructionSets.forEach { isa in
            let whole = Matrix(count, rows)
            linear.apply(x.rows, into: whole.rows, on: compute)
            let error = difference(whole.rows.array, exact.rows.array)
            #expect(error.max < 1e-2, "\(isa)")
            let part = Matrix(3, rows)
            linear.apply(x.rows.rows(41..<44), into: part.rows, on: compute)
            #expect(part.rows.array == whole.rows.rows(41..<44).array, "\(isa)")
        }
    }

    @Test(arguments: [1, 2]) func convolutionOverTimeIsPadded(stride: Int) throws {
        let (frames, inputs, outputs) = (10, 3, 4)
        let compute = try Compute(precision: .exact)
        let weight = noise(outputs * 3 * inputs, seed: 2)
        let x = noise(frames * inputs, seed: 3)
        let convolution = Convolution1D(
            weight: Weight(name: "w", rows: outputs, columns: 3 * inputs, values: weight),
            inputs: inputs, kernel: 3, stride: stride)
        compute.workspace.scope {
            let padded = Convolution1D.padded(frames, inputs, on: compute)
            for frame in 0..<frames {
                for input in 0..<inputs {
                    padded.inside[frame][input] = x[frame * inputs + input]
                }
            }
            let out = Matrix(frames / stride, outputs)
            convolution.apply(padded, into: out.rows, on: compute)
            for step in 0..<frames / stride {
                for output in 0..<outputs {
                    var sum: Float = 0
                    for tap in 0..<3 {
                        let frame = step * stride + tap - 1
                        guard (0..<frames).contains(frame) else { continue }
                        for input in 0..<inputs {
                            sum +=
                                weight[(output * 3 + tap) * inputs + input]
                                * x[frame * inputs + input]
                        }
                    }
                    #expect(abs(out.rows[step][output] - sum) < 1e-5)
                }
            }
        }
    }

    /// MLX and PyTorch order of the same convolution are the same matrix.
    @Test func bothOrdersOfAConvolutionAreRead() throws {
        let folder = try ModelFolder(path: Fixtures.path("whisper-bf16"))  // [out, in, k]
        let weight = try folder.convolution(
            "model.encoder.conv1", outputs: 64, inputs: 128, kernel: [3])
        #expect(weight.format == .bf16)
        let plain = try folder.values("model.encoder.conv1.weight", shape: [64, 128, 3])
        var row = [Float](repeating: 0, count: 3 * 128)
        row.withUnsafeMutableBufferPointer { weight.row(7, into: $0) }
        for tap in 0..<3 {
            for input in 0..<128 {
                #expect(row[tap * 128 + input] == plain[(7 * 128 + input) * 3 + tap])
            }
        }
        #expect(throws: KernelError.self) {
            try folder.convolution("model.encoder.conv1", outputs: 64, inputs: 80, kernel: [3])
        }
    }
}
