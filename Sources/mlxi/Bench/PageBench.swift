import Foundation
import Kernels
import Vision

/// What `mlxi bench` measured of a page model.
struct PageReport: Encodable, Sendable {
    /// Milliseconds of the encoder over one page.
    struct Encoding: Encodable, Sendable {
        /// Of the page as the model sees it, in pixels.
        var width: Int
        var height: Int
        var patches: Int
        /// Rows that the decoder gets.
        var tokens: Int
        var milliseconds: Double
        var millisecondsMin: Double
        var millisecondsMax: Double
        /// Multiplications and additions, in billions.
        var gigaOperations: Double
        var gigaOperationsPerSecond: Double
        /// Of the products that the formats allow, each kind of product against its own ceiling.
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
            "encode     a page of \(encoder.width) x \(encoder.height) pixels "
                + "(\(encoder.patches) patches, \(encoder.tokens) tokens) in "
                + "\(one(encoder.milliseconds)) ms [\(one(encoder.millisecondsMin))-"
                + "\(one(encoder.millisecondsMax))], \(one(encoder.gigaOperations)) billion "
                + "operations, \(one(encoder.gigaOperationsPerSecond)) GOP/s, "
                + "\(one(encoder.ceilingPercent)) % of the ceiling",
        ]
        let own = lines.joined(separator: "\n") + "\n"
        return decoder.map { own + "\n" + $0.text } ?? own
    }
}

/// Measures the encoder of a page model over one page, then its decoder if there is a shape of it.
struct PageBench {
    /// What to measure.
    struct Plan: Sendable {
        enum Subject: Sendable {
            case model(FoundModel)
            case shape(PageShape, WeightFormat)
        }

        var subject: Subject
        var repeats: Int
        var precision: Precision
        var decoder: BenchPlan?
    }

    private struct Opened {
        var name: String
        var folder: ModelFolder
        var encoder: any PageEncoder
    }

    /// A4 at 300 dots an inch, in pixels; resized as any image is.
    private static let page = (width: 2480, height: 3508)

    private let plan: Plan
    private let terminal: Terminal

    init(_ plan: Plan, terminal: Terminal) {
        self.plan = plan
        self.terminal = terminal
    }

    /// Whether the folder holds a page model.
    static func isPage(_ found: FoundModel) throws -> Bool {
        let architecture = try ModelFolder(path: found.folder).architecture
        return pageEncoders.families.contains { $0.architectures.contains(architecture) }
    }

    func run() throws -> PageReport {
        terminal.progress("measuring the machine")
        let ceilings = try Ceilings.measure()
        ProcessMemory.resetPeak()
        let (name, format, encoding) = try encoding(ceilings)
        let decoder = try plan.decoder.map { try ModelBench($0, terminal: terminal).run() }
        terminal.wipeProgress()
        return PageReport(
            model: name, format: format.description, instructionSet: Machine.instructionSet,
            threads: Machine.threads, ceilings: BenchReport.Ceiling(ceilings), encoder: encoding,
            decoder: decoder)
    }

    /// The encoder's figures; its memory is given back before the decoder is opened.
    private func encoding(
        _ ceilings: Ceilings
    ) throws -> (name: String, format: WeightFormat, encoding: PageReport.Encoding) {
        let compute = try Compute(precision: plan.precision)
        let opened = try open(on: compute)
        let encoder = opened.encoder
        let size = try encoder.preparation.budget.fitted(
            width: Self.page.width, height: Self.page.height)
        let grid = PatchGrid(
            rows: size.height / encoder.patchSide, columns: size.width / encoder.patchSide)
        let patches = Patches.invented(grid, side: encoder.patchSide)
        var tokens = 0
        var seconds: [Double] = []
        for turn in 0...plan.repeats {
            terminal.progress("encoding, \(turn) of \(plan.repeats)")
            let now = Stopwatch.seconds {
                compute.workspace.scope { tokens = encoder.encode(patches, on: compute).count }
            }
            // The first one touches its memory for the first time.
            if turn > 0 { seconds.append(now) }
        }
        let spread = Spread(seconds)
        let work = encoder.operations(grid)
        let operations = Double(work.reduce(0) { $0 + $1.count })
        let ceilingSeconds = work.reduce(0) {
            $0 + Double($1.count)
                / ceilings.productsPerSecond($1.format, precision: plan.precision)
        }
        let matrices = opened.folder.matricesAsked
        let encoding = PageReport.Encoding(
            width: size.width, height: size.height, patches: grid.count, tokens: tokens,
            milliseconds: spread.median * 1000, millisecondsMin: spread.min * 1000,
            millisecondsMax: spread.max * 1000, gigaOperations: operations / 1e9,
            gigaOperationsPerSecond: operations / spread.median / 1e9,
            ceilingPercent: 100 * ceilingSeconds / spread.median,
            weightMegabytes: matrices.reduce(0) { $0 + $1.byteCount } >> 20,
            peakMegabytes: ProcessMemory.peakBytes >> 20)
        return (opened.name, matrices.mainFormat ?? .f32, encoding)
    }

    private func open(on compute: Compute) throws -> Opened {
        switch plan.subject {
        case .model(let found):
            let folder = try ModelFolder(path: found.folder)
            let encoder = try pageEncoders.open(folder, on: compute)
            return Opened(name: found.name, folder: folder, encoder: encoder)
        case .shape(let shape, let format):
            let weights = InventedWeights(format: format, present: shape.present)
            let folder = try shape.folder(weights)
            let encoder = try pageEncoders.open(folder, on: compute)
            try weights.checkMemory(for: "the encoder of \(shape.name)")
            terminal.progress("making \(weights.byteCount >> 20) MB of weights")
            weights.fill()
            return Opened(name: shape.name, folder: folder, encoder: encoder)
        }
    }
}
