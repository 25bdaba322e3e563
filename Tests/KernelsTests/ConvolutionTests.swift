import CKernels
import Foundation
import TestSupport
import Testing

@testable import Kernels

/// Convolutions over time against their definition, in every instruction set, at sizes that fill no
/// vector and no tile.
@Suite struct ConvolutionTests {
    struct Case: CustomTestStringConvertible, Sendable {
        var count: Int
        var inputs: Int
        var outputs: Int
        var taps = 7
        var dilation = 1
        var hasSnake = false

        var testDescription: String {
            "\(count) x \(inputs) -> \(outputs), \(taps) taps, dilation \(dilation), \(hasSnake)"
        }
        var past: Int { (taps - 1) * dilation }
    }

    static let cases = [
        Case(count: 1, inputs: 1, outputs: 1, taps: 1), Case(count: 5, inputs: 3, outputs: 2),
        Case(count: 33, inputs: 24, outputs: 17, dilation: 3, hasSnake: true),
        Case(count: 130, inputs: 40, outputs: 33, dilation: 9, hasSnake: true),
        Case(count: 65, inputs: 96, outputs: 96, dilation: 9, hasSnake: true),
        Case(count: 20, inputs: 800, outputs: 70, taps: 2, hasSnake: true),
        Case(count: 600, inputs: 16, outputs: 48, taps: 3),
        Case(count: 70, inputs: 64, outputs: 48, taps: 1),
    ]
    /// Of sums of up to 1600 products of numbers below 1 in f32.
    static let exactTolerance = 2e-5
    /// Of the same numbers rounded to bf16, a 512th each.
    static let fastTolerance = 5e-2

    private func snake(_ c: Case) -> Snake? {
        c.hasSnake
            ? Snake(alpha: noise(c.inputs, seed: 8), beta: noise(c.inputs, seed: 9)) : nil
    }

    private func definition(_ c: Case, _ x: [Float], _ weight: [Float], _ bias: [Float]) -> [Float]
    {
        let snake = self.snake(c)?.parameters.array
        func input(_ row: Int, _ column: Int) -> Double {
            guard row >= 0 else { return 0 }
            let value = Double(x[row * c.inputs + column])
            guard let snake else { return value }
            let sine = sin(value * Double(snake[column]))
            return value + sine * sine * Double(snake[c.inputs + column])
        }
        return (0..<c.count).flatMap { t in
            (0..<c.outputs).map { output in
                var sum = Double(bias[output])
                for tap in 0..<c.taps {
                    let row = t - (c.taps - 1 - tap) * c.dilation
                    for i in 0..<c.inputs {
                        let index = (output * c.taps + tap) * c.inputs + i
                        sum += Double(weight[index]) * input(row, i)
                    }
                }
                return Float(sum)
            }
        }
    }

    private func convolution(
        _ c: Case, _ weight: [Float], _ bias: [Float], rounds: Bool = true
    ) -> CausalConvolution {
        let plain = Weight(
            name: "w", rows: c.outputs, columns: c.taps * c.inputs, values: weight
        ).adding(bias: Vector(bias))
        return CausalConvolution(
            rounds ? plain.rounding() : plain, taps: c.taps, dilation: c.dilation, snake: snake(c))
    }

    @Test(arguments: cases) func isAsDefined(c: Case) throws {
        let gain = 1 / Float(c.taps * c.inputs).squareRoot()
        let weight = noise(c.outputs * c.taps * c.inputs, seed: 2).map { $0 * gain }
        let bias = noise(c.outputs, seed: 4)
        let x = noise(c.count * c.inputs, seed: 3).map { $0 * 2 }
        let start = noise(c.count * c.outputs, seed: 5)
        let wanted = zip(definition(c, x, weight, bias), start).map { $0 + $1 }
        let input = Matrix(c.count, c.inputs, x)
        for precision in [Precision.exact, .fast] {
            let compute = try Compute(precision: precision)
            InstructionSets.forEach { isa in
                let convolution = convolution(c, weight, bias)
                let y = Matrix(c.count, c.outputs, start)
                convolution.apply(
                    input.rows, after: convolution.makePast(), into: y.rows, accumulate: true,
                    on: compute)
                let error = difference(y.rows.array, wanted).max
                let tolerance = precision == .exact ? Self.exactTolerance : Self.fastTolerance
                #expect(error < tolerance, "\(isa), \(precision)")
            }
        }
    }

    /// To the bit, in pieces of any length.
    @Test(arguments: cases, [Precision.exact, .fast])
    func piecesAreTheWhole(c: Case, precision: Precision) throws {
        let compute = try Compute(precision: precision)
        let convolution = convolution(
            c, noise(c.outputs * c.taps * c.inputs, seed: 2), noise(c.outputs, seed: 4))
        let x = Matrix(c.count, c.inputs, noise(c.count * c.inputs, seed: 3))
        InstructionSets.forEach { isa in
            let whole = Matrix(c.count, c.outputs)
            convolution.apply(
                x.rows, after: convolution.makePast(), into: whole.rows, on: compute)
            let parts = Matrix(c.count, c.outputs)
            let past = convolution.makePast()
            var (first, length) = (0, 1)
            while first < c.count {
                let range = first..<min(first + length, c.count)
                convolution.apply(
                    x.rows.rows(range), after: past, into: parts.rows.rows(range), on: compute)
                (first, length) = (range.upperBound, length * 3)
            }
            #expect(parts.rows.array == whole.rows.array, "\(isa)")
        }
    }

