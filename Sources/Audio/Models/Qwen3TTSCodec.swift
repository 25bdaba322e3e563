// The decoder of Qwen3-TTS's 12 Hz codec: frames of codes to sound. References: references/tts-qwen3.md;
// qwen-tts 0.1.1 core/tokenizer_12hz/modeling_qwen3_tts_tokenizer_v2.py, mlx-audio 0.6.2
// tts/models/qwen3_tts/speech_tokenizer.py.
public import Kernels

/// Dimensions of the codec's decoder, from `decoder_config`.
struct Qwen3TTSCodecConfig {
    let latent: Int
    let codebookColumns: Int
    let codebookCodes: Int
    let codebooks: Int
    let hidden: Int
    let intermediate: Int
    let layers: Int
    let heads: Int
    let headDim: Int
    let windowFrames: Int
    let normEps: Double
    let channels: Int
    /// Rows that each transposed convolution makes of one: before the vocoder, and in it.
    let ratios: [Int]
    let rates: [Int]

    private static let sizeMax = 1 << 20
    private static let stagesMax = 8
    private static let rateMax = 64

    /// - Throws: `JSONError` naming the key.
    init(_ config: JSONValue) throws {
        latent = try config.int("latent_dim")
        codebookColumns = try config.int("codebook_dim")
        codebookCodes = try config.int("codebook_size")
        codebooks = try config.int("num_quantizers")
        hidden = try config.int("hidden_size")
        intermediate = try config.int("intermediate_size")
        layers = try config.int("num_hidden_layers")
        heads = try config.int("num_attention_heads")
        headDim = try config.int("head_dim")
        windowFrames = try config.int("sliding_window")
        normEps = try config.double("rms_norm_eps", default: 1e-5)
        channels = try config.int("decoder_dim")
        ratios = try config.ints("upsampling_ratios")
        rates = try config.ints("upsample_rates")
        let sizes = [
            latent, codebookColumns, codebookCodes, codebooks, hidden, intermediate, layers, heads,
            headDim, windowFrames, channels,
        ]
        let isSound =
            sizes.allSatisfy { (1...Self.sizeMax).contains($0) }
            && (ratios + rates).allSatisfy { (1...Self.rateMax).contains($0) }
            && ratios.count <= Self.stagesMax && rates.count <= Self.stagesMax
            && codebookColumns % 2 == 0 && headDim % 2 == 0 && headDim <= KVCache.headDimMax
            && channels % (1 << rates.count) == 0
        guard isSound, try config.int("num_key_value_heads", default: heads) == heads,
            try config.int("num_semantic_quantizers", default: 1) == 1
        else {
            throw JSONError(detail: "decoder_config does not describe a codec that is known here")
        }
    }

    /// Samples of one frame.
    var frameSamples: Int { (ratios + rates).reduce(1, *) }
}

/// Frames of codes, 12.5 a second, to sound of 24 kHz.
public final class Qwen3TTSCodec {
    /// Opens `model_type` qwen3_tts_tokenizer_12hz: the folder inside that of a talker.
    public static let family = Family<Qwen3TTSCodec>(
        name: "tts-qwen3", architectures: ["qwen3_tts_tokenizer_12hz"]
    ) { folder, _ in try Qwen3TTSCodec(folder) }

    /// Samples a second.
    public static let sampleRate = 24000

    /// Frames that the reference decodes together, and those it repeats before them.
    static let chunkFrames = 300
    static let contextFrames = 25

    let config: Qwen3TTSCodecConfig
    let quantizer: Qwen3TTSQuantizer
    let preConvolution: CausalConvolution
    let transformer: Qwen3TTSCodecTransformer
    let upsamples: [Qwen3TTSUpsample]
    let vocoder: Qwen3TTSVocoder

    /// Samples of one frame.
    public var frameSamples: Int { config.frameSamples }
    /// Codes of one frame.
    public var codebooks: Int { config.codebooks }
    /// Codes of a codebook.
    public var codes: Int { config.codebookCodes }

