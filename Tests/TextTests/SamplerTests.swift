import Testing

@testable import Text

@Suite struct SamplerTests {
    private func next(_ sampler: inout Sampler, _ logits: [Float]) throws -> Int32 {
        var copy = logits
        return try copy.withUnsafeMutableBufferPointer { try sampler.next(logits: $0) }
    }

    private func sampler(_ options: SamplingOptions, vocabulary: Int = 8, prompt: [Int32] = [])
        throws -> Sampler
    {
        try Sampler(options, vocabularyCount: vocabulary, prompt: prompt)
    }

    /// Share of each token in many draws.
    private func shares(_ options: SamplingOptions, _ logits: [Float], draws: Int = 3_000) throws
        -> [Double]
    {
        var seeded = options
        seeded.seed = 7
        var sampler = try sampler(seeded, vocabulary: logits.count)
        var counts = [Double](repeating: 0, count: logits.count)
        for _ in 0..<draws { counts[Int(try next(&sampler, logits))] += 1 }
        return counts.map { $0 / Double(draws) }
    }

    @Test func greedyTakesTheBestAndTheLowestOfEquals() throws {
        var greedy = try sampler(.greedy)
        #expect(try next(&greedy, [0, 3, -1, 3, 2, 0, 0, 0]) == 1)
        #expect(try next(&greedy, [-5, -4, -3, -2, -1, -0.5, -9, -9]) == 5)
    }

    @Test func greedyIgnoresNaNAndBannedRows() throws {
        var greedy = try sampler(.greedy, vocabulary: 3)
        #expect(try next(&greedy, [.nan, 1, .nan, 100, 200]) == 1)
        var drawing = try sampler(SamplingOptions(temperature: 1, seed: 1), vocabulary: 3)
        for _ in 0..<200 { #expect(try next(&drawing, [.nan, 1, 0, 100, 200]) < 3) }
    }

    @Test(arguments: [15, 16, 17, 63, 64, 65, 1000])
    func everyPlaceOfALongVocabularyIsSeen(count: Int) throws {
        for best in [0, 1, count / 2, count - 2, count - 1] {
            var logits = (0..<count).map { $0 % 7 == 0 ? Float.nan : -Float($0 % 5) - 1 }
            logits[best] = 3
            var greedy = try sampler(.greedy, vocabulary: count)
            #expect(try next(&greedy, logits) == Int32(best))
            var scratch = LogProbabilities()
            let top = logits.withUnsafeBufferPointer { scratch.of(1, logits: $0, top: 2).top }
            #expect(top[0].token == Int32(best) && top.count == 2)
        }
    }

    @Test func nothingToChooseIsAnError() throws {
        var greedy = try sampler(.greedy, vocabulary: 2)
        #expect(throws: SamplingError.noCandidate(logits: 2)) {
            try next(&greedy, [.nan, -.infinity, 5])
        }
    }

    @Test(arguments: [
        SamplingOptions(temperature: -1), SamplingOptions(temperature: .nan),
        SamplingOptions(topP: 1.1), SamplingOptions(topP: -0.1), SamplingOptions(minP: 2),
        SamplingOptions(repetitionPenalty: 0), SamplingOptions(presencePenalty: .infinity),
        SamplingOptions(logitBias: [3: .nan]),
    ])
    func unusableOptionsAreRefused(_ options: SamplingOptions) {
        #expect(throws: SamplingError.self) { try sampler(options) }
    }

    @Test func errorsReadAsOneLine() {
        let error = SamplingError.option(name: "top-p", found: 1.5, wanted: "0 to 1")
        #expect(error.description == "top-p is 1.5, want 0 to 1")
    }

    @Test func temperatureShapesTheDistribution() throws {
        // p = softmax([0, ln 4] / 2) = [1, 2] / 3
        let shares = try shares(SamplingOptions(temperature: 2), [0, 1.386294])
        #expect(abs(shares[1] - 2.0 / 3) < 0.03)
    }

    @Test func topKKeepsExactlyKAndTheLowerOfTiedIds() throws {
        let shares = try shares(
            SamplingOptions(temperature: 1, topK: 2), [1, 2, 1, 0, -.infinity])
        #expect(shares[3] == 0 && shares[2] == 0 && shares[4] == 0)
        #expect(abs(shares[1] - 0.731) < 0.03)
    }

