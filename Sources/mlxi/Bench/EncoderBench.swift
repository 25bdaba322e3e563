import Foundation
import Kernels

/// What an encoder is measured on: one input, the same in every run.
protocol EncoderTask {
    associatedtype Encoder
    associatedtype Input: EncoderInput

    init(_ encoder: Encoder) throws
    var input: Input { get }
    /// Multiplications and additions of a pass.
    var operations: Double { get }
    /// One pass.
    func encode(on compute: Compute)
    /// Seconds that the products of a pass take at the least, with weights of these matrices.
    func leastSeconds(
        _ ceilings: Ceilings, precision: Precision, matrices: [Weight]
    ) -> Double
}

/// A model with an encoder, known by its dimensions alone.
protocol EncoderShape: InventedModel, Sendable {
    associatedtype Task: EncoderTask
    static var encoders: FamilyList<Task.Encoder> { get }
    /// Beginnings of the names of optional tensors that the checkpoint has.
    var present: [String] { get }
    /// Beginnings of the names of matrices that conversions leave as they are.
    var plain: [String] { get }
}

/// What to measure of an encoder, and of the decoder behind it if there is a shape of that.
struct EncoderPlan<Shape: EncoderShape>: Sendable {
    enum Subject: Sendable {
        case model(FoundModel)
        case shape(Shape, WeightFormat)
    }

    var subject: Subject
    var repeats: Int
    var precision: Precision
    var decoder: BenchPlan?
}

/// Measures an encoder, then its decoder.
struct EncoderBench<Shape: EncoderShape> {
    typealias Report = EncoderReport<Shape.Task.Input>

    private struct Opened {
        var name: String
        var folder: ModelFolder
        var encoder: Shape.Task.Encoder
    }

    let plan: EncoderPlan<Shape>
    let terminal: Terminal

    func run() throws -> Report {
        terminal.progress("measuring the machine")
        let ceilings = try Ceilings.measure()
        ProcessMemory.resetPeak()
        var report = try encoding(ceilings)
        report.decoder = try plan.decoder.map { try ModelBench($0, terminal: terminal).run() }
        terminal.wipeProgress()
        return report
    }

    /// The encoder's figures; its memory is given back before the decoder is opened.
    private func encoding(_ before: Ceilings) throws -> Report {
        var ceilings = before
        let compute = try Compute(precision: plan.precision)
        let opened = try open(on: compute)
        let task = try Shape.Task(opened.encoder)
        var seconds: [Double] = []
        for turn in 0...plan.repeats {
            terminal.progress("encoding, \(turn) of \(plan.repeats)")
            let now = Stopwatch.seconds {
                compute.workspace.scope { task.encode(on: compute) }
            }
            // The first one touches its memory for the first time.
            if turn > 0 { seconds.append(now) }
        }
        let peak = ProcessMemory.peakBytes
        terminal.progress("measuring the machine again")
        try ceilings.measureAgain()
        let matrices = opened.folder.matricesAsked
        let spread = Spread(seconds)
        let least = task.leastSeconds(ceilings, precision: plan.precision, matrices: matrices)
        let pass = EncoderFigures<Shape.Task.Input>.Pass(
            milliseconds: spread.median * 1000, millisecondsMin: spread.min * 1000,
            millisecondsMax: spread.max * 1000, gigaOperations: task.operations / 1e9,
            gigaOperationsPerSecond: task.operations / spread.median / 1e9,
            ceilingPercent: 100 * least / spread.median,
            weightMegabytes: matrices.reduce(0) { $0 + $1.byteCount } >> 20,
            peakMegabytes: peak >> 20)
        return Report(
            model: opened.name, format: (matrices.mainFormat ?? .f32).description,
            instructionSet: Machine.instructionSet, threads: Machine.threads,
            ceilings: BenchReport.Ceiling(ceilings),
            encoder: EncoderFigures(input: task.input, pass: pass))
    }

    private func open(on compute: Compute) throws -> Opened {
        switch plan.subject {
        case .model(let found):
            let folder = try ModelFolder(path: found.folder)
            let encoder = try Shape.encoders.open(folder, on: compute)
            return Opened(name: found.name, folder: folder, encoder: encoder)
        case .shape(let shape, let format):
            let weights = InventedWeights(
                format: format, present: shape.present, plain: shape.plain)
            let folder = try shape.folder(weights)
            let encoder = try Shape.encoders.open(folder, on: compute)
            try weights.checkMemory(for: "the encoder of \(shape.name)")
            terminal.progress("making \(weights.byteCount >> 20) MB of weights")
            weights.fill()
            return Opened(name: shape.name, folder: folder, encoder: encoder)
        }
    }
}
