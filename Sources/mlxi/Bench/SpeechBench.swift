import Audio
import Foundation
import Kernels

/// What `mlxi bench` measured of a speech model.
struct SpeechReport: Encodable, Sendable {
    /// Milliseconds of the encoder over one stretch of sound.
    struct Encoding: Encodable, Sendable {
        var audioSeconds: Double
        var milliseconds: Double
        var millisecondsMin: Double
        var millisecondsMax: Double
        /// Audio seconds a second.
        var realTimes: Double
        /// Multiplications and additions, in billions.
        var gigaOperations: Double
        /// Of the products that the weights' format allows.
        var ceilingPercent: Double
        var weightMegabytes: Int
        var peakMegabytes: Int
    }

    var model: String
    var format: String
    var instructionSet: String
    var threads: Int
    var ceilings: BenchReport.Ceiling
    var encoder: Encoding
    var decoder: BenchReport?

    /// The report for people.
    var text: String {
        func one(_ value: Double) -> String { Timestamp.fixed(value, places: 1) }
        func none(_ value: Double) -> String { Timestamp.fixed(value, places: 0) }
        let lines = [
            "\(model), encoder \(format), \(instructionSet), \(threads) "
                + "thread\(threads == 1 ? "" : "s")",
            "ceilings   int8 \(none(ceilings.int8Gops)) GOP/s, bf16 \(none(ceilings.bf16Gflops)) "
                + "and f32 \(none(ceilings.f32Gflops)) GFLOP/s",
            "memory     weights of the encoder \(encoder.weightMegabytes) MB, peak of the process "
                + "\(encoder.peakMegabytes) MB",
            "encode     \(none(encoder.audioSeconds)) s of audio in \(one(encoder.milliseconds)) ms "
                + "[\(one(encoder.millisecondsMin))-\(one(encoder.millisecondsMax))], "
                + "\(none(encoder.realTimes)) times real time, \(one(encoder.gigaOperations)) "
                + "billion operations, \(one(encoder.ceilingPercent)) % of the ceiling",
        ]
        let own = lines.joined(separator: "\n") + "\n"
        return decoder.map { own + "\n" + $0.text } ?? own
    }
}

/// Measures the encoder of a speech model over 30 s of sound, then its decoder if there is a shape
/// of it.
struct SpeechBench {
    /// What to measure.
    struct Plan: Sendable {
        enum Subject: Sendable {
            case model(FoundModel)
            case shape(SpeechShape, WeightFormat)
        }

        var subject: Subject
        var repeats: Int
        var precision: Precision
        var decoder: BenchPlan?
    }

    private struct Opened {
        var name: String
        var folder: ModelFolder
        var encoder: any SpeechEncoder
    }

    private static let audioSeconds = 30.0

    private let plan: Plan
    private let terminal: Terminal

    init(_ plan: Plan, terminal: Terminal) {
        self.plan = plan
        self.terminal = terminal
    }

    /// Whether the folder holds a speech model.
    static func isSpeech(_ found: FoundModel) throws -> Bool {
        let architecture = try ModelFolder(path: found.folder).architecture
        return speechEncoders.families.contains { $0.architectures.contains(architecture) }
    }

    func run() throws -> SpeechReport {
        terminal.progress("measuring the machine")
        let ceilings = try Ceilings.measure()
        ProcessMemory.resetPeak()
        let (report, format) = try encoding(ceilings)
        let decoder = try plan.decoder.map { try ModelBench($0, terminal: terminal).run() }
        terminal.wipeProgress()
        return SpeechReport(
            model: report.name, format: format.description,
            instructionSet: Machine.instructionSet, threads: Machine.threads,
            ceilings: BenchReport.Ceiling(ceilings), encoder: report.encoding, decoder: decoder)
    }

    /// The encoder's figures; its memory is given back before the decoder is opened.
    private func encoding(
        _ ceilings: Ceilings
    ) throws -> ((name: String, encoding: SpeechReport.Encoding), WeightFormat) {
        let compute = try Compute(precision: plan.precision)
        let opened = try open(on: compute)
        let encoder = opened.encoder
        let frames = Mel.frameCount(samples: PCM.samples(seconds: Self.audioSeconds))
        let mel = MelFrames.invented(frames: frames, filters: encoder.mels)
        var seconds: [Double] = []
        for turn in 0...plan.repeats {
            terminal.progress("encoding, \(turn) of \(plan.repeats)")
            let now = Stopwatch.seconds {
                compute.workspace.scope { _ = encoder.encode(mel, on: compute) }
            }
            // The first one touches its memory for the first time.
            if turn > 0 { seconds.append(now) }
        }
        let spread = Spread(seconds)
        let operations = Double(encoder.operations(frames: frames))
        let matrices = opened.folder.matricesAsked
        let format = matrices.mainFormat ?? .f32
        let products = ceilings.productsPerSecond(
            format, precision: plan.precision, rounds: matrices.contains { $0.rounds })
        let encoding = SpeechReport.Encoding(
            audioSeconds: Self.audioSeconds, milliseconds: spread.median * 1000,
            millisecondsMin: spread.min * 1000, millisecondsMax: spread.max * 1000,
            realTimes: Self.audioSeconds / spread.median, gigaOperations: operations / 1e9,
            ceilingPercent: 100 * operations / spread.median / products,
            weightMegabytes: matrices.reduce(0) { $0 + $1.byteCount } >> 20,
            peakMegabytes: ProcessMemory.peakBytes >> 20)
        return ((opened.name, encoding), format)
    }

    private func open(on compute: Compute) throws -> Opened {
        switch plan.subject {
        case .model(let found):
            let folder = try ModelFolder(path: found.folder)
            let encoder = try speechEncoders.open(folder, on: compute)
            return Opened(name: found.name, folder: folder, encoder: encoder)
        case .shape(let shape, let format):
            let weights = InventedWeights(
                format: format, present: shape.present, plain: shape.plain)
            let folder = try shape.folder(weights)
            let encoder = try speechEncoders.open(folder, on: compute)
            try weights.checkMemory(for: "the encoder of \(shape.name)")
            terminal.progress("making \(weights.byteCount >> 20) MB of weights")
            weights.fill()
            return Opened(name: shape.name, folder: folder, encoder: encoder)
        }
    }
}
