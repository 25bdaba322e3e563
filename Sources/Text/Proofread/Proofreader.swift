/// One question to a language model: correct this part of a transcript.
public struct ProofreadRequest: Sendable, Equatable {
    /// The system message: the rules.
    public let system: String
    /// The user message: the context and the text.
    public let user: String
    /// The text to correct, which ends `user`: the reply copies most of it, so drafts for
    /// speculative decoding begin there.
    public let transcript: String
    /// Most tokens that the reply may take; longer ones are no corrections.
    public let tokensMax: Int

    /// Corrections are not a matter of chance.
    public var sampling: SamplingOptions { .greedy }
    /// The chat template's `enable_thinking`: thoughts would be thrown away.
    public var enablesThinking: Bool { false }
    /// Whether drafts from the prompt pay off.
    public var usesPromptLookup: Bool { true }
}

/// A part of a paragraph as it was transcribed, and what became of it.
public struct ProofreadPiece: Sendable, Equatable {
    /// The transcript, without the space around it.
    public let original: String
    /// The text to use: the correction, or the transcript where the guard refused it.
    public let text: String
    /// What the guard said.
    public let verdict: Verdict
    /// Changes of the model that were undone; the others stand.
    public let refused: [Rejection]
}

/// A paragraph after proofreading.
public struct ProofreadParagraph: Sendable, Equatable {
    /// The transcript.
    public let original: String
    /// The text to use.
    public let text: String
    /// The parts that were sent to the model, in order.
    public let pieces: [ProofreadPiece]

    /// Why parts of the paragraph, or all of it, stand as transcribed; empty if none does.
    public var rejections: [Rejection] { pieces.compactMap(\.verdict.rejection) }

    /// Single changes that were undone, in order.
    public var refusedChanges: [Rejection] { pieces.flatMap(\.refused) }
}

/// What proofreading a transcript came to.
public struct ProofreadResult: Sendable, Equatable {
    /// One for each paragraph given, in order.
    public let paragraphs: [ProofreadParagraph]
    /// What changed, counted over the accepted parts.
    public let summary: EditSummary
    /// False after a cancellation: the paragraphs from there on stand as transcribed.
    public let isComplete: Bool
}

/// Corrects transcripts paragraph by paragraph with a language model, and lets only corrections
/// through (`EditGuard`).
public enum Proofreader {
    /// The rules. The bundled model is trained on this very text.
    public static let system = """
        You proofread speech transcripts. Correct words that were misheard as homophones, from the \
        context. Keep Cantonese characters such as 嘅, 唔, 咁 and 喺 exactly as they are. Complete \
        punctuation and capital letters. Remove fillers (um, uh, er, 呃, 嗯) and words repeated by \
        mistake. Change nothing else: do not translate, rephrase, shorten, explain or answer; keep \
        every number and name. Output only the corrected text.
        """

    /// Words of the previous text that are sent along, or characters of scripts without spaces.
    static let contextWordsMax = 40
    static let contextCharactersMax = 80
    private static let replyTokensSlack = 32
    /// Longer stretches that the guard undoes mean that the model read on at another place.
    private static let strayWordsMax = 3

    /// Corrects paragraphs in order; each sees the end of the corrected one before it. Where the
    /// reply to several sentences lost its place, as those of small models do where phrases recur,
    /// they are asked for one by one: a sentence must not pay for another.
    ///
    /// - Parameters:
    ///   - paragraphs: the transcript; blank ones pass unchanged.
    ///   - generate: asks the model and returns its whole reply.
    ///   - isCancelled: asked before each request; afterwards the rest stays as transcribed.
    /// - Throws: what `generate` throws.
    public static func correct(
        paragraphs: [String], generate: (ProofreadRequest) throws -> String,
        isCancelled: () -> Bool = { false }
    ) rethrows -> ProofreadResult {
        var done: [ProofreadParagraph] = []
        var summary = EditSummary()
        var state = State()
        for paragraph in paragraphs {
            state.pieces = []
            state.text = ""
            for piece in ParagraphPieces.cut(paragraph) {
                try state.take(piece, mayCut: true, generate: generate, isCancelled: isCancelled)
            }
            let corrected = ProofreadParagraph(
                original: paragraph, text: state.text, pieces: state.pieces)
            done.append(corrected)
            for piece in state.pieces {
                if piece.verdict.isAccepted { summary += piece.verdict.summary }
                summary.changesRefused += piece.refused.count
            }
            summary.paragraphs += 1
            summary.paragraphsRejected += corrected.rejections.isEmpty ? 0 : 1
        }
        return ProofreadResult(
            paragraphs: done, summary: summary, isComplete: !state.isCancelled)
    }

    /// What is carried from piece to piece.
    private struct State {
        /// Of the paragraph in hand.
        var pieces: [ProofreadPiece] = []
        var text = ""
        /// The corrected text before.
        var context = ""
        var continuesSentence = false
        var isCancelled = false

