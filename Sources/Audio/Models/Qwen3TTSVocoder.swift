// The convolutions of Qwen3-TTS's codec, from 12.5 rows a second to samples. References:
// references/tts-qwen3.md; qwen-tts 0.1.1 core/tokenizer_12hz/modeling_qwen3_tts_tokenizer_v2.py;
// ConvNeXt: Liu et al. 2022; residual units with snakes: Kumar et al. 2023 (DAC).
import Kernels

/// A transposed convolution and a ConvNeXt block behind it.
final class Qwen3TTSUpsample {
    /// The rows before.
    struct State {
        let transposed: Past
        let depthwise: Past

        func reset() {
            transposed.reset()
            depthwise.reset()
        }
    }

    private static let taps = 7
    private static let normEps = 1e-6
    private static let expansion = 4

    private let transposed: TransposedConvolution
    private let depthwise: DepthwiseConvolution
    private let norm: LayerNorm
    private let inner: CausalConvolution  // pwconv1 [4 · columns, columns]
    private let outer: CausalConvolution  // pwconv2
    private let gamma: Vector
    private let columns: Int

    /// Rows that it makes of one.
    var stride: Int { transposed.stride }
    /// Multiplications of one row of input.
    var products: Int { transposed.products + stride * (inner.products + outer.products) }

    init(_ folder: ModelFolder, _ name: String, columns: Int, stride: Int) throws {
        self.columns = columns
        transposed = TransposedConvolution(
            try folder.transposedConvolution(
                "\(name).0.conv", outputs: columns, inputs: columns, kernel: stride, stride: stride
            ).rounding(), inputs: columns, stride: stride)
        let block = "\(name).1"
        depthwise = try folder.depthwise(
            "\(block).dwconv.conv", channels: columns, taps: Self.taps)
        norm = LayerNorm(
            weight: try folder.vector("\(block).norm.weight", count: columns),
            bias: try folder.vector("\(block).norm.bias", count: columns), eps: Self.normEps)
        let wide = Self.expansion * columns
        inner = CausalConvolution(
            try folder.biasedMatrix("\(block).pwconv1", rows: wide, columns: columns).rounding())
        outer = CausalConvolution(
            try folder.biasedMatrix("\(block).pwconv2", rows: columns, columns: wide).rounding())
        gamma = try folder.vector("\(block).gamma", count: columns)
    }

    func makeState() -> State {
        State(transposed: transposed.makePast(), depthwise: depthwise.makePast())
    }

    /// x [n, columns] -> y [n · stride, columns]
    func apply(_ x: Rows, _ state: State, into y: Rows, on compute: Compute) {
        let work = compute.workspace
        transposed.apply(x, after: state.transposed, into: y, on: compute)
        work.scope {
            let h = work.rows(y.count, columns)
            depthwise.apply(y, after: state.depthwise, into: h, on: compute)
            norm.apply(h, into: h)
            let wide = work.rows(y.count, Self.expansion * columns)
            inner.apply(h, into: wide, on: compute)
            Activation.gelu(wide)
            outer.apply(wide, into: h, on: compute)
            Activation.add(h, scale: gamma, to: y)
        }
    }
}

/// Blocks of a transposed convolution and three residual units, each making more rows of fewer channels,
/// down to one channel: the samples.
final class Qwen3TTSVocoder {
    /// The rows before, of every convolution that sees some.
    struct State {
        let first: Past
        let blocks: [(transposed: Past, units: [Past])]
        let last: Past

        func reset() {
            for past in [first, last] + blocks.flatMap({ [$0.transposed] + $0.units }) {
                past.reset()
            }
        }
    }

    /// x + narrow(snake(wide(snake(x))))
    private struct Unit {
        let wide: CausalConvolution
        let narrow: CausalConvolution
    }

    private struct Block {
        let transposed: TransposedConvolution
        let units: [Unit]
    }

    private static let taps = 7
    private static let dilations = [1, 3, 9]
    /// Rows go through the blocks in pieces that make about so many numbers, which stay in the second
    /// cache, but not so few rows that the weights are read again and again.
    private static let pieceFloats = 1 << 17
    private static let pieceRowsMin = 512

    private let first: CausalConvolution
    private let blocks: [Block]
    private let last: CausalConvolution

    /// Multiplications of one row of input.
    var products: Int {
        var (rows, sum) = (1, first.products)
        for block in blocks {
            sum += rows * block.transposed.products
            rows *= block.transposed.stride
            for unit in block.units { sum += rows * (unit.wide.products + unit.narrow.products) }
        }
        return sum + rows * last.products
    }

