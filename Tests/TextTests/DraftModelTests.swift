import Foundation
import Kernels
import TestSupport
import Testing

@testable import Text

/// Speculative decoding with a second model.
@Suite struct DraftModelTests {
    private static let tokensMax = 48

    private func session(_ name: String, capacity: Int = 128) throws -> Session {
        let compute = try Compute(precision: .fast)
        let folder = try ModelFolder(path: Fixtures.path(name))
        return try Session(
            model: try languageModels.open(folder, on: compute), compute: compute,
            capacity: capacity)
    }

    /// A reply of a model to its golden prompt, said once or more often.
    private func reply(
        _ model: String, draft: Session? = nil, tokens: Int = 4,
        sampling: SamplingOptions = .greedy, endTokens: Set<Int32> = [],
        constraint: TokenConstraint? = nil, repeats: Int = 1
    ) throws -> Generation {
        let prompt = try Golden(model).tokens("prompt")
        var request = GenerateRequest(
            prompt: Prompt((0..<repeats).flatMap { _ in prompt }))
        request.sampling = sampling
        request.tokensMax = Self.tokensMax
        request.draft = draft.map { (session: $0, tokensMax: tokens) }
        request.constraint = constraint
        return try Generate.run(
            request, in: try session(model),
            tokenizer: try Tokenizer(folder: Fixtures.path("qwen3-q4")), endTokens: endTokens)
    }

    @Test(arguments: ["llama3-q4", "qwen3-q4"], [1, 4, 15])
    func aModelConfirmsAllOfItsOwnDrafts(model: String, tokens: Int) throws {
        let plain = try reply(model)
        let drafted = try reply(model, draft: try session(model), tokens: tokens)
        #expect(drafted.tokens == plain.tokens && drafted.stop == plain.stop)
        #expect(drafted.acceptedTokens == drafted.draftedTokens)
        #expect(drafted.draftedTokens > Self.tokensMax * tokens / (tokens + 2) - tokens)
        #expect(plain.draftedTokens == 0)
    }

    @Test(arguments: ["llama3-q4", "gemma3-q4", "qwen3moe-q4"], ["qwen2-q4", "llama3-mxfp4"])
    func anotherModelsDraftsChangeNoGreedyReply(model: String, draft: String) throws {
        let plain = try reply(model)
        let drafted = try reply(model, draft: try session(draft))
        #expect(drafted.tokens == plain.tokens)
        #expect(drafted.draftedTokens > drafted.acceptedTokens)
        // Penalties depend on what was said, not on what was drafted.
        let penalties = SamplingOptions(
            repetitionPenalty: 1.3, presencePenalty: 0.4, frequencyPenalty: 0.3)
        let varied = try reply(model, sampling: penalties)
        let both = try reply(model, draft: try session(draft), sampling: penalties)
        #expect(both.tokens == varied.tokens)
        #expect(Set(varied.tokens) != Set(plain.tokens))
    }

    @Test func aDraftThatEndsOrIsFullIsNoHarm() throws {
        let plain = try reply("llama3-q4")
        let end = try #require(plain.tokens.dropFirst(9).first)
        let ended = try reply("llama3-q4", endTokens: [end])
        let drafted = try reply(
            "llama3-q4", draft: try session("llama3-q4"), tokens: 15, endTokens: [end])
        #expect(drafted.tokens == ended.tokens && drafted.stop == .endOfSequence)
        for repeats in [1, 2] {
            let draft = try session("llama3-q4", capacity: 16)
            let (plain, short) = try (
                reply("llama3-q4", repeats: repeats),
                reply("llama3-q4", draft: draft, repeats: repeats)
            )
            #expect(short.tokens == plain.tokens)
            #expect(draft.capacity < short.promptTokens + short.tokens.count)
            #expect((short.draftedTokens > 0) == (short.promptTokens < draft.capacity))
        }
    }

    @Test func aSampledReplyOfTheSameModelConfirmsEverything() throws {
        let options = SamplingOptions(
            temperature: 1.2, topK: 40, topP: 0.95, seed: 3, repetitionPenalty: 1.1,
            frequencyPenalty: 0.2)
        let drafted = try reply("llama3-q4", draft: try session("llama3-q4"), sampling: options)
        #expect(drafted.draftedTokens == drafted.acceptedTokens && drafted.draftedTokens > 30)
        let again = try reply("llama3-q4", draft: try session("llama3-q4"), sampling: options)
        #expect(again.tokens == drafted.tokens)
    }

    @Test func aSchemaHoldsWithDrafts() throws {
        let tokenizer = try Tokenizer(folder: Fixtures.path("qwen3-q4"))
        let ends: Set<Int32> = [475]
        let trie = try TokenTrie(tokenizer, endTokens: ends)
        let schema = try JSONSchema(
            #"{"type":"array","items":{"type":"integer","maximum":99},"minItems":4,"maxItems":6}"#,
            source: "test")
        func held(_ options: SamplingOptions, _ draft: Session?) throws -> Generation {
            try reply(
                "qwen3-q4", draft: draft, sampling: options, endTokens: ends,
                constraint: TokenConstraint(schema, vocabulary: trie, endTokens: ends))
        }
        let plain = try held(.greedy, nil)
        let drafted = try held(.greedy, try session("qwen3-q4"))
        #expect(drafted.text == plain.text && drafted.draftedTokens > 0)
        for seed: UInt64 in 1...5 {
            let text = try held(
                SamplingOptions(temperature: 1.5, seed: seed), try session("qwen3-q4")
            ).text
            #expect(try JSONValue.parse(text, source: text).asArray?.count ?? 0 >= 4)
        }
    }
}

