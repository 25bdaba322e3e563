import Kernels
import Text

/// An embedding model that is open.
final class OpenEmbedder {
    /// Tokens of a chunk unless told otherwise, less where the model takes less.
    private static let chunkTokensDefault = 256
    /// Of a chunk, what the next one repeats.
    private static let overlapShareDefault = 8

    private let embedder: TextEmbedder
    private let folder: String
    private let trace: Trace?

    init(_ folder: ModelFolder, trace: Trace?, precision: Precision) throws {
        self.trace = trace
        self.folder = folder.path
        embedder = try TextEmbedder(
            folder, on: try Compute(precision: precision, trace: trace))
    }

    /// Embeds the texts of a job.
    ///
    /// - Throws: `CommandError` for options that the model cannot follow, `SessionError`,
    ///   `CancellationError`.
    func embed(_ job: EmbedJob, isCancelled: () -> Bool) throws -> EmbeddedTexts {
        let prompt = try prompt(job.prompt)
        let dimensions = job.dimensions ?? embedder.columns
        guard (1...embedder.columns).contains(dimensions) else {
            throw CommandError.usage(
                "--dimensions is \(dimensions), the model has \(embedder.columns)")
        }
        let room = embedder.recipe.tokensMax - embedder.addedTokens
        let promptTokens = embedder.tokens(of: "", prompt: prompt).count
        let chunker = try job.chunks.map { try makeChunker($0, room: room - promptTokens) }
        var pieces: [(text: Int, piece: EmbeddedPiece)] = []
        var tokens: [[Int32]] = []
        var outcomes = job.texts.map { _ in EmbeddedText.pieces([]) }
        for (index, text) in job.texts.enumerated() {
            if isCancelled() { throw CancellationError() }
            guard text.contains(where: { !$0.isWhitespace }) else {
                outcomes[index] = .refused("there is no text")
                continue
            }
            for range in ranges(of: text, chunker) {
                var ids = embedder.tokens(of: Self.part(text, range), prompt: prompt)
                let isTruncated = ids.count > room
                if isTruncated {
                    guard job.truncates else {
                        outcomes[index] = .refused(
                            "\(ids.count + embedder.addedTokens) tokens, the model takes "
                                + "\(embedder.recipe.tokensMax); --truncate cuts it")
                        break
                    }
                    ids.removeLast(ids.count - room)
                }
                let piece = EmbeddedPiece(
                    range: range, tokenCount: ids.count + embedder.addedTokens,
                    isTruncated: isTruncated, vector: [])
                pieces.append((index, piece))
                tokens.append(ids)
            }
        }
        let normalizes = job.normalizes ?? embedder.recipe.isNormalized
        let vectors = try embedder.vectors(
            tokens, dimensions: dimensions, normalizes: normalizes,
            batchTokens: job.batchTokens ?? TextEmbedder.batchTokensDefault,
            isCancelled: isCancelled)
        for (place, vector) in zip(pieces, vectors) {
            guard case .pieces(var list) = outcomes[place.text] else { continue }
            var piece = place.piece
            piece.vector = vector
            list.append(piece)
            outcomes[place.text] = .pieces(list)
        }
        return EmbeddedTexts(
            texts: outcomes,
            facts: EmbeddingFacts(
                dimensions: dimensions, pooling: embedder.recipe.pooling.rawValue, prompt: prompt,
                isNormalized: normalizes, tokensMax: embedder.recipe.tokensMax,
                chunkTokens: chunker?.tokensMax, overlapTokens: chunker?.overlapTokens))
    }

    private func ranges(of text: String, _ chunker: Chunker?) -> [Range<Int>] {
        guard let chunker else { return [0..<text.utf8.count] }
        return chunker.chunks(of: text) { [embedder] piece in
            embedder.tokens(of: String(piece), prompt: "").count
        }
    }

    private static func part(_ text: String, _ range: Range<Int>) -> String {
        guard range.count < text.utf8.count else { return text }
        let utf8 = text.utf8
        let lower = utf8.index(utf8.startIndex, offsetBy: range.lowerBound)
        let upper = utf8.index(lower, offsetBy: range.count)
        return String(text[lower..<upper])
    }

    private func prompt(_ choice: EmbedJob.Prompt) throws -> String {
        let recipe = embedder.recipe
        switch choice {
        case .standard: return recipe.promptDefault
        case .text(let text): return text
        case .firstNamed(let names):
            return names.lazy.compactMap { recipe.prompts[$0] }.first ?? recipe.promptDefault
        case .named(let name):
            guard let prompt = recipe.prompts[name] else {
                let known = recipe.prompts.keys.sorted().joined(separator: ", ")
                throw CommandError.usage(
                    "--as \(name): the model has "
                        + (known.isEmpty ? "no named prompts" : "only \(known)"))
            }
            return prompt
        case .task(let task):
            guard let instruction = recipe.instruction else {
                throw CommandError.usage(
                    "--instruct: the model in \(folder) was not trained to follow instructions; "
                        + "--prompt puts any text before the query")
            }
            return instruction.prompt(task)
        }
    }

    private func makeChunker(_ sizes: ChunkSizes, room: Int) throws -> Chunker {
        let tokensMax = sizes.tokensMax ?? min(Self.chunkTokensDefault, room)
        guard (1...max(room, 1)).contains(tokensMax) else {
            throw CommandError.usage(
                "--chunk-tokens is \(tokensMax), the model takes \(room) beside prompt and "
                    + "special tokens")
        }
        let overlap = sizes.overlapTokens ?? tokensMax / Self.overlapShareDefault
        guard (0..<tokensMax).contains(overlap) else {
            throw CommandError.usage(
                "--overlap-tokens is \(overlap), want less than the \(tokensMax) of a chunk")
        }
        return Chunker(tokensMax: tokensMax, overlapTokens: overlap)
    }

    /// - Throws: where a trace was asked for and could not be written.
    func checkTrace() throws { try trace.map(Residency.check) }
}
