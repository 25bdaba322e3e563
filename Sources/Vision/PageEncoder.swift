public import Kernels

/// The part of a page model that turns pixels into rows for its decoder. Used from one thread at a
/// time.
public protocol PageEncoder: AnyObject {
    /// Pixels along a side of a patch.
    var patchSide: Int { get }
    /// Patches along a side of what one row stands for.
    var mergeSide: Int { get }
    /// How images become patches.
    var preparation: ImagePreparation { get }

    /// Multiplications and additions of `encode` in products, with weights and in attention, by the
    /// format of what is multiplied.
    func operations(_ grid: PatchGrid) -> [(format: WeightFormat, count: Int)]

    /// Rows [grid.count / mergeSide², columns of the decoder] in raster order, taken from the
    /// workspace scope of the caller.
    ///
    /// - Parameter patches: sides of the grid are multiples of `mergeSide`.
    func encode(_ patches: Patches, on compute: Compute) -> Rows
}

/// How many patches an image has.
public struct PatchGrid: Equatable, Sendable {
    /// From top to bottom.
    public let rows: Int
    /// From left to right.
    public let columns: Int

    /// Names the sides.
    public init(rows: Int, columns: Int) {
        self.rows = rows
        self.columns = columns
    }

    /// All of them.
    public var count: Int { rows * columns }
}

/// The pixels of an image, cut into squares.
public struct Patches: Sendable {
    /// Channels of a pixel: red, green and blue.
    public static let channels = 3

    /// Where the patches lie; they are stored in raster order.
    public let grid: PatchGrid
    /// Pixels along a side.
    public let side: Int
    /// [grid.count, side · side · 3], a row in the order (y, x, channel), -1 for black to 1 for white.
    public let values: [Float]

    /// - Parameter values: as many as the grid has.
    public init(grid: PatchGrid, side: Int, values: [Float]) {
        require(
            values.count == grid.count * side * side * Self.channels,
            "\(values.count) values of \(grid.rows) x \(grid.columns) patches")
        self.grid = grid
        self.side = side
        self.values = values
    }

    /// Scattered pixels of a page that nobody made, the same in every run.
    public static func invented(_ grid: PatchGrid, side: Int) -> Patches {
        let count = grid.count * side * side * channels
        let values = (0..<count).map { Float(($0 &* 7919) % 2003) / 1000 - 1 }
        return Patches(grid: grid, side: side, values: values)
    }
}
