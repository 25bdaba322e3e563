import CKernels
import Foundation
import TestSupport
import Testing

@testable import Kernels

/// Row operations of every instruction set against definitions in double precision, at sizes that
/// fill no vector, on outputs full of NaN so that a cell never written is seen.
@Suite struct RowsTests {
    static let sizes = [1, 7, 8, 15, 16, 17, 31, 64, 100]
    /// f32 with another order of additions, and polynomials of 2e-7.
    static let tolerance = 2e-6

    private func output(_ count: Int) -> [Float] { [Float](repeating: .nan, count: count) }

    @Test(arguments: InstructionSets.available, sizes) func rmsNorm(isa: String, size: Int) {
        let x = noise(size)
        let weight = noise(size, seed: 2)
        var y = output(size)
        InstructionSets.with(isa) {
            ck_rms_norm(x, size, 1, size, weight, 1, 1e-5, &y, size)
        }
        let mean = x.reduce(0) { $0 + Double($1) * Double($1) } / Double(size)
        let wanted = zip(x, weight).map {
            Float(Double($0) / (mean + 1e-5).squareRoot() * (Double($1) + 1))
        }
        #expect(difference(y, wanted).max < Self.tolerance)
    }

    @Test(arguments: InstructionSets.available, sizes) func layerNorm(isa: String, size: Int) {
        // A large offset: a one-pass variance would lose its digits here.
        let x = noise(size).map { $0 + 100 }
        let weight = noise(size, seed: 2)
        let bias = noise(size, seed: 3)
        var y = output(size)
        InstructionSets.with(isa) {
            ck_layer_norm(x, size, 1, size, weight, bias, 1e-5, &y, size)
        }
        let mean = x.reduce(0) { $0 + Double($1) } / Double(size)
        let variance = x.reduce(0) { $0 + pow(Double($1) - mean, 2) } / Double(size)
        let wanted = (0..<size).map {
            Float((Double(x[$0]) - mean) / (variance + 1e-5).squareRoot() * Double(weight[$0]))
                + bias[$0]
        }
        #expect(difference(y, wanted).max < 1e-4)
    }

    @Test(arguments: InstructionSets.available, sizes) func activations(isa: String, size: Int) {
        let gate = noise(size).map { $0 * 12 }
        let up = noise(size, seed: 2)
        var silu = output(size)
        var tanhGate = output(size)
        var (erfGelu, tanhGelu) = (gate, gate)
        InstructionSets.with(isa) {
            ck_gated(CK_SILU, gate, up, size, 1, size, &silu, size)
            ck_gated(CK_GELU_TANH, gate, up, size, 1, size, &tanhGate, size)
            ck_gelu(&erfGelu, size, 1, size)
            ck_gelu_tanh(&tanhGelu, size, 1, size)
        }
        func relative(_ found: [Float], _ definition: (Double) -> Double, _ factor: [Float])
            -> Double
        {
            let wanted = zip(gate, factor).map { Float(definition(Double($0)) * Double($1)) }
            return difference(found, wanted).max
        }
        let ones = [Float](repeating: 1, count: size)
        #expect(relative(silu, { $0 / (1 + exp(-$0)) }, up) < Self.tolerance * 12)
        let gelu = { (x: Double) in 0.5 * x * (1 + erf(x / 2.0.squareRoot())) }
        #expect(relative(erfGelu, gelu, ones) < Self.tolerance * 12)
        let geluTanh = { (x: Double) in
            0.5 * x * (1 + tanh((2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)))
        }
        #expect(relative(tanhGate, geluTanh, up) < Self.tolerance * 12)
        #expect(relative(tanhGelu, geluTanh, ones) < Self.tolerance * 12)
    }

    @Test(arguments: InstructionSets.available) func activationsAtTheEnds(isa: String) {
        var x: [Float] = [-1000, -88, -10, -0.0, 0, 10, 88, 1000]
        let wanted: [Float] = [0, 0, 0, 0, 0, 10, 88, 1000]
        InstructionSets.with(isa) { ck_gelu(&x, x.count, 1, x.count) }
        #expect(difference(x, wanted).max < 1e-6)
    }

    @Test(arguments: InstructionSets.available, [2, 8, 30, 32, 64, 128]) func rope(
        isa: String, dims: Int
    ) {
        let half = dims / 2
        let angles = noise(half, seed: 4).map { Double($0) * 3 }
        let cosines = angles.map { Float(cos($0)) }
        let sines = angles.map { Float(sin($0)) }
        let x = noise(2 * dims)
        var y = x
        InstructionSets.with(isa) {
            ck_rope(&y, 2 * dims, 1, 2, dims, cosines, sines, ck_head_norm())
        }
        for head in 0..<2 {
            for j in 0..<half {
                let a = Double(x[head * dims + j])
                let b = Double(x[head * dims + half + j])
                let first = a * cos(angles[j]) - b * sin(angles[j])
                let second = b * cos(angles[j]) + a * sin(angles[j])
                #expect(abs(Double(y[head * dims + j]) - first) < 1e-6)
                #expect(abs(Double(y[head * dims + half + j]) - second) < 1e-6)
            }
        }
    }

