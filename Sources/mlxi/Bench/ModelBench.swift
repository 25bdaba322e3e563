import Foundation
import Kernels
import Text

/// What to measure.
struct BenchPlan: Sendable {
    enum Subject: Sendable {
        case model(FoundModel)
        case shape(BenchShape, WeightFormat)
    }

    var subject: Subject
    /// Prompt lengths.
    var prompts: [Int]
    /// Tokens to decode.
    var tokens: Int
    /// Sequences that decode together, besides one alone.
    var batches: [Int]
    var repeats: Int
    var precision: Precision
    /// How keys and values are stored; nil: as without any wish.
    var kvFormat: KVFormat?
    /// Measures the start from an empty page cache too.
    var isCold: Bool
    /// Measures the tokenizer on this text too.
    var text: String?
}

/// Measures a language model: prompts of scattered tokens, then tokens one by one, always the best
/// one, as `chat` does without sampling.
struct ModelBench {
    private let plan: BenchPlan
    private let terminal: Terminal

    /// Prompt before decoding.
    private static let decodePromptTokens = 8

    init(_ plan: BenchPlan, terminal: Terminal) {
        self.plan = plan
        self.terminal = terminal
    }

    private struct Opened {
        var name: String
        var folder: ModelFolder
        var model: any LanguageModel
        var session: Session
    }

    func run() throws -> BenchReport {
        terminal.progress("measuring the machine")
        var ceilings = try Ceilings.measure()
        let cold = plan.isCold ? try start(isCold: true)?.total : nil
        let warm = try start(isCold: false)
        ProcessMemory.resetPeak()
        let opened = try open()
        let limits = Limits(opened.folder, vocabulary: opened.model.vocabularyCount)
        let prefill = try plan.prompts.map { try (tokens: $0, seconds: prompt($0, opened)) }
        let (decode, heap) = try decode(opened, limits)
        let batches = try plan.batches.map { try (count: $0, seconds: batch($0, opened)) }
        let tokenizer = try plan.text.map { try tokenizing(opened, on: $0) }
        let peak = ProcessMemory.peakBytes
        terminal.progress("measuring the machine again")
        try ceilings.measureAgain()
        terminal.wipeProgress()
        return BenchReport(
            model: opened.name, format: limits.format, instructionSet: Machine.instructionSet,
            threads: Machine.threads, ceilings: BenchReport.Ceiling(ceilings),
            weightMegabytes: limits.bytes >> 20,
            openMilliseconds: warm.map { $0.open * 1000 },
            startMilliseconds: warm.map { $0.total * 1000 },
            startColdMilliseconds: cold.map { $0 * 1000 }, peakMegabytes: peak >> 20,
            decodeHeapBytes: heap,
            prefill: prefill.map {
                BenchReport.Rate(
                    tokens: $0.tokens, seconds: $0.seconds,
                    ceiling: limits.prefillPerSecond(ceilings, plan.precision), isPrompt: true)
            },
            decode: BenchReport.Rate(
                tokens: plan.tokens, seconds: decode.map(\.seconds),
                shares: decode.compactMap(\.share)),
            batches: batches.map {
                BenchReport.Batch(
                    sequences: $0.count,
                    decode: BenchReport.Rate(
                        tokens: plan.tokens * $0.count, seconds: $0.seconds,
                        ceiling: limits.batchPerSecond(
                            ceilings, plan.precision, sequences: $0.count),
                        isPrompt: false))
            },
            tokenizer: tokenizer)
    }

    private var capacity: Int {
        let sequences = plan.batches.max() ?? 1
        return max(
            plan.prompts.max() ?? 0, Self.decodePromptTokens + sequences + plan.tokens) + 1
    }

