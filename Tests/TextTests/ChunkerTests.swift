import Kernels
import Testing

@testable import Text

@Suite struct ChunkerTests {
    /// Words stand for tokens.
    private func chunks(_ text: String, _ tokensMax: Int, _ overlap: Int) -> [String] {
        let chunker = Chunker(tokensMax: tokensMax, overlapTokens: overlap)
        return chunker.chunks(of: text) { $0.split { $0.isWhitespace }.count }.map { range in
            let utf8 = Array(text.utf8)
            return String(decoding: utf8[range], as: UTF8.self)
        }
    }

    @Test func shortTextIsOneChunk() {
        #expect(chunks("  One two. Three.\n", 10, 2) == ["One two. Three."])
        #expect(chunks("", 10, 2).isEmpty)
        #expect(chunks(" \n\n ", 10, 2).isEmpty)
    }

    @Test func chunksEndAtSentencesAndOverlap() {
        let text = "One two three. Four five. Six seven eight nine. Ten."
        #expect(chunks(text, 6, 0) == ["One two three. Four five.", "Six seven eight nine. Ten."])
        #expect(
            chunks(text, 6, 2) == [
                "One two three. Four five.", "Four five. Six seven eight nine.",
                "Ten.",
            ])
    }

    @Test func longSentencesAreCutAtWords() {
        let text = (1...10).map(String.init).joined(separator: " ")
        #expect(chunks(text, 4, 1) == ["1 2 3 4", "4 5 6 7", "7 8 9 10"])
    }

    @Test func longWordsAreHalved() {
        let text = String(repeating: "x", count: 40) + " 你好。世界"
        let chunker = Chunker(tokensMax: 10, overlapTokens: 0)
        let ranges = chunker.chunks(of: text) { $0.count }
        #expect(ranges.allSatisfy { $0.count <= 20 })
        #expect(ranges.first?.lowerBound == 0)
        #expect(ranges.last?.upperBound == text.utf8.count)
    }

    /// Nothing but white space is in no chunk, and every chunk is within the limit.
    @Test func everythingIsCovered() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<200 {
            let alphabet = Array("ab .!?\n。é字 ")
            let text = String(
                (0..<Int.random(in: 0...120, using: &random)).map { _ in
                    alphabet[Int.random(in: 0..<alphabet.count, using: &random)]
                })
            let limit = Int.random(in: 1...12, using: &random)
            let chunker = Chunker(
                tokensMax: limit, overlapTokens: Int.random(in: 0..<limit, using: &random))
            let ranges = chunker.chunks(of: text) { $0.count }
            var covered = Set<Int>()
            for range in ranges { covered.formUnion(range) }
            let utf8 = Array(text.utf8)
            let lost = utf8.indices.filter {
                !covered.contains($0) && utf8[$0] != 32 && utf8[$0] != 10
            }
            #expect(lost.isEmpty, "\(text.debugDescription)")
            for range in ranges {
                #expect(String(decoding: utf8[range], as: UTF8.self).count <= limit)
            }
        }
    }
}

@Suite struct NearestVectorsTests {
    @Test func theBestAreFoundInOrder() throws {
        let columns = 48
        var random = SplitMix(state: 5)
        let query = (0..<columns).map { _ in random.next() }
        let vectors = (0..<500).map { _ in (0..<columns).map { _ in random.next() } }
        var nearest = NearestVectors(
            of: query, countMax: 7, on: try Compute(precision: .fast))
        for start in stride(from: 0, to: vectors.count, by: 64) {
            let block = vectors[start..<min(start + 64, vectors.count)]
            nearest.add(block.indices.map(Int64.init), values: block.flatMap { $0 })
        }
        let scores = vectors.map { zip($0, query).reduce(Float(0)) { $0 + $1.0 * $1.1 } }
        let wanted = scores.indices.sorted { scores[$0] > scores[$1] }.prefix(7)
        #expect(nearest.matches.map(\.id) == wanted.map(Int64.init))
        for match in nearest.matches {
            #expect(abs(match.score - scores[Int(match.id)]) < 1e-4)
        }
    }

    @Test func fewerThanAskedForAndTies() throws {
        var nearest = NearestVectors(of: [1, 0], countMax: 5, on: try Compute(precision: .exact))
        nearest.add([], values: [])
        nearest.add([9, 4], values: [0.5, 0, 0.5, 1])
        #expect(nearest.matches.map(\.id) == [4, 9])
    }

    private struct SplitMix {
        var state: UInt64
        mutating func next() -> Float {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Float(Int64(bitPattern: state) >> 33) / Float(1 << 30)
        }
    }
}
