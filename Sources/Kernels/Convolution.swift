internal import CKernels
import Foundation

/// x + sin²(e^alpha · x) / (e^beta + 1e-9) with an alpha and a beta for each channel (SnakeBeta; Ziyin
/// et al. 2020, "Neural networks fail to learn periodic functions").
public struct Snake {
    /// Frequencies, then amplitudes: [2, channels].
    let parameters: Vector
    /// Columns of what it applies to.
    public let channels: Int

    private static let betaFloor: Float = 1e-9

    /// - Parameters:
    ///   - alpha: logarithms of the frequencies, [channels].
    ///   - beta: logarithms of what the amplitudes are the inverse of, [channels].
    public init(alpha: [Float], beta: [Float]) {
        require(alpha.count == beta.count, "snake: \(alpha.count) and \(beta.count) channels")
        channels = alpha.count
        parameters = Vector(alpha.map { expf($0) } + beta.map { 1 / (expf($0) + Self.betaFloor) })
    }
}

/// The rows before those that a convolution gets next: zeros at the start of a sound, then what it saw
/// last. So a sound may come in pieces of any length, with the same result to the bit.
public final class Past {
    let rows: Rows

    /// Zeros: the start of a sound.
    public init(count: Int, columns: Int) {
        let base = UnsafeMutablePointer<Float>.allocate(capacity: max(count * columns, 1))
        rows = Rows(base: base, count: count, columns: columns, stride: columns)
        reset()
    }

    deinit { rows.base.deallocate() }

    /// Back to the start of a sound.
    public func reset() {
        rows.base.update(repeating: 0, count: rows.count * rows.columns)
    }

    /// Moves on behind `x` [n, columns].
    func append(_ x: Rows) {
        let kept = max(rows.count - x.count, 0)
        if kept > 0 {
            // Towards the front: what is read lies behind what is written.
            rows.base.update(
                from: rows[rows.count - kept].baseAddress ?? rows.base, count: kept * rows.columns)
        }
        rows.rows(kept..<rows.count).copy(from: x.rows(x.count - (rows.count - kept)..<x.count))
    }
}

/// A convolution over time that sees no future: y[t] = Σ W[k] · x[t - (taps - 1 - k) · dilation] + b.
/// Nothing is gathered: a product reads the rows of each tap where they lie.
public final class CausalConvolution {
    private let weight: Weight
    private let snake: Snake?
    private let matrix: UnsafeMutablePointer<ck_matrix>
    private var convolution: ck_convolution
    /// The weights as the fastest products want them, made when they are first used.
    private var packed: AnonymousMemory?
    /// Rows before the first that it sees.
    public let pastCount: Int
    /// Columns of its input.
    public var inputs: Int { convolution.inputs }
    /// Columns of its output.
    public var outputs: Int { weight.rows }
    /// Multiplications of one row.
    public var products: Int { weight.rows * weight.columns }

    /// - Parameters:
    ///   - weight: [outputs, taps · inputs], a row in the order (tap, input), the oldest tap first; plain.
    ///   - snake: what the input goes through first.
    public init(_ weight: Weight, taps: Int = 1, dilation: Int = 1, snake: Snake? = nil) {
        let inputs = weight.columns / taps
        require(inputs * taps == weight.columns, "\(weight.name): \(taps) taps")
        require(weight.format.group == 0, "\(weight.name): a convolution of \(weight.format)")
        require(snake.map { $0.channels == inputs } ?? true, "\(weight.name): snake")
        self.weight = weight
        self.snake = snake
        matrix = .allocate(capacity: 1)
        matrix.initialize(to: weight.matrix)
        pastCount = (taps - 1) * dilation
        convolution = ck_convolution(
            matrix: UnsafePointer(matrix), snake: snake.map { UnsafePointer($0.parameters.base) },
            packed: nil, inputs: inputs, taps: taps, dilation: dilation)
    }

    deinit { matrix.deallocate() }

    /// The start of a sound.
    public func makePast() -> Past { Past(count: pastCount, columns: inputs) }

