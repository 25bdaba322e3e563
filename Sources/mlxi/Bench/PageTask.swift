import Foundation
import Kernels
import Vision

/// A page as the model sees it.
struct PageInput: EncoderInput {
    /// In pixels.
    var width: Int
    var height: Int
    var patches: Int
    /// Rows that the decoder gets.
    var tokens: Int

    var text: String {
        "a page of \(width) x \(height) pixels (\(patches) patches, \(tokens) tokens)"
    }

    func pace(seconds: Double) -> String? { nil }
}

/// A4 at 300 dots an inch, resized as any image is.
struct PageTask: EncoderTask {
    private static let page = (width: 2480, height: 3508)

    let input: PageInput
    private let encoder: any PageEncoder
    private let patches: Patches

    init(_ encoder: any PageEncoder) throws {
        self.encoder = encoder
        let side = encoder.patchSide
        let size = try encoder.preparation.budget.fitted(
            width: Self.page.width, height: Self.page.height)
        let grid = PatchGrid(rows: size.height / side, columns: size.width / side)
        patches = Patches.invented(grid, side: side)
        input = PageInput(
            width: size.width, height: size.height, patches: grid.count,
            tokens: grid.count / (encoder.mergeSide * encoder.mergeSide))
    }

    private var work: [(format: WeightFormat, count: Int)] { encoder.operations(patches.grid) }

    var operations: Double { Double(work.reduce(0) { $0 + $1.count }) }

    func encode(on compute: Compute) { _ = encoder.encode(patches, on: compute) }

    /// Each kind of product against its own ceiling.
    func leastSeconds(
        _ ceilings: Ceilings, precision: Precision, matrices: [Weight]
    ) -> Double {
        work.reduce(0) {
            $0 + Double($1.count) / ceilings.productsPerSecond($1.format, precision: precision)
        }
    }
}

extension PageShape: EncoderShape {
    typealias Task = PageTask

    static var encoders: FamilyList<any PageEncoder> { pageEncoders }
    var plain: [String] { [] }
}
