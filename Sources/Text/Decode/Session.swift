public import Kernels

/// A prompt: token ids, and optionally rows that stand in for the embeddings of some of them (the
/// audio of a speech model, the image of a page model).
public struct Prompt {
    /// Token ids; placeholders where `splice` lies.
    public var tokens: [Int32]
    /// Embeddings [n, hiddenColumns] for the tokens from `position` on.
    public var splice: (position: Int, rows: Rows)?
    /// Where the splice is an image: its rows, each of so many columns, are the splice's rows in
    /// raster order.
    public var imageRows: Int?

    /// A prompt of text, with embeddings spliced in from a position on if there are any.
    public init(
        _ tokens: [Int32], splice: (position: Int, rows: Rows)? = nil, imageRows: Int? = nil
    ) {
        self.tokens = tokens
        self.splice = splice
        self.imageRows = imageRows
    }

    /// The tokens of the image, if there is one.
    var grid: TokenGrid? {
        guard let splice, let imageRows else { return nil }
        let columns = splice.rows.count / imageRows
        require(columns * imageRows == splice.rows.count, "an image of \(imageRows) rows")
        return TokenGrid(start: splice.position, rows: imageRows, columns: columns)
    }
}

/// What a session cannot do.
public enum SessionError: Error, CustomStringConvertible, Equatable {
    /// The prompt does not fit in the context.
    case promptTooLong(tokens: Int, capacity: Int)
    /// There is nothing to continue.
    case emptyPrompt
    /// The tokenizer produced an id that the model has no row for.
    case unknownToken(id: Int32, vocabularyCount: Int)

    /// One line.
    public var description: String {
        switch self {
        case .promptTooLong(let tokens, let capacity):
            "the prompt has \(tokens) tokens, the context holds \(capacity)"
        case .emptyPrompt: "the prompt is empty"
        case .unknownToken(let id, let count):
            "token id \(id) is outside the model's vocabulary of \(count): wrong tokenizer?"
        }
    }
}

/// One mutable inference timeline of a model. Callers hand over whole prompts; `sync` keeps the
/// longest common prefix of what is cached and computes the rest. After `sync` and after `run` the
/// logits of the newest positions can be read.
public final class Session {
    /// Tokens of a prompt that are computed together.
    public static let prefillTokensMax = 512
    /// Most positions whose logits `run` gives: a token and the longest draft behind it.
    public static let logitRowsMax = 16

    /// The model.
    public let model: any LanguageModel
    /// Arithmetic, scratch memory and trace.
    public let compute: Compute
    /// Tokens that fit.
    public var capacity: Int { cache.capacity }
    /// Tokens in the cache.
    public private(set) var tokens: [Int32] = []
    /// Tokens whose cached state depends on nothing but token ids.
    private var plainCount = 0

    private let cache: KVCache
    private let logitRows: Rows
    private var logitCount = 0

    /// - Parameters:
    ///   - capacity: tokens of prompt and reply together; at most what the model was trained for.
    ///   - kvFormat: how the cache stores numbers; nil for what the precision asks for.
    public init(
        model: any LanguageModel, compute: Compute, capacity: Int, kvFormat: KVFormat? = nil
    ) throws {
        self.model = model
        self.compute = compute
        let bounded = min(capacity, model.contextTokensMax)
        cache = try model.makeCache(
            capacity: bounded, format: kvFormat ?? .standard(compute.precision))
        let columns = model.vocabularyCount
        logitRows = Rows(
            base: .allocate(capacity: Self.logitRowsMax * columns), count: Self.logitRowsMax,
            columns: columns, stride: columns)
        tokens.reserveCapacity(bounded)
    }

    deinit { logitRows.base.deallocate() }

