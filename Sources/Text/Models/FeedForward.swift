import Kernels

/// The part of a layer that works on each token by itself.
protocol FeedForward {
    /// y = f(x), or y += f(x) with `accumulate`; both [n, hidden].
    func apply(_ x: Rows, into y: Rows, accumulate: Bool, on compute: Compute)
}

/// Wdown · (activation(Wgate x) * (Wup x)) (Shazeer 2020, "GLU variants improve transformer").
struct DenseFeedForward: FeedForward {
    private let gateUp: Linear  // [2 · inner, hidden]
    private let down: Linear
    private let gate: Activation.Gate

    /// - Parameter name: module path of `gate_proj`, `up_proj` and `down_proj`.
    init(
        _ folder: ModelFolder, _ name: String, hidden: Int, inner: Int,
        gate: Activation.Gate = .silu
    ) throws {
        self.init(
            gate: try folder.matrix("\(name).gate_proj", rows: inner, columns: hidden),
            up: try folder.matrix("\(name).up_proj", rows: inner, columns: hidden),
            down: try folder.matrix("\(name).down_proj", rows: hidden, columns: inner),
            activation: gate)
    }

    /// - Parameters:
    ///   - gate: [inner, hidden], as `up`.
    ///   - down: [hidden, inner]
    init(gate: Weight, up: Weight, down: Weight, activation: Activation.Gate = .silu) {
        gateUp = Linear(gate, up)
        self.down = Linear(down)
        self.gate = activation
    }

    func apply(_ x: Rows, into y: Rows, accumulate: Bool, on compute: Compute) {
        gateUp.applyGated(x, gate, then: down, into: y, accumulate: accumulate, on: compute)
    }
}
