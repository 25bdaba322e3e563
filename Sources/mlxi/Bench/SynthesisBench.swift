import Audio
import Foundation
import Kernels

/// Measures a speech synthesis model: prompts of scattered text, then frames one after the other, each
/// code the best one, and the sound of these frames.
struct SynthesisBench {
    /// What to measure.
    struct Plan: Sendable {
        enum Subject: Sendable {
            case model(FoundModel)
            case shape(SynthesisShape, WeightFormat)
        }

        var subject: Subject
        /// Lengths of texts, in tokens.
        var prompts: [Int]
        /// Frames to speak.
        var frames: Int
        var repeats: Int
        var precision: Precision
    }

    private struct Opened {
        var name: String
        var talkerFolder: ModelFolder
        var codecFolder: ModelFolder
        var talker: Qwen3TTSTalker
        var codec: Qwen3TTSCodec
    }

    /// Seconds of each part for all frames of one repetition.
    private struct Turn {
        var talker = 0.0
        var predictor = 0.0
        var codec = 0.0
    }

    /// Text before the frames that are measured.
    private static let textTokens = 16
    /// Tokens of the markers around a text, and of what says language and speaker.
    private static let roleTokens = 3
    private static let prefixTokens = 5

    private let plan: Plan
    private let terminal: Terminal

    init(_ plan: Plan, terminal: Terminal) {
        self.plan = plan
        self.terminal = terminal
    }

    func run() throws -> SynthesisReport {
        terminal.progress("measuring the machine")
        var ceilings = try Ceilings.measure()
        ProcessMemory.resetPeak()
        let compute = try Compute(precision: plan.precision)
        let opened = try open(on: compute)
        let longest = prompt(
            max(plan.prompts.max() ?? 0, Self.textTokens), opened.talker)
        let utterance = try Qwen3TTSUtterance(
            opened.talker, compute: compute, capacity: longest.count + plan.frames + 1)
        let prefill = try plan.prompts.map {
            (tokens: $0, seconds: try self.prefill($0, utterance, opened.talker))
        }
        let turns = try speak(utterance, opened, on: compute)
        let peak = ProcessMemory.peakBytes
        terminal.progress("measuring the machine again")
        try ceilings.measureAgain()
        terminal.wipeProgress()
        return report(opened, ceilings, prefill: prefill, turns: turns, peakBytes: peak)
    }

    private func open(on compute: Compute) throws -> Opened {
        switch plan.subject {
        case .model(let found):
            let talkerFolder = try ModelFolder(path: found.folder)
            let codecFolder = try ModelFolder(
                path: Path.join(found.folder, Qwen3TTSTalker.codecFolder))
            return Opened(
                name: found.name, talkerFolder: talkerFolder, codecFolder: codecFolder,
                talker: try talkers.open(talkerFolder, on: compute),
                codec: try speechCodecs.open(codecFolder, on: compute))
        case .shape(let shape, let format):
            let weights = InventedWeights(
                format: format, present: shape.talker.present, plain: shape.talker.plain)
            // Conversions leave the codec as it was published.
            let codecWeights = InventedWeights(format: .f32, present: shape.codec.present)
            let talkerFolder = try shape.talker.folder(weights)
            let codecFolder = try shape.codec.folder(codecWeights)
            let opened = Opened(
                name: shape.name, talkerFolder: talkerFolder, codecFolder: codecFolder,
                talker: try talkers.open(talkerFolder, on: compute),
                codec: try speechCodecs.open(codecFolder, on: compute))
            try weights.checkMemory(for: shape.name, cacheBytes: codecWeights.byteCount)
            terminal.progress(
                "making \((weights.byteCount + codecWeights.byteCount) >> 20) MB of weights")
            weights.fill()
            codecWeights.fill()
            return opened
        }
    }

    /// Text from all over the vocabulary, the same in every run.
    private func prompt(_ tokens: Int, _ talker: Qwen3TTSTalker) -> Qwen3TTSPrompt {
        let step = 7919  // a prime, so that no two of a text are the same
        let body = (1...tokens).map { Int32($0 * step % talker.textVocabularyCount) }
        return Qwen3TTSPrompt(
            role: (0..<Self.roleTokens).map { Int32($0) },
            codecPrefix: (0..<Self.prefixTokens).map { Int32($0) }, body: body)
    }

    private func best(_ logits: UnsafeMutableBufferPointer<Float>, of codes: Int) -> Int32 {
        Int32(Logits.argmax(UnsafeMutableBufferPointer(rebasing: logits[0..<codes])))
    }

