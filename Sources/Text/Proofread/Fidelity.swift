public import Kernels

/// Holds a model that copies a text with corrections to the words of the text: one is changed only
/// where the model is clearly surer of the change than of leaving it.
///
/// Where the best token would write another word than the text has next, put a mark into a word,
/// or end the reply before the text ends, the tokens that would write the text's own word gain so
/// many nats before one is chosen. Capitals, spaces, and leaving out hesitations and words said
/// twice cost nothing, nor do marks between words, unless the text has marks and capitals of its
/// own: a recogniser that writes them has heard the pauses. A word that sounds like the text's needs
/// less than others: recognisers err by sound. (GECToR, Omelianchuk et al. 2020, adds a bias to
/// "keep" for the same reason, to trade some corrections for precision.)
///
/// What it adds depends on the text of the reply alone, so drafts cannot change the choice.
public struct Fidelity: Sendable {
    /// By how much likelier a change must be, in nats.
    public struct Margins: Sendable, Equatable {
        /// To a word that sounds alike, and where the place in the text is not certain.
        public var alike: Float
        /// The same, where the text has one of the most frequent words ("to", "of"): recognisers have
        /// heard those so often that they are seldom wrong.
        public var frequent: Float
        /// To any other word.
        public var other: Float
        /// To a mark between two words of a text that has marks and capitals, but none there.
        public var mark: Float

        /// All margins.
        public init(alike: Float, frequent: Float, other: Float, mark: Float) {
            (self.alike, self.frequent, self.other) = (alike, frequent, other)
            self.mark = mark
        }
    }

    private let tokenizer: Tokenizer
    private let margins: Margins
    private var trace: CopyTrace

    /// At the start of a copy of `text`.
    public init(to text: String, tokenizer: Tokenizer, margins: Margins) {
        self.tokenizer = tokenizer
        self.margins = margins
        trace = CopyTrace(text, tokenizer: tokenizer)
    }

    /// Raises the logits of the text's own word where the best token would write another one.
    public mutating func favourText(in logits: UnsafeMutableBufferPointer<Float>) {
        let usable = UnsafeBufferPointer(
            rebasing: logits[..<min(tokenizer.vocabularySize, logits.count)])
        let peak = usable.peak
        guard peak > -.infinity, let best = usable.firstIndex(of: peak),
            // A part of a character is no word yet.
            let written = String(validating: tokenizer.bytes(of: Int32(best)), as: UTF8.self)
        else { return }
        let part = tokenizer.isSpecial(Int32(best)) ? .end : CopyTrace.Part(written)
        let isWord = !trace.follows(part)
        guard isWord || trace.addsMark(part) else { return }
        let margin = isWord ? margin(of: part) : margins.mark
        for token in trace.ownTokens() where usable.indices.contains(Int(token)) {
            logits[Int(token)] += margin
        }
    }

    /// By how much a token that writes another word must be likelier.
    private func margin(of part: CopyTrace.Part) -> Float {
        guard !trace.isCertain || trace.soundsAlike(part) else { return margins.other }
        return trace.isAtFrequentWord ? margins.frequent : margins.alike
    }

    /// Takes the next text of the reply.
    public mutating func append(_ text: String) {
        guard !text.isEmpty else { return }
        trace.append(CopyTrace.Part(text))
    }
}

extension Fidelity.Margins {
    /// Of a model that says nothing about itself: a word goes where another is twenty times
    /// likelier, one that sounds alike where it is likelier at all.
    public static let standard = Self(alike: 0, frequent: 0, other: 3, mark: 0)

    /// What a model's `config.json` asks for under `mlxi.proofread_margins`.
    ///
    /// - Throws: `JSONError` for what is no number.
    public init(config: JSONValue) throws {
        func margin(_ key: String, _ standard: Float) throws -> Float {
            Float(
                try config.double("mlxi", "proofread_margins", key, default: Double(standard)))
        }
        self.init(
            alike: try margin("alike", Self.standard.alike),
            frequent: try margin("frequent", Self.standard.frequent),
            other: try margin("other", Self.standard.other),
            mark: try margin("mark", Self.standard.mark))
    }
}