    @Test func topPKeepsTheTokenThatCrosses() throws {
        // Probabilities 0.5, 0.3, 0.2: a limit of 0.6 keeps two, of 0.5 one, of 0 one.
        let logits: [Float] = [-0.693147, -1.203973, -1.609438]
        let two = try shares(SamplingOptions(temperature: 1, topP: 0.6), logits)
        #expect(two[2] == 0 && abs(two[0] - 0.625) < 0.03)
        let one = try shares(SamplingOptions(temperature: 1, topP: 0), logits, draws: 500)
        #expect(one == [1, 0, 0])
    }

    @Test func topPLooksBeyondItsFirstCandidates() throws {
        // 1600 equal tokens: half the mass is 800 of them, more than the first selection.
        let shares = try shares(
            SamplingOptions(temperature: 1, topP: 0.5), [Float](repeating: 2, count: 1600),
            draws: 20)
        #expect(shares[800...].allSatisfy { $0 == 0 })
        #expect(shares[512...].contains { $0 > 0 })
    }

    @Test func minPIsRelativeToTheBest() throws {
        let logits: [Float] = [-0.693147, -1.203973, -1.609438]
        for options in [
            SamplingOptions(temperature: 1, minP: 0.5),
            SamplingOptions(temperature: 1, topK: 3, minP: 0.5),
            SamplingOptions(temperature: 1, topP: 0.999, minP: 0.5),
        ] {
            let shares = try shares(options, logits)
            #expect(shares[2] == 0 && abs(shares[0] - 0.625) < 0.03)
        }
    }

    @Test func sameSeedSameTokens() throws {
        let options = SamplingOptions(temperature: 1, seed: 42)
        var first = try sampler(options)
        var second = try sampler(options)
        var other = try sampler(SamplingOptions(temperature: 1, seed: 43))
        let logits: [Float] = [0, 0, 0, 0, 0, 0, 0, 0]
        let draws = try (0..<64).map { _ in try next(&first, logits) }
        #expect(try (0..<64).map { _ in try next(&second, logits) } == draws)
        #expect(try (0..<64).map { _ in try next(&other, logits) } != draws)
        #expect(Set(draws).count == 8)
    }

    @Test func repetitionPenaltyCountsPromptAndReplyOnce() throws {
        var sampler = try sampler(
            SamplingOptions(repetitionPenalty: 2), vocabulary: 4, prompt: [0, 0, 3, 99, -1])
        // 4/2, -1*2 for the prompt's tokens: token 1 wins, then is halved itself.
        #expect(try next(&sampler, [4, 3, 1, -1]) == 1)
        #expect(try next(&sampler, [4, 3, 1.9, -1]) == 0)
    }

    @Test func presenceAndFrequencyCountOnlyTheReply() throws {
        var presence = try sampler(SamplingOptions(presencePenalty: 1), vocabulary: 3, prompt: [0])
        #expect(try next(&presence, [2, 1.5, 0]) == 0)
        #expect(try next(&presence, [2, 1.5, 0]) == 1)
        #expect(try next(&presence, [2, 1.5, 0]) == 0)
        var frequency = try sampler(SamplingOptions(frequencyPenalty: 0.4), vocabulary: 2)
        #expect(try (0..<4).map { _ in try next(&frequency, [2, 1]) } == [0, 0, 0, 1])
    }

    @Test func biasBansAndCommands() throws {
        var sampler = try sampler(SamplingOptions(logitBias: [0: -100, 2: 100, 50: 1, -3: 1]))
        #expect(try next(&sampler, [30, 20, -30, 0, 0, 0, 0, 0]) == 2)
        var infinite = try self.sampler(SamplingOptions(temperature: 1, logitBias: [4: .infinity]))
        #expect(try next(&infinite, [0, 0, 0, 0, 0, 0, 0, 0]) == 4)
    }

    @Test func logProbabilitiesAreOfTheRawLogits() {
        let logits: [Float] = [-0.693147, -1.203973, -1.609438, -.infinity]
        var scratch = LogProbabilities()
        let scored = logits.withUnsafeBufferPointer { scratch.of(2, logits: $0, top: 2) }
        #expect(abs(scored.chosen.value - -1.609438) < 1e-5)
        #expect(scored.top.map(\.token) == [0, 1])
        #expect(abs(scored.top[0].value - -0.693147) < 1e-5)
        let huge: [Float] = [1e4, 1e4]
        let even = huge.withUnsafeBufferPointer { scratch.of(0, logits: $0, top: 0) }
        #expect(abs(even.chosen.value - -0.693147) < 1e-3 && even.top.isEmpty)
    }
}