    /// Seconds of each repetition: of the prompt, and up to the end of the first frame.
    private func prefill(
        _ count: Int, _ utterance: Qwen3TTSUtterance, _ talker: Qwen3TTSTalker
    ) throws -> [(prompt: Double, frame: Double)] {
        let prompt = prompt(count, talker)
        let turns = try (0...plan.repeats).map { turn in
            terminal.progress("prefill of \(count) tokens, \(turn) of \(plan.repeats)")
            let seconds = try Stopwatch.seconds { try utterance.begin(prompt) }
            let frame = Stopwatch.seconds {
                _ = utterance.next { _, logits in best(logits, of: talker.codes) }
            }
            return (prompt: seconds, frame: seconds + frame)
        }
        // The first one touches its memory for the first time.
        return Array(turns.dropFirst())
    }

    private func speak(
        _ utterance: Qwen3TTSUtterance, _ opened: Opened, on compute: Compute
    ) throws -> [Turn] {
        let codes = opened.talker.codes
        let prompt = prompt(Self.textTokens, opened.talker)
        let stream = try opened.codec.makeStream(on: compute)
        return try (0..<plan.repeats).map { number in
            terminal.progress("speaking, \(number + 1) of \(plan.repeats)")
            try utterance.begin(prompt)
            // The talker saw the prompt already: its first frame is no whole one.
            _ = utterance.next { _, logits in best(logits, of: codes) }
            var turn = Turn()
            var frames: [Int32] = []
            for _ in 0..<plan.frames {
                let start = ContinuousClock.now
                var middle = start
                _ = utterance.next { codebook, logits in
                    if codebook == 0 { middle = ContinuousClock.now }
                    return best(logits, of: codes)
                }
                turn.talker += (middle - start) / .seconds(1)
                turn.predictor += (ContinuousClock.now - middle) / .seconds(1)
                frames += utterance.frame
            }
            stream.reset()
            turn.codec = Stopwatch.seconds { _ = stream.decode(frames) }
            return turn
        }
    }

    private func report(
        _ opened: Opened, _ ceilings: Ceilings,
        prefill: [(tokens: Int, seconds: [(prompt: Double, frame: Double)])], turns: [Turn],
        peakBytes: Int
    ) -> SynthesisReport {
        let matrices = opened.talkerFolder.matricesAsked
        let codecMatrices = opened.codecFolder.matricesAsked
        let format = matrices.mainFormat ?? .f32
        let codecFormat = codecMatrices.mainFormat ?? .f32
        let products = ceilings.productsPerSecond(format, precision: plan.precision)
        let codecProducts = ceilings.productsPerSecond(
            codecFormat, precision: plan.precision, rounds: true)
        let (talker, codec) = (opened.talker, opened.codec)
        let memory = ceilings.memoryBytesPerSecond
        let talkerLeast = Double(talker.frameCost.talkerBytes) / memory
        let predictorLeast = Double(talker.frameCost.predictorBytes) / memory
        let codecLeast = Double(codec.frameOperations) / codecProducts
        func share(_ seconds: (Turn) -> Double, _ least: Double) -> SynthesisReport.Share {
            SynthesisReport.Share(
                turns.map { seconds($0) / Double(plan.frames) }, ceiling: least)
        }
        let frame = share(
            { $0.talker + $0.predictor + $0.codec }, talkerLeast + predictorLeast + codecLeast)
        let frameSeconds = Double(codec.frameSamples) / Double(Qwen3TTSCodec.sampleRate)
        let rates = prefill.map { tokens, seconds in
            let rows = prompt(tokens, talker).count
            var rate = BenchReport.Rate(
                tokens: tokens, seconds: seconds.map(\.prompt),
                ceiling: products * Double(tokens) / Double(rows * talker.promptRowOperations),
                isPrompt: true)
            rate.firstTokenMilliseconds = Spread(seconds.map(\.frame)).median * 1000
            return rate
        }
        return SynthesisReport(
            model: opened.name, format: format.description, codecFormat: codecFormat.description,
            instructionSet: Machine.instructionSet, threads: Machine.threads,
            ceilings: BenchReport.Ceiling(ceilings),
            weightMegabytes: matrices.reduce(0) { $0 + $1.byteCount } >> 20,
            codecWeightMegabytes: codecMatrices.reduce(0) { $0 + $1.byteCount } >> 20,
            peakMegabytes: peakBytes >> 20, prefill: rates, frames: plan.frames,
            frameSeconds: frameSeconds, talker: share(\.talker, talkerLeast),
            codePredictor: share(\.predictor, predictorLeast),
            codec: share(\.codec, codecLeast), frame: frame,
            framesPerSecond: 1000 / frame.milliseconds,
            realTimeFactor: frame.milliseconds / 1000 / frameSeconds,
            codecGigaOperations: Double(codec.frameOperations) / 1e9)
    }
}
