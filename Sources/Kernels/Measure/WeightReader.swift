internal import CKernels

/// Reads matrices and does nothing with them: what their products cannot be faster than.
public struct WeightReader {
    /// Bytes of all matrices.
    public let byteCount: Int
    private let matrices: [Weight]
    private let spans: [ck_span]

    private static let passes = 3

    /// - Parameter matrices: kept alive.
    public init(_ matrices: [Weight]) {
        self.matrices = matrices
        byteCount = matrices.reduce(0) { $0 + $1.byteCount }
        spans = matrices.flatMap(\.parts).flatMap(ck_span.pieces)
    }

    /// How long reading all of them takes at the moment, with all threads: the median of a few times.
    /// Memory that neighbours use too moves by tens of percent within seconds.
    public func seconds() -> Double {
        let times = (0..<Self.passes).map { _ in
            Stopwatch.seconds { _ = ck_read_spans(spans, spans.count) }
        }
        return times.sorted()[Self.passes / 2]
    }
}

extension ck_span {
    /// What a thread reads at a time.
    private static let pieceBytes = 1 << 20

    /// Memory in pieces that threads share well.
    static func pieces(of memory: UnsafeRawBufferPointer) -> [ck_span] {
        stride(from: 0, to: memory.count, by: pieceBytes).map { first in
            ck_span(
                memory: memory.baseAddress.map { $0 + first },
                bytes: min(pieceBytes, memory.count - first))
        }
    }
}
