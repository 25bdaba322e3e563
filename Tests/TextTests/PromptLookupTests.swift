import Testing

@testable import Text

@Suite struct PromptLookupTests {
    private func draft(_ lookup: inout PromptLookup, limit: Int = .max) -> [Int32] {
        var draft: [Int32] = []
        lookup.draft(into: &draft, limit: limit)
        return draft
    }

    /// Decodes `reply` as the loop does: verified drafts plus one token a pass. Returns the passes.
    private func passes(prompt: [Int32], reply: [Int32], copyStart: Int? = nil) -> Int {
        var lookup = PromptLookup(prompt: prompt, copyStart: copyStart)
        var drafted: [Int32] = []
        var position = 0
        var passes = 0
        while position < reply.count {
            lookup.draft(into: &drafted)
            passes += 1
            var rows = drafted[...]
            while position < reply.count {
                let token = reply[position]
                lookup.append(token)
                position += 1
                guard rows.popFirst() == token else { break }
            }
        }
        return passes
    }

    @Test func nothingKnownNothingDrafted() {
        var lookup = PromptLookup(prompt: [1, 2, 3])
        #expect(draft(&lookup).isEmpty)
        var empty = PromptLookup(prompt: [])
        #expect(draft(&empty).isEmpty)
        empty.append(4)
        #expect(draft(&empty).isEmpty)
    }

    @Test func continuesTheRepeatedNGram() {
        var lookup = PromptLookup(prompt: [1, 2, 3, 4, 5, 6, 7, 8, 9, 2, 3])
        #expect(draft(&lookup) == [4, 5, 6, 7])
        #expect(draft(&lookup, limit: 2) == [4, 5])
    }

    @Test func prefersTheLongerNGramAndThenTheLater() {
        // 3 4 is followed by 70 after 2, by 80 later on.
        var longer = PromptLookup(prompt: [1, 2, 3, 4, 70, 71, 9, 3, 4, 80, 81, 1, 2, 3, 4])
        #expect(draft(&longer).first == 70)
        var later = PromptLookup(prompt: [1, 3, 4, 70, 71, 9, 3, 4, 80, 81, 5, 3, 4])
        #expect(draft(&later).first == 80)
    }

    @Test func draftsGrowWhileAccepted() {
        let text = (100..<200).map(Int32.init)
        var lookup = PromptLookup(prompt: text, copyStart: 0)
        var lengths: [Int] = []
        var position = 0
        for _ in 0..<5 {
            let drafted = draft(&lookup)
            lengths.append(drafted.count)
            #expect(drafted == Array(text[position..<position + drafted.count]))
            for token in text[position...drafted.count + position] { lookup.append(token) }
            position += drafted.count + 1
        }
        #expect(lengths == [4, 8, 15, 15, 15])
    }

    @Test func aCopyTakesFewPasses() {
        let text = (100..<400).map(Int32.init)
        #expect(passes(prompt: [1, 2] + text + [3, 4], reply: text, copyStart: 2) < 25)
    }

    @Test func editsCostLittle() {
        let source = (100..<400).map(Int32.init)
        var reply: [Int32] = []
        for (place, token) in source.enumerated() {
            switch place % 30 {
            case 10: reply += [7, token]  // insertion, as of a comma
            case 20: break  // deletion, as of a filler
            case 29: reply += [1000 + Int32(place)]  // replacement, as of a homophone
            default: reply.append(token)
            }
        }
        let plain = reply.count
        let looked = passes(prompt: [1, 2] + source + [3, 4], reply: reply, copyStart: 2)
        #expect(looked * 3 < plain, "\(looked) passes for \(plain) tokens")
    }

    @Test func aWrongStartIsForgiven() {
        let source = (100..<200).map(Int32.init)
        let reply = [900, 901] + source
        #expect(passes(prompt: source + [3], reply: reply) < 30)
    }

    @Test func failuresPauseDrafting() {
        // The prompt keeps suggesting 50 after 1 2; the reply never says so.
        var lookup = PromptLookup(prompt: [1, 2, 50, 1, 2, 50, 1, 2])
        var drafts = 0
        for step in 0..<60 {
            if !draft(&lookup).isEmpty { drafts += 1 }
            lookup.append(Int32(1000 + step))
            lookup.append(1)
            lookup.append(2)
        }
        #expect(drafts > 0 && drafts < 40)
    }
}