    /// Makes the cache hold exactly `prompt` and computes the logits of its last position.
    ///
    /// - Returns: how many tokens were reused.
    /// - Throws: `SessionError` for prompts that are empty, too long, or of another vocabulary.
    @discardableResult
    public func sync(_ prompt: Prompt) throws -> Int {
        let ids = prompt.tokens
        guard !ids.isEmpty else { throw SessionError.emptyPrompt }
        guard ids.count < capacity else {
            throw SessionError.promptTooLong(tokens: ids.count, capacity: capacity)
        }
        try check(ids[...])
        // The last token is always computed, for its logits.
        let limit = min(ids.count - 1, plainCount, prompt.splice?.position ?? .max)
        var reused = 0
        while reused < limit && tokens[reused] == ids[reused] { reused += 1 }
        truncate(to: reused)
        if let grid = prompt.grid { cache.place(grid) }
        for start in stride(from: reused, to: ids.count, by: Self.prefillTokensMax) {
            let end = min(start + Self.prefillTokensMax, ids.count)
            step(ids[start..<end], splice: prompt.splice, logitCount: end == ids.count ? 1 : 0)
        }
        return reused
    }

    /// Appends tokens and computes the logits of each: the next token, with a draft behind it.
    ///
    /// - Parameter added: 1...`logitRowsMax` tokens that fit in the cache.
    public func run(_ added: ArraySlice<Int32>) throws {
        try check(added)
        require(added.count <= Self.logitRowsMax, "run of \(added.count) tokens")
        step(added, splice: nil, logitCount: added.count)
    }

    /// Appends one token to each of several sessions of one model, which go through the weights
    /// together, and computes the logits behind each. What a session gets does not depend on the
    /// others.
    ///
    /// - Parameters:
    ///   - next: as many as there are sessions, with room in their caches.
    ///   - sessions: no two the same.
    /// - Throws: `SessionError.unknownToken`; then nothing is changed.
    public static func run(_ next: [Int32], in sessions: [Session]) throws {
        require(next.count == sessions.count, "\(next.count) tokens, \(sessions.count) sessions")
        guard let first = sessions.first else { return }
        let (model, compute) = (first.model, first.compute)
        require(
            sessions.allSatisfy { $0.model === model && $0.compute === compute },
            "sessions of two models")
        try first.check(next[...])
        compute.workspace.scope {
            let hidden = compute.workspace.rows(next.count, model.hiddenColumns)
            model.embed(next[...], into: hidden)
            model.forward(
                hidden, in: .each(sessions.map(\.cache)), keeping: next.count, on: compute)
            let logits = compute.workspace.rows(next.count, model.vocabularyCount)
            model.logits(hidden, into: logits, on: compute)
            for (row, session) in sessions.enumerated() {
                session.append(next[row...row], isPlain: true)
                session.logitRows.rows(0..<1).copy(from: logits.rows(row..<row + 1))
                session.logitCount = 1
            }
        }
    }

    /// Appends tokens, however many, and hands out the logits of each: for scoring a text.
    ///
    /// - Parameters:
    ///   - added: tokens that fit in the cache.
    ///   - body: gets the index in `added` and the logits [vocabularyCount] behind that token.
    /// - Throws: `SessionError`, and what `body` throws.
    public func score(
        _ added: ArraySlice<Int32>, _ body: (Int, UnsafeBufferPointer<Float>) throws -> Void
    ) throws {
        try check(added)
        for start in stride(from: added.startIndex, to: added.endIndex, by: Self.prefillTokensMax) {
            let part = added[start..<min(start + Self.prefillTokensMax, added.endIndex)]
            try compute.workspace.scope {
                let hidden = forward(part, splice: nil, keeping: part.count)
                for first in stride(from: 0, to: part.count, by: Self.logitRowsMax) {
                    let rows = hidden.rows(first..<min(first + Self.logitRowsMax, part.count))
                    writeLogits(of: rows)
                    for row in 0..<rows.count {
                        let logits = UnsafeBufferPointer(logitRows[row])
                        try body(start - added.startIndex + first + row, logits)
                    }
                }
            }
        }
    }

