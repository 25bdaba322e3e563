// Bicubic resampling of 8-bit images to the bit as Pillow up to version 12 has it
// (src/libImaging/Resample.c), which the models were trained behind: weights rounded to 22 bits, the
// horizontal pass first, its result rounded to 8 bits.

/// For each output pixel of one axis, the input pixels that it is mixed from and their shares.
private struct ResampleAxis {
    private static let fractionBits: Int32 = 22
    private static let half: Int32 = 1 << (fractionBits - 1)
    /// Of the cubic, in output pixels when shrinking, in input pixels otherwise.
    private static let radius = 2.0

    /// First input pixel of each output pixel, and how many follow.
    let ranges: [Range<Int>]
    /// The shares, one output pixel behind the other.
    let shares: [Int32]

    init(from inputs: Int, to outputs: Int) {
        let scale = Double(inputs) / Double(outputs)
        let stretch = max(scale, 1)
        let support = Self.radius * stretch
        var (ranges, shares): ([Range<Int>], [Int32]) = ([], [])
        for output in 0..<outputs {
            let centre = (Double(output) + 0.5) * scale
            let first = Int(max(centre - support + 0.5, 0))
            let last = Int(min(centre + support + 0.5, Double(inputs)))
            let weights = (first..<last).map { Self.cubic((Double($0) - centre + 0.5) / stretch) }
            let total = weights.reduce(0, +)
            ranges.append(first..<last)
            for weight in weights {
                let scaled = weight / total * Double(1 << Self.fractionBits)
                shares.append(Int32(scaled.rounded(.toNearestOrAwayFromZero)))
            }
        }
        (self.ranges, self.shares) = (ranges, shares)
    }

    /// Keys 1981 with a = -0.5.
    private static func cubic(_ distance: Double) -> Double {
        let (x, a) = (abs(distance), -0.5)
        if x < 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
        return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0
    }

    /// Sums of shares and levels to a level.
    static func level(_ sum: Int32) -> UInt8 {
        UInt8(clamping: (sum &+ half) >> fractionBits)
    }
}

extension Bitmap {
    /// Resampled to another size, bicubic.
    func resized(width: Int, height: Int) -> Bitmap {
        let wide = width == self.width ? self : resized(width: width)
        return height == wide.height ? wide : wide.resized(height: height)
    }

    private func resized(width outputs: Int) -> Bitmap {
        let axis = ResampleAxis(from: width, to: outputs)
        let channels = Self.channels
        let out = [UInt8](unsafeUninitializedCapacity: outputs * height * channels) { out, count in
            pixels.withUnsafeBufferPointer { pixels in
                axis.shares.withUnsafeBufferPointer { shares in
                    var to = 0
                    for y in 0..<height {
                        var next = 0
                        for range in axis.ranges {
                            var sums: (Int32, Int32, Int32) = (0, 0, 0)
                            var from = (y * width + range.lowerBound) * channels
                            for _ in range {
                                let share = shares[next]
                                sums.0 &+= share &* Int32(pixels[from])
                                sums.1 &+= share &* Int32(pixels[from + 1])
                                sums.2 &+= share &* Int32(pixels[from + 2])
                                next += 1
                                from += channels
                            }
                            out[to] = ResampleAxis.level(sums.0)
                            out[to + 1] = ResampleAxis.level(sums.1)
                            out[to + 2] = ResampleAxis.level(sums.2)
                            to += channels
                        }
                    }
                    count = to
                }
            }
        }
        return Bitmap(width: outputs, height: height, pixels: out)
    }

    private func resized(height outputs: Int) -> Bitmap {
        let axis = ResampleAxis(from: height, to: outputs)
        let rowBytes = width * Self.channels
        let out = [UInt8](unsafeUninitializedCapacity: outputs * rowBytes) { out, count in
            var sums = [Int32](repeating: 0, count: rowBytes)
            var next = 0
            pixels.withUnsafeBufferPointer { pixels in
                sums.withUnsafeMutableBufferPointer { sums in
                    for (y, range) in axis.ranges.enumerated() {
                        sums.update(repeating: 0)
                        for row in range {
                            let share = axis.shares[next]
                            next += 1
                            let from = pixels.baseAddress.map { $0 + row * rowBytes }
                            guard let from else { continue }
                            for i in 0..<rowBytes { sums[i] &+= share &* Int32(from[i]) }
                        }
                        for i in 0..<rowBytes {
                            out[y * rowBytes + i] = ResampleAxis.level(sums[i])
                        }
                    }
                }
            }
            count = outputs * rowBytes
        }
        return Bitmap(width: width, height: outputs, pixels: out)
    }
}
