import Foundation
import Text

/// Asks for one reply and shows it as it streams.
struct ChatRun: Sendable {
    let job: ChatJob
    let door: any JobDoor
    let display: ReplyDisplay

    /// - Returns: the reply, also one that Ctrl-C cut short when `survivesInterrupt`.
    /// - Throws: what the job throws; `ExitStatus.interrupted` after Ctrl-C.
    func run(survivesInterrupt: Bool = false) async throws -> ChatReply {
        let cancellation = Cancellation()
        let interrupts = Interrupts { _ in cancellation.request() }
        defer { withExtendedLifetime(interrupts) {} }
        defer { display.terminal.wipeProgress() }
        var printer = display.printer()
        var finished: ChatReply?
        do {
            for try await event in door.submit(.chat(job), cancellation: cancellation) {
                switch event {
                case .text(let piece): try printer.text(piece)
                case .thought(let piece): printer.thought(piece)
                case .reply(let reply):
                    finished = reply
                    try printer.finish(reply, model: job.model)
                default:
                    if let line = event.progressLine { display.terminal.progress(line) }
                }
            }
        } catch {
            cancellation.request()
            throw error
        }
        let isInterrupted = interrupts.signal == SIGTERM || !survivesInterrupt
        if interrupts.signal != nil, isInterrupted { throw ExitStatus.interrupted }
        guard let finished else { throw Cancelled() }
        return finished
    }
}

/// How replies are shown.
struct ReplyDisplay: Sendable {
    let terminal: Terminal
    let json: Bool
    let showsThoughts: Bool
    let showsStats: Bool
    /// The text comes when it is whole: what a schema left incomplete is no result.
    let holdsBack: Bool

    func printer() -> ReplyPrinter { ReplyPrinter(display: self) }
}

/// Prints one reply.
struct ReplyPrinter {
    let display: ReplyDisplay
    private var endsLine = true
    private var isThinking = false

    init(display: ReplyDisplay) { self.display = display }

    mutating func text(_ piece: String) throws {
        guard !display.json, !display.holdsBack else { return }
        endThoughts()
        try write(piece)
    }

    private mutating func write(_ piece: String) throws {
        try display.terminal.result(piece)
        endsLine = piece.hasSuffix("\n")
    }

    mutating func thought(_ piece: String) {
        guard display.showsThoughts, !display.json else { return }
        isThinking = true
        display.terminal.aside(piece)
    }

    private mutating func endThoughts() {
        if isThinking { display.terminal.aside("\n") }
        isThinking = false
    }

    mutating func finish(_ reply: ChatReply, model: FoundModel) throws {
        endThoughts()
        if display.json {
            let report = ReplyReport(reply, model: model.name)
            try display.terminal.resultLine(try JSONText.encode(report, pretty: false))
        } else if display.holdsBack {
            try write(reply.text)
        }
        if !endsLine { try display.terminal.result("\n") }
        if display.showsStats {
            for line in reply.statistics { display.terminal.say(line) }
        }
    }
}

/// A reply as JSON.
private struct ReplyReport: Encodable {
    struct Sampling: Encodable {
        var temperature: Float
        var topK: Int
        var topP: Float
        var minP: Float
        var repetitionPenalty: Float
        var presencePenalty: Float
        var frequencyPenalty: Float
    }

    var model: String
    var text: String
    var thinking: String?
    /// `stop`, `length` or `loop`.
    var finishReason: String
    var promptTokens: Int
    var cachedTokens: Int
    var tokens: Int
    var draftedTokens: Int?
    var acceptedTokens: Int?
    var prefillSeconds: Double
    var decodeSeconds: Double
    var peakMemoryBytes: Int
    var seed: UInt64
    var sampling: Sampling
    var droppedTurns: Int?
    var summary: String?
    var logprobs: [TokenReport]?

    init(_ reply: ChatReply, model: String) {
        let generation = reply.generation
        self.model = model
        text = reply.text
        thinking = reply.thoughts.isEmpty ? nil : reply.thoughts
        finishReason = generation.stop.name
        promptTokens = generation.promptTokens
        cachedTokens = generation.reusedTokens
        tokens = generation.tokens.count
        if generation.draftedTokens > 0 {
            (draftedTokens, acceptedTokens) = (generation.draftedTokens, generation.acceptedTokens)
        }
        prefillSeconds = generation.prefillSeconds
        decodeSeconds = generation.decodeSeconds
        peakMemoryBytes = ProcessMemory.peakBytes
        seed = generation.seed
        let options = reply.sampling
        sampling = Sampling(
            temperature: options.temperature, topK: options.topK, topP: options.topP,
            minP: options.minP, repetitionPenalty: options.repetitionPenalty,
            presencePenalty: options.presencePenalty, frequencyPenalty: options.frequencyPenalty)
        droppedTurns = reply.fit.droppedTurns > 0 ? reply.fit.droppedTurns : nil
        summary = reply.fit.summary
        guard !generation.logProbabilities.isEmpty else { return }
        logprobs = generation.logProbabilities.map { TokenReport($0, names: reply.names) }
    }
}

extension ChatReply {
    /// Tokens, speed and memory, a line each.
    var statistics: [String] {
        func rate(_ count: Int, _ seconds: Double) -> String {
            guard seconds > 0 else { return "-" }
            return Timestamp.fixed(Double(count) / seconds, places: 1)
        }
        let computed = generation.promptTokens - generation.reusedTokens
        let end = generation.stop == .endOfSequence ? "" : ", ended by \(generation.stop.name)"
        var lines = [
            "\(generation.promptTokens) prompt tokens, \(generation.reusedTokens) of them cached, "
                + "the others at \(rate(computed, generation.prefillSeconds))/s",
            "\(generation.tokens.count) tokens at "
                + "\(rate(generation.tokens.count, generation.decodeSeconds))/s" + end,
            "first token after \(Timestamp.fixed(generation.prefillSeconds, places: 2)) s, "
                + "peak memory \(ProcessMemory.peakBytes >> 20) MiB",
        ]
        if generation.draftedTokens > 0 {
            lines.append(
                "\(generation.acceptedTokens) of \(generation.draftedTokens) drafted tokens confirmed"
            )
        }
        if fit.droppedTurns > 0 {
            let what = fit.summary == nil ? "forgotten" : "summarised"
            lines.append(
                "\(fit.droppedTurns) old turns \(what): \(fit.tokensBefore) prompt tokens became "
                    + "\(fit.tokensAfter)")
        }
        return lines
    }
}

extension Conversation {
    /// Adds a reply, and forgets what the engine had to leave out for it.
    mutating func take(_ reply: ChatReply) {
        drop(reply.fit.droppedTurns)
        if let text = reply.fit.summary { summary = text }
        turns.append(.init(role: "assistant", content: reply.text))
    }
}

extension StopReason {
    /// As in OpenAI's `finish_reason`, where that has a word.
    var name: String {
        switch self {
        case .endOfSequence, .stopString: "stop"
        case .length: "length"
        case .loop: "loop"
        case .cancelled: "cancelled"
        }
    }
}
