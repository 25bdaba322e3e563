public import Kernels

/// A decoder-only transformer: token ids in, logits out, keys and values in a cache that the caller
/// owns. Used by one thread at a time.
public protocol LanguageModel: AnyObject {
    /// Rows of the output matrix; ids at or above the tokenizer's size are padding.
    var vocabularyCount: Int { get }
    /// Width of the hidden states.
    var hiddenColumns: Int { get }
    /// Positions that the model was trained for.
    var contextTokensMax: Int { get }

    /// A cache with room for `capacity` tokens.
    func makeCache(capacity: Int, format: KVFormat) throws -> KVCache

    /// Embeddings of `tokens` into `hidden` [tokens.count, hiddenColumns]. Every id must be in
    /// 0..<vocabularyCount.
    func embed(_ tokens: ArraySlice<Int32>, into hidden: Rows)

    /// Runs `hidden` [n, hiddenColumns], in place, through all layers behind the tokens in the caches
    /// of `placement`, and appends their keys and values to them. Of the last `kept` rows the result
    /// is wanted; the others stop where the last layer has their keys and values.
    func forward(_ hidden: Rows, in placement: Placement, keeping kept: Int, on compute: Compute)

    /// Final norm and output matrix: hidden [n, hiddenColumns] -> logits [n, vocabularyCount].
    func logits(_ hidden: Rows, into logits: Rows, on compute: Compute)
}