    /// Weights that may not be rounded are not.
    @Test func plainWeightsStayExact() throws {
        let c = Case(count: 40, inputs: 33, outputs: 20)
        let weight = noise(c.outputs * c.taps * c.inputs, seed: 2)
        let bias = noise(c.outputs, seed: 4)
        let x = Matrix(c.count, c.inputs, noise(c.count * c.inputs, seed: 3))
        let convolution = convolution(c, weight, bias, rounds: false)
        InstructionSets.forEach { isa in
            let results = [Precision.exact, .fast].map { precision in
                let y = Matrix(c.count, c.outputs)
                guard let compute = try? Compute(precision: precision) else { return [Float]() }
                convolution.apply(
                    x.rows, after: convolution.makePast(), into: y.rows, on: compute)
                return y.rows.array
            }
            #expect(results[0] == results[1], "\(isa)")
        }
    }

    @Test(arguments: [(16, 8), (7, 3), (4, 4), (2, 3)])
    func transposedIsAsDefined(kernel: Int, stride: Int) throws {
        let (count, inputs, outputs) = (9, 5, 6)
        let taps = (kernel + stride - 1) / stride
        let kernels = noise(inputs * outputs * kernel, seed: 2)  // [inputs, outputs, kernel]
        var matrix = [Float](repeating: 0, count: stride * outputs * taps * inputs)
        for element in 0..<kernel {
            let (place, tap) = (element % stride, taps - 1 - element / stride)
            for (output, input) in (0..<outputs).flatMap({ o in (0..<inputs).map { (o, $0) } }) {
                matrix[((place * outputs + output) * taps + tap) * inputs + input] =
                    kernels[(input * outputs + output) * kernel + element]
            }
        }
        let weight = Weight(
            name: "w", rows: stride * outputs, columns: taps * inputs, values: matrix)
        let x = noise(count * inputs, seed: 3)
        var wanted = [Float](repeating: 0, count: (count * stride + kernel) * outputs)
        for (row, element) in (0..<count).flatMap({ r in (0..<kernel).map { (r, $0) } }) {
            for (output, input) in (0..<outputs).flatMap({ o in (0..<inputs).map { (o, $0) } }) {
                wanted[(row * stride + element) * outputs + output] +=
                    x[row * inputs + input] * kernels[(input * outputs + output) * kernel + element]
            }
        }
        let compute = try Compute(precision: .exact)
        let input = Matrix(count, inputs, x)
        let convolution = TransposedConvolution(weight, inputs: inputs, stride: stride)
        InstructionSets.forEach { isa in
            let y = Matrix(count * stride, outputs)
            convolution.apply(
                input.rows, after: convolution.makePast(), into: y.rows, on: compute)
            let kept = Array(wanted.prefix(count * stride * outputs))
            #expect(difference(y.rows.array, kept).max < Self.exactTolerance, "\(isa)")
        }
    }

    @Test(arguments: [1, 16, 37]) func depthwiseIsAsDefined(channels: Int) throws {
        let (count, taps) = (11, 7)
        let weight = noise(channels * taps, seed: 2)
        let bias = noise(channels, seed: 4)
        let x = Matrix(count, channels, noise(count * channels, seed: 3))
        let convolution = DepthwiseConvolution(weight: weight, bias: Vector(bias), taps: taps)
        let compute = try Compute()
        var wanted: [Float] = []
        for t in 0..<count {
            for channel in 0..<channels {
                var sum = bias[channel]
                for tap in 0..<taps where t + tap >= taps - 1 {
                    sum += weight[channel * taps + tap] * x.rows[t + tap - taps + 1][channel]
                }
                wanted.append(sum)
            }
        }
        InstructionSets.forEach { isa in
            let y = Matrix(count, channels)
            let past = convolution.makePast()
            for range in [0..<1, 1..<4, 4..<count] {
                convolution.apply(
                    x.rows.rows(range), after: past, into: y.rows.rows(range), on: compute)
            }
            #expect(difference(y.rows.array, wanted).max < 2e-6, "\(isa)")
        }
    }

    @Test(arguments: InstructionSets.available, [1, 7, 16, 37])
    func rowOperations(isa: String, size: Int) {
        let x = noise(size).map { $0 * 30 }
        let alpha = noise(size, seed: 2)
        let beta = noise(size, seed: 3)
        let snake = Snake(alpha: alpha, beta: beta)
        var waved = [Float](repeating: .nan, count: size)
        var silu = x
        var sum = alpha
        InstructionSets.with(isa) {
            ck_snake(x, size, 1, size, snake.parameters.base, &waved, size)
            ck_silu(&silu, size, 1, size)
            ck_add_scaled(x, size, 1, size, beta, &sum, size)
        }
        let wantedWave = (0..<size).map { i in
            let sine = sin(Double(x[i]) * exp(Double(alpha[i])))
            return Float(Double(x[i]) + sine * sine / (exp(Double(beta[i])) + 1e-9))
        }
        // The product with a frequency has 24 bits; at 80 that is an angle within 4e-6.
        #expect(difference(waved, wantedWave).max < 4e-5)
        #expect(
            difference(silu, x.map { Float(Double($0) / (1 + exp(-Double($0)))) }).max < 1e-5)
        let wantedSum = (0..<size).map { alpha[$0] + beta[$0] * x[$0] }
        #expect(difference(sum, wantedSum).max < 1e-5)
    }
}
