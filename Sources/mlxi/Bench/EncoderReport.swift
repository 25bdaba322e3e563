import Foundation

/// What an encoder was given.
protocol EncoderInput: Encodable, Sendable {
    /// In words.
    var text: String { get }
    /// How fast it is to take so long, in words, if there is a measure of it.
    func pace(seconds: Double) -> String?
}

/// What was measured of one pass of an encoder, one object with the input in JSON.
struct EncoderFigures<Input: EncoderInput>: Encodable, Sendable {
    struct Pass: Encodable, Sendable {
        var milliseconds: Double
        var millisecondsMin: Double
        var millisecondsMax: Double
        /// Multiplications and additions, in billions.
        var gigaOperations: Double
        var gigaOperationsPerSecond: Double
        /// Of the products that the formats allow.
        var ceilingPercent: Double
        var weightMegabytes: Int
        var peakMegabytes: Int
    }

    var input: Input
    var pass: Pass

    func encode(to encoder: any Encoder) throws {
        try input.encode(to: encoder)
        try pass.encode(to: encoder)
    }

    /// Time, work and share of the ceiling in one line.
    var line: String {
        func one(_ value: Double) -> String { Timestamp.fixed(value, places: 1) }
        let pace = input.pace(seconds: pass.milliseconds / 1000).map { "\($0), " } ?? ""
        return "\(input.text) in \(one(pass.milliseconds)) ms [\(one(pass.millisecondsMin))-"
            + "\(one(pass.millisecondsMax))], \(pace)\(one(pass.gigaOperations)) billion "
            + "operations, \(one(pass.gigaOperationsPerSecond)) GOP/s, "
            + "\(one(pass.ceilingPercent)) % of the ceiling"
    }
}

/// What `mlxi bench` measured of a model that has an encoder.
struct EncoderReport<Input: EncoderInput>: Printable {
    var model: String
    var format: String
    var instructionSet: String
    var threads: Int
    var ceilings: BenchReport.Ceiling
    var encoder: EncoderFigures<Input>
    var decoder: BenchReport?

    var text: String {
        let lines = [
            BenchReport.head("\(model), encoder \(format)", instructionSet, threads: threads),
            "ceilings   \(ceilings.products)",
            "memory     weights of the encoder \(encoder.pass.weightMegabytes) MB, peak of the "
                + "process \(encoder.pass.peakMegabytes) MB",
            "encode     \(encoder.line)",
        ]
        let own = lines.joined(separator: "\n") + "\n"
        return decoder.map { own + "\n" + $0.text } ?? own
    }
}
