import Foundation
import Testing

@testable import Audio

@Suite struct TranscriptTests {
    private func spoken(_ start: Double, _ end: Double, _ text: String, _ language: String = "")
        -> Transcript.Segment
    {
        Transcript.Segment(start: start, end: end, text: text, language: language, kind: .speech)
    }

    @Test func scriptsWithoutSpacesAreJoinedWithout() {
        let english = Transcript(segments: [spoken(0, 1, "Hello"), spoken(1, 2, "there.")])
        #expect(english.text == "Hello there.")
        let chinese = Transcript(segments: [spoken(0, 1, "你好，"), spoken(1, 2, "世界。")])
        #expect(chinese.text == "你好，世界。")
        let korean = Transcript(segments: [spoken(0, 1, "안녕"), spoken(1, 2, "세계")])
        #expect(korean.text == "안녕 세계")
    }

    @Test func languagesAreMerged() {
        let transcript = Transcript(segments: [
            spoken(0, 1, "a", "English"), spoken(1, 2, "b", "English"), spoken(2, 3, ""),
            spoken(3, 4, "c", "French"), spoken(4, 5, "d", "English"),
        ])
        #expect(transcript.languages == ["English", "French", "English"])
    }

    @Test func paragraphsBreakAtPausesAndFailures() {
        let transcript = Transcript(segments: [
            spoken(0, 4, "We met Mr. Smith. He was"), spoken(4, 6, "late."),
            spoken(9, 10, "Later on."),
            Transcript.Segment(
                start: 10, end: 12, text: "", language: "", kind: .failed(reason: "no memory")),
            spoken(12, 13, "The end."),
        ])
        let paragraphs = transcript.paragraphs
        #expect(
            paragraphs.map(\.text)
                == ["We met Mr. Smith. He was late.", "Later on.", "", "The end."])
        #expect(paragraphs.map(\.failure) == [nil, nil, "no memory", nil])
        #expect(paragraphs[0].start == 0 && paragraphs[0].end == 6)
        #expect(paragraphs[1].start == 9)
    }

    @Test func longTextsBreakAfterSentences() {
        let sentences = (1...15).map { "Sentence number \($0) ends here." }
        let one = Transcript(segments: [spoken(0, 150, sentences.joined(separator: " "))])
        #expect(one.paragraphs.count == 3)
        #expect(one.paragraphs.map(\.text).joined(separator: " ") == one.text)
        #expect(abs(one.paragraphs[1].start - 60) < 3)
        let wide = Transcript(segments: [
            spoken(0, 100, String(repeating: "今天天氣很好。", count: 13))
        ])
        #expect(wide.paragraphs.count == 3)
    }

    @Test func sentences() {
        #expect(Sentences.split("It costs 3.50 today. Yes! \"Really?\" he said.").count == 3)
        #expect(Sentences.split("Dr. J. Doe came.") == ["Dr. J. Doe came."])
        #expect(Sentences.split("真的嗎？」他說。好") == ["真的嗎？」", "他說。", "好"])
        #expect(Sentences.split("  ").isEmpty)
    }

    @Test func survivesCoding() throws {
        let transcript = Transcript(
            segments: [
                spoken(0, 1, "a", "English"),
                Transcript.Segment(
                    start: 1, end: 2, text: "", language: "", kind: .failed(reason: "x")),
            ], duration: 2, damage: "lost")
        let data = try JSONEncoder().encode(transcript)
        #expect(try JSONDecoder().decode(Transcript.self, from: data) == transcript)
    }

    @Test func peaksAboveOneAreScaled() {
        #expect(PCM([0.5, -2]).peakNormalized().samples == [0.25, -1])
        #expect(PCM([0.5, -1]).peakNormalized().samples == [0.5, -1])
        #expect(PCM([0.5]).padded(toSeconds: 0.5).samples.count == 8000)
    }
}
