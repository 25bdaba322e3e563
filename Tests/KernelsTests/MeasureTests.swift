import CKernels
import Testing

@testable import Kernels

@Suite struct MeasureTests {
    static let formats: [WeightFormat] = [
        .affine(bits: 2, group: 32), .affine(bits: 5, group: 64), .affine(bits: 8, group: 128),
        .mxfp4, .mxfp8, .nvfp4, .bf16, .f16, .f32,
    ]

    /// Random, small, of both signs, and finite: what a layer's weights look like.
    @Test(arguments: formats)
    func inventedWeightsLookLikeWeights(format: WeightFormat) throws {
        let weights = InventedWeights(format: format)
        let matrix = try weights.matrix("w", rows: 40, columns: 256)
        #expect(weights.byteCount == matrix.byteCount)
        weights.fill()
        var row = [Float](repeating: .nan, count: 256)
        for index in 0..<40 {
            row.withUnsafeMutableBufferPointer { matrix.row(index, into: $0) }
            #expect(row.allSatisfy { abs($0) < 1 })
            #expect(Set(row).count > 2)
            #expect(row.contains { $0 > 0 } && row.contains { $0 < 0 })
        }
    }

    @Test func noiseIsTheSameOnAnyNumberOfThreads() {
        let threads = ck_pool_threads()
        defer { ck_pool_start(threads) }
        let count = (3 << 20) + 5
        let sums = [1, 4].map { threads in
            ck_pool_start(threads)
            var bytes = [UInt8](repeating: 0, count: count)
            ck_fill_noise(&bytes, count, 7, .max, 0)
            #expect(bytes[(count - 5)...].contains { $0 != 0 })
            return bytes.reduce(0) { $0 &* 31 &+ Int($1) }
        }
        #expect(sums[0] == sums[1])
    }

    /// All that lies in pieces is read, the last of which is shorter.
    @Test func readingSumsTheWords() {
        let words = (0..<(1 << 18) + 4096).map { UInt32($0 % 4096) }
        let sum = UInt64(words.count / 4096) * 4095 * 4096 / 2
        words.withUnsafeBytes { memory in
            let spans = ck_span.pieces(of: memory)
            #expect(spans.count == 2)
            InstructionSets.forEach { isa in
                #expect(ck_read_spans(spans, spans.count) == sum, "\(isa)")
            }
        }
    }

    /// What a reader reads of a matrix is what its products read.
    @Test(arguments: formats) func readersReadWholeMatrices(format: WeightFormat) throws {
        let weights = InventedWeights(format: format)
        let matrices = try [
            weights.matrix("a", rows: 40, columns: 256), weights.matrix("b", rows: 8, columns: 512),
        ]
        let reader = WeightReader(matrices)
        #expect(reader.byteCount == weights.byteCount)
        #expect(reader.seconds() > 0)
    }

    @Test func everyInstructionSetHasItsPeaks() {
        InstructionSets.forEach { isa in
            #expect(ck_peak(CK_PEAK_F32, 10) > 0, "\(isa)")
            #expect((ck_peak(CK_PEAK_INT8, 10) > 0) == (isa != "scalar"), "\(isa)")
            #expect((ck_peak(CK_PEAK_BF16, 10) > 0) == InstructionSets.hasBF16(isa), "\(isa)")
        }
    }
}
