import Kernels

/// Numbers between -1 and 1, the same in every run.
func noise(_ count: Int, seed: UInt32 = 1) -> [Float] {
    var state = seed &* 2_654_435_761 | 1
    return (0..<count).map { _ in
        state = state &* 1_664_525 &+ 1_013_904_223
        return Float(state >> 8) / 8_388_608 - 1
    }
}

/// Rows in memory of their own.
final class Matrix {
    let rows: Rows

    /// - Parameter values: row by row; NaN when absent, so that a cell never written is seen.
    init(_ count: Int, _ columns: Int, _ values: [Float]? = nil) {
        let base = UnsafeMutablePointer<Float>.allocate(capacity: count * columns)
        base.initialize(repeating: .nan, count: count * columns)
        if let values { base.update(from: values, count: count * columns) }
        rows = Rows(base: base, count: count, columns: columns, stride: columns)
    }

    deinit { rows.base.deallocate() }
}
