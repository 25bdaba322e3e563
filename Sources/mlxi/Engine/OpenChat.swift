import Audio
import Foundation
import Kernels
import Text

/// A language model that is open: tokenizer, chat template, and one session whose cache carries
/// what consecutive prompts share.
final class OpenChat {
    /// Tokens of prompt and reply together; the model's own limit where that is lower. The cache
    /// is reserved, not touched, until it is needed.
    static let contextTokensMax = 16_384

    private let session: Session
    private let tokenizer: Tokenizer
    private let endTokens: Set<Int32>
    private let template: ChatTemplate
    private let trace: Trace?

    init(_ folder: ModelFolder, trace: Trace?, precision: Precision) throws {
        self.trace = trace
        let compute = try Compute(precision: precision, trace: trace)
        let model = try languageModels.open(folder, on: compute)
        tokenizer = try Tokenizer(folder: folder.path)
        endTokens = try ModelTokens.ends(of: folder, tokenizer: tokenizer)
        template = try ChatTemplate(folder: folder.path)
        session = try Session(model: model, compute: compute, capacity: Self.contextTokensMax)
    }

    /// Continues a conversation by one reply.
    func reply(
        _ job: ChatJob, isCancelled: () -> Bool, onText: (String) -> Void
    ) throws -> Generation {
        var request = GenerateRequest(
            prompt: Prompt(encode(try render(job.messages, enablesThinking: nil))))
        request.sampling = job.sampling
        request.tokensMax = job.tokensMax
        request.stopStrings = job.stopStrings
        return try Generate.run(
            request, in: session, tokenizer: tokenizer, endTokens: endTokens,
            isCancelled: isCancelled, onText: onText)
    }

    /// - Parameter enablesThinking: nil leaves it to the template.
    private func render(_ messages: [Message], enablesThinking: Bool?) throws -> String {
        try template.render(
            messages: messages, addGenerationPrompt: true,
            options: enablesThinking.map { ["enable_thinking": .bool($0)] } ?? [:],
            specialTokens: tokenizer.specialTokens)
    }

    private func encode(_ text: String) -> [Int32] {
        tokenizer.encode(text, addSpecialTokens: false)
    }

    /// Corrects a transcript paragraph by paragraph.
    ///
    /// - Throws: `CancellationError`, or what the session throws: a paragraph that does not fit.
    func proofread(
        _ transcript: Transcript, isCancelled: () -> Bool, onProgress: (Int) -> Void
    ) throws -> ProofreadResult {
        var characters = 0
        let result = try Proofreader.correct(
            paragraphs: transcript.spokenTexts,
            generate: { request in
                let reply = try correct(request, isCancelled: isCancelled)
                characters += request.transcript.count
                onProgress(characters)
                return reply
            }, isCancelled: isCancelled)
        guard result.isComplete, !isCancelled() else { throw CancellationError() }
        return result
    }

    private func correct(
        _ question: ProofreadRequest, isCancelled: () -> Bool
    ) throws -> String {
        let text = try render(
            [
                Message(role: "system", content: question.system),
                Message(role: "user", content: question.user),
            ], enablesThinking: question.enablesThinking)
        // Drafts begin where the transcript begins in the prompt; tokens may not break exactly
        // there, which costs a draft and no more.
        let before = text.range(of: question.transcript, options: .backwards).map {
            encode(String(text[..<$0.lowerBound])).count
        }
        var request = GenerateRequest(prompt: Prompt(encode(text)))
        request.sampling = question.sampling
        request.tokensMax = question.tokensMax
        request.promptLookup = (isOn: question.usesPromptLookup, copyStart: before)
        return try Generate.run(
            request, in: session, tokenizer: tokenizer, endTokens: endTokens,
            isCancelled: isCancelled
        ).text
    }

    /// - Throws: where a trace was asked for and could not be written.
    func checkTrace() throws { try trace.map(Residency.check) }
}