    /// Logits [vocabularyCount] of the newest positions, oldest first.
    public func logits(_ index: Int) -> UnsafeMutableBufferPointer<Float> {
        require(index >= 0 && index < logitCount, "logits \(index) of \(logitCount)")
        return logitRows[index]
    }

    /// Forgets everything from token `count` on.
    public func truncate(to count: Int) {
        cache.truncate(to: count)
        tokens.removeLast(tokens.count - count)
        plainCount = min(plainCount, count)
    }

    /// Layers, heads and number format of the cache.
    var cacheShape: String { cache.shape }

    /// The cache's memory of the first `count` tokens, part by part.
    func forEachCachedPart(
        ofTokens count: Int, _ body: (UnsafeMutableRawBufferPointer) throws -> Void
    ) rethrows {
        try cache.forEachPart(ofTokens: count, body)
    }

    /// Takes over `ids` with keys and values that `fill` writes part by part.
    ///
    /// - Throws: `SessionError.unknownToken`; then nothing is changed.
    func restore(
        _ ids: [Int32], fill: (UnsafeMutableRawBufferPointer) -> Void
    ) throws {
        try check(ids[...])
        truncate(to: 0)
        cache.forEachPart(ofTokens: ids.count, fill)
        cache.restore(count: ids.count)
        tokens = ids
        plainCount = ids.count
        logitCount = 0
    }

    private func check(_ ids: ArraySlice<Int32>) throws {
        for id in ids where id < 0 || Int(id) >= model.vocabularyCount {
            throw SessionError.unknownToken(id: id, vocabularyCount: model.vocabularyCount)
        }
    }

    private func step(
        _ added: ArraySlice<Int32>, splice: (position: Int, rows: Rows)?, logitCount: Int
    ) {
        compute.workspace.scope {
            let hidden = forward(added, splice: splice, keeping: logitCount)
            self.logitCount = 0
            if logitCount > 0 {
                writeLogits(of: hidden.rows(added.count - logitCount..<added.count))
            }
        }
    }

    /// Runs tokens behind those in the cache; the hidden states, of which the last `kept` are
    /// complete, live in the enclosing scope.
    private func forward(
        _ added: ArraySlice<Int32>, splice: (position: Int, rows: Rows)?, keeping kept: Int
    ) -> Rows {
        let start = tokens.count
        let hidden = compute.workspace.rows(added.count, model.hiddenColumns)
        model.embed(added, into: hidden)
        if let splice { Self.overlay(splice, on: hidden, from: start) }
        // A trace shows all that the reference implementation computes.
        model.forward(
            hidden, in: .one(cache), keeping: compute.trace == nil ? kept : added.count,
            on: compute)
        append(added, isPlain: splice.map { start + added.count <= $0.position } ?? true)
        return hidden
    }

    /// Notes tokens that the cache has got.
    private func append(_ added: ArraySlice<Int32>, isPlain: Bool) {
        if isPlain && plainCount == tokens.count { plainCount += added.count }
        tokens.append(contentsOf: added)
    }

    private func writeLogits(of hidden: Rows) {
        let rows = logitRows.rows(0..<hidden.count)
        model.logits(hidden, into: rows, on: compute)
        compute.trace?.record("logits", rows)
        logitCount = hidden.count
    }

    /// Replaces the rows of `hidden`, whose first is at position `start`, that the splice covers.
    private static func overlay(
        _ splice: (position: Int, rows: Rows), on hidden: Rows, from start: Int
    ) {
        let covered = splice.position..<splice.position + splice.rows.count
        let present = covered.clamped(to: start..<start + hidden.count)
        guard !present.isEmpty else { return }
        let source = present.lowerBound - splice.position..<present.upperBound - splice.position
        hidden.rows(present.lowerBound - start..<present.upperBound - start)
            .copy(from: splice.rows.rows(source))
    }
}
