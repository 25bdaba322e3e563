// The image encoder of PaddleOCR-VL: SigLIP over any number of patches (NaViT), and the projector.
// References: references/ocr-paddleocr-vl.md; mlx-vlm 0.7.10 models/paddleocr_vl/vision.py and
// transformers 5.23.0 models/paddleocr_vl/modeling_paddleocr_vl.py.
import Foundation
import Kernels

/// Dimensions of the image encoder, from `vision_config`.
struct PaddleOCREncoderConfig {
    let width: Int
    let layers: Int
    let heads: Int
    let feedForward: Int
    let patchSide: Int
    let mergeSide: Int
    /// Patches along a side of the square that positions were trained on.
    let positionSide: Int
    let normEps: Double
    let outputColumns: Int

    /// - Throws: `JSONError` naming the key.
    init(_ config: JSONValue) throws {
        let vision = try config.value("vision_config")
        width = try vision.int("hidden_size")
        layers = try vision.int("num_hidden_layers")
        heads = try vision.int("num_attention_heads")
        feedForward = try vision.int("intermediate_size")
        patchSide = try vision.int("patch_size", default: 14)
        mergeSide = try vision.int("spatial_merge_size", default: 2)
        normEps = try vision.double("layer_norm_eps", default: 1e-6)
        outputColumns = try (config["text_config"] ?? config).int("hidden_size")
        let imageSide = try vision.int("image_size", default: 384)
        let sizes = [
            width, layers, heads, feedForward, patchSide, mergeSide, outputColumns, imageSide,
        ]
        // A quarter of a head turns with the row, a quarter with the column, each in pairs.
        guard sizes.allSatisfy({ $0 > 0 && $0 <= 1 << 16 }), width % heads == 0,
            width / heads % 4 == 0, width / heads <= KVCache.headDimMax, imageSide >= patchSide
        else {
            throw JSONError(detail: "vision_config does not describe an encoder")
        }
        positionSide = imageSide / patchSide
        let channels = try vision.int("num_channels", default: Patches.channels)
        let activation = try vision.string("hidden_act", default: Self.activation)
        guard channels == Patches.channels, activation == Self.activation else {
            throw JSONError(
                detail: "vision_config has \(channels) channels and \(activation), want "
                    + "\(Patches.channels) and \(Self.activation)")
        }
    }

    private static let activation = "gelu_pytorch_tanh"
}

/// Patches to embeddings for the decoder, one for each `mergeSide` x `mergeSide` of them.
final class PaddleOCREncoder: PageEncoder {
    static let family = Family<any PageEncoder>(
        name: "ocr-paddleocr-vl", architectures: ["paddleocr_vl"]
    ) { folder, _ in
        try PaddleOCREncoder(folder, config: try folder.read { try PaddleOCREncoderConfig($0) })
    }

    /// Of the projector's first norm; the references disagree on it, and no result shows it.
    private static let projectorNormEps = 1e-5
    private static let ropeTheta = 1e4
    /// Pixels of an image where the folder says nothing, as version 1.5 has them.
    private static let pixelsMin = 112_896
    private static let pixelsMax = 1_003_520

    let preparation: ImagePreparation
    let config: PaddleOCREncoderConfig
    private let patchEmbedding: Linear  // [width, patchSide² · channels]
    private let positions: Weight  // [positionSide², width]
    private let layers: [EncoderLayer]
    private let finalNorm: LayerNorm
    private let projectorNorm: LayerNorm
    private let projectorInner: Linear  // [mergeSide² · width, mergeSide² · width]
    private let projectorOuter: Linear  // [outputColumns, mergeSide² · width]

