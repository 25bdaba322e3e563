import Kernels
import Text

/// A language model that is open for scoring texts; it needs no chat template.
final class OpenScorer {
    /// Tokens that see each other unless a job says otherwise; the model's own limit where that is
    /// lower.
    static let windowTokensDefault = 2048

    private let model: any LanguageModel
    private let compute: Compute
    private let tokenizer: Tokenizer
    private let trace: Trace?
    private let kvFormat: KVFormat?

    init(_ folder: ModelFolder, trace: Trace?, options: OpenOptions) throws {
        self.trace = trace
        kvFormat = options.kvFormat
        compute = try Compute(precision: options.precision, trace: trace)
        model = try languageModels.open(folder, on: compute)
        tokenizer = try Tokenizer(folder: folder.path)
    }

    /// Scores a text or tokens.
    ///
    /// - Throws: `CommandError` for a text of fewer than two tokens or a window that does not fit,
    ///   `SessionError`, `CancellationError`.
    func score(
        _ job: PerplexityJob, isCancelled: () -> Bool, onProgress: (Int, Int) -> Void
    ) throws -> ScoredText {
        let ids: [Int32]
        switch job.input {
        case .text(let text): ids = tokenizer.encode(text, addSpecialTokens: true)
        case .tokens(let tokens): ids = tokens
        }
        guard ids.count > 1 else {
            throw CommandError.cannotRun("\(job.label): \(ids.count) tokens, want 2 or more")
        }
        // One position stays free, as in any session.
        let limit = model.contextTokensMax - 1
        let window = job.windowTokens ?? min(Self.windowTokensDefault, limit)
        guard window <= limit else {
            throw CommandError.cannotRun(
                "--context is \(window), the model was trained for \(model.contextTokensMax) tokens"
            )
        }
        let stride = job.strideTokens ?? max(window / 2, 1)
        guard stride < window else {
            throw CommandError.usage(
                "--stride is \(stride), want less than the \(window) tokens of --context")
        }
        let session = try Session(
            model: model, compute: compute, capacity: min(window, ids.count) + 1,
            kvFormat: kvFormat)
        let result = try Perplexity(
            of: ids, in: session, windowTokens: window, strideTokens: stride,
            topCount: job.topCount, isCancelled: isCancelled
        ) { onProgress($0, ids.count - 1) }
        return ScoredText(
            perplexity: result, tokenCount: ids.count, windowTokens: window, strideTokens: stride,
            names: tokenizer.names(of: result.tokens))
    }

    /// - Throws: where a trace was asked for and could not be written.
    func checkTrace() throws { try trace.map(Residency.check) }
}

extension Tokenizer {
    /// The bytes of every token that occurs, as text; what is no UTF-8 by itself shows U+FFFD.
    func names(of tokens: [ScoredToken]) -> [Int32: String] {
        var names: [Int32: String] = [:]
        for entry in tokens {
            for token in [entry.chosen] + entry.top where names[token.token] == nil {
                names[token.token] = String(decoding: bytes(of: token.token), as: UTF8.self)
            }
        }
        return names
    }
}
