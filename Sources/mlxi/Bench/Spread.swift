import Kernels

/// Repetitions of one measurement.
struct Spread {
    let median: Double
    let min: Double
    let max: Double

    /// - Parameter values: not empty.
    init(_ values: [Double]) {
        let sorted = values.sorted()
        median = (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
        min = sorted[0]
        max = sorted[sorted.count - 1]
    }
}

extension [Weight] {
    /// The format of most of the matrices.
    var mainFormat: WeightFormat? {
        let formats = Dictionary(grouping: self, by: \.format.description)
        return formats.max { $0.value.count < $1.value.count }?.value.first?.format
    }
}
