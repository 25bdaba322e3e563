import Foundation
import Text

/// Scores one text and prints the outcome.
struct PerplexityRun: Sendable {
    let job: PerplexityJob
    let door: any JobDoor
    let terminal: Terminal
    let json: Bool
    /// Whether `--json` lists every token.
    let listsTokens: Bool

    private struct Report: Encodable {
        var model: String
        var tokens: Int
        var scoredTokens: Int
        var contextTokens: Int
        var strideTokens: Int
        /// Nats a token.
        var negativeLogLikelihood: Double
        var perplexity: Double
        var logprobs: [TokenReport]?
    }

    func run() async throws {
        let cancellation = Cancellation()
        let interrupts = Interrupts { _ in cancellation.request() }
        defer { withExtendedLifetime(interrupts) {} }
        defer { terminal.wipeProgress() }
        do {
            for try await event in door.submit(.perplexity(job), cancellation: cancellation) {
                switch event {
                case .scored(let text): try show(text)
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

    private func show(_ text: ScoredText) throws {
        let nll = text.perplexity.negativeLogLikelihood ?? 0
        guard json else {
            let value = Timestamp.fixed(exp(nll), places: 4)
            let mean = Timestamp.fixed(nll, places: 5)
            terminal.say(
                "\(text.perplexity.tokens.count) of \(text.tokenCount) tokens, context "
                    + "\(text.windowTokens), stride \(text.strideTokens)")
            return try terminal.resultLine(
                "perplexity \(value), negative log-likelihood \(mean) nats a token")
        }
        let tokens = text.perplexity.tokens.map { TokenReport($0, names: text.names) }
        let report = Report(
            model: job.model.name, tokens: text.tokenCount,
            scoredTokens: text.perplexity.tokens.count, contextTokens: text.windowTokens,
            strideTokens: text.strideTokens, negativeLogLikelihood: nll, perplexity: exp(nll),
            logprobs: listsTokens ? tokens : nil)
        try terminal.resultLine(try JSONText.encode(report, pretty: false))
    }
}