        mutating func take(
            _ piece: ParagraphPiece, mayCut: Bool,
            generate: (ProofreadRequest) throws -> String, isCancelled: () -> Bool
        ) rethrows {
            let (lead, core, trail) = trimmed(piece.text)
            if !self.isCancelled { self.isCancelled = isCancelled() }
            guard !self.isCancelled, !core.isEmpty else {
                text += piece.text
                return
            }
            let reply = try generate(request(core, after: context))
            var result = judged(core, reply)
            if mayCut, lostItsPlace(reply, result) {
                let sentences = ParagraphPieces.sentences(of: piece)
                if sentences.count > 1 {
                    for sentence in sentences {
                        try take(
                            sentence, mayCut: false, generate: generate, isCancelled: isCancelled)
                    }
                    return
                }
            }
            if piece.endsInsideSentence || continuesSentence {
                result = mended(
                    result, endsInside: piece.endsInsideSentence, continues: continuesSentence)
            }
            continuesSentence = piece.endsInsideSentence
            pieces.append(result)
            // Without a text (it was only fillers) the space around it goes too.
            text += lead + result.text + (result.text.isEmpty ? "" : trail)
            if !result.text.isEmpty { context = result.text }
        }
    }

    /// The messages for one piece of text.
    static func request(_ transcript: String, after previous: String) -> ProofreadRequest {
        let tail = contextTail(previous)
        let context = tail.isEmpty ? "" : "Previous text, for context only:\n\(tail)\n\n"
        return ProofreadRequest(
            system: system, user: "\(context)Transcript:\n\(transcript)", transcript: transcript,
            tokensMax: replyTokensMax(transcript))
    }

    /// The last words of a text, or its last characters if most of it is written without spaces.
    static func contextTail(_ text: String) -> String {
        let scalars = text.unicodeScalars.filter { !$0.properties.isWhitespace }
        let words = text.split(whereSeparator: \.isWhitespace)
        if scalars.count(where: ChineseText.isIdeograph) * 2 > scalars.count {
            return String(words.joined(separator: " ").suffix(contextCharactersMax))
        }
        return words.suffix(contextWordsMax).joined(separator: " ")
    }

    /// English takes a token for three to four bytes, other scripts at worst one for each byte;
    /// half as much again is room for punctuation.
    private static func replyTokensMax(_ transcript: String) -> Int {
        let ascii = transcript.utf8.count { $0 < 0x80 }
        return replyTokensSlack + ascii / 2 + (transcript.utf8.count - ascii) * 3 / 2
    }

    private static func judged(_ original: String, _ reply: String) -> ProofreadPiece {
        let proposal = ProofreadReply.cleaned(reply, for: original)
        func piece(_ verdict: Verdict, _ text: String, _ refused: [Rejection]) -> ProofreadPiece {
            ProofreadPiece(
                original: original, text: verdict.isAccepted ? text : original, verdict: verdict,
                refused: verdict.isAccepted ? refused : [])
        }
        let verdict = EditGuard.accept(original, proposal)
        guard !EditGuard.isHopeless(verdict), let repair = EditRepair(original, proposal),
            repair.text != proposal
        else { return piece(verdict, proposal, []) }
        return piece(EditGuard.accept(original, repair.text), repair.text, repair.refused)
    }

    /// Whether the reply was no correction, or had stretches that the guard took out or put back.
    private static func lostItsPlace(_ reply: String, _ piece: ProofreadPiece) -> Bool {
        guard piece.verdict.isAccepted else { return true }
        let proposal = ProofreadReply.cleaned(reply, for: piece.original)
        let words = [proposal, piece.text].map { $0.split(whereSeparator: \.isWhitespace).count }
        return abs(words[0] - words[1]) > strayWordsMax
    }

    /// Where a sentence had to be cut, the model takes the parts for sentences: the full stop and
    /// the capital that it put at the cut are undone.
    private static func mended(
        _ piece: ProofreadPiece, endsInside: Bool, continues: Bool
    ) -> ProofreadPiece {
        guard piece.verdict.isAccepted else { return piece }
        var text = piece.text
        let ends: Set<Character> = [".", "!", "?", "…", "。", "！", "？"]
        if endsInside, let last = piece.original.last, !ends.contains(last) {
            while let end = text.last, ends.contains(end) { text.removeLast() }
        }
        if continues, let first = text.first, let before = piece.original.first,
            first != before, first.lowercased() == before.lowercased()
        {
            text = String(before) + text.dropFirst()
        }
        return ProofreadPiece(
            original: piece.original, text: text, verdict: piece.verdict, refused: piece.refused)
    }

    /// Text without the space around it, and that space.
    private static func trimmed(_ text: String) -> (lead: String, core: String, trail: String) {
        let lead = text.prefix(while: \.isWhitespace)
        let rest = text[lead.endIndex...]
        guard let last = rest.lastIndex(where: { !$0.isWhitespace }) else {
            return (String(lead), "", "")
        }
        return (String(lead), String(rest[...last]), String(rest[rest.index(after: last)...]))
    }
}
