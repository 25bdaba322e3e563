import Testing

@testable import Text

@Suite struct StopRuleTests {
    private func rule(stop: [String] = [], max: Int = 100, loops: Bool = false) -> StopRule {
        StopRule(endTokens: [99, 98], tokensMax: max, stopStrings: stop, detectsLoops: loops)
    }

    /// Feeds pieces as tokens 0, 1, 2…; the text shown and the reason.
    private func run(_ rule: StopRule, _ pieces: [String], tail: String = "") -> (
        String, StopReason?
    ) {
        var rule = rule
        var shown = ""
        for (token, piece) in pieces.enumerated() {
            let step = rule.observe(Int32(token), text: piece)
            shown += step.text
            if let stop = step.stop { return (shown + rule.finish(tail: tail), stop) }
        }
        return (shown + rule.finish(tail: tail), nil)
    }

    @Test func endTokensShowNothing() {
        var rule = rule()
        #expect(rule.observe(1, text: "Hi").text == "Hi")
        let step = rule.observe(98, text: "<|end|>")
        #expect(step.text.isEmpty && step.stop == .endOfSequence)
        #expect(rule.tokenCount == 1 && rule.finish().isEmpty)
    }

    @Test func limitStopsAfterTheLastToken() {
        let (text, stop) = run(rule(max: 2), ["a", "b", "c"])
        #expect(text == "ab" && stop == .length)
        #expect(rule(max: 0).isSpent)
    }

    @Test func stopStringsMatchAcrossTokens() {
        let (text, stop) = run(rule(stop: ["END"]), ["one E", "N", "D two"])
        #expect(text == "one " && stop == .stopString("END"))
    }

    @Test func onlyWhatCouldMatchIsHeldBack() {
        var rule = rule(stop: ["\n\n", "Stop"])
        #expect(rule.observe(1, text: "line\n").text == "line")
        #expect(rule.observe(2, text: "next S").text == "\nnext ")
        #expect(rule.observe(3, text: "u").text == "Su")
        #expect(rule.observe(4, text: "Sto").text.isEmpty)
        #expect(rule.finish(tail: "\u{FFFD}") == "Sto\u{FFFD}")
    }

    @Test func heldTextIsNotLostAtTheLimit() {
        let (text, stop) = run(rule(stop: ["###"], max: 2), ["a#", "#"])
        #expect(text == "a##" && stop == .length)
    }

    @Test func overlappingPrefixesAreKept() {
        let (text, stop) = run(rule(stop: ["aab"]), ["a", "a", "a", "b", "c"])
        #expect(text == "a" && stop == .stopString("aab"))
    }

    @Test func emptyStopStringsAreIgnored() {
        let (text, stop) = run(rule(stop: [""]), ["a", "b"])
        #expect(text == "ab" && stop == nil)
    }

    @Test func combiningMarksDoNotHideAMatch() {
        // As characters "e\u{301}" differs from "e", as text the stop string is there.
        let (text, stop) = run(rule(stop: ["e"]), ["x", "e\u{301}"])
        #expect(text == "x" && stop == .stopString("e"))
    }

    @Test func stopStringCountsBeforeTheLimit() {
        #expect(run(rule(stop: ["b"], max: 2), ["a", "b"]).1 == .stopString("b"))
    }

    @Test(arguments: [
        ("the quick brown fox", ["brown", "own f", "zzz"]), ("喺度嘅人唔知", ["嘅人", "人唔"]),
        ("aaaaaabaaab", ["aab", "ab"]), ("no match at all here", ["match at none", "heree"]),
    ])
    func tokenBordersDoNotMatter(text: String, stops: [String]) {
        let scalars = Array(text.unicodeScalars)
        let whole = run(rule(stop: stops), [text])
        for size in 1...5 {
            let pieces = stride(from: 0, to: scalars.count, by: size).map { start in
                String(
                    String.UnicodeScalarView(scalars[start..<min(start + size, scalars.count)]))
            }
            let split = run(rule(stop: stops), pieces)
            #expect(split.0 == whole.0 && split.1 == whole.1, "pieces of \(size)")
        }
    }

    @Test func loopEndsTheReply() {
        var rule = rule(max: 1000, loops: true)
        var stops: [StopReason] = []
        for index in 0..<200 where stops.isEmpty {
            if let stop = rule.observe(Int32(index % 4), text: "x").stop { stops.append(stop) }
        }
        #expect(stops == [.loop(Repetition(periodTokens: 4, repeats: 10))])
        #expect(rule.tokenCount == 40)
    }
}

@Suite struct LoopDetectorTests {
    private func firstLoop(_ tokens: [Int32]) -> Repetition? {
        var detector = LoopDetector()
        for token in tokens {
            if let loop = detector.observe(token) { return loop }
        }
        return nil
    }

    @Test func oneTokenForFortyTimes() {
        #expect(firstLoop([9, 8] + Array(repeating: 5, count: 38)) == nil)
        #expect(
            firstLoop(Array(repeating: 5, count: 60)) == Repetition(periodTokens: 1, repeats: 40))
    }

    @Test(arguments: [2, 3, 7, 19, 20])
    func longerPeriodsAreFound(period: Int) throws {
        let gram = (0..<period).map(Int32.init)
        let loop = try #require(
            firstLoop([50, 51, 52] + Array(repeating: gram, count: 25).flatMap { $0 }))
        #expect(loop.periodTokens == period && loop.repeats >= LoopDetector.repeatsMin)
        #expect(loop.surplusTokens == period * (loop.repeats - 1))
    }

    @Test func speechIsNoLoop() {
        let chorus = Array(repeating: (0..<12).map(Int32.init), count: 6).flatMap { $0 }
        #expect(firstLoop(chorus) == nil)
        #expect(firstLoop(Array(repeating: 3, count: 12)) == nil)
        let longerThanLooked = Array(repeating: (0..<21).map(Int32.init), count: 30)
        #expect(firstLoop(longerThanLooked.flatMap { $0 }) == nil)
    }

    @Test func collapsesCharactersAndPatterns() {
        let collapse = LoopDetector.collapseRepeats
        #expect(collapse(String(repeating: "a", count: 21)) == "a")
        #expect(
            collapse(String(repeating: "a", count: 20)) == String(repeating: "a", count: 20))
        #expect(collapse("hm" + String(repeating: "好", count: 30) + "。") == "hm好。")
        #expect(collapse("So " + String(repeating: "yes ", count: 25) + "end") == "So yes end")
        #expect(collapse(String(repeating: "ab", count: 19)) == String(repeating: "ab", count: 19))
        // Two loops, one behind the other; the rest is looked at again.
        let two = String(repeating: "ab", count: 20) + "--" + String(repeating: "xyz", count: 30)
        #expect(collapse(two) == "ab--xyz")
        #expect(collapse("") == "" && collapse("Nothing to do here.") == "Nothing to do here.")
    }

    @Test func partOfAPatternAfterALoopStays() {
        #expect(LoopDetector.collapseRepeats(String(repeating: "abc", count: 20) + "ab") == "abcab")
    }
}
