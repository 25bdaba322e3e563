import Audio
import Foundation
import Kernels
import Text

/// A language model that is open: tokenizer, chat template, and one session whose cache carries
/// what consecutive prompts share.
final class OpenChat {
    /// Tokens of prompt and reply together; the model's own limit where that is lower. The cache
    /// is reserved, not touched, until it is needed.
    static let contextTokensDefault = 16_384

    private let session: Session
    private let tokenizer: Tokenizer
    private let endTokens: Set<Int32>
    private let template: ChatTemplate
    private let trace: Trace?
    private let recommended: SamplingOptions
    /// How sure of a change the model must be when it proofreads.
    private let margins: Fidelity.Margins
    /// Tokens by their bytes, made for the first reply that is held to a schema.
    private var vocabulary: TokenTrie?
    /// That of the last such reply, with what it found out.
    private var constraint: TokenConstraint?
    private let path: String
    /// The prompt cache that was read or written last.
    private var promptCache: String?
    /// The draft model that was found to have the same vocabulary.
    private weak var knownDraft: OpenDraft?

    /// - Throws: `CommandError.cannotRun` for a context longer than the model was trained for.
    init(_ folder: ModelFolder, trace: Trace?, options: OpenOptions) throws {
        self.trace = trace
        recommended = try SamplingOptions.recommended(by: folder.path)
        margins = try folder.read { try Fidelity.Margins(config: $0) }
        let compute = try Compute(precision: options.precision, trace: trace)
        let model = try languageModels.open(folder, on: compute)
        tokenizer = try Tokenizer(folder: folder.path)
        endTokens = try ModelTokens.ends(of: folder, tokenizer: tokenizer)
        template = try ChatTemplate(folder: folder.path)
        if let wanted = options.contextTokens, wanted > model.contextTokensMax {
            throw CommandError.cannotRun(
                "--context is \(wanted), the model was trained for \(model.contextTokensMax) tokens"
            )
        }
        session = try Session(
            model: model, compute: compute,
            capacity: options.contextTokens ?? Self.contextTokensDefault,
            kvFormat: options.kvFormat)
        path = folder.path
    }

    /// Continues a conversation by one reply.
    ///
    /// - Throws: `SessionError` where the conversation does not fit, `SamplingError`,
    ///   `TemplateError`, `ConstraintError`, `PromptCacheError`.
    func reply(
        _ job: ChatJob, draft: OpenDraft?, isCancelled: () -> Bool,
        onPiece: (ThoughtSplitter.Piece) -> Void
    ) throws -> ChatReply {
        if let draft, draft !== knownDraft {
            try draft.check(against: tokenizer, vocabularyCount: session.model.vocabularyCount)
            knownDraft = draft
        }
        try job.promptCache.map(readCache)
        let fit = try fitted(job, isCancelled: isCancelled)
        var prompt = try render(fit.messages, enablesThinking: job.enablesThinking)
        var startsInside = prompt.trimmingSuffix(while: \.isWhitespace).hasSuffix("<think>")
        if job.schema != nil, startsInside {
            // A template that opens the thoughts whatever it is told: they end at once.
            prompt += "\n</think>\n\n"
            startsInside = false
        }
        let sampling = try job.sampling.options(defaults: recommended, tokenizer: tokenizer)
        var request = GenerateRequest(prompt: Prompt(encode(prompt)))
        request.sampling = sampling
        request.tokensMax = job.tokensMax
        request.stopStrings = job.stopStrings
        request.promptLookup = (isOn: job.isSpeculative, copyStart: nil)
        if let draft, let choice = job.draft {
            request.draft = (session: draft.session, tokensMax: choice.tokensMax)
        }
        request.topLogProbabilities = job.topLogProbabilities
        request.constraint = try job.schema.map(held)
        var splitter = ThoughtSplitter(startsInside: startsInside)
        var (text, thoughts) = ("", "")
        func pass(_ pieces: [ThoughtSplitter.Piece]) {
            for piece in pieces {
                switch piece {
                case .text(let part): text += part
                case .thought(let part): thoughts += part
                }
                onPiece(piece)
            }
        }
        let generation = try Generate.run(
            request, in: session, tokenizer: tokenizer, endTokens: endTokens,
            isCancelled: isCancelled
        ) { pass(job.schema == nil ? splitter.append($0) : [.text($0)]) }
        pass(splitter.finish())
        try job.promptCache.map(writeCache)
        return ChatReply(
            generation: generation, text: text, thoughts: thoughts, sampling: sampling,
            names: tokenizer.names(of: generation.logProbabilities), fit: fit)
    }

    /// Fills the session from a file, the first time that it is named.
    private func readCache(_ file: String) throws {
        guard promptCache != file else { return }
        if try PosixFileSystem().exists(file) {
            try PromptCache.read(file, into: session, model: try ModelFingerprint.of(path))
        }
        promptCache = file
    }

