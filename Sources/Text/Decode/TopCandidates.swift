/// The best few of many logits, found in one pass over them with a bounded heap: a vocabulary of
/// 152,000 is never sorted. The storage is kept between calls.
struct TopCandidates {
    struct Candidate {
        let logit: Float
        let token: Int32

        /// A lower logit is worse; of equal logits the higher id is, so ties resolve to low ids.
        func isWorse(than other: Candidate) -> Bool {
            logit < other.logit || (logit == other.logit && token > other.token)
        }
    }

    /// Best first, after `select`.
    private(set) var candidates: [Candidate] = []

    /// Finds the `count` best logits; NaN and minus infinity are no candidates.
    mutating func select(_ count: Int, of logits: UnsafeBufferPointer<Float>) {
        candidates.removeAll(keepingCapacity: true)
        guard count > 0 else { return }
        candidates.reserveCapacity(count)
        var start = 0
        while start < logits.count {
            let end = min(start + UnsafeBufferPointer<Float>.blockElements, logits.count)
            let isFull = candidates.count == count
            if !isFull || logits.blockExceeds(candidates[0].logit, at: start) {
                for token in start..<end { consider(token, logits[token], count) }
            }
            start = end
        }
        candidates.sort { $1.isWorse(than: $0) }
    }

    private mutating func consider(_ token: Int, _ logit: Float, _ count: Int) {
        if candidates.count < count {
            guard logit > -.infinity else { return }
            candidates.append(Candidate(logit: logit, token: Int32(token)))
            siftUp(from: candidates.count - 1)
        } else if logit > candidates[0].logit {
            candidates[0] = Candidate(logit: logit, token: Int32(token))
            siftDown()
        }
    }

    /// The heap's root is the worst candidate kept.
    private mutating func siftUp(from start: Int) {
        var child = start
        while child > 0 {
            let parent = (child - 1) / 2
            guard candidates[child].isWorse(than: candidates[parent]) else { return }
            candidates.swapAt(child, parent)
            child = parent
        }
    }

    private mutating func siftDown() {
        var parent = 0
        while true {
            var worst = parent
            let firstChild = 2 * parent + 1
            for child in firstChild..<max(firstChild, min(firstChild + 2, candidates.count))
            where candidates[child].isWorse(than: candidates[worst]) {
                worst = child
            }
            guard worst != parent else { return }
            candidates.swapAt(parent, worst)
            parent = worst
        }
    }
}

/// Scans of a vocabulary's logits, 16 at a time: they run once per token over 152,000 numbers.
extension UnsafeBufferPointer<Float> {
    static var blockElements: Int { 16 }

    private func block(at start: Int) -> SIMD16<Float> {
        UnsafeRawBufferPointer(self).loadUnaligned(
            fromByteOffset: start * MemoryLayout<Float>.stride, as: SIMD16<Float>.self)
    }

    /// The largest element that is a number, or minus infinity.
    var peak: Float {
        var start = 0
        var peaks = SIMD16<Float>(repeating: -.infinity)
        while start + Self.blockElements <= count {
            let values = block(at: start)
            peaks.replace(with: values, where: values .> peaks)
            start += Self.blockElements
        }
        var peak = peaks.max()
        while start < count {
            if self[start] > peak { peak = self[start] }
            start += 1
        }
        return peak
    }

    /// Whether any of the 16 elements from `start` is larger than `limit`; true at the end of the
    /// buffer, where fewer are left.
    func blockExceeds(_ limit: Float, at start: Int) -> Bool {
        guard start + Self.blockElements <= count else { return true }
        return any(block(at: start) .> limit)
    }
}
