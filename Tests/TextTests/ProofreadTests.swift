import Testing

@testable import Text

@Suite struct ProofreadTests {
    /// A model that answers from a table and otherwise repeats the transcript.
    private func fake(_ replies: [String: String]) -> (ProofreadRequest) -> String {
        { replies[$0.transcript] ?? $0.transcript }
    }

    @Test func promptIsTheOneTrainedOn() {
        #expect(
            Proofreader.system
                == "You proofread speech transcripts. Correct words that were misheard as "
                + "homophones, from the context. Keep Cantonese characters such as 嘅, 唔, 咁 and 喺 "
                + "exactly as they are. Complete punctuation and capital letters. Remove fillers "
                + "(um, uh, er, 呃, 嗯) and words repeated by mistake. Change nothing else: do not "
                + "translate, rephrase, shorten, explain or answer; keep every number and name. "
                + "Output only the corrected text.")
        let first = Proofreader.request("hello", after: "")
        #expect(first.user == "Transcript:\nhello")
        #expect(first.sampling.isGreedy && !first.enablesThinking && first.usesPromptLookup)
        let second = Proofreader.request("hello", after: "Before.\n")
        #expect(
            second.user == "Previous text, for context only:\nBefore.\n\nTranscript:\nhello")
    }

    @Test func contextIsTheTail() {
        let words = (1...60).map { "w\($0)" }.joined(separator: "  ")
        #expect(
            Proofreader.contextTail(words) == (21...60).map { "w\($0)" }.joined(separator: " "))
        let chinese = String(repeating: "一二三四五六七八九十", count: 20)
        #expect(Proofreader.contextTail(chinese) == String(chinese.suffix(80)))
        #expect(Proofreader.contextTail(" \n ").isEmpty)
    }

    @Test func budgetGrowsWithTheParagraph() {
        let short = Proofreader.request("a few words", after: "")
        let long = Proofreader.request(String(repeating: "a few words ", count: 30), after: "")
        #expect(short.tokensMax < 64 && long.tokensMax > 180)
        #expect(Proofreader.request("我哋去食飯", after: "").tokensMax >= 32 + 15)
    }

    @Test func paragraphsAreCorrectedWithContext() throws {
        var users: [String] = []
        let result = Proofreader.correct(paragraphs: ["um hello their", "its me", "", "bye"]) {
            users.append($0.user)
            return fake(["um hello their": "Hello there.", "its me": "It's me."])($0)
        }
        #expect(result.paragraphs.map(\.text) == ["Hello there.", "It's me.", "", "bye"])
        #expect(result.isComplete && result.summary.paragraphs == 4)
        #expect(result.summary.paragraphsRejected == 0 && result.summary.fillersRemoved == 1)
        #expect(
            users == [
                "Transcript:\num hello their",
                "Previous text, for context only:\nHello there.\n\nTranscript:\nits me",
                "Previous text, for context only:\nIt's me.\n\nTranscript:\nbye",
            ])
    }

    @Test func refusedProposalsLeaveTheTranscript() {
        let result = Proofreader.correct(
            paragraphs: ["good morning everybody", "we sold 250 units"],
            generate: fake([
                "good morning everybody": "大家早安。", "we sold 250 units": "We sold 250 units.",
            ]))
        #expect(
            result.paragraphs.map(\.text) == ["good morning everybody", "We sold 250 units."])
        #expect(result.paragraphs[0].rejections == [.translated("good morning everybody")])
        #expect(result.paragraphs[1].rejections.isEmpty)
        #expect(result.summary.paragraphsRejected == 1)
        #expect(
            result.summary.description
                == "1 punctuation change, 1 capital changed; 1 of 2 paragraphs kept as transcribed")
    }

    @Test func singleRefusedChangesLeaveTheRest() {
        let result = Proofreader.correct(
            paragraphs: ["呢個係我嘅書", "we met Johnson to day"],
            generate: fake([
                "呢個係我嘅書": "呢個係我的書。", "we met Johnson to day": "We met Jonson today.",
            ]))
        #expect(result.paragraphs.map(\.text) == ["呢個係我嘅書。", "We met Johnson today."])
        #expect(result.paragraphs[0].refusedChanges == [.cantonese("嘅")])
        #expect(result.paragraphs[1].refusedChanges == [.nameLost("Johnson")])
        #expect(result.paragraphs.allSatisfy { $0.rejections.isEmpty })
        #expect(result.summary.changesRefused == 2 && result.summary.paragraphsRejected == 0)
    }

    @Test func refusedRepliesAreAskedForAgainBySentence() {
        var asked: [String] = []
        let heard = "she moved to italy. she moved to greece. i dont no why."
        let replies = fake([
            heard: String(repeating: "She moved to Italy. ", count: 9),
            "she moved to italy.": "She moved to Italy.",
            "she moved to greece.": "She moved to Greece.",
            "i dont no why.": "I don't know why.",
        ])
        let result = Proofreader.correct(paragraphs: [heard]) { request in
            asked.append(request.transcript)
            return replies(request)
        }
        #expect(
            asked == [heard, "she moved to italy.", "she moved to greece.", "i dont no why."])
        #expect(
            result.paragraphs[0].text
                == "She moved to Italy. She moved to Greece. I don't know why.")
        #expect(result.summary.paragraphsRejected == 0 && result.paragraphs[0].pieces.count == 3)
    }

    @Test func cancellationKeepsTheRest() {
        var asked = 0
        let result = Proofreader.correct(
            paragraphs: ["one", "two", "three"],
            generate: {
                asked += 1
                return "O" + $0.transcript.dropFirst()
            }, isCancelled: { asked == 1 })
        #expect(result.paragraphs.map(\.text) == ["One", "two", "three"])
        #expect(!result.isComplete)
    }

    @Test func errorsOfTheModelAreThrown() {
        struct Broken: Error {}
        #expect(throws: Broken.self) {
            try Proofreader.correct(paragraphs: ["a"], generate: { _ in throw Broken() })
        }
    }

    @Test(arguments: [
        ("<think>\nHmm.\n</think>\n\nHello.", "Hello."),
        ("Let me see.\n</think>\n\nHello.", "Hello."),
        ("<think>\n\n</think>\n\nHello.", "Hello."), ("<think>\nI never stop", ""),
        ("Hello. <think>more", "Hello."), ("\"Hello.\"", "Hello."), ("“Hello.”", "Hello."),
        ("```\nHello.\n```", "Hello."), ("```text\nHello.\n```\nDone.", "Hello."),
        ("Here is the corrected text:\n\nHello.", "Hello."),
        ("Sure! Here's the corrected transcript: \"Hello.\"", "Hello."),
        ("Corrected transcript:\n```\nHello.\n```", "Hello."), ("Transcript:\nHello.", "Hello."),
        ("修正後的文字：\n你好。", "你好。"), ("Hello.\n\nNote: I added a full stop.", "Hello."),
        ("  Hello.\n", "Hello."), ("Hello\nthere.", "Hello there."), ("你好\n嗎", "你好嗎"),
        ("Time is 5:30.", "Time is 5:30."),
        ("\"Yes,\" he said, \"no.\"", "\"Yes,\" he said, \"no.\""),
    ])
    func additionsAreTakenOff(reply: String, text: String) {
        #expect(ProofreadReply.cleaned(reply, for: "hello") == text)
    }

    @Test func whatTheSpeakerSaidIsNoAddition() {
        let spoken = "the corrected version is: hello"
        #expect(
            ProofreadReply.cleaned("The corrected version is: hello.", for: spoken)
                == "The corrected version is: hello.")
        #expect(ProofreadReply.cleaned("\"Hi.\"", for: "\"hi\"") == "\"Hi.\"")
        #expect(ProofreadReply.cleaned("a\nb", for: "a\nc") == "a\nb")
    }

    @Test(arguments: [
        "Short.", "", "   ", String(repeating: "word ", count: 450),
        String(repeating: "A sentence of six words is. ", count: 40),
        "Dr. Smith met J. Doe at 3.5 km. \"Really?\" he asked. Yes… "
            + String(repeating: "x, y; ", count: 90),
        String(repeating: "我哋今日去食飯，你去唔去？", count: 30),
        "\n\n lead " + String(repeating: "嘅", count: 333) + " trail \n",
    ])
    func piecesJoinToTheParagraph(paragraph: String) {
        let pieces = ParagraphPieces.cut(paragraph)
        #expect(pieces.map(\.text).joined() == paragraph)
        for piece in pieces {
            #expect(TextUnits(piece.text).units.count <= ParagraphPieces.unitsMax)
        }
        #expect(pieces.last?.endsInsideSentence != true)
        let untouched = Proofreader.correct(paragraphs: [paragraph], generate: \.transcript)
        #expect(untouched.paragraphs.map(\.text) == [paragraph])
    }

    @Test func piecesEndAtSentences() {
        let sentence = "Mr. Brown bought 3.5 kilos of apples from J. Doe today. "
        let pieces = ParagraphPieces.cut(String(repeating: sentence, count: 14))
        #expect(pieces.count == 3)
        #expect(pieces.allSatisfy { $0.text.hasSuffix("today. ") && !$0.endsInsideSentence })
    }

    @Test func cutsInsideSentencesLeaveNoTrace() {
        let words = (0..<150).map { _ in "word" }.enumerated().map { "w\($0.offset)" }
        let raw = words.joined(separator: " ")
        let result = Proofreader.correct(
            paragraphs: [raw],
            generate: { "W" + $0.transcript.dropFirst() + "." })
        #expect(result.paragraphs[0].pieces.count == 2)
        #expect(result.paragraphs[0].text == "W" + raw.dropFirst() + ".")
    }

    @Test func mixedTranscriptSurvivesAHelpfulModel() {
        // A model that "improves" everything: whatever it says, the numbers and 嘅 are still there.
        let raw = ["我哋嘅 budget 係 5000 蚊", "um the the meeting is at 10 30"]
        let result = Proofreader.correct(
            paragraphs: raw,
            generate: fake([
                raw[0]: "我們的預算是五千元。", raw[1]: "The meeting is at 10:30.",
            ]))
        #expect(result.paragraphs.map(\.text) == [raw[0], "The meeting is at 10:30."])
    }
}