    private func open() throws -> Opened {
        let compute = try Compute(precision: plan.precision)
        switch plan.subject {
        case .model(let found):
            let folder = try ModelFolder(path: found.folder)
            let model = try languageModels.open(folder, on: compute)
            return Opened(
                name: found.name, folder: folder, model: model, session: try session(model, compute)
            )
        case .shape(let shape, let format):
            let weights = InventedWeights(format: format, present: shape.present)
            let folder = try shape.folder(weights)
            let model = try decoders.open(folder, on: compute)
            let session = try session(model, compute)
            let cache = try model.makeCache(
                capacity: capacity, format: plan.kvFormat ?? .standard(plan.precision))
            let caches = 1 + (plan.batches.max() ?? 0)
            try weights.checkMemory(for: shape.name, cacheBytes: caches * cache.byteCount)
            terminal.progress("making \(weights.byteCount >> 20) MB of weights")
            weights.fill()
            return Opened(name: shape.name, folder: folder, model: model, session: session)
        }
    }

    private func session(_ model: any LanguageModel, _ compute: Compute) throws -> Session {
        guard capacity <= model.contextTokensMax else {
            throw CommandError.usage(
                "\(capacity) tokens asked for, the model was trained for "
                    + "\(model.contextTokensMax)")
        }
        return try Session(
            model: model, compute: compute, capacity: capacity, kvFormat: plan.kvFormat)
    }

    /// Opens the model and computes one token: what a user waits for at the least.
    private func start(isCold: Bool) throws -> (open: Double, total: Double)? {
        guard case .model(let found) = plan.subject else { return nil }
        if isCold {
            for name in try PosixFileSystem().names(in: found.folder) {
                ProcessMemory.forget(file: Path.join(found.folder, name))
            }
        }
        var openSeconds = 0.0
        let total = try Stopwatch.seconds {
            var opened: Opened?
            openSeconds = try Stopwatch.seconds { opened = try open() }
            try opened?.session.sync(Prompt([1]))
        }
        return (openSeconds, total)
    }

    /// Seconds of each repetition.
    private func prompt(_ count: Int, _ opened: Opened) throws -> [Double] {
        let tokens = Self.scatteredTokens(count, below: opened.model.vocabularyCount)
        let seconds = try (0...plan.repeats).map { turn in
            terminal.progress("prefill of \(count) tokens, \(turn) of \(plan.repeats)")
            opened.session.truncate(to: 0)
            return try Stopwatch.seconds {
                try opened.session.sync(Prompt(tokens))
                _ = Logits.argmax(opened.session.logits(0))
            }
        }
        // The first one touches its memory for the first time.
        return Array(seconds.dropFirst())
    }

    /// A repetition of decoding: how long it took, and the share of it that reading the matrices takes.
    private struct Decoding {
        var seconds: Double
        var share: Double?
    }

    /// The repetitions, and the bytes that the last one left on the heap.
    private func decode(
        _ opened: Opened, _ limits: Limits
    ) throws -> (turns: [Decoding], heapBytes: Int) {
        let prompt = Self.scatteredTokens(
            Self.decodePromptTokens, below: opened.model.vocabularyCount)
        var heapBytes = 0
        var reading = limits.readingSeconds()
        let turns = try (0..<plan.repeats).map { turn in
            terminal.progress("decode, \(turn + 1) of \(plan.repeats)")
            opened.session.truncate(to: 0)
            try opened.session.sync(Prompt(prompt))
            var token = [Int32(Logits.argmax(opened.session.logits(0)))]
            let heapBefore = Machine.heapBytes
            let seconds = try Stopwatch.seconds {
                for _ in 0..<plan.tokens {
                    try opened.session.run(token[...])
                    token[0] = Int32(Logits.argmax(opened.session.logits(0)))
                }
            }
            heapBytes = Machine.heapBytes - heapBefore
            let before = reading
            reading = limits.readingSeconds()
            let least = before.flatMap { before in reading.map { (before + $0) / 2 } }
            return Decoding(
                seconds: seconds, share: least.map { $0 * Double(plan.tokens) / seconds })
        }
        return (turns, heapBytes)
    }

