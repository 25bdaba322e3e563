import Testing

@testable import Vision

/// The size that images are resized to, against `smart_resize` of transformers 5.23.0.
@Suite struct PixelBudgetTests {
    struct Case: Sendable {
        var size: (width: Int, height: Int)
        /// 112,896 to 1,003,520 pixels, as PaddleOCR-VL 1.5 has them.
        var newer: (width: Int, height: Int)
        /// 147,384 to 2,822,400 pixels, as the first version has them.
        var older: (width: Int, height: Int)
    }

    static let cases = [
        Case(size: (2480, 3508), newer: (840, 1176), older: (1400, 1988)),
        Case(size: (100, 100), newer: (336, 336), older: (392, 392)),
        Case(size: (1, 1), newer: (336, 336), older: (392, 392)),
        Case(size: (640, 20), newer: (1904, 84), older: (2184, 84)),
        Case(size: (42, 14), newer: (588, 196), older: (672, 224)),
        Case(size: (14, 42), newer: (196, 588), older: (224, 672)),
        Case(size: (840, 1176), newer: (840, 1176), older: (840, 1176)),
        Case(size: (30, 2000), newer: (56, 2744), older: (56, 3136)),
        Case(size: (5000, 30), newer: (5012, 28), older: (4984, 56)),
        Case(size: (777, 333), newer: (784, 336), older: (784, 336)),
        // 12.5 and 17.5 times 28: halves go to the even neighbour.
        Case(size: (350, 490), newer: (336, 504), older: (336, 504)),
        Case(size: (1002, 1002), newer: (980, 980), older: (1008, 1008)),
        Case(size: (352, 2816), newer: (336, 2828), older: (364, 2828)),
    ]

    @Test func sizesAreThoseOfTheReference() throws {
        let newer = PixelBudget(step: 28, pixelsMin: 112_896, pixelsMax: 1_003_520)
        let older = PixelBudget(step: 28, pixelsMin: 147_384, pixelsMax: 2_822_400)
        for one in Self.cases {
            let (width, height) = one.size
            #expect(try newer.fitted(width: width, height: height) == one.newer, "\(one.size)")
            #expect(try older.fitted(width: width, height: height) == one.older, "\(one.size)")
        }
    }

    @Test func thinImagesAreRefused() {
        let budget = PixelBudget(step: 28, pixelsMin: 112_896, pixelsMax: 1_003_520)
        #expect(
            throws: PixelBudgetError(
                description: "an image of 28 x 5833 pixels is too thin: one side is more than 200 "
                    + "times the other")
        ) { try budget.fitted(width: 24, height: 5000) }
    }
}
