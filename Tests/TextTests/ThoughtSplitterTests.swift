import Kernels
import TestSupport
import Testing

@testable import Text

@Suite struct ThoughtSplitterTests {
    private func split(_ pieces: [String], startsInside: Bool = false) -> (String, String) {
        var splitter = ThoughtSplitter(startsInside: startsInside)
        var (text, thought) = ("", "")
        for piece in pieces.flatMap({ splitter.append($0) }) + splitter.finish() {
            switch piece {
            case .text(let part): text += part
            case .thought(let part): thought += part
            }
        }
        return (text, thought)
    }

    @Test(arguments: [
        ("Hello <b>", false, "Hello <b>", ""),
        ("<think>\nHm.\n</think>\n\nYes.", false, "Yes.", "\nHm.\n"),
        ("\n <think>a</think>b </think> <think>", false, "b </think> <think>", "a"),
        ("Hm.</think>\nYes.", true, "Yes.", "Hm."),
        ("<think></think>", false, "", ""), ("<think>never ends", false, "", "never ends"),
        ("<thin", false, "<thin", ""), ("a < b", true, "", "a < b"), ("", false, "", ""),
    ])
    func thoughtsAndTextPart(
        reply: String, startsInside: Bool, text: String, thought: String
    ) {
        // However the text is cut into pieces.
        for size in 1...9 {
            let characters = Array(reply)
            let pieces = stride(from: 0, to: characters.count, by: size).map {
                String(characters[$0..<min($0 + size, characters.count)])
            }
            #expect(split(pieces, startsInside: startsInside) == (text, thought), "\(size)")
        }
    }

    @Test func textIsNotHeldBackLongerThanNeeded() {
        var splitter = ThoughtSplitter(startsInside: false)
        #expect(splitter.append("<th").isEmpty)
        #expect(splitter.append("e") == [.text("<the")])
        #expect(splitter.append(" <") == [.text(" <")])
        var thinking = ThoughtSplitter(startsInside: true)
        #expect(thinking.append("x </th") == [.thought("x ")])
        #expect(thinking.append("y") == [.thought("</thy")])
    }
}

@Suite struct SamplingChoiceTests {
    private func tokenizer() throws -> Tokenizer {
        try Tokenizer(folder: Fixtures.path("qwen3-q4"))
    }

    @Test func theCheckpointFillsWhatIsOpen() throws {
        let recommended = try SamplingOptions.recommended(by: Fixtures.path("qwen3-q4"))
        #expect(recommended.temperature == 0.6 && recommended.topK == 20)
        #expect(recommended.topP == 0.95)
        let none = try SamplingOptions.recommended(by: Fixtures.path("qwen2-q4"))
        #expect(none == .greedy)
        var choice = SamplingChoice()
        choice.temperature = 0
        let options = try choice.options(defaults: recommended, tokenizer: tokenizer())
        #expect(options.isGreedy && options.topK == 20)
    }

    @Test func biasesAreReadByIdAndText() throws {
        let tokenizer = try tokenizer()
        var choice = SamplingChoice()
        choice.logitBias = ["5=-100", "<|im_end|>=2", "5=1"].compactMap { .init($0) }
        let options = try choice.options(defaults: .greedy, tokenizer: tokenizer)
        let end = try #require(tokenizer.id(of: "<|im_end|>"))
        #expect(options.logitBias == [5: -99, end: 2])
        for text in ["several tokens=1", "999999=1", "-1=1"] {
            choice.logitBias = [try #require(.init(text))]
            #expect(throws: KernelError.self) {
                try choice.options(defaults: .greedy, tokenizer: tokenizer)
            }
        }
        for text in ["=1", "a", "a=b", "a=nan"] {
            #expect(SamplingChoice.Bias(text) == nil, "\(text)")
        }
    }
}
