// The audio encoder of Whisper (Radford et al. 2022). References: references/asr-whisper.md;
// openai-whisper 20250625 whisper/model.py AudioEncoder, mlx-whisper 0.4.3 whisper.py.
import Foundation
import Kernels

/// Log-mel frames of a window to rows for the decoder, one every 20 ms.
final class WhisperEncoder: SpeechEncoder {
    static let family = Family<any SpeechEncoder>(name: "asr-whisper", architectures: ["whisper"]) {
        folder, _ in
        try WhisperEncoder(
            folder, config: try folder.read { try WhisperConfig($0) },
            names: try WhisperNames.found(in: folder))
    }

    let config: WhisperConfig
    private let convolutions: [Convolution1D]
    private let layers: [EncoderLayer]
    private let finalNorm: LayerNorm
    private let positions: Vector  // [positions, width]

    /// - Throws: `KernelError` naming the tensor that is missing or shaped otherwise.
    init(_ folder: ModelFolder, config: WhisperConfig, names: WhisperNames) throws {
        self.config = config
        let stack = config.encoder
        convolutions = try [(1, config.mels), (2, stack.width)].map { number, inputs in
            let weight = try folder.convolution(
                "\(names.encoder)conv\(number)", outputs: stack.width, inputs: inputs, kernel: [3])
            return Convolution1D(
                weight: weight.rounding(), inputs: inputs, kernel: 3, stride: number)
        }
        layers = try (0..<stack.layers).map {
            try Self.layer(folder, stack, names, "\(names.encoder)\(names.layers).\($0).")
        }
        finalNorm = try folder.layerNorm(names.encoderNorm, stack.width)
        // Some conversions store the table, rounded; it is exact here.
        positions = Vector(Sinusoids.table(stack.positions, width: stack.width))
    }

    private static func layer(
        _ folder: ModelFolder, _ stack: WhisperConfig.Stack, _ names: WhisperNames, _ prefix: String
    ) throws -> EncoderLayer {
        let (width, inner) = (stack.width, stack.feedForward)
        func biased(_ name: String, _ rows: Int, _ columns: Int) throws -> Weight {
            try folder.biasedMatrix("\(prefix)\(name)", rows: rows, columns: columns).rounding()
        }
        return EncoderLayer(
            attentionNorm: try folder.layerNorm("\(prefix)\(names.own.norm)", width),
            queryKeyValue: Linear(
                try biased(names.own.query, width, width),
                try folder.matrix("\(prefix)\(names.own.key)", rows: width, columns: width)
                    .rounding(),
                try biased(names.own.value, width, width)),
            output: Linear(try biased(names.own.out, width, width)),
            feedForwardNorm: try folder.layerNorm("\(prefix)\(names.feedForwardNorm)", width),
            inner: Linear(try biased(names.feedForwardInner, inner, width)),
            outer: Linear(try biased(names.feedForwardOuter, width, inner)))
    }

    /// Mel frames of a window; missing ones are zeros.
    var framesMax: Int { 2 * config.encoder.positions }
    var mels: Int { config.mels }

    func operations(frames: Int) -> Int {
        let stack = config.encoder
        let (width, rows) = (stack.width, stack.positions)
        let convolved = 3 * width * (framesMax * config.mels + rows * width)
        let products = rows * 2 * width * (2 * width + stack.feedForward)
        return 2 * (convolved + stack.layers * (products + 2 * rows * rows * width))
    }

    /// Rows [positions, width] of mel frames [frames, mels], frames at most `framesMax`, taken from
    /// the workspace scope of the caller.
    func encode(_ mel: MelFrames, on compute: Compute) -> Rows {
        require(
            mel.frames <= framesMax && mel.filters == config.mels, "mel frames of another model")
        let work = compute.workspace
        let hidden = work.rows(config.encoder.positions, config.encoder.width)
        work.scope {
            convolve(mel, into: hidden, on: compute)
            compute.traceRows("encoder_input", hidden)
            for layer in layers {
                layer.apply(
                    hidden, heads: config.encoder.heads, windowTokens: hidden.count, on: compute)
            }
            finalNorm.apply(hidden, into: hidden)
        }
        compute.traceRows("encoder_output", hidden)
        return hidden
    }

    /// Two convolutions over time and the positions.
    private func convolve(_ mel: MelFrames, into hidden: Rows, on compute: Compute) {
        let work = compute.workspace
        work.scope {
            let image = Convolution1D.padded(framesMax, config.mels, on: compute)
            let values = mel.frames * mel.filters
            image.inside.base.update(from: mel.values, count: values)
            (image.inside.base + values).update(
                repeating: 0, count: framesMax * mel.filters - values)
            let wide = Convolution1D.padded(framesMax, config.encoder.width, on: compute)
            convolutions[0].apply(image, into: wide.inside, on: compute)
            Activation.gelu(wide.inside)
            convolutions[1].apply(wide, into: hidden, on: compute)
            Activation.gelu(hidden)
            Activation.add(table: positions, to: hidden)
        }
    }
}
