internal import CKernels
import Foundation

/// The speed of one kernel of one instruction set, alone.
public struct KernelRate: Sendable {
    /// "linear affine 4-bit/64", "attention", ...
    public var kernel: String
    /// The instruction set.
    public var instructionSet: String
    /// "16 x 1024 x 2048": rows of input, output features, input features.
    public var shape: String
    /// Operations a second where arithmetic is the limit, else bytes a second.
    public var perSecond: Double
    /// Whether `perSecond` counts bytes.
    public var isBytes: Bool
    /// What the machine could do of the same at most, in this run.
    public var ceilingPerSecond: Double

    /// Measures every kernel with every instruction set of this machine.
    ///
    /// - Parameter each: called with each result as it is known.
    /// - Throws: `KernelError.setting` when there is no memory for a matrix.
    public static func measure(each: (KernelRate) throws -> Void) throws {
        for name in Machine.instructionSets {
            guard ck_isa_select_thread(name) else { continue }
            defer { _ = ck_isa_select_thread(nil) }
            let ceilings = try Ceilings.measure()
            let bench = try KernelBench(instructionSet: name, ceilings: ceilings)
            try bench.linears(each)
            try bench.attention(each)
            try bench.convolutions(each)
            try bench.rowOperations(each)
        }
    }
}

/// The kernels of the instruction set that the thread has selected.
private struct KernelBench {
    let instructionSet: String
    let ceilings: Ceilings
    let compute: Compute

    /// Each figure is the best of runs that take this long together.
    private static let seconds = 0.05
    private static let rowsOut = 1024
    private static let columns = 2048
    /// One step of a prompt; a few drafts; one token.
    private static let tokenCounts = [1, 4, 16, 240]
    /// A single token reads weights from memory: this much of them, so that no cache helps.
    private static let streamBytes = 256 << 20
    /// Instruction sets that would take minutes do only what is small.
    private static let slowTokensMax = 4

    static let formats: [WeightFormat] =
        [2, 3, 4, 5, 6, 8].map { .affine(bits: $0, group: 64) } + [
            .affine(bits: 4, group: 32), .affine(bits: 4, group: 128), .mxfp4, .mxfp8, .nvfp4,
            .bf16, .f16, .f32,
        ]

    init(instructionSet: String, ceilings: Ceilings) throws {
        self.instructionSet = instructionSet
        self.ceilings = ceilings
        compute = try Compute(precision: .fast)
    }

    private var isSlow: Bool { instructionSet == "scalar" }

    private func best(_ body: () -> Void) -> Double {
        body()
        var best = Double.infinity
        var total = 0.0
        while total < Self.seconds {
            let seconds = Stopwatch.seconds(body)
            best = min(best, seconds)
            total += seconds
        }
        return best
    }

    private func noise(_ count: Int, _ columns: Int) -> Rows {
        let rows = compute.workspace.rows(count, columns)
        for index in 0..<count * columns {
            rows.base[index] = Float((index &* 7919) % 2001) / 1000 - 1
        }
        return rows
    }

    private func rate(
        _ kernel: String, _ shape: String, operations: Int, per seconds: Double, of peak: Double
    ) -> KernelRate {
        KernelRate(
            kernel: kernel, instructionSet: instructionSet, shape: shape,
            perSecond: Double(operations) / seconds, isBytes: false, ceilingPerSecond: peak)
    }

    private func rate(
        _ kernel: String, _ shape: String, bytes: Int, per seconds: Double
    ) -> KernelRate {
        KernelRate(
            kernel: kernel, instructionSet: instructionSet, shape: shape,
            perSecond: Double(bytes) / seconds, isBytes: true,
            ceilingPerSecond: ceilings.memoryBytesPerSecond)
    }

    func linears(_ each: (KernelRate) throws -> Void) throws {
        for format in Self.formats {
            let weights = InventedWeights(format: format)
            let first = try weights.matrix("w", rows: Self.rowsOut, columns: Self.columns)
            let copies = isSlow ? 1 : max(Self.streamBytes / first.byteCount, 1)
            let all =
                try [first]
                + (1..<copies).map { _ in
                    try weights.matrix("w", rows: Self.rowsOut, columns: Self.columns)
                }
            weights.fill()
            let linears = all.map { Linear($0) }
            for count in Self.tokenCounts where !isSlow || count <= Self.slowTokensMax {
                try each(linear(linears, format: format, tokens: count, bytes: first.byteCount))
            }
        }
    }

