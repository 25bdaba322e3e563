import Testing
import Text

@Suite struct ErrorRateTests {
    private func counts(_ rate: ErrorRate) -> [Int] {
        [rate.substitutions, rate.deletions, rate.insertions, rate.units]
    }

    @Test func countsEachKindOfError() {
        let same = ErrorRate.words(reference: "The cat sat.", hypothesis: "the cat, sat")
        #expect(counts(same) == [0, 0, 0, 3])
        let wrong = ErrorRate.words(
            reference: "the cat sat on it", hypothesis: "a cat sat it it it")
        #expect(wrong.rate == 3.0 / 5)
        #expect(counts(ErrorRate.words(reference: "a b c", hypothesis: "")) == [0, 3, 0, 3])
        #expect(counts(ErrorRate.words(reference: "", hypothesis: "a b")) == [0, 0, 2, 0])
        #expect(ErrorRate.words(reference: "", hypothesis: "").rate == nil)
    }

    @Test func charactersIgnoreBlanks() {
        let rate = ErrorRate.characters(reference: "ice cream", hypothesis: "icecreams")
        #expect(counts(rate) == [0, 0, 1, 8])
    }

    @Test func writtenFormCountsCaseAndPunctuation() {
        let rate = ErrorRate.writtenWords(reference: "Yes, we can.", hypothesis: "yes we can.")
        #expect(counts(rate) == [1, 0, 0, 3])
    }

    @Test(arguments: [
        ("Don\u{2019}t STOP!", "dont stop"), ("a [noise] b (aside) c", "a b c"),
        ("ＡＢＣ １２", "abc 12"), ("佢哋唔知，hello", "佢 哋 唔 知 hello"), ("[open", ""),
        ("well-known e.g.", "well known e g"), ("  \n", ""),
    ])
    func normalises(text: String, wanted: String) {
        #expect(SpokenForm.normalize(text) == wanted)
    }

    @Test func sumsWeighUnits() {
        let right = ErrorRate.words(reference: "a b c d", hypothesis: "a b c d")
        let wrong = ErrorRate.words(reference: "a", hypothesis: "b")
        #expect((right + wrong).rate == 0.2)
    }
}
