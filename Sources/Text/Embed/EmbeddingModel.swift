public import Kernels

/// An encoder of texts: token ids in, one hidden state a token out. Used by one thread at a time.
public protocol EmbeddingModel: AnyObject {
    /// Rows of the embedding matrix.
    var vocabularyCount: Int { get }
    /// Width of the hidden states.
    var hiddenColumns: Int { get }
    /// Most tokens of one text.
    var contextTokensMax: Int { get }
    /// What the family does where the checkpoint's files say nothing.
    var recipeDefault: EmbeddingRecipe.Default { get }

    /// The last hidden states of several texts that do not see each other.
    ///
    /// - Parameters:
    ///   - tokens: all texts one behind the other, every id in 0..<vocabularyCount.
    ///   - sequences: where each text lies in `tokens`.
    ///   - states: [tokens.count, hiddenColumns]
    func encode(
        _ tokens: [Int32], sequences: [Range<Int>], into states: Rows, on compute: Compute)
}