    private func writeCache(_ file: String) throws {
        let output = try StreamedFile(file)
        try PromptCache.write(session, model: try ModelFingerprint.of(path)) {
            try output.write($0)
        }
        try output.commit()
    }

    private func held(to schema: JSONSchema) throws -> TokenConstraint {
        if let constraint, constraint.schema == schema { return constraint }
        let tokens = try vocabulary ?? TokenTrie(tokenizer, endTokens: endTokens)
        let made = TokenConstraint(schema, vocabulary: tokens, endTokens: endTokens)
        (vocabulary, constraint) = (tokens, made)
        return made
    }

    /// The conversation, without its oldest turns or with a summary of them where it is too long.
    private func fitted(_ job: ChatJob, isCancelled: () -> Bool) throws -> ContextFit {
        func tokens(_ messages: [Message]) throws -> Int {
            encode(try render(messages, enablesThinking: job.enablesThinking)).count
        }
        let before = try tokens(job.messages)
        let reply = min(job.tokensMax, session.capacity / 4)
        var fit = ContextFit(messages: job.messages, tokensBefore: before, tokensAfter: before)
        guard job.overflow != .error, before + reply > session.capacity else { return fit }
        let isSystem = job.messages.first?.role == "system"
        let head = isSystem ? Array(job.messages[..<1]) : []
        let turns = Array(job.messages.dropFirst(head.count))
        let summarizes = job.overflow == .summarize
        let share = summarizes ? ContextFit.keptShare : 1
        let room = summarizes ? Int(Double(session.capacity) * share) : session.capacity - reply
        let whole = session.capacity - reply
        // Under a summary the turns that stay get less room, unless even one needs more.
        let drop =
            try ContextFit.turnsToDrop(turns) { try tokens(head + turns[$0...]) <= room }
            ?? ContextFit.turnsToDrop(turns) { try tokens(head + turns[$0...]) <= whole }
        guard let drop, drop > 0 else { return fit }
        fit.droppedTurns = drop
        fit.messages = head + turns[drop...]
        if summarizes {
            let summary = try summary(
                of: Array(turns[..<drop]), earlier: job.earlierSummary, isCancelled: isCancelled)
            fit.summary = summary
            let system = [job.systemText, ContextFit.note(summary)].filter { !$0.isEmpty }
            fit.messages =
                [Message(role: "system", content: system.joined(separator: "\n\n"))]
                + turns[drop...]
        }
        fit.tokensAfter = try tokens(fit.messages)
        return fit
    }

    /// What the model makes of turns that have to go, in pieces where they are too long for it.
    private func summary(
        of dropped: [Message], earlier: String?, isCancelled: () -> Bool
    ) throws -> String {
        let limit = Int(Double(session.capacity) * ContextFit.summaryShare)
        var summary = earlier
        var rest = dropped[...]
        while let first = rest.first {
            var count = rest.count
            var prompt = [Int32]()
            while true {
                let part = Array(rest.prefix(count))
                let question = ContextFit.summaryRequest(part, earlier: summary)
                prompt = encode(try render(question, enablesThinking: false))
                if prompt.count + limit <= session.capacity || count == 1 { break }
                count = (count + 1) / 2
            }
            if prompt.count + limit > session.capacity {
                // A single turn that is too long is read in parts.
                guard first.content.count > 1 else {
                    throw SessionError.promptTooLong(
                        tokens: prompt.count + limit, capacity: session.capacity)
                }
                rest = first.halves + rest.dropFirst()
                continue
            }
            rest = rest.dropFirst(count)
            var request = GenerateRequest(prompt: Prompt(prompt))
            request.tokensMax = limit
            request.detectsLoops = true
            let text = try Generate.run(
                request, in: session, tokenizer: tokenizer, endTokens: endTokens,
                isCancelled: isCancelled
            ).text
            summary = ThoughtSplitter.withoutThoughts(text)
        }
        return summary ?? ""
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
        request.fidelity = Fidelity(
            to: question.transcript, tokenizer: tokenizer, margins: margins)
        return try Generate.run(
            request, in: session, tokenizer: tokenizer, endTokens: endTokens,
            isCancelled: isCancelled
        ).text
    }

    /// - Throws: where a trace was asked for and could not be written.
    func checkTrace() throws { try trace.map(Residency.check) }
}

extension Message {
    /// Two messages that together say the same.
    fileprivate var halves: [Message] {
        let middle = content.index(content.startIndex, offsetBy: content.count / 2)
        return [content[..<middle], content[middle...]].map {
            Message(role: role, content: String($0))
        }
    }
}

extension String {
    /// The text without its last characters that meet a condition.
    fileprivate func trimmingSuffix(while condition: (Character) -> Bool) -> Substring {
        guard let last = lastIndex(where: { !condition($0) }) else { return "" }
        return self[...last]
    }
}
