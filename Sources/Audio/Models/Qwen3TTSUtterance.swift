// One text being spoken by Qwen3-TTS, frame by frame. Reference: references/tts-qwen3.md.
public import Kernels
import Text

/// One utterance: a prompt, then frames of codes, each depending on those before.
public final class Qwen3TTSUtterance {
    /// Picks a code of a codebook: for the first one of the talker's ids, all of them given; for the others
    /// one of the codes.
    public typealias Choose = (
        _ codebook: Int, _ logits: UnsafeMutableBufferPointer<Float>
    ) -> Int32

    /// Rows of a prompt that are computed together.
    private static let prefillRowsMax = 512

    private let talker: Qwen3TTSTalker
    private let compute: Compute
    private let cache: KVCache
    private let predictorCache: KVCache
    private let capacity: Int
    private let state: Rows  // [1, hidden], normed, of the newest row
    private let padding: Rows  // [1, hidden], the text that accompanies every frame
    /// The newest frame, one code of each codebook.
    public private(set) var frame: [Int32]
    /// Whether the talker has yet to see `frame`.
    private var isPending = false

    /// - Parameter capacity: rows of prompt and frames together.
    /// - Throws: `KernelError.setting` when they are more than the model was trained for, or when there is
    ///   no memory.
    public init(_ talker: Qwen3TTSTalker, compute: Compute, capacity: Int) throws {
        guard capacity <= talker.contextRowsMax else {
            throw KernelError.setting(
                "\(capacity) rows of text and frames asked for, the model was trained for "
                    + "\(talker.contextRowsMax)")
        }
        self.talker = talker
        self.compute = compute
        self.capacity = capacity
        let format = KVFormat.standard(compute.precision)
        cache = try talker.stack.makeCache(capacity: capacity, format: format)
        predictorCache = try talker.predictor.makeCache(format)
        frame = [Int32](repeating: 0, count: talker.codebooks)
        state = Self.row(talker.config.hidden)
        padding = Self.row(talker.config.hidden)
        talker.embed(text: [talker.config.text.pad], into: padding, on: compute)
    }

    deinit {
        state.base.deallocate()
        padding.base.deallocate()
    }

    private static func row(_ columns: Int) -> Rows {
        Rows(base: .allocate(capacity: columns), count: 1, columns: columns, stride: columns)
    }

    /// Frames that still fit.
    public var framesLeft: Int { capacity - cache.length - (isPending ? 1 : 0) }

    /// Forgets what was said and takes a new prompt.
    ///
    /// - Throws: `KernelError.setting` when the prompt does not fit.
    public func begin(_ prompt: Qwen3TTSPrompt) throws {
        guard prompt.count <= capacity else {
            throw KernelError.setting(
                "the text is \(prompt.count) rows long, there is room for \(capacity)")
        }
        cache.truncate(to: 0)
        isPending = false
        compute.workspace.scope {
            let rows = talker.rows(prompt, on: compute)
            compute.traceRows("prompt", rows)
            for first in stride(from: 0, to: rows.count, by: Self.prefillRowsMax) {
                advance(rows.rows(first..<min(first + Self.prefillRowsMax, rows.count)))
            }
        }
    }

    /// Writes the next frame into `frame`, which must fit.
    ///
    /// - Returns: false when `choose` ended the utterance with the end mark; then there is no new frame.
    public func next(_ choose: Choose) -> Bool {
        let work = compute.workspace
        if isPending {
            work.scope {
                let row = work.rows(1, talker.config.hidden)
                row.copy(from: padding)
                talker.add(frame: frame, to: row, on: compute)
                advance(row)
            }
            isPending = false
        }
        return work.scope {
            let logits = work.rows(1, talker.config.codecVocabulary)
            talker.logits(state, into: logits, on: compute)
            frame[0] = choose(0, logits[0])
            guard frame[0] != talker.config.codec.end else { return false }
            let start = work.rows(2, talker.config.hidden)
            start.rows(0..<1).copy(from: state)
            start[1].update(repeating: 0)
            talker.add(codec: frame[0], to: start.rows(1..<2), on: compute)
            talker.predictor.predict(
                &frame, from: start, cache: predictorCache, on: compute, choose: choose)
            isPending = true
            return true
        }
    }

    /// Runs rows through the talker and keeps the normed state of the last.
    private func advance(_ rows: Rows) {
        talker.stack.forward(rows, in: .one(cache), keeping: 1, on: compute)
        talker.stack.normalize(rows.rows(rows.count - 1..<rows.count), into: state)
    }
}