    /// - Throws: `KernelError` naming the tensor that is missing or shaped otherwise.
    init(_ folder: ModelFolder, config: PaddleOCREncoderConfig) throws {
        self.config = config
        preparation = try ImagePreparation.read(
            folder: folder.path,
            standard: ImagePreparation(
                budget: PixelBudget(
                    step: config.patchSide * config.mergeSide, pixelsMin: Self.pixelsMin,
                    pixelsMax: Self.pixelsMax),
                normalization: Normalization(), patchSide: config.patchSide))
        let (width, side) = (config.width, config.patchSide)
        let joined = config.mergeSide * config.mergeSide * width
        let patches = "visual.embeddings.patch_embedding"
        guard folder.has("\(patches).bias") else {
            throw KernelError.missing(file: folder.path, tensor: "\(patches).bias")
        }
        patchEmbedding = Linear(
            try folder.convolution(
                patches, outputs: width, inputs: Patches.channels, kernel: [side, side]))
        positions = try folder.matrix(
            "visual.embeddings.position_embedding",
            rows: config.positionSide * config.positionSide, columns: width)
        layers = try (0..<config.layers).map {
            try Self.layer(folder, config, "visual.layers.\($0)")
        }
        finalNorm = try folder.layerNorm("visual.post_layernorm", width, eps: config.normEps)
        projectorNorm = try folder.layerNorm(
            "visual.projector.pre_norm", width, eps: Self.projectorNormEps)
        projectorInner = Linear(
            try folder.biasedMatrix("visual.projector.linear_1", rows: joined, columns: joined))
        projectorOuter = Linear(
            try folder.biasedMatrix(
                "visual.projector.linear_2", rows: config.outputColumns, columns: joined))
    }

    private static func layer(
        _ folder: ModelFolder, _ config: PaddleOCREncoderConfig, _ name: String
    ) throws -> EncoderLayer {
        let (width, inner) = (config.width, config.feedForward)
        func linear(_ module: String, _ rows: Int, _ columns: Int) throws -> Linear {
            Linear(try folder.biasedMatrix("\(name).\(module)", rows: rows, columns: columns))
        }
        return EncoderLayer(
            attentionNorm: try folder.layerNorm("\(name).layer_norm1", width, eps: config.normEps),
            queryKeyValue: try linear("self_attn.qkv", 3 * width, width),
            output: try linear("self_attn.out_proj", width, width),
            feedForwardNorm: try folder.layerNorm(
                "\(name).layer_norm2", width, eps: config.normEps),
            inner: try linear("mlp.fc1", inner, width),
            outer: try linear("mlp.fc2", width, inner), gelu: .tanh)
    }

    var patchSide: Int { config.patchSide }
    var mergeSide: Int { config.mergeSide }

    func operations(_ grid: PatchGrid) -> [(format: WeightFormat, count: Int)] {
        let patches = grid.count
        func products(_ linears: [Linear], rows: Int) -> [(format: WeightFormat, count: Int)] {
            linears.flatMap(\.weights).map { ($0.format, 2 * rows * $0.rows * $0.columns) }
        }
        let inLayers = layers.flatMap(\.linears)
        let attention = 4 * patches * patches * config.width
        return products([patchEmbedding] + inLayers, rows: patches)
            + products([projectorInner, projectorOuter], rows: tokenCount(grid))
            + layers.map { ($0.attentionFormat, attention) }
    }

    private func tokenCount(_ grid: PatchGrid) -> Int { grid.count / (mergeSide * mergeSide) }

    func encode(_ patches: Patches, on compute: Compute) -> Rows {
        let grid = patches.grid
        require(
            patches.side == patchSide && grid.count > 0 && grid.rows % mergeSide == 0
                && grid.columns % mergeSide == 0,
            "\(grid.rows) x \(grid.columns) patches of \(patches.side) pixels")
        let work = compute.workspace
        let embeddings = work.rows(tokenCount(grid), config.outputColumns)
        work.scope {
            let hidden = work.rows(grid.count, config.width)
            embed(patches, into: hidden, on: compute)
            compute.traceRows("encoder_input", hidden)
            let angles = self.angles(grid, compute.workspace)
            for layer in layers {
                layer.apply(
                    hidden, heads: config.heads, windowTokens: hidden.count, on: compute
                ) { Rope.rotate($0, cosines: angles.cosines, sines: angles.sines) }
            }
            finalNorm.apply(hidden, into: hidden)
            project(hidden, of: grid, into: embeddings, on: compute)
        }
        compute.traceRows("encoder_output", embeddings)
        return embeddings
    }

