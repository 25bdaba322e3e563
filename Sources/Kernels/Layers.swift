internal import CKernels
import Foundation

/// y = x / sqrt(mean(x²) + eps) · (w + offset) (Zhang and Sennrich 2019).
public struct RMSNorm {
    private let weight: Vector
    private let offset: Float
    private let eps: Float

    /// - Parameters:
    ///   - weight: [columns]
    ///   - offset: added to the weight, for models that store it as a difference from 1.
    public init(weight: Vector, offset: Float = 0, eps: Double) {
        self.weight = weight
        self.offset = offset
        self.eps = Float(eps)
    }

    /// Normalises each row of x [n, columns] into y (which may be x).
    public func apply(_ x: Rows, into y: Rows) {
        require(x.columns == weight.count && y.columns == weight.count, "RMSNorm shape")
        ck_rms_norm(
            x.base, x.stride, x.count, x.columns, weight.base, offset, eps, y.base,
            y.stride)
    }

    /// The norm of each head of `headDim`, for kernels that do something else with it at once.
    func ofHeads(_ headDim: Int) -> ck_head_norm {
        require(weight.count == headDim, "RMSNorm of \(weight.count) for heads of \(headDim)")
        return ck_head_norm(weight: weight.base, weight_offset: offset, eps: eps)
    }
}

/// y = (x - mean) / sqrt(var + eps) · w + b, with the biased variance (Ba et al. 2016).
public struct LayerNorm {
    private let weight: Vector
    private let bias: Vector
    private let eps: Float

    /// - Parameters:
    ///   - weight: [columns]
    ///   - bias: [columns]
    public init(weight: Vector, bias: Vector, eps: Double = 1e-5) {
        require(weight.count == bias.count, "LayerNorm: \(weight.count) and \(bias.count)")
        self.weight = weight
        self.bias = bias
        self.eps = Float(eps)
    }

    /// Normalises each row of x [n, columns] into y (which may be x).
    public func apply(_ x: Rows, into y: Rows) {
        require(x.columns == weight.count && y.columns == weight.count, "LayerNorm shape")
        ck_layer_norm(
            x.base, x.stride, x.count, x.columns, weight.base, bias.base, eps, y.base, y.stride)
    }
}

extension ModelFolder {
    /// The layer norm `name` over `count` columns.
    ///
    /// - Throws: `KernelError` when a tensor is missing or shaped otherwise.
    public func layerNorm(
        _ name: String, _ count: Int, eps: Double = 1e-5
    ) throws -> LayerNorm {
        LayerNorm(
            weight: try vector("\(name).weight", count: count),
            bias: try vector("\(name).bias", count: count), eps: eps)
    }

    /// A matrix that must have the bias of its linear layer.
    ///
    /// - Throws: `KernelError` when a tensor is missing or shaped otherwise.
    public func biasedMatrix(_ name: String, rows: Int, columns: Int) throws -> Weight {
        guard has("\(name).bias") else {
            throw KernelError.missing(file: path, tensor: "\(name).bias")
        }
        return try matrix(name, rows: rows, columns: columns)
    }
}

/// Element-wise operations.
public enum Activation {
    /// What a gate goes through.
    public enum Gate: Sendable {
        case silu
        /// The tanh form of GELU.
        case geluTanh

        var code: ck_gate { self == .silu ? CK_SILU : CK_GELU_TANH }
    }

    /// out = f(gate) · up; gate and up are columns of one projection.
    public static func multiply(_ function: Gate, gate: Rows, up: Rows, into out: Rows) {
        require(gate.columns == up.columns && out.columns == up.columns, "gated product shape")
        require(gate.stride == up.stride, "gate and up of different projections")
        ck_gated(
            function.code, gate.base, up.base, gate.stride, gate.count, gate.columns, out.base,
            out.stride)
    }

    /// x = gelu(x) in place, the exact erf form.
    public static func gelu(_ x: Rows) {
        ck_gelu(x.base, x.stride, x.count, x.columns)
    }

    /// x = gelu(x) in place, the tanh form.
    public static func geluTanh(_ x: Rows) {
        ck_gelu_tanh(x.base, x.stride, x.count, x.columns)
    }

    /// y += x
    public static func add(_ x: Rows, to y: Rows) {
        require(x.columns == y.columns && x.count == y.count, "add shape")
        ck_add(x.base, x.stride, x.count, x.columns, y.base, y.stride)
    }

    /// y += the first rows of a table [n, columns].
    public static func add(table: Vector, to y: Rows) {
        require(y.count * y.columns <= table.count, "add of a shorter table")
        ck_add(table.base, y.columns, y.count, y.columns, y.base, y.stride)
    }