    init(_ folder: ModelFolder, _ config: Qwen3TTSCodecConfig) throws {
        let name = "decoder.decoder"
        first = CausalConvolution(
            try folder.biasedConvolution(
                "\(name).0.conv", outputs: config.channels, inputs: config.latent, taps: Self.taps),
            taps: Self.taps)
        var channels = config.channels
        blocks = try config.rates.enumerated().map { index, rate in
            defer { channels /= 2 }
            return try Self.block(
                folder, "\(name).\(index + 1).block", channels: channels, rate: rate)
        }
        let end = config.rates.count + 1
        last = CausalConvolution(
            try folder.biasedConvolution(
                "\(name).\(end + 1).conv", outputs: 1, inputs: channels, taps: Self.taps),
            taps: Self.taps, snake: try folder.snake("\(name).\(end)", channels: channels))
    }

    private static func block(
        _ folder: ModelFolder, _ name: String, channels: Int, rate: Int
    ) throws -> Block {
        let half = channels / 2
        let transposed = TransposedConvolution(
            try folder.transposedConvolution(
                "\(name).1.conv", outputs: half, inputs: channels, kernel: 2 * rate, stride: rate
            ).rounding(), inputs: channels, stride: rate,
            snake: try folder.snake("\(name).0", channels: channels))
        let units = try dilations.enumerated().map { index, dilation in
            let unit = "\(name).\(index + 2)"
            return Unit(
                wide: CausalConvolution(
                    try folder.biasedConvolution(
                        "\(unit).conv1.conv", outputs: half, inputs: half, taps: taps),
                    taps: taps, dilation: dilation,
                    snake: try folder.snake("\(unit).act1", channels: half)),
                narrow: CausalConvolution(
                    try folder.biasedConvolution(
                        "\(unit).conv2.conv", outputs: half, inputs: half, taps: 1),
                    snake: try folder.snake("\(unit).act2", channels: half)))
        }
        return Block(transposed: transposed, units: units)
    }

    func makeState() -> State {
        State(
            first: first.makePast(),
            blocks: blocks.map { block in
                (block.transposed.makePast(), block.units.map { $0.wide.makePast() })
            }, last: last.makePast())
    }

    /// x [n, latent] -> samples between -1 and 1, one behind the other.
    func apply(
        _ x: Rows, _ state: State, into samples: UnsafeMutablePointer<Float>, on compute: Compute
    ) {
        compute.workspace.scope {
            let rows = compute.workspace.rows(x.count, first.outputs)
            first.apply(x, after: state.first, into: rows, on: compute)
            var next = samples
            run(rows, from: 0, state, into: &next, on: compute)
        }
    }

    /// The blocks from `index` on, piece by piece, each piece to its samples before the next one.
    private func run(
        _ x: Rows, from index: Int, _ state: State,
        into samples: inout UnsafeMutablePointer<Float>, on compute: Compute
    ) {
        let work = compute.workspace
        guard index < blocks.count else {
            let wave = Rows(base: samples, count: x.count, columns: 1, stride: 1)
            last.apply(x, after: state.last, into: wave, on: compute)
            for sample in 0..<x.count { samples[sample] = min(max(samples[sample], -1), 1) }
            samples += x.count
            return
        }
        let transposed = blocks[index].transposed
        let made = max(Self.pieceFloats / transposed.outputs, Self.pieceRowsMin)
        let piece = max(made / transposed.stride, 1)
        for first in Swift.stride(from: 0, to: x.count, by: piece) {
            work.scope {
                let rows = x.rows(first..<min(first + piece, x.count))
                let y = work.rows(rows.count * transposed.stride, transposed.outputs)
                apply(blocks[index], rows, state.blocks[index], into: y, on: compute)
                run(y, from: index + 1, state, into: &samples, on: compute)
            }
        }
    }

    private func apply(
        _ block: Block, _ x: Rows, _ state: (transposed: Past, units: [Past]), into y: Rows,
        on compute: Compute
    ) {
        block.transposed.apply(x, after: state.transposed, into: y, on: compute)
        compute.workspace.scope {
            let h = compute.workspace.rows(y.count, y.columns)
            for (unit, past) in zip(block.units, state.units) {
                unit.wide.apply(y, after: past, into: h, on: compute)
                unit.narrow.apply(h, into: y, accumulate: true, on: compute)
            }
        }
    }
}