    /// y = convolution(x), or y += with `accumulate`; `past` moves on behind x before y is written.
    ///
    /// - Parameters:
    ///   - x: [n, inputs]
    ///   - past: rows before x; nil only where there is one tap.
    ///   - y: [n, outputs]
    public func apply(
        _ x: Rows, after past: Past? = nil, into y: Rows, accumulate: Bool = false,
        on compute: Compute
    ) {
        require(x.columns == inputs, "\(weight.name): input \(x.columns), want \(inputs)")
        require(y.columns == outputs && y.count == x.count, "\(weight.name): output shape")
        require((past?.rows.count ?? 0) == pastCount, "\(weight.name): \(pastCount) rows before")
        guard x.count > 0 else { return }
        let precision = compute.precision.code
        if packed == nil { pack(precision) }
        compute.workspace.scope {
            let scratch = compute.workspace.bytes(
                ck_convolution_scratch_bytes(&convolution, x.count, precision))
            ck_convolve(
                &convolution, past?.rows.base, x.base, x.stride, x.count, y.base, y.stride,
                accumulate, precision, scratch)
        }
        past?.append(x)
    }

    /// Without memory for it the product is slower.
    private func pack(_ precision: ck_precision) {
        let byteCount = ck_convolution_packed_bytes(&convolution, precision)
        guard byteCount > 0,
            let memory = try? AnonymousMemory(byteCount: byteCount, purpose: weight.name)
        else { return }
        ck_convolution_pack(&convolution, memory.base)
        convolution.packed = UnsafeRawPointer(memory.base)
        packed = memory
    }
}

/// A transposed convolution whose surplus samples at the end are dropped: each row of input becomes
/// `stride` rows of output, which see it and the few before it. As a product: one row of outputs for each
/// of the `stride` places, over the taps that reach there.
public final class TransposedConvolution {
    private let convolution: CausalConvolution
    /// Rows of output for each of input.
    public let stride: Int
    /// Columns of its output.
    public let outputs: Int
    /// Columns of its input.
    public var inputs: Int { convolution.inputs }
    /// Multiplications of one row of input.
    public var products: Int { convolution.products }

    /// - Parameters:
    ///   - weight: [stride · outputs, taps · inputs] as `ModelFolder.transposedConvolution` makes it.
    ///   - snake: what the input goes through first.
    public init(_ weight: Weight, inputs: Int, stride: Int, snake: Snake? = nil) {
        require(weight.rows % stride == 0, "\(weight.name): stride \(stride)")
        convolution = CausalConvolution(weight, taps: weight.columns / inputs, snake: snake)
        self.stride = stride
        outputs = weight.rows / stride
    }

    /// The start of a sound.
    public func makePast() -> Past { convolution.makePast() }

    /// x [n, inputs] -> y [n · stride, outputs], whose rows lie one behind the other.
    public func apply(_ x: Rows, after past: Past, into y: Rows, on compute: Compute) {
        require(y.count == x.count * stride && y.columns == outputs, "transposed output shape")
        require(y.stride == outputs, "transposed convolution into strided rows")
        let columns = stride * outputs
        let wide = Rows(base: y.base, count: x.count, columns: columns, stride: columns)
        convolution.apply(x, after: past, into: wide, on: compute)
    }
}

/// A convolution over time of each channel by itself, without future.
public struct DepthwiseConvolution {
    private let weight: Vector  // [taps, channels]
    private let bias: Vector
    private let taps: Int
    private let channels: Int

    /// - Parameters:
    ///   - weight: [channels, taps], the oldest tap first.
    ///   - bias: [channels]
    public init(weight: [Float], bias: Vector, taps: Int) {
        channels = bias.count
        require(weight.count == channels * taps, "depthwise: \(weight.count) weights")
        self.taps = taps
        self.bias = bias
        var reordered = [Float](repeating: 0, count: weight.count)
        for channel in 0..<channels {
            for tap in 0..<taps {
                reordered[tap * channels + channel] = weight[channel * taps + tap]
            }
        }
        self.weight = Vector(reordered)
    }

    /// The start of a sound.
    public func makePast() -> Past { Past(count: taps - 1, columns: channels) }

    /// x [n, channels] -> y [n, channels], which is not x.
    public func apply(_ x: Rows, after past: Past, into y: Rows, on compute: Compute) {
        require(x.columns == channels && y.columns == channels, "depthwise shape")
        require(y.count == x.count && past.rows.count == taps - 1, "depthwise rows")
        compute.workspace.scope {
            let all = compute.workspace.rows(past.rows.count + x.count, channels)
            all.rows(0..<past.rows.count).copy(from: past.rows)
            all.rows(past.rows.count..<all.count).copy(from: x)
            ck_depthwise(
                all.base, all.stride, x.count, channels, taps, weight.base, bias.base, y.base,
                y.stride)
        }
        past.append(x)
    }
}

