internal import CKernels
import Foundation

/// Rotary position embedding (Su et al. 2021) over pairs (j, j + headDim / 2). Angles are computed
/// in double precision; tables grow as positions are first used.
public final class Rope {
    private let headDim: Int
    private let frequencies: [Double]
    /// The axis of `RopePosition` that each pair turns with.
    private let axes: [Int]
    /// Multiplies q and k, for yarn.
    private let magnitude: Double
    private var cosines: UnsafeMutablePointer<Float>
    private var sines: UnsafeMutablePointer<Float>
    private var capacity = 0
    /// Positions that tables grow by at least.
    private static let growthPositions = 1024

    /// - Parameters:
    ///   - config: the object that holds `rope_theta` and `rope_scaling` (old style) or
    ///     `rope_parameters` (transformers 5).
    ///   - sections: pairs that turn with each axis of a position, one axis after the other; nil
    ///     where positions have one axis.
    /// - Throws: `JSONError` or `KernelError.unsupported` for a scaling this program lacks.
    public init(
        headDim: Int, config: JSONValue, source: String, thetaDefault: Double,
        sections: [Int]? = nil
    ) throws {
        let nested = config["rope_parameters"] ?? .null
        let theta =
            try nested["rope_theta"].map { _ in try nested.double("rope_theta") }
            ?? config.double("rope_theta", default: thetaDefault)
        let scaling = config["rope_scaling"].flatMap { $0.isNull ? nil : $0 } ?? nested
        self.headDim = headDim
        let pairs = sections ?? [headDim / 2]
        require(
            pairs.reduce(0, +) == headDim / 2 && pairs.count <= RopePosition.axisCount,
            "RoPE sections \(pairs) of a head of \(headDim)")
        axes = pairs.enumerated().flatMap { [Int](repeating: $0.offset, count: $0.element) }
        let plain = (0..<headDim / 2).map { pow(theta, -2 * Double($0) / Double(headDim)) }
        (frequencies, magnitude) = try RopeScaling.apply(
            scaling, to: plain, theta: theta, headDim: headDim, source: source)
        cosines = .allocate(capacity: 0)
        sines = .allocate(capacity: 0)
    }

    deinit {
        cosines.deallocate()
        sines.deallocate()
    }

    /// Rotates each head of x [n, heads · headDim] in place; row 0 is at `position`.
    ///
    /// - Parameter norm: applied to each head first.
    public func apply(_ x: Rows, norm: RMSNorm? = nil, at position: Int) {
        require(x.columns % headDim == 0, "RoPE over \(x.columns) columns, head \(headDim)")
        grow(to: position + x.count)
        let half = headDim / 2
        ck_rope(
            x.base, x.stride, x.count, x.columns / headDim, headDim, cosines + position * half,
            sines + position * half, norm?.ofHeads(headDim) ?? ck_head_norm())
    }

    /// The same; row i is at `positions[i]`.
    public func apply(_ x: Rows, norm: RMSNorm? = nil, at positions: [RopePosition]) {
        require(x.columns % headDim == 0, "RoPE over \(x.columns) columns, head \(headDim)")
        require(positions.count == x.count, "\(positions.count) positions of \(x.count) rows")
        grow(to: (positions.map(\.largest).max() ?? -1) + 1)
        let half = headDim / 2
        func gathered(_ table: UnsafeMutablePointer<Float>) -> [Float] {
            var rows = [Float](repeating: 0, count: positions.count * half)
            for (row, position) in positions.enumerated() {
                for (j, axis) in axes.enumerated() {
                    rows[row * half + j] = table[position[axis] * half + j]
                }
            }
            return rows
        }
        ck_rope(
            x.base, x.stride, x.count, x.columns / headDim, headDim, gathered(cosines),
            gathered(sines), norm?.ofHeads(headDim) ?? ck_head_norm())
    }

    /// Rotates each head of x [n, heads · headDim] in place by angles of the caller.
    ///
    /// - Parameters:
    ///   - cosines: [n, headDim / 2], without gaps between rows; `sines` likewise.
    public static func rotate(_ x: Rows, cosines: Rows, sines: Rows) {
        let half = cosines.columns
        require(x.columns % (2 * half) == 0, "RoPE over \(x.columns) columns, \(half) angles")
        for table in [cosines, sines] {
            require(
                table.count == x.count && table.columns == half && table.stride == half,
                "RoPE table of \(table.count) rows for \(x.count)")
        }
        ck_rope(
            x.base, x.stride, x.count, x.columns / (2 * half), 2 * half, cosines.base, sines.base,
            ck_head_norm())
    }

