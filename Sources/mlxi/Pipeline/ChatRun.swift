import Foundation
import Text

/// Streams one reply, or prints it as one object.
struct ChatRun: Sendable {
    let job: ChatJob
    let door: any JobDoor
    let terminal: Terminal
    let json: Bool

    private struct Report: Encodable {
        var model: String
        var text: String
        /// `stop`, `length` or `loop`.
        var finishReason: String
        var promptTokens: Int
        var tokens: Int
        var prefillSeconds: Double
        var decodeSeconds: Double
        var seed: UInt64
    }

    func run() async throws {
        let cancellation = Cancellation()
        let interrupts = Interrupts { _ in cancellation.request() }
        defer { withExtendedLifetime(interrupts) {} }
        var endsLine = true
        defer { terminal.wipeProgress() }
        do {
            for try await event in door.submit(.chat(job), cancellation: cancellation) {
                switch event {
                case .text(let piece) where !json:
                    try terminal.result(piece)
                    endsLine = piece.hasSuffix("\n")
                case .reply(let reply):
                    if json { try terminal.resultLine(report(reply)) }
                    if !endsLine { try terminal.result("\n") }
                    terminal.say(Self.story(reply))
                default:
                    if let line = event.progressLine { terminal.progress(line) }
                }
            }
        } catch {
            cancellation.request()
            throw error
        }
        if interrupts.signal != nil { throw ExitStatus.interrupted }
    }

    private func report(_ reply: Generation) throws -> String {
        try JSONText.encode(
            Report(
                model: job.model.name, text: reply.text, finishReason: reply.stop.name,
                promptTokens: reply.promptTokens, tokens: reply.tokens.count,
                prefillSeconds: reply.prefillSeconds, decodeSeconds: reply.decodeSeconds,
                seed: reply.seed), pretty: false)
    }

    private static func story(_ reply: Generation) -> String {
        func rate(_ count: Int, _ seconds: Double) -> String {
            guard seconds > 0 else { return "-" }
            return Timestamp.fixed(Double(count) / seconds, places: 1)
        }
        let computed = reply.promptTokens - reply.reusedTokens
        let end = reply.stop == .endOfSequence ? "" : ", ended by \(reply.stop.name)"
        return "\(reply.promptTokens) prompt tokens at \(rate(computed, reply.prefillSeconds))/s, "
            + "\(reply.tokens.count) tokens at \(rate(reply.tokens.count, reply.decodeSeconds))/s"
            + end
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
