// The audio encoder of Qwen3-ASR. References: references/asr-qwen3.md; qwen-asr 0.0.6
// core/transformers_backend/modeling_qwen3_asr.py and mlx-audio 0.6.2 stt/models/qwen3_asr.
import Foundation
import Kernels

/// Dimensions of the audio encoder, from `audio_config`.
struct Qwen3ASREncoderConfig {
    let mels: Int
    let width: Int
    let layers: Int
    let heads: Int
    let feedForward: Int
    let convolutionChannels: Int
    let outputColumns: Int
    /// Mel frames that are convolved together.
    let chunkFrames: Int
    /// Chunks that attend to each other.
    let chunksPerWindow: Int

    /// - Throws: `JSONError` naming the key.
    init(_ config: JSONValue) throws {
        mels = try config.int("num_mel_bins", default: 128)
        width = try config.int("d_model")
        layers = try config.int("encoder_layers")
        heads = try config.int("encoder_attention_heads")
        feedForward = try config.int("encoder_ffn_dim")
        convolutionChannels = try config.int("downsample_hidden_size", default: 480)
        outputColumns = try config.int("output_dim")
        chunkFrames = 2 * (try config.int("n_window", default: 50))
        let windowFrames = try config.int("n_window_infer", default: 800)
        let sizes = [mels, width, layers, heads, feedForward, convolutionChannels, outputColumns]
        guard sizes.allSatisfy({ $0 > 0 && $0 <= 1 << 20 }), width % heads == 0, width % 2 == 0,
            width / heads <= KVCache.headDimMax, (1...4096).contains(chunkFrames),
            windowFrames >= chunkFrames
        else {
            throw JSONError(detail: "audio_config does not describe an encoder")
        }
        chunksPerWindow = windowFrames / chunkFrames
    }

    /// Rows or columns after the three convolutions of stride 2.
    static func reduced(_ size: Int) -> Int {
        var size = size
        for _ in 0..<3 { size = (size + 1) / 2 }
        return size
    }
}

/// Log-mel frames to embeddings for the decoder, 13 tokens a second.
final class Qwen3ASREncoder: SpeechEncoder {
    static let family = Family<any SpeechEncoder>(
        name: "asr-qwen3", architectures: ["qwen3_asr"]
    ) { folder, _ in
        let config = try folder.read { config in
            try Qwen3ASREncoderConfig(
                try (config["thinker_config"] ?? config).value("audio_config"))
        }
        return try Qwen3ASREncoder(folder, config: config, names: try Qwen3ASRNames(folder))
    }

    /// Chunks whose convolution outputs are projected together: many rows for each pass over
    /// `conv_out`, little memory.
    private static let chunksTogether = 16

    let config: Qwen3ASREncoderConfig
    private let convolutions: [Convolution2D]
    private let convolutionOutput: Linear  // [width, channels · reduced mels]
    private let layers: [EncoderLayer]
    private let finalNorm: LayerNorm
    private let inner: Linear  // proj1
    private let outer: Linear  // proj2
    private let positions: [Float]  // [steps of a chunk, width]

    init(_ folder: ModelFolder, config: Qwen3ASREncoderConfig, names: Qwen3ASRNames) throws {
        let prefix = names.encoder
        self.config = config
        let width = config.width
        let channels = config.convolutionChannels
        convolutions = try (1...3).map { index in
            let inputs = index == 1 ? 1 : channels
            let weight = try folder.convolution(
                "\(prefix)conv2d\(index)", outputs: channels, inputs: inputs, kernel: [3, 3])
            return Convolution2D(weight: weight, inputs: inputs, kernel: 3, stride: 2, padding: 1)
        }
        let bands = Qwen3ASREncoderConfig.reduced(config.mels)
        convolutionOutput = Linear(
            try folder.matrix("\(prefix)conv_out", rows: width, columns: channels * bands))
        layers = try (0..<config.layers).map {
            try Self.layer(folder, config, "\(prefix)layers.\($0)")
        }
        finalNorm = try folder.layerNorm("\(prefix)ln_post", width)
        inner = Linear(try folder.matrix(names.projections.inner, rows: width, columns: width))
        outer = Linear(
            try folder.matrix(names.projections.outer, rows: config.outputColumns, columns: width))
        positions = Sinusoids.table(
            Qwen3ASREncoderConfig.reduced(config.chunkFrames), width: width)
    }

    private static func layer(
        _ folder: ModelFolder, _ config: Qwen3ASREncoderConfig, _ name: String
    ) throws -> EncoderLayer {
        let width = config.width
        func matrix(_ module: String, _ rows: Int, _ columns: Int) throws -> Weight {
            try folder.matrix("\(name).\(module)", rows: rows, columns: columns)
        }
        return EncoderLayer(
            attentionNorm: try folder.layerNorm("\(name).self_attn_layer_norm", width),
            queryKeyValue: Linear(
                try matrix("self_attn.q_proj", width, width),
                try matrix("self_attn.k_proj", width, width),
                try matrix("self_attn.v_proj", width, width)),
            output: Linear(try matrix("self_attn.out_proj", width, width)),
            feedForwardNorm: try folder.layerNorm("\(name).final_layer_norm", width),
            inner: Linear(try matrix("fc1", config.feedForward, width)),
            outer: Linear(try matrix("fc2", width, config.feedForward)))
    }

