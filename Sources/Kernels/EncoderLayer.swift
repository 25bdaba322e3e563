/// A layer of a transformer encoder, norms in front:
/// h += Wo · attention(norm(h)), then h += outer(gelu(inner(norm(h)))).
public struct EncoderLayer {
    /// Which of the two definitions of GELU (Hendrycks and Gimpel 2016).
    public enum Gelu: Sendable {
        /// With the error function.
        case exact
        /// With a hyperbolic tangent.
        case tanh
    }

    private let attentionNorm: LayerNorm
    private let queryKeyValue: Linear
    private let output: Linear
    private let feedForwardNorm: LayerNorm
    private let inner: Linear
    private let outer: Linear
    private let gelu: Gelu

    /// - Parameters:
    ///   - queryKeyValue: [3 · width, width], of one matrix or three; `output`: [width, width].
    ///   - inner: [feedForward, width]; `outer`: [width, feedForward].
    public init(
        attentionNorm: LayerNorm, queryKeyValue: Linear, output: Linear,
        feedForwardNorm: LayerNorm, inner: Linear, outer: Linear, gelu: Gelu = .exact
    ) {
        self.attentionNorm = attentionNorm
        self.queryKeyValue = queryKeyValue
        self.output = output
        self.feedForwardNorm = feedForwardNorm
        self.inner = inner
        self.outer = outer
        self.gelu = gelu
    }

    /// Its linear layers, each of which every row goes through once.
    public var linears: [Linear] { [queryKeyValue, output, inner, outer] }

    /// The format whose products are the ceiling of attention's: of quantized weights around it, with
    /// which it may multiply bytes too, else bf16.
    public var attentionFormat: WeightFormat {
        queryKeyValue.isQuantized ? queryKeyValue.weights[0].format : .bf16
    }

    /// - Parameters:
    ///   - hidden: [n, width], changed in place.
    ///   - windowTokens: consecutive rows that attend to each other and to no others.
    ///   - rotate: gives queries and keys [n, 2 · width] their positions.
    public func apply(
        _ hidden: Rows, heads: Int, windowTokens: Int, on compute: Compute,
        rotate: (Rows) -> Void = { _ in }
    ) {
        let work = compute.workspace
        let width = hidden.columns
        work.scope {
            let h = work.rows(hidden.count, width)
            attentionNorm.apply(hidden, into: h)
            work.scope {
                let projected = work.rows(hidden.count, 3 * width)
                queryKeyValue.apply(h, into: projected, on: compute)
                rotate(projected.columns(0..<2 * width))
                Attention.windows(
                    of: windowTokens, query: projected.columns(0..<width),
                    key: projected.columns(width..<2 * width),
                    value: projected.columns(2 * width..<3 * width), heads: heads,
                    quantized: queryKeyValue.isQuantized, into: h, on: compute)
            }
            output.apply(h, into: hidden, accumulate: true, on: compute)
            feedForwardNorm.apply(hidden, into: h)
            feedForward(h, into: hidden, on: compute)
        }
    }

    private func feedForward(_ h: Rows, into hidden: Rows, on compute: Compute) {
        switch gelu {
        case .exact:
            inner.applyGelu(h, then: outer, into: hidden, accumulate: true, on: compute)
        case .tanh:
            let between = compute.workspace.rows(h.count, inner.rows)
            inner.apply(h, into: between, on: compute)
            Activation.geluTanh(between)
            outer.apply(between, into: hidden, accumulate: true, on: compute)
        }
    }
}