extension Activation {
    /// x = x · sigmoid(x) in place.
    public static func silu(_ x: Rows) {
        ck_silu(x.base, x.stride, x.count, x.columns)
    }

    /// y += scale · x with a scale for each column.
    public static func add(_ x: Rows, scale: Vector, to y: Rows) {
        require(x.columns == y.columns && x.count == y.count, "add shape")
        require(scale.count == x.columns, "add of \(x.columns) columns, \(scale.count) scales")
        ck_add_scaled(x.base, x.stride, x.count, x.columns, scale.base, y.base, y.stride)
    }
}

extension ModelFolder {
    /// `name`.alpha and `name`.beta.
    ///
    /// - Throws: `KernelError` when a tensor is missing or shaped otherwise.
    public func snake(_ name: String, channels: Int) throws -> Snake {
        Snake(
            alpha: try values("\(name).alpha", shape: [channels]),
            beta: try values("\(name).beta", shape: [channels]))
    }

    /// A convolution of each channel by itself with its bias, stored [channels, 1, taps] (PyTorch) or
    /// [channels, taps, 1] (MLX).
    ///
    /// - Throws: `KernelError` when a tensor is missing or shaped otherwise.
    public func depthwise(_ name: String, channels: Int, taps: Int) throws -> DepthwiseConvolution {
        let full = "\(name).weight"
        let isPyTorch = shape(of: full) != [channels, taps, 1]
        return DepthwiseConvolution(
            weight: try values(
                full, shape: isPyTorch ? [channels, 1, taps] : [channels, taps, 1]),
            bias: try vector("\(name).bias", count: channels), taps: taps)
    }

    /// The weight of a transposed convolution, stored [inputs, outputs, kernel] (PyTorch) or [outputs,
    /// kernel, inputs] (MLX), as a matrix [stride · outputs, taps · inputs] with its bias for
    /// `TransposedConvolution`: outputs of place p come from tap j of kernel element p + stride · (taps - 1
    /// - j), zeros where the kernel has none.
    ///
    /// - Throws: `KernelError` when a tensor is missing or shaped otherwise.
    public func transposedConvolution(
        _ name: String, outputs: Int, inputs: Int, kernel: Int, stride: Int
    ) throws -> Weight {
        let weight = try transposedMatrix(
            name, outputs: outputs, inputs: inputs, kernel: kernel, stride: stride)
        let bias = try vector("\(name).bias", count: outputs).array
        return weight.adding(bias: Vector((0..<stride).flatMap { _ in bias }))
    }

    private func transposedMatrix(
        _ name: String, outputs: Int, inputs: Int, kernel: Int, stride: Int
    ) throws -> Weight {
        let taps = (kernel + stride - 1) / stride
        if let invented {
            return noting(
                try invented.matrix(name, rows: stride * outputs, columns: taps * inputs))
        }
        let full = "\(name).weight"
        let isMLX = shape(of: full) == [outputs, kernel, inputs]
        let stored = try values(
            full, shape: isMLX ? [outputs, kernel, inputs] : [inputs, outputs, kernel])
        var matrix = [Float](repeating: 0, count: stride * outputs * taps * inputs)
        for element in 0..<kernel {
            let (place, tap) = (element % stride, taps - 1 - element / stride)
            for output in 0..<outputs {
                let row = ((place * outputs + output) * taps + tap) * inputs
                for input in 0..<inputs {
                    matrix[row + input] =
                        isMLX
                        ? stored[(output * kernel + element) * inputs + input]
                        : stored[(input * outputs + output) * kernel + element]
                }
            }
        }
        return noting(
            Weight(name: name, rows: stride * outputs, columns: taps * inputs, values: matrix))
    }
}

extension Vector {
    /// out += factors[row] · row `row` of this table [n, out.count].
    public func add(row: Int, times factors: Vector, to out: UnsafeMutableBufferPointer<Float>) {
        require((row + 1) * out.count <= count && row < factors.count, "row \(row) of a table")
        let (source, factor) = (base + row * out.count, factors.base[row])
        for index in out.indices { out[index] += factor * source[index] }
    }
}