    /// - Throws: `KernelError` naming the tensor that is missing or shaped otherwise.
    init(_ folder: ModelFolder) throws {
        let settings = try folder.read { try $0.value("decoder_config") }
        config = try folder.read { _ in try Qwen3TTSCodecConfig(settings) }
        quantizer = try Qwen3TTSQuantizer(folder, config)
        preConvolution = CausalConvolution(
            try folder.biasedConvolution(
                "decoder.pre_conv.conv", outputs: config.latent, inputs: config.codebookColumns,
                taps: 3), taps: 3)
        transformer = try Qwen3TTSCodecTransformer(folder, config, settings)
        let latent = config.latent
        upsamples = try config.ratios.enumerated().map { index, stride in
            try Qwen3TTSUpsample(
                folder, "decoder.upsample.\(index)", columns: latent, stride: stride)
        }
        vocoder = try Qwen3TTSVocoder(folder, config)
    }

    /// Multiplications and additions of one frame in products.
    public var frameOperations: Int {
        var (rows, products) = (1, quantizer.products + preConvolution.products)
        products += transformer.products
        for upsample in upsamples {
            products += rows * upsample.products
            rows *= upsample.stride
        }
        return 2 * (products + rows * vocoder.products)
    }

    /// A sound that begins.
    ///
    /// - Throws: `KernelError.setting` when there is no memory.
    public func makeStream(on compute: Compute) throws -> Qwen3TTSCodecStream {
        try Qwen3TTSCodecStream(self, on: compute)
    }
}

/// One sound being made of frames, in pieces of any length; the pieces do not change it. After every 300
/// frames the reference starts anew, 25 frames before: so does this.
public final class Qwen3TTSCodecStream {
    /// Frames that go through the codec together at most, so that what they become stays small.
    private static let pieceFrames = 25

    private let codec: Qwen3TTSCodec
    private let compute: Compute
    private let transformer: Qwen3TTSCodecTransformer.State
    private let preConvolution: Past
    private let upsamples: [Qwen3TTSUpsample.State]
    private let vocoder: Qwen3TTSVocoder.State
    /// Codes of the newest frames, for the next start.
    private var recent: [Int32] = []
    /// Frames since the last start, the repeated ones not counted.
    private var chunkLength = 0

    init(_ codec: Qwen3TTSCodec, on compute: Compute) throws {
        self.codec = codec
        self.compute = compute
        transformer = try codec.transformer.makeState(
            capacity: Qwen3TTSCodec.contextFrames + Qwen3TTSCodec.chunkFrames, on: compute)
        preConvolution = codec.preConvolution.makePast()
        upsamples = codec.upsamples.map { $0.makeState() }
        vocoder = codec.vocoder.makeState()
    }

    /// Back to silence.
    public func reset() {
        forget()
        recent = []
    }

    /// The sound of more frames.
    ///
    /// - Parameter codes: [n, codebooks], each less than `codec.codes`.
    /// - Returns: n · `codec.frameSamples` samples between -1 and 1.
    public func decode(_ codes: [Int32]) -> [Float] {
        let books = codec.codebooks
        require(codes.count % books == 0, "\(codes.count) codes, \(books) to a frame")
        let samples = codes.count / books * codec.frameSamples
        return [Float](unsafeUninitializedCapacity: samples) { buffer, count in
            count = samples
            guard var next = buffer.baseAddress else { return }
            var first = 0
            while first < codes.count {
                if chunkLength == Qwen3TTSCodec.chunkFrames { startAgain() }
                let left = Qwen3TTSCodec.chunkFrames - chunkLength
                let frames = min((codes.count - first) / books, left, Self.pieceFrames)
                let piece = codes[first..<first + frames * books]
                run(piece, into: next)
                next += frames * codec.frameSamples
                first += piece.count
                chunkLength += frames
                recent = (recent + piece).suffix(Qwen3TTSCodec.contextFrames * books)
            }
        }
    }

    private func forget() {
        transformer.cache.truncate(to: 0)
        preConvolution.reset()
        for upsample in upsamples { upsample.reset() }
        vocoder.reset()
        chunkLength = 0
    }

    /// The next chunk begins with frames that were heard already.
    private func startAgain() {
        forget()
        let frames = recent.count / codec.codebooks
        compute.workspace.scope {
            let unheard = compute.workspace.rows(frames * codec.frameSamples, 1)
            run(recent[...], into: unheard.base)
        }
    }