/// The rule by which a drawn proposal is kept: what comes must be distributed as without it.
@Suite struct AcceptanceTests {
    private static let draws = 40_000
    private static let target: [Float] = [1.2, 0.3, -0.5, 2.0, 0.9, -3, 0.1, 1.9]
    private static let draft: [Float] = [2.0, -1, 0.5, 0.4, 1.1, 1, -2, 1.9]

    private func next(_ sampler: inout Sampler, _ logits: [Float], _ proposal: Proposal?) throws
        -> Int32
    {
        var copy = logits
        return try copy.withUnsafeMutableBufferPointer {
            try sampler.next(logits: $0, proposal: proposal)
        }
    }

    /// Softmax after the options, computed plainly.
    private func expected(_ options: SamplingOptions, counts: [Int] = []) -> [Double] {
        var logits = Self.target.map(Double.init)
        for (index, count) in counts.enumerated() where count > 0 {
            logits[index] -= Double(options.presencePenalty)
            logits[index] -= Double(options.frequencyPenalty) * Double(count)
        }
        let peak = logits.max() ?? 0
        var weights = logits.map { exp(($0 - peak) / Double(options.temperature)) }
        let order = weights.indices.sorted { weights[$0] > weights[$1] }
        if options.topK > 0 { for index in order.dropFirst(options.topK) { weights[index] = 0 } }
        let total = weights.reduce(0, +)
        var mass = 0.0
        for index in order {
            if mass >= Double(options.topP) * total { weights[index] = 0 }
            mass += weights[index]
        }
        for index in order where weights[index] < Double(options.minP) { weights[index] = 0 }
        let sum = weights.reduce(0, +)
        return weights.map { $0 / sum }
    }

    @Test(arguments: [
        SamplingOptions(temperature: 1), SamplingOptions(temperature: 0.6),
        SamplingOptions(temperature: 1.7, topK: 4), SamplingOptions(temperature: 1, topP: 0.8),
        SamplingOptions(temperature: 1, minP: 0.2),
        SamplingOptions(temperature: 1, topK: 6, topP: 0.9, minP: 0.1),
    ])
    func aProposalDoesNotChangeTheDistribution(_ options: SamplingOptions) throws {
        var options = options
        options.seed = 17
        var large = try Sampler(options, vocabularyCount: Self.target.count)
        var small = large.forked
        var counts = [Double](repeating: 0, count: Self.target.count)
        var kept = 0
        for _ in 0..<Self.draws {
            let proposed = try next(&small, Self.draft, nil)
            let chosen = try next(
                &large, Self.target, Proposal(token: proposed, odds: small.odds))
            counts[Int(chosen)] += 1
            if chosen == proposed { kept += 1 }
        }
        let wanted = expected(options)
        var distance = 0.0
        for (count, share) in zip(counts, wanted) {
            let mean = share * Double(Self.draws)
            #expect((count == 0) == (mean == 0))
            if mean > 0 { distance += (count - mean) * (count - mean) / mean }
        }
        // Of chi-square with 7 degrees of freedom, one value in a thousand is above 24.3.
        #expect(distance < 24.3, "\(options): \(distance)")
        // And as many are kept as can be: the mass that both distributions have in common.
        var shared = 0.0
        let drawn = try #require(small.odds)
        for (token, share) in wanted.enumerated() {
            shared += min(share, drawn.share(of: Int32(token)))
        }
        #expect(abs(Double(kept) / Double(Self.draws) - shared) < 0.01)
    }

    @Test func penaltiesCountOnBothSides() throws {
        var options = SamplingOptions(temperature: 1, presencePenalty: 0.8, frequencyPenalty: 0.1)
        var first = [Double](repeating: 0, count: Self.target.count)
        for seed in 0..<Self.draws {
            options.seed = UInt64(seed)
            var large = try Sampler(options, vocabularyCount: Self.target.count)
            large.count(3)
            large.count(3)
            var small = large.forked
            let proposed = try next(&small, Self.draft, nil)
            let proposal = Proposal(token: proposed, odds: small.odds)
            first[Int(try next(&large, Self.target, proposal))] += 1
        }
        let wanted = expected(options, counts: [0, 0, 0, 2])
        for (count, share) in zip(first, wanted) {
            #expect(abs(count / Double(Self.draws) - share) < 0.01)
        }
    }

    @Test func whatHasNoExcessIsDrawnAnyway() throws {
        let odds = TokenOdds(tokens: [4, 7], weights: [1, 3])
        #expect(odds.share(of: 7) == 0.75 && odds.share(of: 5) == 0)
        #expect(odds.excess(over: odds) == nil)
        let rest = try #require(odds.excess(over: TokenOdds(tokens: [7], weights: [2])))
        #expect(rest.share(of: 4) == 1 && rest.token(at: 0.999) == 4)
        let dense = TokenOdds(tokens: [], weights: [0, 0, 0, 0, 1, 0, 0, 1])
        #expect(odds.excess(over: dense)?.share(of: 7) == 1)
        #expect(dense.excess(over: odds)?.share(of: 4) == 1)
        #expect(dense.token(at: 0) == 4 && dense.token(at: 0.5) == 7)
    }
}