    private func grow(to positions: Int) {
        guard positions > capacity else { return }
        let half = headDim / 2
        let grown = max(positions, capacity * 2, Self.growthPositions)
        let newCosines = UnsafeMutablePointer<Float>.allocate(capacity: grown * half)
        let newSines = UnsafeMutablePointer<Float>.allocate(capacity: grown * half)
        newCosines.update(from: cosines, count: capacity * half)
        newSines.update(from: sines, count: capacity * half)
        for position in capacity..<grown {
            for (j, frequency) in frequencies.enumerated() {
                let angle = Double(position) * frequency
                newCosines[position * half + j] = Float(cos(angle) * magnitude)
                newSines[position * half + j] = Float(sin(angle) * magnitude)
            }
        }
        cosines.deallocate()
        sines.deallocate()
        cosines = newCosines
        sines = newSines
        capacity = grown
    }
}

/// Stretched rotary frequencies for contexts longer than the model was trained on.
enum RopeScaling {
    /// Frequencies and the factor on q and k. Source: transformers, modeling_rope_utils.py.
    static func apply(
        _ config: JSONValue, to plain: [Double], theta: Double, headDim: Int, source: String
    ) throws -> (frequencies: [Double], magnitude: Double) {
        let type = config["rope_type"]?.asString ?? config["type"]?.asString ?? "default"
        return try JSONError.naming("\(source): rope_scaling") {
            switch type {
            case "default", "mrope": return (plain, 1)
            case "linear":
                let factor = try config.double("factor")
                return (plain.map { $0 / factor }, 1)
            case "llama3": return (try llama3(config, plain), 1)
            case "yarn": return try yarn(config, plain, theta: theta, headDim: headDim)
            default:
                throw KernelError.unsupported(
                    file: source,
                    what: "rope_scaling \"\(type)\"; known: default, linear, llama3, yarn")
            }
        }
    }

    private static func llama3(_ config: JSONValue, _ plain: [Double]) throws -> [Double] {
        let factor = try config.double("factor")
        let low = try config.double("low_freq_factor")
        let high = try config.double("high_freq_factor")
        let old = try config.double("original_max_position_embeddings")
        return plain.map { frequency in
            let wavelength = 2 * Double.pi / frequency
            if wavelength > old / low { return frequency / factor }
            if wavelength < old / high { return frequency }
            let smooth = (old / wavelength - low) / (high - low)
            return (1 - smooth) * frequency / factor + smooth * frequency
        }
    }

    private static func yarn(
        _ config: JSONValue, _ plain: [Double], theta: Double, headDim: Int
    ) throws -> (frequencies: [Double], magnitude: Double) {
        let factor = try config.double("factor")
        let old = try config.double("original_max_position_embeddings")
        let fast = try config.double("beta_fast", default: 32)
        let slow = try config.double("beta_slow", default: 1)
        func dimension(_ rotations: Double) -> Double {
            Double(headDim) * log(old / (rotations * 2 * .pi)) / (2 * log(theta))
        }
        let isTruncated = try config.bool("truncate", default: true)
        let first = isTruncated ? dimension(fast).rounded(.down) : dimension(fast)
        let last = isTruncated ? dimension(slow).rounded(.up) : dimension(slow)
        let (low, high) = (max(first, 0), min(last, Double(headDim - 1)))
        let frequencies = plain.enumerated().map { j, frequency in
            let ramp = min(max((Double(j) - low) / max(high - low, 0.001), 0), 1)
            return frequency * (1 - ramp) + frequency / factor * ramp
        }
        return (frequencies, try yarnMagnitude(config, factor: factor))
    }

    /// `attention_factor`; otherwise what follows from the factor and, where both are given, from
    /// `mscale` and `mscale_all_dim` (DeepSeek).
    private static func yarnMagnitude(_ config: JSONValue, factor: Double) throws -> Double {
        func given(_ key: String) throws -> Double? {
            config[key]?.isNull ?? true ? nil : try config.double(key)
        }
        func magnitude(_ scale: Double) -> Double {
            factor <= 1 ? 1 : 0.1 * scale * log(factor) + 1
        }
        if let attention = try given("attention_factor") { return attention }
        guard let scale = try given("mscale"), let scaleAll = try given("mscale_all_dim"),
            scale != 0, scaleAll != 0
        else { return magnitude(1) }
        return magnitude(scale) / magnitude(scaleAll)
    }
}
