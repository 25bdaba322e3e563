internal import CKernels
import Foundation

/// What this machine can do at most with the instruction set and the threads in use, measured now:
/// other programs take their share, so a figure is worth something only beside ceilings of the
/// same minute.
public struct Ceilings: Sendable {
    /// Bytes a second read from memory that is in no cache.
    public var memoryBytesPerSecond: Double
    /// Multiplications and additions a second of 8-bit integers; 0 without such instructions.
    public var int8PerSecond: Double
    /// The same for bf16 products.
    public var bf16PerSecond: Double
    /// The same for f32.
    public var f32PerSecond: Double

    /// Larger than the caches of any processor this runs on.
    private static let memoryBytes = 512 << 20
    private static let memoryPasses = 5
    private static let peakRuns = 12
    /// Long enough for the clock, short enough to fall between two turns of a neighbour.
    private static let peakSeconds = 0.004

    /// Takes about a second. The best of several runs each.
    public static func measure() throws -> Ceilings {
        Ceilings(
            memoryBytesPerSecond: try memory(), int8PerSecond: peak(CK_PEAK_INT8),
            bf16PerSecond: peak(CK_PEAK_BF16), f32PerSecond: peak(CK_PEAK_F32))
    }

    /// Measures once more and keeps the better of each: for longer than a whole measurement a virtual
    /// machine may have got less of its processor, or both threads the same core.
    public mutating func measureAgain() throws {
        let again = try Self.measure()
        memoryBytesPerSecond = max(memoryBytesPerSecond, again.memoryBytesPerSecond)
        int8PerSecond = max(int8PerSecond, again.int8PerSecond)
        bf16PerSecond = max(bf16PerSecond, again.bf16PerSecond)
        f32PerSecond = max(f32PerSecond, again.f32PerSecond)
    }

    /// Read bandwidth alone.
    ///
    /// - Throws: `KernelError.setting` when there is no memory to read.
    private static func memory() throws -> Double {
        let flags = MAP_PRIVATE | MAP_ANONYMOUS
        let address = mmap(nil, memoryBytes, PROT_READ | PROT_WRITE, flags, -1, 0)
        guard let address, address != MAP_FAILED else {
            throw KernelError.setting("no \(memoryBytes >> 20) MB to measure the memory with")
        }
        defer { munmap(address, memoryBytes) }
        madvise(address, memoryBytes, Int32(MADV_HUGEPAGE))
        memset(address, 1, memoryBytes)
        var best = 0.0
        for _ in 0..<memoryPasses {
            // Pieces, because a whole pass is longer than a turn of the scheduler.
            let piece = memoryBytes / 8
            for first in stride(from: 0, to: memoryBytes, by: piece) {
                let spans = ck_span.pieces(of: .init(start: address + first, count: piece))
                let seconds = Stopwatch.seconds { _ = ck_read_spans(spans, spans.count) }
                best = max(best, Double(piece) / seconds)
            }
        }
        return best
    }

    /// Operations a second of products with weights of `format`: those of the instructions that its
    /// kernels use, where the machine has them.
    ///
    /// - Parameter rounds: f16 weights, in convolutions also f32, are rounded to bf16: `Weight.rounding`.
    public func productsPerSecond(
        _ format: WeightFormat, precision: Precision, rounds: Bool = false
    ) -> Double {
        guard precision == .fast else { return f32PerSecond }
        let own: Double
        switch format {
        case .affine, .mxfp4, .nvfp4: own = int8PerSecond
        case .bf16: own = bf16PerSecond
        case .f16, .f32: own = rounds ? bf16PerSecond : 0
        case .mxfp8: own = 0
        }
        return own > 0 ? own : f32PerSecond
    }

    static func peak(_ kind: ck_peak_kind) -> Double {
        var rounds = 1000
        var best = 0.0
        for _ in 0..<peakRuns {
            var operations = 0.0
            let seconds = Stopwatch.seconds { operations = ck_peak(kind, rounds) }
            guard operations > 0 else { return 0 }
            best = max(best, operations / seconds)
            rounds = max(rounds, Int(Double(rounds) * min(peakSeconds / seconds, 64)))
        }
        return best
    }
}

/// Wall-clock time.
public enum Stopwatch {
    /// Seconds that `body` took.
    public static func seconds(_ body: () throws -> Void) rethrows -> Double {
        let start = DispatchTime.now().uptimeNanoseconds
        try body()
        return Double(max(DispatchTime.now().uptimeNanoseconds - start, 1)) / 1e9
    }
}
