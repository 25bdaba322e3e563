import Kernels
import TestSupport
import Testing

@testable import Text

/// What a copy of a text may say, with nano-lm's tokenizer.
@Suite struct FidelityTests {
    private static let folder = "\(Fixtures.folder)/../../Models/nano-lm"
    private static let margins = Fidelity.Margins(alike: 1, frequent: 4, other: 8, mark: 2)

    private let tokenizer: Tokenizer

    init() throws { tokenizer = try Tokenizer(folder: Self.folder) }

    private func first(_ text: String) throws -> Int32 {
        try #require(tokenizer.encode(text, addSpecialTokens: false).first)
    }

    /// By how much the first token of `own` is raised where that of `best` would come next in a
    /// reply that begins with `reply`.
    private func raised(
        _ text: String, reply: String, best: String, own: String
    ) throws -> Float {
        var fidelity = Fidelity(to: text, tokenizer: tokenizer, margins: Self.margins)
        var detokenizer = StreamingDetokenizer(tokenizer, skipSpecialTokens: true)
        for token in tokenizer.encode(reply, addSpecialTokens: false) {
            fidelity.append(detokenizer.append(token))
        }
        var logits = [Float](repeating: 0, count: tokenizer.vocabularySize)
        logits[Int(try first(best))] = 20
        logits.withUnsafeMutableBufferPointer { fidelity.favourText(in: $0) }
        return logits[Int(try first(own))]
    }

    /// One that sounds like a frequent word needs more than one that sounds like another.
    @Test func anotherWordNeedsMoreThanOneThatSoundsAlike() throws {
        let text = "we made it of drift wood last year"
        #expect(try raised(text, reply: "We made", best: " that", own: " it") == 8)
        #expect(try raised(text, reply: "We made it of drift", best: " would", own: " wood") == 1)
        #expect(try raised(text, reply: "We made it", best: " off", own: " of") == 4)
        #expect(try raised(text, reply: "We made it", best: " of", own: " of") == 20)
    }

    @Test func aWordLeftOutOrCutShortIsAnother() throws {
        #expect(try raised("he did not come", reply: "He", best: " not", own: " did") == 8)
        #expect(try raised("he did not come", reply: "He did", best: "n", own: " not") == 8)
        #expect(try raised("turned off the light", reply: "Turned", best: " of", own: " off") == 4)
        #expect(try raised("it is too small", reply: "It is", best: " to", own: " too") == 4)
        #expect(try raised("well-known words", reply: "Well-", best: "no", own: "known") == 8)
        #expect(try raised("a wooden box", reply: "A wood", best: " box", own: "en") == 8)
    }

    @Test func marksCapitalsAndSpacesAreFree() throws {
        let text = "so we met every one there was a lot to say"
        for (reply, best) in [
            ("", "So"), ("So we met", ","), ("So we met", "."), ("So we met every one.", " There"),
            ("So we met every", "one"), ("So we met every one. There was a", " lot"),
        ] {
            var fidelity = Fidelity(to: text, tokenizer: tokenizer, margins: Self.margins)
            fidelity.append(reply)
            var logits = [Float](repeating: 0, count: tokenizer.vocabularySize)
            logits[Int(try first(best))] = 20
            let before = logits
            logits.withUnsafeMutableBufferPointer { fidelity.favourText(in: $0) }
            #expect(logits == before, "\(reply)|\(best)")
        }
    }

    @Test func marksInsideWordsAndEarlyEndsAreNotFree() throws {
        let end = "<|im_end|>"
        #expect(try raised("a wooden box", reply: "A wood", best: ".", own: "en") == 8)
        #expect(try raised("a wooden box", reply: "A wood", best: " ", own: "en") == 0)
        #expect(try raised("it is too small", reply: "It is", best: ".", own: " too") == 0)
        #expect(try raised("it costs 3.5 now", reply: "It costs 3", best: ".", own: "5") == 0)
        #expect(try raised("he did not come", reply: "He did not", best: end, own: " come") == 8)
        #expect(try raised("he did not come", reply: "He did not.", best: end, own: " come") == 8)
        #expect(try raised("a wooden box", reply: "A wood", best: end, own: "en") == 8)
        for text in ["he came home", "he came home um", "he came home home uh"] {
            #expect(try raised(text, reply: "He came home.", best: end, own: " um") == 0, "\(text)")
            #expect(try raised(text, reply: "He came home.", best: end, own: " home") == 0)
        }
    }