    /// Seconds of each repetition for `count` sequences together, each behind a prompt of its own.
    private func batch(_ count: Int, _ opened: Opened) throws -> [Double] {
        let vocabulary = opened.model.vocabularyCount
        let sessions = try (0..<count).map { _ in try session(opened.model, opened.session.compute)
        }
        return try (0..<plan.repeats).map { turn in
            terminal.progress("decode of \(count) together, \(turn + 1) of \(plan.repeats)")
            for (index, session) in sessions.enumerated() {
                session.truncate(to: 0)
                let prompt = Self.scatteredTokens(
                    Self.decodePromptTokens + index, below: vocabulary)
                try session.sync(Prompt(prompt))
            }
            return try Stopwatch.seconds {
                for _ in 0..<plan.tokens {
                    let next = sessions.map { Int32(Logits.argmax($0.logits(0))) }
                    try Session.run(next, in: sessions)
                }
            }
        }
    }

    /// A text that a new tokenizer sees for the first time, and again.
    private func tokenizing(_ opened: Opened, on text: String) throws -> BenchReport.Tokenizing {
        var (loads, firsts, others): ([Double], [Double], [Double]) = ([], [], [])
        var (tokens, size) = (0, 0)
        for turn in 0..<plan.repeats {
            terminal.progress("tokenizer, \(turn + 1) of \(plan.repeats)")
            var loaded: Tokenizer?
            loads.append(
                try Stopwatch.seconds { loaded = try Tokenizer(folder: opened.folder.path) })
            guard let tokenizer = loaded else { continue }
            size = tokenizer.vocabularySize
            firsts.append(
                Stopwatch.seconds {
                    tokens = tokenizer.encode(text, addSpecialTokens: false).count
                })
            others.append(
                Stopwatch.seconds { _ = tokenizer.encode(text, addSpecialTokens: false) })
        }
        let megabytes = Double(text.utf8.count) / 1e6
        return BenchReport.Tokenizing(
            vocabulary: size, loadMilliseconds: Spread(loads).median * 1000,
            textBytes: text.utf8.count, textTokens: tokens,
            megabytesPerSecond: megabytes / Spread(firsts).median,
            megabytesPerSecondAgain: megabytes / Spread(others).median)
    }

    /// Tokens from all over the vocabulary, the same in every run.
    private static func scatteredTokens(_ count: Int, below bound: Int) -> [Int32] {
        let step = 7919  // a prime, so that no two of a prompt are the same
        return (1...count).map { Int32($0 * step % bound) }
    }
}

/// What one token costs at the least.
private struct Limits {
    /// Of the largest matrix of the layers.
    let format: String
    /// All matrices.
    let bytes: Int
    private let main: WeightFormat?
    /// nil where not every token meets every matrix.
    private let cost: (reader: WeightReader, operations: Int)?

    init(_ folder: ModelFolder, vocabulary: Int) {
        let matrices = folder.matricesAsked
        bytes = matrices.reduce(0) { $0 + $1.byteCount }
        let layers = matrices.filter { $0.rows != vocabulary }
        main = layers.mainFormat
        format = main?.description ?? "-"
        guard folder.config["num_experts"] == nil else {
            cost = nil
            return
        }
        // An embedding that is not the head as well is only looked up.
        let ends = matrices.filter { $0.rows == vocabulary }
        cost = (
            WeightReader(layers + ends.suffix(1)),
            layers.reduce(0) { $0 + 2 * $1.rows * $1.columns }
        )
    }

    /// What reading every matrix that a token meets takes at the moment.
    func readingSeconds() -> Double? { cost?.reader.seconds() }

    func prefillPerSecond(_ ceilings: Ceilings, _ precision: Precision) -> Double? {
        let products = ceilings.productsPerSecond(main ?? .f32, precision: precision)
        return cost.map { products / Double($0.operations) }
    }

    /// The sequences share each pass over the weights, until the arithmetic is the limit.
    func batchPerSecond(
        _ ceilings: Ceilings, _ precision: Precision, sequences: Int
    ) -> Double? {
        guard let cost, let arithmetic = prefillPerSecond(ceilings, precision) else { return nil }
        let passes = ceilings.memoryBytesPerSecond / Double(cost.reader.byteCount)
        return min(passes * Double(sequences), arithmetic)
    }
}