    /// Patches as one product, and positions.
    private func embed(_ patches: Patches, into hidden: Rows, on compute: Compute) {
        let work = compute.workspace
        work.scope {
            let pixels = work.rows(patches.grid.count, patchEmbedding.columns)
            pixels.base.update(from: patches.values, count: patches.values.count)
            patchEmbedding.apply(pixels, into: hidden, on: compute)
            let side = config.positionSide
            let table = work.rows(side * side, config.width)
            for index in 0..<table.count { positions.row(index, into: table[index]) }
            let rows = Self.samples(patches.grid.rows, of: side)
            let columns = Self.samples(patches.grid.columns, of: side)
            for (index, (row, column)) in rows.flatMap({ r in columns.map { (r, $0) } })
                .enumerated()
            {
                let target = hidden.rows(index..<index + 1)
                for (y, high) in row {
                    for (x, wide) in column where high * wide != 0 {
                        let corner = y * side + x
                        Activation.add(
                            table.rows(corner..<corner + 1), times: high * wide, to: target)
                    }
                }
            }
        }
    }

    /// For each of `count` points at equal distances the two of `side` table entries that it lies
    /// between, and their shares: pixel centres at halves, nothing beyond the ends.
    private static func samples(_ count: Int, of side: Int) -> [[(index: Int, share: Float)]] {
        (0..<count).map { point in
            let place = (Double(point) + 0.5) * Double(side) / Double(count) - 0.5
            let low = place.rounded(.down)
            let share = Float(place - low)
            let (first, second) = (max(Int(low), 0), min(Int(low) + 1, side - 1))
            return [(first, 1 - share), (second, share)]
        }
    }

    /// Cosines and sines [patches, width of a head / 2]: the first half of a row turns with the
    /// patch's row, the second with its column.
    private func angles(_ grid: PatchGrid, _ work: Workspace) -> (cosines: Rows, sines: Rows) {
        let quarter = config.width / config.heads / 4
        let cosines = work.rows(grid.count, 2 * quarter)
        let sines = work.rows(grid.count, 2 * quarter)
        let frequencies = (0..<quarter).map { pow(Self.ropeTheta, -Double($0) / Double(quarter)) }
        let turns = (0..<max(grid.rows, grid.columns)).map { position in
            frequencies.map { frequency in
                let angle = Double(position) * frequency
                return (Float(cos(angle)), Float(sin(angle)))
            }
        }
        for patch in 0..<grid.count {
            let (row, column) = (turns[patch / grid.columns], turns[patch % grid.columns])
            for j in 0..<quarter {
                (cosines[patch][j], sines[patch][j]) = row[j]
                (cosines[patch][quarter + j], sines[patch][quarter + j]) = column[j]
            }
        }
        return (cosines, sines)
    }

    /// Squares of patches side by side in one row, and two products.
    private func project(
        _ hidden: Rows, of grid: PatchGrid, into embeddings: Rows, on compute: Compute
    ) {
        let work = compute.workspace
        let (side, width) = (mergeSide, config.width)
        work.scope {
            projectorNorm.apply(hidden, into: hidden)
            let joined = work.rows(embeddings.count, side * side * width)
            let columns = grid.columns / side
            for index in 0..<joined.count {
                let (row, column) = (index / columns * side, index % columns * side)
                for y in 0..<side {
                    // Neighbours in a row of patches lie one behind the other.
                    (joined.base + index * joined.stride + y * side * width).update(
                        from: hidden.base + ((row + y) * grid.columns + column) * hidden.stride,
                        count: side * width)
                }
            }
            projectorInner.applyGelu(joined, then: projectorOuter, into: embeddings, on: compute)
        }
    }
}
