import Foundation

/// What was measured of one pass of an encoder.
protocol EncoderFigures: Encodable, Sendable {
    var weightMegabytes: Int { get }
    var peakMegabytes: Int { get }
    /// Time, work and share of the ceiling in one line.
    var line: String { get }
}

/// What `mlxi bench` measured of a model that has an encoder.
struct EncoderReport<Figures: EncoderFigures>: Printable {
    var model: String
    var format: String
    var instructionSet: String
    var threads: Int
    var ceilings: BenchReport.Ceiling
    var encoder: Figures
    var decoder: BenchReport?

    var text: String {
        let lines = [
            BenchReport.head("\(model), encoder \(format)", instructionSet, threads: threads),
            "ceilings   \(ceilings.products)",
            "memory     weights of the encoder \(encoder.weightMegabytes) MB, peak of the process "
                + "\(encoder.peakMegabytes) MB",
            "encode     \(encoder.line)",
        ]
        let own = lines.joined(separator: "\n") + "\n"
        return decoder.map { own + "\n" + $0.text } ?? own
    }
}
