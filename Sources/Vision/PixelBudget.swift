import Kernels

/// An image that no size would suit.
public struct PixelBudgetError: Error, CustomStringConvertible, Equatable {
    /// One line.
    public let description: String
}

/// How large an image may be for a model: both sides multiples of `step` pixels, and so many pixels
/// in all.
public struct PixelBudget: Equatable, Sendable {
    /// Longer side over shorter side at the most.
    private static let aspectMax = 200.0

    /// Pixels of a side that make one row or column of the model's tokens.
    public let step: Int
    /// Smaller images are enlarged.
    public let pixelsMin: Int
    /// Larger ones are reduced.
    public let pixelsMax: Int

    /// Sets the limits.
    public init(step: Int, pixelsMin: Int, pixelsMax: Int) {
        self.step = step
        self.pixelsMin = pixelsMin
        self.pixelsMax = pixelsMax
    }

    /// The size that an image is resized to, its aspect ratio nearly kept. In doubles, with halves
    /// rounded to even, as the references have it.
    ///
    /// - Parameters:
    ///   - width: in pixels, positive; `height` likewise.
    /// - Throws: `PixelBudgetError` when one side is more than 200 times the other.
    public func fitted(width: Int, height: Int) throws -> (width: Int, height: Int) {
        let factor = Double(step)
        var (width, height) = (Double(width), Double(height))
        if height < factor {
            (width, height) = ((width * factor / height).rounded(.toNearestOrEven), factor)
        }
        if width < factor {
            (width, height) = (factor, (height * factor / width).rounded(.toNearestOrEven))
        }
        guard max(width, height) / min(width, height) <= Self.aspectMax else {
            throw PixelBudgetError(
                description: "an image of \(Int(width)) x \(Int(height)) pixels is too thin: one "
                    + "side is more than \(Int(Self.aspectMax)) times the other")
        }
        func multiple(_ side: Double, _ rule: FloatingPointRoundingRule) -> Double {
            (side / factor).rounded(rule) * factor
        }
        let area = width * height
        let plain = (multiple(width, .toNearestOrEven), multiple(height, .toNearestOrEven))
        var fitted = plain
        if plain.0 * plain.1 > Double(pixelsMax) {
            let shrink = (area / Double(pixelsMax)).squareRoot()
            fitted = (
                max(factor, multiple(width / shrink, .down)),
                max(factor, multiple(height / shrink, .down))
            )
        } else if plain.0 * plain.1 < Double(pixelsMin) {
            let grow = (Double(pixelsMin) / area).squareRoot()
            fitted = (multiple(width * grow, .up), multiple(height * grow, .up))
        }
        return (Int(fitted.0), Int(fitted.1))
    }
}

extension PixelBudget {
    /// Largest image that is taken seriously, in pixels.
    private static let pixelsLimit = 1 << 28

    /// With the limits that a model's folder gives.
    func adapted(to config: JSONValue) throws -> PixelBudget {
        let most = try config.int(
            "max_pixels", default: try config.int("size", "longest_edge", default: pixelsMax))
        let least = try config.int(
            "min_pixels", default: try config.int("size", "shortest_edge", default: pixelsMin))
        guard 0 < least, least <= most, most <= Self.pixelsLimit else {
            throw JSONError(detail: "min_pixels \(least) and max_pixels \(most) make no sense")
        }
        return PixelBudget(step: step, pixelsMin: least, pixelsMax: most)
    }
}
