public import Kernels

/// Texts to vectors: tokenizer, encoder and pooling of one checkpoint. Used by one thread at a
/// time.
public final class TextEmbedder {
    /// Tokens that are computed together unless told otherwise: enough rows for full speed, little
    /// memory.
    public static let batchTokensDefault = 4096
    /// Below this, a vector has no direction. Source: sentence-transformers, `normalize`.
    private static let lengthMin: Float = 1e-12

    /// What the checkpoint asks for.
    public let recipe: EmbeddingRecipe
    /// Its tokenizer.
    public let tokenizer: Tokenizer
    private let model: any EmbeddingModel
    private let compute: Compute
    private let prefix: [Int32]
    private let suffix: [Int32]

    /// Width of the vectors as the model makes them.
    public var columns: Int { model.hiddenColumns }
    /// Tokens that are added to every text.
    public var addedTokens: Int { prefix.count + suffix.count }

    /// - Throws: `KernelError`, `JSONError` or `TokenizerError`, one line naming the file.
    public init(_ folder: ModelFolder, on compute: Compute) throws {
        model = try embeddingModels.open(folder, on: compute)
        recipe = try EmbeddingRecipe(folder, of: model)
        tokenizer = try Tokenizer(folder: folder.path)
        self.compute = compute
        let around = tokenizer.surroundingTokens
        prefix = around.prefix
        // Some conversions lost the rule that ends a text; the vector is read at that token.
        let end = recipe.endTokenRoles.lazy.compactMap { [tokenizer] in
            tokenizer.specialTokenId($0)
        }.first
        if let end, around.suffix.last != end {
            suffix = around.suffix + [end]
        } else {
            suffix = around.suffix
        }
    }

    /// The ids of a text with its prompt, without the special tokens around them.
    public func tokens(of text: String, prompt: String) -> [Int32] {
        let whole = prompt + text
        return tokenizer.encode(
            recipe.lowercases ? whole.lowercased() : whole, addSpecialTokens: false)
    }

    /// One vector for each text.
    ///
    /// - Parameters:
    ///   - texts: ids without special tokens, at most `recipe.tokensMax` less `addedTokens`.
    ///   - dimensions: the first so many columns (Matryoshka embeddings, Kusupati et al. 2022).
    ///   - normalizes: makes the length 1, after the columns were cut.
    ///   - batchTokens: about so many tokens are computed together, texts of like length.
    ///   - isCancelled: asked between batches.
    /// - Returns: vectors in the order of the texts.
    /// - Throws: `SessionError.unknownToken`, `CancellationError`.
    public func vectors(
        _ texts: [[Int32]], dimensions: Int, normalizes: Bool,
        batchTokens: Int = batchTokensDefault, isCancelled: () -> Bool = { false }
    ) throws -> [[Float]] {
        require((1...columns).contains(dimensions), "\(dimensions) of \(columns) dimensions")
        var vectors = [[Float]](repeating: [], count: texts.count)
        for batch in Self.batches(texts.map { $0.count + addedTokens }, tokensMax: batchTokens) {
            if isCancelled() { throw CancellationError() }
            var tokens: [Int32] = []
            var sequences: [Range<Int>] = []
            for index in batch {
                let start = tokens.count
                tokens += prefix + texts[index] + suffix
                sequences.append(start..<tokens.count)
            }
            for id in tokens where id < 0 || Int(id) >= model.vocabularyCount {
                throw SessionError.unknownToken(id: id, vocabularyCount: model.vocabularyCount)
            }
            compute.workspace.scope {
                let states = compute.workspace.rows(tokens.count, columns)
                model.encode(tokens, sequences: sequences, into: states, on: compute)
                compute.trace?.record("hidden_states", states)
                for (index, sequence) in zip(batch, sequences) {
                    var vector = Self.pool(states.rows(sequence), recipe.pooling)
                    vector.removeLast(columns - dimensions)
                    if normalizes { Self.normalize(&vector) }
                    vectors[index] = vector
                }
            }
        }
        return vectors
    }

    /// Indices grouped so that texts of like length come together, longest first, and no group of
    /// several exceeds `tokensMax`.
    static func batches(_ counts: [Int], tokensMax: Int) -> [[Int]] {
        let order = counts.indices.sorted { (counts[$1], $0) < (counts[$0], $1) }
        var batches: [[Int]] = []
        var sum = 0
        for index in order {
            if batches.isEmpty || sum + counts[index] > tokensMax {
                batches.append([])
                sum = 0
            }
            batches[batches.count - 1].append(index)
            sum += counts[index]
        }
        return batches
    }

    private static func pool(_ states: Rows, _ pooling: EmbeddingRecipe.Pooling) -> [Float] {
        switch pooling {
        case .cls: return Array(states[0])
        case .lastToken: return Array(states[states.count - 1])
        case .mean:
            var sum = [Float](repeating: 0, count: states.columns)
            for row in 0..<states.count {
                let state = states[row]
                for column in sum.indices { sum[column] += state[column] }
            }
            return sum.map { $0 / Float(states.count) }
        case .max:
            var largest = Array(states[0])
            for row in 1..<max(states.count, 1) {
                let state = states[row]
                for column in largest.indices {
                    largest[column] = Swift.max(largest[column], state[column])
                }
            }
            return largest
        }
    }

    private static func normalize(_ vector: inout [Float]) {
        let squares = vector.reduce(0.0) { $0 + Double($1) * Double($1) }
        let length = max(Float(squares.squareRoot()), lengthMin)
        for column in vector.indices { vector[column] /= length }
    }
}
