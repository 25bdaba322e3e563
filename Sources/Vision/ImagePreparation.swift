import Foundation
import Kernels

/// How a model wants to see images, as its folder says in `preprocessor_config.json`.
public struct ImagePreparation: Equatable, Sendable {
    /// What images are resized to.
    public let budget: PixelBudget
    let normalization: Normalization
    /// Pixels along a side of a patch.
    let patchSide: Int

    /// Of Pillow's filters, by their numbers.
    private static let bicubic = 3

    /// Newer conversions keep the keys in `processor_config.json`.
    ///
    /// - Parameter standard: where the folder says nothing.
    /// - Throws: `JSONError` naming the file and the key.
    static func read(folder: String, standard: ImagePreparation) throws -> ImagePreparation {
        for name in ["preprocessor_config.json", "processor_config.json"] {
            let path = "\(folder)/\(name)"
            guard FileManager.default.fileExists(atPath: path) else { continue }
            let file = try JSONValue.read(file: path)
            return try JSONError.naming(path) {
                try standard.adapted(to: file["image_processor"] ?? file)
            }
        }
        return standard
    }

    private func adapted(to config: JSONValue) throws -> ImagePreparation {
        let filter = try config.int("resample", default: Self.bicubic)
        guard filter == Self.bicubic else {
            throw JSONError(detail: "resample is \(filter), want \(Self.bicubic), bicubic")
        }
        return ImagePreparation(
            budget: try budget.adapted(to: config),
            normalization: try normalization.adapted(to: config), patchSide: patchSide)
    }

    /// The image resized, and cut into patches.
    ///
    /// - Throws: `PixelBudgetError` when no size would suit.
    public func patches(of image: Bitmap) throws -> Patches {
        let size = try budget.fitted(width: image.width, height: image.height)
        return image.resized(width: size.width, height: size.height)
            .patches(side: patchSide, normalization: normalization)
    }
}

/// How levels of 8 bits become numbers, channel by channel: (level · scale - mean) / deviation.
struct Normalization: Equatable {
    var scale = 1 / 255.0
    var mean = [Double](repeating: 0.5, count: Patches.channels)
    var deviation = [Double](repeating: 0.5, count: Patches.channels)

    func adapted(to config: JSONValue) throws -> Normalization {
        func numbers(_ key: String, _ standard: [Double]) throws -> [Double] {
            let found = try config.array(key, default: standard.map { .double($0) })
            let numbers = found.compactMap(\.asDouble)
            guard numbers.count == Patches.channels, found.count == numbers.count else {
                throw JSONError(detail: "\(key) is not a number for each channel")
            }
            return numbers
        }
        let result = Normalization(
            scale: try config.double("rescale_factor", default: scale),
            mean: try numbers("image_mean", mean), deviation: try numbers("image_std", deviation))
        guard result.deviation.allSatisfy({ $0 > 0 }) else {
            throw JSONError(detail: "image_std is \(result.deviation), want positive numbers")
        }
        return result
    }

    /// What each of the 256 levels becomes.
    func values(channel: Int) -> [Float] {
        (0...255).map { Float((Double($0) * scale - mean[channel]) / deviation[channel]) }
    }
}
