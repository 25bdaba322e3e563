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
        for (token, logit) in logits.enumerated() {
            if candidates.count < count {
                guard logit > -.infinity else { continue }
                candidates.append(Candidate(logit: logit, token: Int32(token)))
                siftUp(from: candidates.count - 1)
            } else if logit > candidates[0].logit {
                candidates[0] = Candidate(logit: logit, token: Int32(token))
                siftDown()
            }
        }
        candidates.sort { $1.isWorse(than: $0) }
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
