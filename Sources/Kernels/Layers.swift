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

    /// Normalises each head of x [n, heads · headDim] in place.
    public func applyToHeads(_ x: Rows) {
        require(x.columns % weight.count == 0, "RMSNorm over heads: \(x.columns) columns")
        ck_rms_norm_heads(
            x.base, x.stride, x.count, x.columns / weight.count, weight.count, weight.base,
            offset, eps)
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

/// Element-wise operations.
public enum Activation {
    /// What a gate goes through.
    public enum Gate: Sendable {
        case silu
        /// The tanh form of GELU.
        case geluTanh
    }

    /// out = f(gate) · up; gate and up are columns of one projection.
    public static func multiply(_ function: Gate, gate: Rows, up: Rows, into out: Rows) {
        require(gate.columns == up.columns && out.columns == up.columns, "gated product shape")
        require(gate.stride == up.stride, "gate and up of different projections")
        let kernel = function == .silu ? ck_silu_mul : ck_gelu_tanh_mul
        kernel(gate.base, up.base, gate.stride, gate.count, gate.columns, out.base, out.stride)
    }

    /// x = gelu(x) in place, the exact erf form.
    public static func gelu(_ x: Rows) {
        ck_gelu(x.base, x.stride, x.count, x.columns)
    }

    /// y += x
    public static func add(_ x: Rows, to y: Rows) {
        require(x.columns == y.columns && x.count == y.count, "add shape")
        ck_add(x.base, x.stride, x.count, x.columns, y.base, y.stride)
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

/// A k x k convolution with zero padding as a linear layer over patches.
public struct Convolution2D {
    private let linear: Linear
    private let inputs: Int
    private let kernel: Int
    private let stride: Int
    private let padding: Int

    /// - Parameter weight: [outputs, kernel · kernel · inputs], a row in the order (kh, kw, input).
    public init(weight: Weight, inputs: Int, kernel: Int, stride: Int, padding: Int) {
        require(weight.columns == kernel * kernel * inputs, "\(weight.name): \(weight.columns)")
        linear = Linear(weight)
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
        compute.workspace.scope {
            let patches = compute.workspace.rows(
                outputSize(height) * outputSize(width), kernel * kernel * inputs)
            ck_patches_2d(
                image.base, height, width, inputs, kernel, stride, padding, patches.base)
            linear.apply(patches, into: out, on: compute)
        }
    }
}