    private func run(_ codes: ArraySlice<Int32>, into samples: UnsafeMutablePointer<Float>) {
        let work = compute.workspace
        let config = codec.config
        work.scope {
            let frames = codes.count / config.codebooks
            let quantized = work.rows(frames, config.codebookColumns)
            codec.quantizer.apply(codes, into: quantized, on: compute)
            var rows = work.rows(frames, config.latent)
            codec.preConvolution.apply(
                quantized, after: preConvolution, into: rows, on: compute)
            codec.transformer.apply(rows, transformer, on: compute)
            compute.traceRows("latents", rows)
            for (upsample, state) in zip(codec.upsamples, upsamples) {
                let wide = work.rows(rows.count * upsample.stride, config.latent)
                upsample.apply(rows, state, into: wide, on: compute)
                rows = wide
            }
            codec.vocoder.apply(rows, vocoder, into: samples, on: compute)
        }
    }
}

/// Codes to rows: each codebook's vector, those behind the first added up, and a projection of both.
final class Qwen3TTSQuantizer {
    /// One codebook: sums of the vectors that training gave to each code, and how many they were.
    private struct Codebook {
        let sums: Vector  // [codes, columns]
        let factors: Vector  // [codes]: 1 / usage
    }

    private static let usageMin: Float = 1e-5

    private let books: [Codebook]
    private let first: CausalConvolution
    private let rest: CausalConvolution
    private let columns: Int
    private let codes: Int
    /// Multiplications of a frame.
    var products: Int { first.products + rest.products }

    init(_ folder: ModelFolder, _ config: Qwen3TTSCodecConfig) throws {
        let (columns, codes) = (config.codebookColumns / 2, config.codebookCodes)
        (self.columns, self.codes) = (columns, codes)
        func projection(_ side: String) throws -> CausalConvolution {
            CausalConvolution(
                try folder.convolution(
                    "decoder.quantizer.rvq_\(side).output_proj", outputs: 2 * columns,
                    inputs: columns, kernel: [1]
                ).rounding())
        }
        first = try projection("first")
        rest = try projection("rest")
        books = try (0..<config.codebooks).map { index in
            let layer = index == 0 ? "rvq_first.vq.layers.0" : "rvq_rest.vq.layers.\(index - 1)"
            let name = "decoder.quantizer.\(layer)._codebook"
            let usage = try folder.values("\(name).cluster_usage", shape: [codes])
            return Codebook(
                sums: Vector(
                    try folder.values("\(name).embedding_sum", shape: [codes, columns])),
                factors: Vector(usage.map { 1 / max($0, Self.usageMin) }))
        }
    }

    /// codes [n, codebooks] -> rows [n, 2 · columns]
    func apply(_ codes: ArraySlice<Int32>, into rows: Rows, on compute: Compute) {
        let work = compute.workspace
        work.scope {
            let sums = [work.rows(rows.count, columns), work.rows(rows.count, columns)]
            for side in sums { side.base.update(repeating: 0, count: rows.count * columns) }
            for (index, code) in codes.enumerated() {
                let (frame, book) = index.quotientAndRemainder(dividingBy: books.count)
                require((0..<self.codes).contains(Int(code)), "code \(code) of \(self.codes)")
                let row = sums[min(book, 1)][frame]
                books[book].sums.add(
                    row: Int(code), times: books[book].factors, to: row)
            }
            first.apply(sums[0], into: rows, on: compute)
            rest.apply(sums[1], into: rows, accumulate: true, on: compute)
        }
    }
}

extension ModelFolder {
    /// A convolution over time with its bias, whose weights may be rounded.
    ///
    /// - Throws: `KernelError` when a tensor is missing or shaped otherwise.
    func biasedConvolution(
        _ name: String, outputs: Int, inputs: Int, taps: Int
    ) throws -> Weight {
        guard has("\(name).bias") else {
            throw KernelError.missing(file: path, tensor: "\(name).bias")
        }
        return try convolution(name, outputs: outputs, inputs: inputs, kernel: [taps]).rounding()
    }
}