    /// Tokens that `frames` mel frames become.
    func tokenCount(frames: Int) -> Int {
        let full = frames / config.chunkFrames
        return full * Qwen3ASREncoderConfig.reduced(config.chunkFrames)
            + Qwen3ASREncoderConfig.reduced(frames % config.chunkFrames)
    }

    var mels: Int { config.mels }

    func operations(frames: Int) -> Int {
        let (width, channels) = (config.width, config.convolutionChannels)
        let chunks = (frames + config.chunkFrames - 1) / config.chunkFrames
        var (bands, steps, inputs, convolved) = (config.mels, config.chunkFrames, 1, 0)
        for _ in convolutions {
            (bands, steps) = ((bands + 1) / 2, (steps + 1) / 2)
            convolved += bands * steps * channels * 9 * inputs
            inputs = channels
        }
        let rows = tokenCount(frames: frames)
        let window = min(rows, windowTokens)
        let products = 2 * width * (2 * width + config.feedForward)
        let ends = width * (convolutionOutput.columns + width + config.outputColumns)
        let layers = config.layers * (products + 2 * window * width)
        return 2 * (chunks * convolved + rows * (ends + layers))
    }

    /// Rows that attend to each other.
    private var windowTokens: Int {
        config.chunksPerWindow * Qwen3ASREncoderConfig.reduced(config.chunkFrames)
    }

    /// Embeddings [tokenCount, outputColumns] of mel frames [frames, mels], taken from the
    /// workspace scope of the caller.
    func encode(_ mel: MelFrames, on compute: Compute) -> Rows {
        let work = compute.workspace
        let embeddings = work.rows(tokenCount(frames: mel.frames), config.outputColumns)
        work.scope {
            let hidden = work.rows(embeddings.count, config.width)
            convolve(mel, into: hidden, on: compute)
            compute.traceRows("encoder_input", hidden)
            for layer in layers {
                layer.apply(
                    hidden, heads: config.heads, windowTokens: windowTokens, on: compute)
            }
            let normed = work.rows(hidden.count, config.width)
            finalNorm.apply(hidden, into: normed)
            let projected = work.rows(hidden.count, config.width)
            inner.apply(normed, into: projected, on: compute)
            Activation.gelu(projected)
            outer.apply(projected, into: embeddings, on: compute)
        }
        compute.traceRows("encoder_output", embeddings)
        return embeddings
    }

    /// Three convolutions a chunk, then `conv_out` and positions that restart in every chunk.
    private func convolve(_ mel: MelFrames, into hidden: Rows, on compute: Compute) {
        let chunks = (mel.frames + config.chunkFrames - 1) / config.chunkFrames
        // A lone short chunk is not padded; the last of several is (audio specification 4.3).
        let chunkFrames = chunks == 1 ? mel.frames : config.chunkFrames
        let steps = Qwen3ASREncoderConfig.reduced(chunkFrames)
        let work = compute.workspace
        for first in stride(from: 0, to: chunks, by: Self.chunksTogether) {
            work.scope {
                let count = min(Self.chunksTogether, chunks - first)
                let flat = work.rows(count * steps, convolutionOutput.columns)
                for index in 0..<count {
                    convolve(
                        mel, from: (first + index) * chunkFrames, frames: chunkFrames,
                        into: flat.rows(index * steps..<(index + 1) * steps), on: compute)
                }
                // Padded steps lie only at the end of the last chunk: dropped here.
                let kept = min(count * steps, hidden.count - first * steps)
                let rows = hidden.rows(first * steps..<first * steps + kept)
                convolutionOutput.apply(flat.rows(0..<kept), into: rows, on: compute)
                for row in 0..<kept { addPosition(row % steps, to: rows[row]) }
            }
        }
    }

    private func addPosition(_ step: Int, to row: UnsafeMutableBufferPointer<Float>) {
        for i in 0..<config.width { row[i] += positions[step * config.width + i] }
    }

    /// One chunk: image [mels, frames] -> flat [steps, channels · bands], the channel slowest.
    private func convolve(
        _ mel: MelFrames, from start: Int, frames: Int, into flat: Rows, on compute: Compute
    ) {
        let work = compute.workspace
        work.scope {
            var image = work.rows(config.mels * frames, 1)
            let present = min(frames, mel.frames - start)
            for band in 0..<config.mels {
                for frame in 0..<frames {
                    image.base[band * frames + frame] =
                        frame < present ? mel.values[(start + frame) * config.mels + band] : 0
                }
            }
            var height = config.mels
            var width = frames
            for convolution in convolutions {
                let out = work.rows(
                    convolution.outputSize(height) * convolution.outputSize(width),
                    config.convolutionChannels)
                convolution.apply(image, height: height, width: width, into: out, on: compute)
                Activation.gelu(out)
                height = convolution.outputSize(height)
                width = convolution.outputSize(width)
                image = out
            }
            for step in 0..<width {
                let row = flat[step]
                for band in 0..<height {
                    let pixel = image[band * width + step]
                    for channel in 0..<config.convolutionChannels {
                        row[channel * height + band] = pixel[channel]
                    }
                }
            }
        }
    }
}
