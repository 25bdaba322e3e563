import Foundation
import Kernels
import Vision

/// Milliseconds of a page model's encoder over one page.
struct PageFigures: EncoderFigures {
    /// Of the page as the model sees it, in pixels.
    var width: Int
    var height: Int
    var patches: Int
    /// Rows that the decoder gets.
    var tokens: Int
    var milliseconds: Double
    var millisecondsMin: Double
    var millisecondsMax: Double
    /// Multiplications and additions, in billions.
    var gigaOperations: Double
    var gigaOperationsPerSecond: Double
    /// Of the products that the formats allow, each kind of product against its own ceiling.
    var ceilingPercent: Double
    var weightMegabytes: Int
    var peakMegabytes: Int

    var line: String {
        func one(_ value: Double) -> String { Timestamp.fixed(value, places: 1) }
        return "a page of \(width) x \(height) pixels (\(patches) patches, \(tokens) tokens) in "
            + "\(one(milliseconds)) ms [\(one(millisecondsMin))-\(one(millisecondsMax))], "
            + "\(one(gigaOperations)) billion operations, \(one(gigaOperationsPerSecond)) GOP/s, "
            + "\(one(ceilingPercent)) % of the ceiling"
    }
}

/// A4 at 300 dots an inch, resized as any image is.
struct PageTask: EncoderTask {
    private static let page = (width: 2480, height: 3508)

    private let encoder: any PageEncoder
    private let size: (width: Int, height: Int)
    private let grid: PatchGrid
    private let patches: Patches

    init(_ encoder: any PageEncoder) throws {
        self.encoder = encoder
        let side = encoder.patchSide
        let fitted = try encoder.preparation.budget.fitted(
            width: Self.page.width, height: Self.page.height)
        size = (fitted.width, fitted.height)
        grid = PatchGrid(rows: size.height / side, columns: size.width / side)
        patches = Patches.invented(grid, side: side)
    }

    func encode(on compute: Compute) { _ = encoder.encode(patches, on: compute) }

    func leastSeconds(
        _ ceilings: Ceilings, precision: Precision, matrices: [Weight]
    ) -> Double {
        encoder.operations(grid).reduce(0) {
            $0 + Double($1.count) / ceilings.productsPerSecond($1.format, precision: precision)
        }
    }

    func figures(_ measured: EncoderMeasured) -> PageFigures {
        let seconds = measured.seconds
        let operations = Double(encoder.operations(grid).reduce(0) { $0 + $1.count })
        return PageFigures(
            width: size.width, height: size.height, patches: grid.count,
            tokens: grid.count / (encoder.mergeSide * encoder.mergeSide),
            milliseconds: seconds.median * 1000,
            millisecondsMin: seconds.min * 1000, millisecondsMax: seconds.max * 1000,
            gigaOperations: operations / 1e9,
            gigaOperationsPerSecond: operations / seconds.median / 1e9,
            ceilingPercent: measured.ceilingPercent,
            weightMegabytes: measured.weightBytes >> 20, peakMegabytes: measured.peakBytes >> 20)
    }
}

extension PageShape: EncoderShape {
    typealias Task = PageTask

    static var encoders: FamilyList<any PageEncoder> { pageEncoders }
    var plain: [String] { [] }
}
