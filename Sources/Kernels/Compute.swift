internal import CKernels

/// How arithmetic is done.
public enum Precision: Sendable {
    /// f32 activations throughout: the specification.
    case exact
    /// int8 activations per group against quantized weights, bf16 against bf16 weights, and two
    /// bytes a number in the KV cache.
    case fast

    var code: ck_precision { self == .exact ? CK_EXACT : CK_FAST }
}

/// What every layer needs to run: precision, scratch memory, and where to leave a trace. One per
/// session, used by one thread at a time.
public final class Compute {
    /// Exact or fast arithmetic.
    public let precision: Precision
    /// The arena for activations and scratch.
    public let workspace: Workspace
    /// Where named intermediate tensors go, nil unless asked for.
    public let trace: Trace?

    /// - Throws: `KernelError.setting` when the arena cannot be reserved.
    public init(precision: Precision = .fast, trace: Trace? = nil) throws {
        self.precision = precision
        self.trace = trace
        workspace = try Workspace()
    }

    /// Records rows of a prompt; the single rows of decoding would drown them.
    @inline(__always)
    public func traceRows(_ name: @autoclosure () -> String, _ rows: Rows) {
        if let trace, rows.count > 1 { trace.record(name(), rows) }
    }
}
