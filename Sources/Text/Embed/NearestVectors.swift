public import Kernels

/// Exact nearest neighbours by inner product: vectors come block by block, the best are kept.
public struct NearestVectors {
    /// A vector and its inner product with the query.
    public struct Match: Equatable, Sendable {
        /// What the caller calls the vector.
        public let id: Int64
        /// The inner product: the cosine, for vectors of length 1.
        public let score: Float
    }

    private let query: [Float]
    private let countMax: Int
    private let compute: Compute
    private var best: [Match] = []

    /// - Parameter countMax: so many matches are kept.
    public init(of query: [Float], countMax: Int, on compute: Compute) {
        self.query = query
        self.countMax = countMax
        self.compute = compute
    }

    /// The matches so far, best first; equal scores in order of id.
    public var matches: [Match] { best }

    /// Compares a block of vectors, in f32.
    ///
    /// - Parameters:
    ///   - ids: one for each vector.
    ///   - values: [ids.count, columns of the query]
    public mutating func add(_ ids: [Int64], values: [Float]) {
        require(values.count == ids.count * query.count, "vectors of another width")
        guard !ids.isEmpty else { return }
        let matrix = Linear(
            Weight(name: "vectors", rows: ids.count, columns: query.count, values: values))
        let scores = compute.workspace.scope { () -> [Float] in
            let input = compute.workspace.rows(1, query.count)
            _ = input[0].update(from: query)
            let output = compute.workspace.rows(1, ids.count)
            matrix.apply(input, into: output, precision: .exact, on: compute)
            return Array(output[0])
        }
        for (id, score) in zip(ids, scores) {
            let match = Match(id: id, score: score)
            if best.count == countMax, let last = best.last, !Self.isBetter(match, last) {
                continue
            }
            var place = best.endIndex
            while place > 0, Self.isBetter(match, best[place - 1]) { place -= 1 }
            best.insert(match, at: place)
            if best.count > countMax { best.removeLast() }
        }
    }

    private static func isBetter(_ left: Match, _ right: Match) -> Bool {
        left.score != right.score ? left.score > right.score : left.id < right.id
    }
}
