import ArgumentParser
import Audio
import Foundation
import Kernels
import Vision

/// `mlxi bench`: what a model does on this machine, beside what the machine can do.
struct Bench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure a model, or a model's shape before downloading it.",
        discussion: """
            Prefill and decoding of a language model in tokens a second: median, slowest and \
            fastest repetition. Each is also given as a share of what limits it, measured in the \
            same run: prefill of the arithmetic, decoding of the memory. A shape needs no download; \
            its weights are random numbers in the layout of a checkpoint. Of a speech model the \
            encoder is measured over 30 s of sound, of a page model over an A4 page at the \
            model's own number of pixels; a shape's decoder follows. Of a speech synthesis model -p is \
            the length of texts and -n the number of frames, each 80 ms of sound.

            Examples:
              mlxi bench qwen3-0.6b
              mlxi bench --shape qwen3-8b --bits 4 -p 128,512 -n 32
              mlxi bench qwen3-0.6b --batch 4,8
              mlxi bench qwen3-0.6b -p 8192 --kv-bits 8
              mlxi bench qwen3-0.6b --text book.txt
              mlxi bench --shape whisper-small
              mlxi bench --shape paddleocr-vl --bits 8
              mlxi bench --shape qwen3-tts-1.7b
              mlxi bench --kernels
            """)

    @Argument(
        help: ArgumentHelp("A folder, org/name or an alias.", valueName: "model"))
    var model: String?

    @Option(
        name: .long,
        help: ArgumentHelp("Measure a model's dimensions: qwen3-8b, ...", valueName: "name"))
    var shape: String?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Bits of a weight of the shape, 16 for bf16; without it as most are published.",
            valueName: "bits"))
    var bits: Int?

    @Option(
        name: .long,
        help: ArgumentHelp("Weights of the shape that share a scale (64).", valueName: "count"))
    var group: Int?

    @Option(
        name: [.customShort("p"), .long],
        help: ArgumentHelp("Lengths of the prompts.", valueName: "counts"))
    var promptTokens = "128,512"

    @Option(
        name: [.customShort("n"), .long],
        help: ArgumentHelp("Tokens to decode, or frames to speak.", valueName: "count"))
    var tokens = 64

    @Option(
        name: .long,
        help: ArgumentHelp("Also decode so many sequences together.", valueName: "counts"))
    var batch: String?

    @Option(name: [.customShort("r"), .long], help: "Repetitions.")
    var repeats = 5

    @Flag(name: .long, help: "Also start from an empty page cache, as after booting.")
    var cold = false

    @Option(
        name: .long,
        help: ArgumentHelp("Also measure the model's tokenizer on this text.", valueName: "file"))
    var text: String?

    @Flag(name: .long, help: "Every kernel of every instruction set alone.")
    var kernels = false

    @Flag(name: .long, help: "JSON instead of the table.")
    var json = false

    @OptionGroup var kv: KVOptions
    @OptionGroup var common: CommonOptions

    private static let bitCounts = [2, 3, 4, 5, 6, 8, plainBits]
    /// What stands for bf16.
    private static let plainBits = 16
    private static let bitsDefault = 4
    private static let groupSizes = [32, 64, 128]
    private static let groupDefault = 64
    private static let tokensMax = 1 << 20
    private static let repeatsMax = 1000
    private static let sequencesMax = 256

    func validate() throws {
        let subjects = [model != nil, shape != nil, kernels].filter { $0 }.count
        guard subjects == 1 else {
            throw ValidationError("give one of a model, --shape NAME and --kernels")
        }
        if let bits, !Self.bitCounts.contains(bits) {
            throw ValidationError("--bits is \(bits), want one of \(Self.bitCounts)")
        }
        if let group, !Self.groupSizes.contains(group) {
            throw ValidationError("--group is \(group), want one of \(Self.groupSizes)")
        }
        guard shape != nil || (bits == nil && group == nil) else {
            throw ValidationError("--bits and --group need --shape: a model has its own")
        }
        guard !cold || model != nil else {
            throw ValidationError("--cold needs a model: it starts from its files")
        }
        guard !kernels || (batch == nil && kv.kvBits == nil) else {
            throw ValidationError("--batch and --kv-bits need a model or --shape")
        }
        guard (1...Self.tokensMax).contains(tokens) else {
            throw ValidationError("-n is \(tokens), want 1 to \(Self.tokensMax)")
        }
        guard (1...Self.repeatsMax).contains(repeats) else {
            throw ValidationError("-r is \(repeats), want 1 to \(Self.repeatsMax)")
        }
        guard text == nil || model != nil else {
            throw ValidationError("--text needs a model: it measures its tokenizer")
        }
        _ = try (prompts(), batches())
    }

    private func prompts() throws -> [Int] {
        try Self.counts(promptTokens, option: "-p", upTo: Self.tokensMax)
    }

    /// One sequence alone is measured anyway.
    private func batches() throws -> [Int] {
        guard let batch else { return [] }
        return try Self.counts(batch, option: "--batch", upTo: Self.sequencesMax).filter { $0 > 1 }
    }

    private static func counts(_ list: String, option: String, upTo most: Int) throws -> [Int] {
        try list.split(separator: ",", omittingEmptySubsequences: false).map { text in
            guard let count = Int(text), (1...most).contains(count) else {
                throw ValidationError("\(option) has \"\(text)\", want 1 to \(most)")
            }
            return count
        }
    }

    /// What is measured, by the kind of model.
    private enum Subject {
        case kernels
        case synthesis(SynthesisBench.Plan.Subject)
        case speech(EncoderPlan<SpeechShape>.Subject)
        case page(EncoderPlan<PageShape>.Subject)
        case language(BenchPlan.Subject)
    }

    func run() async throws {
        switch try subject() {
        case .kernels:
            try Machine.start(threads: common.threads)
            try KernelTable.run(json: json, terminal: common.terminal)
        case .synthesis(let subject):
            let plan = try plan(subject)
            try await show { try SynthesisBench(plan, terminal: $0).run() }
        case .speech(let subject):
            let plan = try plan(subject)
            try await show { try EncoderBench(plan: plan, terminal: $0).run() }
        case .page(let subject):
            let plan = try plan(subject)
            try await show { try EncoderBench(plan: plan, terminal: $0).run() }
        case .language(let subject):
            let plan = try plan(subject)
            try await show { try ModelBench(plan, terminal: $0).run() }
        }
    }

    private func subject() throws -> Subject {
        if let shape { return try subject(shape: shape) }
        guard let model else { return .kernels }
        let found = try ModelStore(environment: common.environment).find(model)
        // Not kept: a file that is mapped cannot be dropped from the page cache.
        let folder = try ModelFolder(path: found.folder)
        if talkers.contains(folder) { return .synthesis(.model(found)) }
        if speechEncoders.contains(folder) { return .speech(.model(found)) }
        if pageEncoders.contains(folder) { return .page(.model(found)) }
        return .language(.model(found))
    }

    private func subject(shape name: String) throws -> Subject {
        if let synthesis = SynthesisShape.named(name) {
            return .synthesis(.shape(synthesis, format(Self.bitsDefault)))
        }
        if let speech = SpeechShape.named(name) {
            return .speech(.shape(speech, format(speech.bitsDefault)))
        }
        if let page = PageShape.named(name) {
            return .page(.shape(page, format(page.bitsDefault)))
        }
        return .language(try languageSubject(name, Self.bitsDefault))
    }

    private func languageSubject(_ name: String, _ bitsDefault: Int) throws -> BenchPlan.Subject {
        .shape(try BenchShape.named(name), format(bitsDefault))
    }

    private func show<Report: Printable>(
        _ measure: @Sendable (Terminal) throws -> Report
    ) async throws {
        let terminal = common.terminal
        try Machine.start(threads: common.threads)
        let report = try await Bencher().run { try measure(terminal) }
        try terminal.result(json ? JSONText.encode(report, pretty: true) + "\n" : report.text)
    }

    private func plan(_ subject: BenchPlan.Subject) throws -> BenchPlan {
        BenchPlan(
            subject: subject, prompts: try prompts(), tokens: tokens, batches: try batches(),
            repeats: repeats, precision: precision, kvFormat: kv.format, isCold: cold,
            text: try readText())
    }

    private var precision: Precision { common.precise ? .exact : .fast }

    private func readText() throws -> String? {
        guard let text else { return nil }
        guard let data = FileManager.default.contents(atPath: text), !data.isEmpty else {
            throw CommandError.cannotRun("\(text): cannot be read, or is empty")
        }
        return try TextInput.decoded(data, label: text)
    }

    private func format(_ bitsDefault: Int) -> WeightFormat {
        let bits = bits ?? bitsDefault
        return bits == Self.plainBits
            ? .bf16 : .affine(bits: bits, group: group ?? Self.groupDefault)
    }

    private func plan(
        _ subject: EncoderPlan<SpeechShape>.Subject
    ) throws -> EncoderPlan<SpeechShape> {
        var decoder: BenchPlan?
        if case .shape(let speech, _) = subject {
            decoder = try speech.decoder.map { try plan(languageSubject($0, Self.bitsDefault)) }
        }
        return try encoderPlan(subject, decoder)
    }

    private func plan(_ subject: EncoderPlan<PageShape>.Subject) throws -> EncoderPlan<PageShape> {
        var decoder: BenchPlan?
        if case .shape(let page, _) = subject {
            decoder = try plan(languageSubject(page.decoder, page.bitsDefault))
        }
        return try encoderPlan(subject, decoder)
    }

    private func encoderPlan<Shape: EncoderShape>(
        _ subject: EncoderPlan<Shape>.Subject, _ decoder: BenchPlan?
    ) throws -> EncoderPlan<Shape> {
        try refuseOfLanguageModels(decoding: decodes && decoder == nil)
        return EncoderPlan(
            subject: subject, repeats: repeats, precision: precision, decoder: decoder)
    }

    private func plan(_ subject: SynthesisBench.Plan.Subject) throws -> SynthesisBench.Plan {
        try refuseOfLanguageModels(decoding: decodes)
        return SynthesisBench.Plan(
            subject: subject, prompts: try prompts(), frames: tokens, repeats: repeats,
            precision: precision)
    }

    /// Whether something was asked for that only a language model, or a decoder, has.
    private var decodes: Bool { batch != nil || kv.format != nil }

    private func refuseOfLanguageModels(decoding: Bool) throws {
        guard !decoding, !cold, text == nil else {
            throw CommandError.usage(
                "--batch, --kv-bits, --cold and --text are for language models")
        }
    }
}

/// Runs on the thread with the large stack, as all model work does.
private actor Bencher {
    private let thread = ComputeThread()

    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    func run<Report: Sendable>(_ work: @Sendable () throws -> Report) throws -> Report {
        try work()
    }
}