    /// y += factor · x
    public static func add(_ x: Rows, times factor: Float, to y: Rows) {
        require(x.columns == y.columns && x.count == y.count, "add shape")
        for row in 0..<x.count {
            let source = x[row]
            let target = y[row]
            for index in source.indices { target[index] += factor * source[index] }
        }
    }
}

/// What one needs of logits besides sampling.
public enum Logits {
    /// Index of the largest logit, the lowest on ties.
    public static func argmax(_ logits: UnsafeMutableBufferPointer<Float>) -> Int {
        require(!logits.isEmpty, "argmax of nothing")
        return ck_argmax(logits.baseAddress, logits.count)
    }

    /// e to the power x.
    public static func exp(_ x: Float) -> Float { expf(x) }

    /// log Σ exp(logits).
    public static func logSumExp(_ logits: UnsafeMutableBufferPointer<Float>) -> Float {
        require(!logits.isEmpty, "logSumExp of nothing")
        return ck_log_sum_exp(logits.baseAddress, logits.count)
    }
}

/// A k x k convolution with zero padding. Its patches are rows of a linear layer that are rounded or
/// quantized as they are gathered; only exact arithmetic sees them whole.
public struct Convolution2D {
    private let weight: Weight
    private let inputs: Int
    private let kernel: Int
    private let stride: Int
    private let padding: Int

    /// - Parameter weight: [outputs, kernel · kernel · inputs], a row in the order (kh, kw, input).
    public init(weight: Weight, inputs: Int, kernel: Int, stride: Int, padding: Int) {
        require(weight.columns == kernel * kernel * inputs, "\(weight.name): \(weight.columns)")
        require(weight.columns <= CK_PATCH_NUMBERS_MAX, "\(weight.name): \(weight.columns)")
        self.weight = weight
        self.inputs = inputs
        self.kernel = kernel
        self.stride = stride
        self.padding = padding
    }

    /// Output size for an input size.
    public func outputSize(_ size: Int) -> Int { (size + 2 * padding - kernel) / stride + 1 }

    /// image [height · width, inputs] -> out [outputSize(height) · outputSize(width), outputs].
    public func apply(_ image: Rows, height: Int, width: Int, into out: Rows, on compute: Compute) {
        require(image.count == height * width && image.columns == inputs, "convolution input")
        require(image.stride == inputs, "convolution over a strided image")
        require(
            out.count == outputSize(height) * outputSize(width) && out.columns == weight.rows,
            "convolution output")
        compute.workspace.scope {
            var (matrix, precision) = (weight.matrix, compute.precision.code)
            var shape = ck_image(
                values: image.base, height: height, width: width, channels: inputs,
                kernel: kernel, stride: stride, padding: padding)
            let bytes = ck_convolve_2d_scratch_bytes(&matrix, &shape, precision)
            ck_convolve_2d(
                &matrix, &shape, out.base, out.stride, precision, compute.workspace.bytes(bytes))
        }
    }
}

/// A convolution over time with half a kernel of zeros on both sides, as a linear layer over patches:
/// where rows lie one behind the other, the patches are rows that overlap, and nothing is copied.
public struct Convolution1D {
    /// Rows with zeros around them.
    public struct Padded {
        let all: Rows
        /// The rows to be filled.
        public let inside: Rows
    }

    /// Rows of zeros on each side.
    private static let padding = 1

    private let linear: Linear
    private let inputs: Int
    private let kernel: Int
    private let stride: Int

    /// - Parameter weight: [outputs, kernel · inputs], a row in the order (k, input).
    public init(weight: Weight, inputs: Int, kernel: Int, stride: Int) {
        require(weight.columns == kernel * inputs, "\(weight.name): \(weight.columns)")
        require(kernel == 2 * Self.padding + 1 && stride > 0, "\(weight.name): kernel \(kernel)")
        linear = Linear(weight)
        self.inputs = inputs
        self.kernel = kernel
        self.stride = stride
    }

    /// Room for `count` rows of `columns` and the zeros, from the scope of the caller.
    public static func padded(_ count: Int, _ columns: Int, on compute: Compute) -> Padded {
        let all = compute.workspace.rows(count + 2 * padding, columns)
        for edge in [all[0], all[all.count - 1]] { edge.update(repeating: 0) }
        return Padded(all: all, inside: all.rows(padding..<padding + count))
    }

    /// x [n, inputs] -> out [(n - 1) / stride + 1, outputs].
    public func apply(_ x: Padded, into out: Rows, on compute: Compute) {
        require(x.all.columns == inputs && x.all.stride == inputs, "convolution input")
        require(out.count == (x.inside.count - 1) / stride + 1, "convolution output")
        let patches = Rows(
            base: x.all.base, count: out.count, columns: kernel * inputs, stride: stride * inputs)
        linear.apply(patches, into: out, on: compute)
    }
}