    private func linear(
        _ linears: [Linear], format: WeightFormat, tokens: Int, bytes: Int
    ) -> KernelRate {
        compute.workspace.scope {
            let x = noise(tokens, Self.columns)
            let y = compute.workspace.rows(tokens, Self.rowsOut)
            let used = tokens == 1 ? linears : Array(linears.prefix(1))
            let seconds = best {
                for linear in used { linear.apply(x, into: y, on: compute) }
            }
            let shape = "\(tokens) x \(Self.rowsOut) x \(Self.columns)"
            let name = "linear \(format)"
            if tokens == 1 {
                return rate(name, shape, bytes: bytes * used.count, per: seconds)
            }
            return rate(
                name, shape, operations: 2 * tokens * Self.rowsOut * Self.columns, per: seconds,
                of: ceilings.productsPerSecond(format, precision: .fast))
        }
    }

    func attention(_ each: (KernelRate) throws -> Void) throws {
        for format in [KVFormat.half, .int8] { try attention(format, each) }
    }

    private func attention(
        _ format: KVFormat, _ each: (KernelRate) throws -> Void
    ) throws {
        let (heads, kvHeads, headDim, keys) = (16, 8, 128, isSlow ? 256 : 2048)
        let prompt = isSlow ? 16 : 128
        let cache = try KVCache(
            layers: 1, heads: kvHeads, headDim: headDim, capacity: keys, format: format)
        try compute.workspace.scope {
            let stored = noise(keys, kvHeads * headDim)
            cache.store(layer: 0, keys: stored, values: stored)
            for count in [1, prompt] {
                cache.truncate(to: 0)
                cache.advance(by: keys - count)
                let query = noise(count, heads * headDim)
                let out = compute.workspace.rows(count, heads * headDim)
                let seconds = best {
                    cache.attend(
                        layer: 0, query: query, heads: heads, scale: 0.1, into: out)
                }
                let seen = count * keys - count * (count - 1) / 2
                try each(
                    rate(
                        "attention \(cache.storage) cache",
                        "\(count) x \(keys) keys, \(heads)/\(kvHeads) heads",
                        operations: 4 * seen * heads * headDim, per: seconds,
                        of: ceilings.productsPerSecond(.bf16, precision: .fast)))
            }
        }
    }

    /// Over time, of f32 weights that may be rounded, with a snake in front.
    func convolutions(_ each: (KernelRate) throws -> Void) throws {
        let (count, channels) = (isSlow ? 16 : 512, 192)
        let parameters = [Float](repeating: 0.5, count: channels)
        let snake = Snake(alpha: parameters, beta: parameters)
        for (taps, dilation) in [(7, 1), (7, 9), (1, 1)] {
            let weight = Weight(
                name: "w", rows: channels, columns: taps * channels,
                values: [Float](repeating: 0.01, count: taps * channels * channels))
            let convolution = CausalConvolution(
                weight.rounding(), taps: taps, dilation: dilation, snake: snake)
            try compute.workspace.scope {
                let x = noise(count, channels)
                let y = compute.workspace.rows(count, channels)
                let past = convolution.makePast()
                let seconds = best { convolution.apply(x, after: past, into: y, on: compute) }
                try each(
                    rate(
                        "convolution f32",
                        "\(count) x \(channels), \(taps) taps, dilation \(dilation)",
                        operations: 2 * count * convolution.products, per: seconds,
                        of: ceilings.productsPerSecond(.f32, precision: .fast, rounds: true)))
            }
        }
    }

    func rowOperations(_ each: (KernelRate) throws -> Void) throws {
        let (count, columns) = (64, 1024)
        try compute.workspace.scope {
            let x = noise(count, columns)
            let y = compute.workspace.rows(count, columns)
            let norm = RMSNorm(weight: Vector([Float](repeating: 1, count: columns)), eps: 1e-6)
            let bodies: [(String, Int, () -> Void)] = [
                ("rms norm", 2, { norm.apply(x, into: y) }),
                ("silu product", 3, { Activation.multiply(.silu, gate: x, up: x, into: y) }),
                ("gelu", 2, { Activation.gelu(y) }),
                ("add", 3, { Activation.add(x, to: y) }),
            ]
            for (name, streams, body) in bodies {
                try each(
                    rate(
                        name, "\(count) x \(columns)",
                        bytes: streams * count * columns * MemoryLayout<Float>.stride,
                        per: best(body)))
            }
        }
    }
}