    /// Only between words, and only where the text shows that it would have one.
    @Test func marksThatAPunctuatedTextLacksAreNotFree() throws {
        let text = "She has a dog, and we met Mr. Hill in May"
        #expect(try raised(text, reply: "She", best: ",", own: " has") == 2)
        #expect(try raised(text, reply: "She has a", best: ".", own: " dog") == 2)
        #expect(try raised(text, reply: "She has a dog", best: ".", own: " and") == 0)
        #expect(try raised(text, reply: "She has a dog, and we met Mr", best: ",", own: " H") == 0)
        #expect(try raised(text, reply: text, best: ".", own: " May") == 0)
        #expect(try raised(text, reply: "", best: ".", own: "She") == 0)
        for bare in ["she has a dog and we met in May", "she has a dog and we met, in may"] {
            #expect(try raised(bare, reply: "She has a dog", best: ",", own: " and") == 0)
        }
    }

    @Test func hesitationsAndRepetitionsMayGo() throws {
        let text = "um so the the dog you know uh ran of the lead"
        for (reply, best) in [
            ("", "So"), ("So the", " dog"), ("So the dog", " ran"),
            ("So the dog, you know,", " ran"),
        ] {
            #expect(try raised(text, reply: reply, best: best, own: best) == 20, "\(reply)|\(best)")
            #expect(try raised(text, reply: reply, best: best, own: " um") == 0)
        }
        // Instead of what comes behind them another word is one all the same.
        #expect(try raised(text, reply: "", best: "He", own: "So") == 8)
        #expect(try raised(text, reply: "So the dog, you know,", best: " sat", own: " ran") == 8)
    }

    @Test func theWayBackIsFound() throws {
        let text = "it was made by hand in an old house"
        // A word replaced, one added, some left out.
        for reply in ["It was grown by", "It was not made by", "It made by", "Made by"] {
            #expect(try raised(text, reply: reply, best: " nature", own: " hand") == 8, "\(reply)")
            #expect(try raised(text, reply: reply, best: " hand", own: " hand") == 20, "\(reply)")
        }
        // Until then it is not certain which word is the text's next.
        #expect(try raised(text, reply: "It was grown", best: " up", own: " by") == 1)
        #expect(try raised(text, reply: text, best: " again", own: " house") == 0)
    }

    @Test func scriptsWithoutSpacesAreFollowed() throws {
        let text = "今天我們去公園"
        // A character is several tokens here: what is only a part of one is not judged.
        #expect(try raised(text, reply: "今天我們", best: "他", own: "去") == 0)
        #expect(try raised(text, reply: "今天我們", best: " house", own: "去") == 1)
        var fidelity = Fidelity(to: "", tokenizer: tokenizer, margins: Self.margins)
        fidelity.append("no text at all")
        var logits = [Float](repeating: -.infinity, count: tokenizer.vocabularySize)
        logits.withUnsafeMutableBufferPointer { fidelity.favourText(in: $0) }
        #expect(logits.allSatisfy { $0 == -.infinity })
    }

    @Test func aModelsOwnMarginsAreRead() throws {
        let folder = try ModelFolder(path: Self.folder)
        #expect(
            try folder.read { try Fidelity.Margins(config: $0) }
                == Fidelity.Margins(alike: 0, frequent: 2.5, other: 20, mark: 1.5))
        let other = try ModelFolder(path: Fixtures.path("qwen3-q4"))
        #expect(try other.read { try Fidelity.Margins(config: $0) } == .standard)
    }

    private func correction(
        of text: String, drafts: Bool, margins: Fidelity.Margins?
    ) throws -> Generation {
        let compute = try Compute(precision: .exact)
        let model = try languageModels.open(try ModelFolder(path: Self.folder), on: compute)
        let question = Proofreader.request(text, after: "")
        let prompt =
            "<|im_start|>system\n\(question.system)<|im_end|>\n<|im_start|>user\n\(question.user)"
            + "<|im_end|>\n<|im_start|>assistant\n"
        var request = GenerateRequest(
            prompt: Prompt(tokenizer.encode(prompt, addSpecialTokens: false)))
        request.promptLookup = (isOn: drafts, copyStart: nil)
        request.tokensMax = question.tokensMax
        request.fidelity = margins.map {
            Fidelity(to: text, tokenizer: tokenizer, margins: $0)
        }
        return try Generate.run(
            request, in: try Session(model: model, compute: compute, capacity: 512),
            tokenizer: tokenizer, endTokens: [4091, 4093])
    }

    @Test func draftsDoNotChangeTheText() throws {
        let text = "so their house is over they're um and the the drift wood was near the sure"
        let firm = Fidelity.Margins(alike: 60, frequent: 60, other: 60, mark: 60)
        for margins in [nil, Self.margins, firm] {
            let plain = try correction(of: text, drafts: false, margins: margins)
            let drafted = try correction(of: text, drafts: true, margins: margins)
            #expect(drafted.tokens == plain.tokens && drafted.acceptedTokens > 0)
        }
        // Held firmly, only what costs nothing is corrected.
        let held = try correction(of: text, drafts: true, margins: firm).text
        let words = held.lowercased().filter { $0.isLetter || $0 == " " || $0 == "'" }
        let kept = "so their house is over they're and the drift wood was near the sure"
        #expect(words == kept)
    }
}
