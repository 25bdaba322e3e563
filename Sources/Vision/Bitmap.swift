import Kernels

/// An image of 8 bits a channel: red, green and blue.
public struct Bitmap: Equatable, Sendable {
    static let channels = Patches.channels

    /// In pixels.
    public let width: Int
    /// In pixels.
    public let height: Int
    /// [height, width, 3]
    public let pixels: [UInt8]

    /// - Parameter pixels: [height, width, 3]
    public init(width: Int, height: Int, pixels: [UInt8]) {
        require(
            width > 0 && height > 0 && pixels.count == width * height * Self.channels,
            "\(pixels.count) bytes for \(width) x \(height) pixels")
        self.width = width
        self.height = height
        self.pixels = pixels
    }

    /// Turned as a camera noted that it has to be, by the EXIF tag of that name: 1 to 8, others as 1.
    func oriented(_ orientation: Int) -> Bitmap {
        guard (2...8).contains(orientation) else { return self }
        let isTurned = orientation >= 5
        let (outWidth, outHeight) = isTurned ? (height, width) : (width, height)
        let mirrorsX = [2, 3, 7, 8].contains(orientation)
        let mirrorsY = [3, 4, 6, 7].contains(orientation)
        var out = [UInt8](repeating: 0, count: pixels.count)
        for y in 0..<outHeight {
            for x in 0..<outWidth {
                // Of the source, before it is mirrored.
                let (column, row) = isTurned ? (y, x) : (x, y)
                let from =
                    ((mirrorsY ? height - 1 - row : row) * width
                        + (mirrorsX ? width - 1 - column : column)) * Self.channels
                let to = (y * outWidth + x) * Self.channels
                for channel in 0..<Self.channels { out[to + channel] = pixels[from + channel] }
            }
        }
        return Bitmap(width: outWidth, height: outHeight, pixels: out)
    }

    /// Cut into squares, levels made numbers; both sides are multiples of `side`.
    func patches(side: Int, normalization: Normalization) -> Patches {
        require(width % side == 0 && height % side == 0, "patches of \(side) in \(width)x\(height)")
        let grid = PatchGrid(rows: height / side, columns: width / side)
        let levels = (0..<Self.channels).map { normalization.values(channel: $0) }
        var values: [Float] = []
        values.reserveCapacity(pixels.count)
        for patch in 0..<grid.count {
            let (top, left) = (patch / grid.columns * side, patch % grid.columns * side)
            for y in top..<top + side {
                let start = (y * width + left) * Self.channels
                for index in 0..<side * Self.channels {
                    values.append(levels[index % Self.channels][Int(pixels[start + index])])
                }
            }
        }
        return Patches(grid: grid, side: side, values: values)
    }
}