    /// Heads that are normalised on the way are, to the bit, those that were normalised before.
    @Test(arguments: InstructionSets.available, [2, 30, 128]) func ropeOfNormedHeads(
        isa: String, dims: Int
    ) {
        let (rows, heads) = (3, 2)
        let cosines = noise(rows * dims / 2, seed: 4)
        let sines = noise(rows * dims / 2, seed: 5)
        let weight = noise(dims, seed: 6)
        let x = noise(rows * heads * dims)
        InstructionSets.with(isa) {
            var apart = x
            for head in 0..<rows * heads {
                var part = Array(x[head * dims..<(head + 1) * dims])
                let before = part
                ck_rms_norm(before, dims, 1, dims, weight, 1, 1e-6, &part, dims)
                apart.replaceSubrange(head * dims..<(head + 1) * dims, with: part)
            }
            ck_rope(
                &apart, heads * dims, rows, heads, dims, cosines, sines, ck_head_norm())
            var together = x
            weight.withUnsafeBufferPointer {
                ck_rope(
                    &together, heads * dims, rows, heads, dims, cosines, sines,
                    ck_head_norm(weight: $0.baseAddress, weight_offset: 1, eps: 1e-6))
            }
            #expect(together == apart)
        }
    }

    @Test(arguments: InstructionSets.available, [1, 5, 16, 33, 1000]) func logits(
        isa: String, size: Int
    ) {
        var x = noise(size).map { $0 * 20 }
        InstructionSets.with(isa) {
            let sum = x.reduce(0.0) { $0 + exp(Double($1)) }
            #expect(abs(Double(ck_log_sum_exp(x, size)) - log(sum)) < 1e-5)
            x[size - 1] = 50
            x[size / 2] = 50
            #expect(ck_argmax(x, size) == size / 2)
        }
    }

    /// y of a 3 x 3 convolution with a border of zeros, weights [outputs, 9 · channels] f32, or bf16
    /// where it is fast.
    private func convolve(
        _ image: [Float], height: Int, width: Int, stride: Int, weights: [Float], outputs: Int,
        _ precision: ck_precision
    ) -> [Float] {
        let narrow = weights.map { UInt16($0.bitPattern >> 16) }
        let (channels, columns) = (image.count / height / width, weights.count / outputs)
        let outCount = ((height - 1) / stride + 1) * ((width - 1) / stride + 1)
        var y = output(outCount * outputs)
        image.withUnsafeBufferPointer { image in
            weights.withUnsafeBytes { wide in
                narrow.withUnsafeBytes { narrow in
                    let isExact = precision == CK_EXACT
                    var matrix = ck_matrix()
                    matrix.codes = (isExact ? wide : narrow).baseAddress
                    matrix.format = isExact ? CK_F32 : CK_BF16
                    (matrix.rows, matrix.columns) = (outputs, columns)
                    var shape = ck_image(
                        values: image.baseAddress, height: height, width: width,
                        channels: channels, kernel: 3, stride: stride, padding: 1)
                    var scratch = [UInt8](
                        repeating: 0,
                        count: ck_convolve_2d_scratch_bytes(&matrix, &shape, precision))
                    ck_convolve_2d(&matrix, &shape, &y, outputs, precision, &scratch)
                }
            }
        }
        return y
    }

    /// Patches that are rounded as they are gathered, 16 at a time: 45, of which the last are few. Numbers
    /// that bf16 holds leave nothing to round.
    @Test(arguments: InstructionSets.available) func fastConvolutionsEqualExactOnes(isa: String) {
        let (height, width, channels, outputs) = (17, 9, 5, 24)
        func short(_ values: [Float]) -> [Float] {
            values.map { Float(bitPattern: $0.bitPattern & 0xffff_0000) }
        }
        let image = short(noise(height * width * channels))
        let weights = short(noise(outputs * 9 * channels, seed: 2))
        func run(_ precision: ck_precision) -> [Float] {
            InstructionSets.with(isa) {
                convolve(
                    image, height: height, width: width, stride: 2, weights: weights,
                    outputs: outputs, precision)
            }
        }
        #expect(difference(run(CK_FAST), run(CK_EXACT)).max < 1e-5)
    }

    @Test(arguments: [1, 3], [1, 2]) func patchesAreZeroPadded(channels: Int, stride: Int) {
        let height = 5
        let width = 4
        let image = noise(height * width * channels)
        let outHeight = (height - 1) / stride + 1
        let outWidth = (width - 1) / stride + 1
        let columns = 9 * channels
        // Multiplied by one they come out as they are.
        let identity = (0..<columns * columns).map { Float($0 % (columns + 1) == 0 ? 1 : 0) }
        let rows = convolve(
            image, height: height, width: width, stride: stride, weights: identity,
            outputs: columns, CK_EXACT)
        var wanted: [Float] = []
        for y in 0..<outHeight {
            for x in 0..<outWidth {
                for ky in -1...1 {
                    for kx in -1...1 {
                        let row = y * stride + ky
                        let column = x * stride + kx
                        let inside = (0..<height).contains(row) && (0..<width).contains(column)
                        for channel in 0..<channels {
                            wanted.append(
                                inside ? image[(row * width + column) * channels + channel] : 0)
                        }
                    }
                }
            }
        }
        #expect(rows == wanted)
    }
}
