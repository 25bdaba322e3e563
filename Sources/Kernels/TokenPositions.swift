/// Where a token stands on the three axes of multimodal rotary embedding (Wang et al. 2024, "Qwen2-VL",
/// section 2.1). Text stands at the same number on all of them.
public struct RopePosition: Equatable, Sendable {
    static let axisCount = 3

    /// Moment; the same for all tokens of an image.
    public let time: Int
    /// Height.
    public let row: Int
    /// Width.
    public let column: Int

    var largest: Int { max(time, row, column) }

    subscript(axis: Int) -> Int {
        switch axis {
        case 0: time
        case 1: row
        default: column
        }
    }
}

/// The tokens of an image: `rows` times `columns`, in raster order.
public struct TokenGrid: Equatable, Sendable {
    /// Index of the first token in its sequence.
    public let start: Int
    /// Tokens from top to bottom.
    public let rows: Int
    /// Tokens from left to right.
    public let columns: Int

    /// - Parameter start: index of the first token in its sequence.
    public init(start: Int, rows: Int, columns: Int) {
        require(rows > 0 && columns > 0, "an image of \(rows) x \(columns) tokens")
        self.start = start
        self.rows = rows
        self.columns = columns
    }

    var end: Int { start + rows * columns }
    /// What positions behind the image differ by from those that its tokens would have as text.
    var shift: Int { max(rows, columns) - rows * columns }

    /// - Parameter shift: that of the images before this one.
    func position(of token: Int, shift: Int) -> RopePosition {
        let cell = token - start
        let first = start + shift
        return RopePosition(
            time: first, row: first + cell / columns, column: first + cell % columns)
    }
}

/// Rotary positions of the tokens of one sequence. Text counts on; an image takes as many positions
/// as its longer side has tokens.
public struct TokenPositions: Sendable {
    /// In the order of the sequence, none inside another.
    private var grids: [TokenGrid] = []

    /// Positions of a text.
    public init() {}

    mutating func place(_ grid: TokenGrid) {
        require(grids.last.map { $0.end <= grid.start } ?? true, "an image inside another")
        grids.append(grid)
    }

    /// Forgets the images that begin at token `count` or later.
    mutating func truncate(to count: Int) {
        while let last = grids.last, last.start >= count { grids.removeLast() }
    }

    /// Rotates each head of x [n, heads · headDim] in place; row 0 is the token of index `first`.
    ///
    /// - Parameter norm: applied to each head first.
    public func rotate(_ x: Rows, norm: RMSNorm? = nil, from first: Int, with rope: Rope) {
        guard !grids.isEmpty else { return rope.apply(x, norm: norm, at: first) }
        let end = first + x.count
        var (token, shift) = (first, 0)
        for grid in grids where token < end {
            if token < grid.start {
                let stop = min(grid.start, end)
                rope.apply(
                    x.rows(token - first..<stop - first), norm: norm, at: token + shift)
                token = stop
            }
            let stop = min(grid.end, end)
            if token < stop {
                rope.apply(
                    x.rows(token - first..<stop - first), norm: norm,
                    at: (token..<stop).map { grid.position(of: $0, shift: shift) })
                token = stop
            }
            shift += grid.shift
        }
        if token < end {
            rope.apply(x.rows(token - first..<x.count), norm: norm, at: token + shift)
        }
    }
}
