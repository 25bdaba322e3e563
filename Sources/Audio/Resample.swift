internal import Kernels

/// Streaming conversion to another sampling rate by a polyphase windowed sinc with no delay.
///
/// n input samples become `ceil(n * output / input)` samples, the same ones however the input was
/// cut into pieces. The signal is taken as zero before its start and after its end.
struct Resampler {
    /// Rates outside this range are refused by `AudioFile`, so that a hostile header cannot ask for
    /// gigabytes of output or of filter.
    static let hertzRange = 2_000...768_000

    private let filter: Signal.PolyphaseFilter
    private var input: [Float]
    /// Index of `input[0]` in the signal preceded by its zeros.
    private var inputStart = 0
    private var inputCount = 0
    private var outputCount = 0

    init(from inputRate: Int, to outputRate: Int) {
        filter = Signal.PolyphaseFilter(from: inputRate, to: outputRate)
        input = [Float](repeating: 0, count: filter.taps / 2 - 1)
    }

    /// The output samples that became ready with `samples`.
    mutating func push(_ samples: [Float]) -> [Float] {
        guard filter.up != filter.down else { return samples }
        input += samples
        inputCount += samples.count
        // Output n needs input up to index n * down / up + taps - 1.
        let reachable = inputStart + input.count - filter.taps
        guard reachable >= 0 else { return [] }
        return take(until: reachable * filter.up / filter.down + 1)
    }

    /// The remaining samples; the resampler is spent afterwards.
    mutating func finish() -> [Float] {
        guard filter.up != filter.down else { return [] }
        input += [Float](repeating: 0, count: filter.taps)
        return take(until: (inputCount * filter.up + filter.down - 1) / filter.down)
    }

    private mutating func take(until end: Int) -> [Float] {
        var out: [Float] = []
        guard end > outputCount else { return out }
        filter.apply(
            to: input, start: inputStart, first: outputCount, count: end - outputCount,
            appendingTo: &out)
        outputCount = end
        let spent = min(outputCount * filter.down / filter.up - inputStart, input.count)
        input.removeFirst(spent)
        inputStart += spent
        return out
    }
}
