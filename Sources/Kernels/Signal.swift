internal import CKernels

/// Signal kernels of the audio front end: log-mel frames and sampling-rate conversion.
public enum Signal {
    /// Triangular filters over the 201 frequency bins of a 400-sample frame.
    public struct MelBank: Sendable {
        var first: [UInt32] = []
        var end: [UInt32] = []
        var weights: [Float] = []

        /// Number of filters.
        public var count: Int { first.count }

        /// An empty bank.
        public init() {}

        /// Adds a filter that starts at bin `bin` with the given weights.
        public mutating func append(firstBin bin: Int, weights filter: [Float]) {
            precondition(bin >= 0 && bin + filter.count <= 201, "mel filter outside the spectrum")
            first.append(UInt32(bin))
            end.append(UInt32(bin + filter.count))
            weights += filter
        }
    }

    /// log10 of mel power, floored at 1e-10, before scaling.
    ///
    /// - Parameter signal: padded samples at 16 kHz, at least `(frames - 1) * 160 + 400`.
    /// - Returns: `[frames, bank.count]`, row-major.
    public static func logMelPower(_ signal: [Float], frames: Int, bank: MelBank) -> [Float] {
        guard frames > 0 else { return [] }
        precondition(signal.count >= (frames - 1) * 160 + 400, "signal shorter than its frames")
        return [Float](unsafeUninitializedCapacity: frames * bank.count) { out, count in
            guard let base = out.baseAddress else { return }
            bank.first.withUnsafeBufferPointer { first in
                bank.end.withUnsafeBufferPointer { end in
                    bank.weights.withUnsafeBufferPointer { weights in
                        var filters = ck_mel_bank(
                            first: first.baseAddress, end: end.baseAddress,
                            weights: weights.baseAddress, filters: bank.count)
                        ck_log_mel_power(signal, frames, &filters, base)
                    }
                }
            }
            count = frames * bank.count
        }
    }

    /// `(max(x, max(x over all) - 8) + 4) / 4` in place: the normalization of Whisper's features.
    public static func scaleLogMel(_ values: inout [Float]) {
        ck_log_mel_scale(&values, values.count)
    }

    /// A Kaiser-windowed sinc in polyphase form for one ratio of sampling rates.
    public struct PolyphaseFilter: Sendable {
        /// Zero crossings on each side, Kaiser beta and cut-off of librosa's `kaiser_best`.
        static let zeroCrossings = 64.0
        static let beta = 14.769656459379492
        static let cutoff = 0.9475937167399596
        /// Ratios with more phases than this share `interpolatedPhases` rows; the error of the
        /// linear interpolation between them is below 2e-6 of full scale.
        static let exactPhasesMax = 4096
        static let interpolatedPhases = 512

        /// Numerator of output over input rate in lowest terms.
        public let up: Int
        /// Its denominator.
        public let down: Int
        /// Input samples that one output sample sees.
        public let taps: Int
        let phases: Int
        let table: [Float]

        /// A filter from `input` to `output` samples per second (both positive).
        public init(from input: Int, to output: Int) {
            precondition(input > 0 && output > 0, "sampling rates must be positive")
            var (a, b) = (input, output)
            while b != 0 { (a, b) = (b, a % b) }
            (up, down) = (output / a, input / a)
            let scale = min(1, Double(up) / Double(down))
            let taps = 2 * Int((Self.zeroCrossings / scale).rounded(.up))
            let isExact = up <= Self.exactPhasesMax
            let phases = isExact ? up : Self.interpolatedPhases
            let rows = isExact ? phases : phases + 1
            self.taps = taps
            self.phases = phases
            var sinc = ck_sinc(
                zero_crossings: Self.zeroCrossings, beta: Self.beta, cutoff: Self.cutoff)
            table = [Float](unsafeUninitializedCapacity: rows * taps) { table, count in
                guard let base = table.baseAddress else { return }
                ck_resample_table(&sinc, scale, phases, rows, taps, base)
                count = rows * taps
            }
        }

        /// Output samples `first..<first + count`, appended to `out`.
        ///
        /// - Parameter input: samples from index `start` on of the signal preceded by
        ///   `taps / 2 - 1` zeros; output n reads `taps` of them from index `n * down / up`.
        public func apply(
            to input: [Float], start: Int, first: Int, count: Int, appendingTo out: inout [Float]
        ) {
            guard count > 0 else { return }
            precondition(first * down / up >= start, "input already discarded")
            precondition((first + count - 1) * down / up + taps <= start + input.count)
            out += [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
                guard let base = buffer.baseAddress else { return }
                table.withUnsafeBufferPointer { table in
                    var plan = ck_resampler(
                        table: table.baseAddress, taps: taps, phases: phases, up: UInt64(up),
                        down: UInt64(down))
                    ck_resample(&plan, input, UInt64(start), UInt64(first), count, base)
                }
                initialized = count
            }
        }
    }
}
