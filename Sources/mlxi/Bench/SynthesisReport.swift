import Foundation
import Kernels

/// What `mlxi bench` measured of a speech synthesis model.
struct SynthesisReport: Printable {
    /// A part's share of one frame.
    struct Share: Encodable, Sendable {
        var milliseconds: Double
        var millisecondsMin: Double
        var millisecondsMax: Double
        /// Of the memory for the decoders, of the arithmetic for the codec.
        var ceilingPercent: Double

        /// - Parameters:
        ///   - seconds: of a frame, in each repetition; not empty.
        ///   - ceiling: seconds that the machine would need at least.
        init(_ seconds: [Double], ceiling: Double) {
            let spread = Spread(seconds)
            milliseconds = spread.median * 1000
            millisecondsMin = spread.min * 1000
            millisecondsMax = spread.max * 1000
            ceilingPercent = 100 * ceiling / spread.median
        }
    }

    var model: String
    var format: String
    var codecFormat: String
    var instructionSet: String
    var threads: Int
    var ceilings: BenchReport.Ceiling
    var weightMegabytes: Int
    var codecWeightMegabytes: Int
    var peakMegabytes: Int
    /// Of the text; the first "token" is the first frame.
    var prefill: [BenchReport.Rate]
    /// Frames spoken one after the other.
    var frames: Int
    var frameSeconds: Double
    var talker: Share
    var codePredictor: Share
    var codec: Share
    /// All three.
    var frame: Share
    var framesPerSecond: Double
    /// Seconds of work for a second of sound.
    var realTimeFactor: Double
    /// Multiplications and additions of the codec for a frame, in billions.
    var codecGigaOperations: Double

    var text: String {
        func one(_ value: Double) -> String { Timestamp.fixed(value, places: 1) }
        func none(_ value: Double) -> String { Timestamp.fixed(value, places: 0) }
        var lines = [
            BenchReport.head(
                "\(model), \(format), codec \(codecFormat)", instructionSet, threads: threads),
            "ceilings   \(ceilings.memory), \(ceilings.products)",
            "memory     weights \(weightMegabytes) MB, of the codec \(codecWeightMegabytes) MB, "
                + "peak of the process \(peakMegabytes) MB",
            "", BenchReport.row("", "tok/s", "min", "max", "of ceiling", "first frame"),
        ]
        for rate in prefill { lines.append(BenchReport.row("prefill \(rate.tokens)", rate)) }
        lines += ["", BenchReport.row("", "ms/frame", "min", "max", "of ceiling")]
        for (name, share) in [
            ("talker", talker), ("code predictor", codePredictor), ("codec", codec),
            ("frame", frame),
        ] {
            lines.append(
                BenchReport.row(
                    name, one(share.milliseconds), one(share.millisecondsMin),
                    one(share.millisecondsMax), one(share.ceilingPercent) + " %"))
        }
        lines += [
            "",
            "\(frames) frames of \(none(frameSeconds * 1000)) ms: \(one(framesPerSecond)) frames/s, "
                + "real-time factor \(Timestamp.fixed(realTimeFactor, places: 2)), codec "
                + "\(one(codecGigaOperations)) billion operations a frame",
        ]
        return lines.joined(separator: "\n") + "\n"
    }
}
