internal import CKernels

/// A linear layer y = x Wᵀ + b over one or more matrices that share their input. Their outputs lie
/// side by side, so Q, K and V (or gate and up) cost one quantization of x and one fork.
public final class Linear {
    /// The matrices, in the order of their outputs.
    public let weights: [Weight]
    private let parts: UnsafeMutableBufferPointer<ck_matrix>
    /// Input features.
    public let columns: Int
    /// Output features of all parts together.
    public let rows: Int

    /// Stacks `weights`; all must have the same number of columns.
    public init(_ weights: Weight...) {
        require(!weights.isEmpty, "a linear layer without a matrix")
        columns = weights[0].columns
        rows = weights.reduce(0) { $0 + $1.rows }
        for weight in weights {
            require(weight.columns == columns, "\(weight.name): \(weight.columns) columns")
        }
        self.weights = weights
        parts = .allocate(capacity: weights.count)
        _ = parts.initialize(from: weights.map(\.matrix))
    }

    deinit { parts.deallocate() }

    /// Whether every matrix has codes that share scales.
    var isQuantized: Bool { weights.allSatisfy { $0.format.group > 0 } }

    /// Bytes that one pass over the weights reads.
    public var byteCount: Int { weights.reduce(0) { $0 + $1.byteCount } }

    /// y = x Wᵀ + b, or y += with `accumulate`.
    ///
    /// - Parameters:
    ///   - x: [n, columns]
    ///   - y: [n, rows]
    ///   - precision: other than the computation's own.
    public func apply(
        _ x: Rows, into y: Rows, accumulate: Bool = false, precision: Precision? = nil,
        on compute: Compute
    ) {
        require(x.columns == columns, "\(weights[0].name): input \(x.columns), want \(columns)")
        require(y.columns == rows && y.count == x.count, "\(weights[0].name): output shape")
        guard x.count > 0 else { return }
        compute.workspace.scope {
            let scratch = compute.workspace.bytes(ck_linear_scratch_bytes(x.count, columns))
            ck_linear(
                parts.baseAddress, parts.count, x.base, x.stride, x.count, y.base, y.stride,
                accumulate, (precision ?? compute.precision).code, scratch)
        }
    }

    /// y = outer(gelu(self(x))), or y += with `accumulate`; both linear layers have one matrix. The
    /// same as one after the other, but what lies between them stays small.
    ///
    /// - Parameters:
    ///   - x: [n, columns]
    ///   - y: [n, outer.rows]
    public func applyGelu(
        _ x: Rows, then outer: Linear, into y: Rows, accumulate: Bool = false, on compute: Compute
    ) {
        require(parts.count == 1 && outer.parts.count == 1, "\(weights[0].name): several matrices")
        require(x.columns == columns, "\(weights[0].name): input \(x.columns), want \(columns)")
        require(outer.columns == rows, "\(outer.weights[0].name): input \(rows)")
        require(y.columns == outer.rows && y.count == x.count, "\(weights[0].name): output shape")
        guard x.count > 0 else { return }
        let work = compute.workspace
        work.scope {
            let between = work.rows(x.count + 1, max(rows, Self.lineFloats))
            let scratch = work.bytes(ck_linear_scratch_bytes(x.count, max(columns, rows)))
            ck_gelu_pair(
                parts.baseAddress, outer.parts.baseAddress, x.base, x.stride, x.count,
                between.base, y.base, y.stride, accumulate,
                compute.precision.code, scratch)
        }
    }

    /// y = down(f(gate(x)) · up(x)), or y += with `accumulate`, where this layer is gate and up. The
    /// same as one after the other, but what lies between them stays small.
    ///
    /// - Parameters:
    ///   - x: [n, columns]
    ///   - y: [n, down.rows]
    public func applyGated(
        _ x: Rows, _ function: Activation.Gate, then down: Linear, into y: Rows,
        accumulate: Bool = false, on compute: Compute
    ) {
        require(parts.count == 2 && parts[0].rows == parts[1].rows, "\(weights[0].name): no pair")
        require(x.columns == columns, "\(weights[0].name): input \(x.columns), want \(columns)")
        let inner = parts[0].rows
        require(down.parts.count == 1, "\(down.weights[0].name): several matrices")
        require(down.columns == inner, "\(down.weights[0].name): input \(inner)")
        require(y.columns == down.rows && y.count == x.count, "\(weights[0].name): output shape")
        guard x.count > 0 else { return }
        let work = compute.workspace
        work.scope {
            let between = work.rows(3 * x.count + 1, max(inner, Self.lineFloats))
            let scratch = work.bytes(ck_linear_scratch_bytes(x.count, max(columns, inner)))
            ck_gated_pair(
                parts.baseAddress, down.parts.baseAddress, function.code, x.base, x.stride, x.count,
                between.base, y.base, y.stride, accumulate,
                compute.precision.code, scratch)
        }
    }

    /// f32 numbers of a cache line.
    private static let lineFloats = 16
}
