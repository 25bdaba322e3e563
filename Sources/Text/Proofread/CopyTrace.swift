/// Follows a reply through the text that it copies with corrections, and tells which tokens would
/// write what the text has next.
///
/// Letters are compared, not tokens: spaces, marks and capitals are the reply's own affair, and a
/// word with another first letter may be cut into other tokens. After a word of its own the reply
/// can be in several places, until the words after it tell: behind the word that was replaced,
/// before it, or further on.
struct CopyTrace: Sendable {
    /// A part of the reply, as far as it matters here.
    struct Part {
        let letters: [UInt8]
        let isBehindSpace: Bool
        /// Whether a word ends before it: it begins with a space or a mark.
        let beginsApart: Bool
        /// Whether a word ends behind it.
        let endsApart: Bool
        /// The mark that it begins with.
        let mark: Character?
        let isEnd: Bool

        /// The end of the reply.
        static let end = Part("", isEnd: true)

        init(_ text: String) { self.init(text, isEnd: false) }

        private init(_ text: String, isEnd: Bool) {
            self.isEnd = isEnd
            mark = text.first.flatMap { CopiedText.marks.contains($0) ? $0 : nil }
            letters = text.copiedLetters
            isBehindSpace = text.unicodeScalars.first?.properties.isWhitespace ?? false
            beginsApart = text.unicodeScalars.first.map(Self.isApart) ?? false
            endsApart = text.unicodeScalars.last.map(Self.isApart) ?? false
        }

        private static func isApart(_ scalar: Unicode.Scalar) -> Bool {
            scalar != "'" && scalar != "’" && !scalar.properties.isAlphabetic
                && scalar.properties.numericType == nil
        }
    }

    private struct Place: Hashable {
        /// Of the text's letters, how many the reply has passed.
        var letter: Int
        /// Inside a word of the reply's own, which is followed to its end.
        var waits = false
    }

    private struct Spelling {
        let isBehindSpace: Bool
        /// Each token of the word, and how many of the word's letters come before it.
        let tokens: [(token: Int32, offset: Int)]
    }

    private static let placesMax = 16
    /// How many words further on the reply is looked for after it left the text.
    private static let windowUnits = 8
    /// Scripts without spaces are cut into tokens by what follows.
    private static let ideographsAhead = 8

    private let text: CopiedText
    private let tokenizer: Tokenizer
    private var places = [Place(letter: 0)]
    private var isAtStart = true
    private var isApart = true
    private var spellings: [Int: [Spelling]] = [:]

    init(_ text: String, tokenizer: Tokenizer) {
        self.text = CopiedText(text)
        self.tokenizer = tokenizer
    }

    /// Whether the place in the text is known.
    var isCertain: Bool { places.count == 1 }

    /// Whether a token that comes next copies the text, or changes no word of it. A mark inside a word
    /// cuts it, and an end before the text's drops what is left.
    mutating func follows(_ part: Part) -> Bool {
        guard part.letters.isEmpty else { return !steps(part).isEmpty }
        if part.isEnd {
            return places.contains { text.ways(from: $0.letter).contains(text.letters.count) }
        }
        guard let mark = part.mark else { return true }
        return places.contains { $0.waits || !isInside($0, withoutMark: mark) }
    }

    /// Whether a token puts a mark between two words where the text, though punctuated, has none.
    func addsMark(_ part: Part) -> Bool {
        part.mark != nil && part.letters.isEmpty && text.isPunctuated
            && places.allSatisfy { !$0.waits && text.isUnmarked($0.letter) }
    }

    /// Whether a token that writes another word may be that of one which sounds alike.
    func soundsAlike(_ part: Part) -> Bool {
        let place = placeAhead
        let index = text.unit(at: place)
        guard text.units.indices.contains(index) else { return false }
        if text.units[index].kind == .ideograph { return true }
        let written = text.letters[text.starts[index]..<place]
        let others = Homophones.alternatives(of: text.units[index].key).map(\.copiedLetters)
        if !written.isEmpty, part.beginsApart || part.isEnd {
            return others.contains { $0[...] == written }
        }
        return !part.letters.isEmpty && others.contains { $0.starts(with: written + part.letters) }
    }

    /// Whether the text's next word is among the most frequent of those that sound like others.
    var isAtFrequentWord: Bool {
        text.ways(from: placeAhead).contains { place in
            let index = text.unit(at: place)
            return text.units.indices.contains(index)
                && Homophones.frequent.contains(text.units[index].key)
        }
    }

    /// The tokens that would write what the text has next.
    mutating func ownTokens() -> Set<Int32> {
        var found: Set<Int32> = []
        for place in text.ways(from: placeAhead) {
            let index = text.unit(at: place)
            guard text.units.indices.contains(index) else { continue }
            let inner = place - text.starts[index]
            let isBehindSpace = !isAtStart && text.isBehindSpace(index)
            for spelling in spelled(index)
            where inner > 0 || spelling.isBehindSpace == isBehindSpace {
                for (token, offset) in spelling.tokens where offset == inner { found.insert(token) }
            }
        }
        return found
    }

    /// Takes the next text of the reply.
    mutating func append(_ part: Part) {
        guard !part.letters.isEmpty else {
            if part.endsApart { isApart = true }
            return
        }
        let next = steps(part)
        places = next.isEmpty ? placesAstray(part) : next
        isAtStart = false
        isApart = part.endsApart
    }

    // MARK: Places

    /// Whether a place is inside a word that has no such mark ("3.5" has).
    private func isInside(_ place: Place, withoutMark mark: Character) -> Bool {
        !text.isStart(place.letter)
            && !text.units[text.unit(at: place.letter)].text.contains(mark)
    }

    /// The likeliest place, behind hesitations.
    private var placeAhead: Int { text.behindHesitations(places[0].letter) }

    private mutating func steps(_ part: Part) -> [Place] {
        var found: [Place] = []
        let beginsWord = isApart || part.beginsApart
        for place in places {
            guard !place.waits || beginsWord else {
                found.append(place)
                continue
            }
            for start in text.ways(from: place.letter) {
                guard let end = end(of: part, from: start) else { continue }
                // Words may be joined, but only whole ones: "didn not" is no "did not".
                guard beginsWord || text.isStart(end) || !text.isStart(start) else { continue }
                found.append(Place(letter: end))
            }
        }
        var seen: Set<Place> = []
        return Array(found.filter { seen.insert($0).inserted }.prefix(Self.placesMax))
    }

    /// Where the reply may be once it has written a word of its own: it stands for the word here,
    /// comes before it, or is one further on.
    private mutating func placesAstray(_ part: Part) -> [Place] {
        let place = placeAhead
        let index = text.unit(at: place)
        let last = text.units.count
        var found = [Place(letter: text.starts[min(index + 1, last)], waits: true)]
        if text.isStart(place) { found.append(Place(letter: place, waits: true)) }
        for ahead in text.units.indices.dropFirst(index + 1).prefix(Self.windowUnits - 1) {
            guard let end = end(of: part, from: text.starts[ahead]) else { continue }
            found.append(Place(letter: end))
        }
        return found
    }

    /// Where letters lead to from a place; nil where the text has others. Words may be joined and
    /// split, but a token that ends inside a word must be one of that word.
    private mutating func end(of part: Part, from start: Int) -> Int? {
        guard text.letters[start...].starts(with: part.letters) else { return nil }
        let end = start + part.letters.count
        if text.isStart(end) { return end }
        let index = text.unit(at: end)
        guard index == text.unit(at: start) else { return nil }
        let inner = end - text.starts[index]
        // "too" may be one token behind a space, and " to" another word, but two without it.
        let isCut = spelled(index).contains { spelling in
            (!text.isStart(start) || spelling.isBehindSpace == part.isBehindSpace)
                && spelling.tokens.contains { $0.offset == inner }
        }
        return isCut ? end : nil
    }

    // MARK: Tokens

    /// A word as it stands and with its first letter changed, behind a space and without.
    private mutating func spelled(_ index: Int) -> [Spelling] {
        if let known = spellings[index] { return known }
        let unit = text.units[index]
        var made: [Spelling] = []
        if unit.kind == .ideograph {
            let run = ideographs(from: index)
            made = [true, false].map { spelling(of: run, isBehindSpace: $0) }
        } else {
            let first = unit.text.prefix(1)
            let rest = unit.text.dropFirst()
            for start in Set([String(first), first.uppercased(), first.lowercased()]) {
                for isBehindSpace in [true, false] {
                    made.append(spelling(of: start + rest, isBehindSpace: isBehindSpace))
                }
            }
        }
        spellings[index] = made
        return made
    }

    /// The ideographs from a unit on that nothing separates.
    private func ideographs(from index: Int) -> String {
        var run = ""
        for unit in text.units[index...].prefix(Self.ideographsAhead) {
            guard unit.kind == .ideograph else { break }
            run += unit.text
            guard unit.after.isEmpty else { break }
        }
        return run
    }

    private func spelling(of word: String, isBehindSpace: Bool) -> Spelling {
        var tokens: [(token: Int32, offset: Int)] = []
        var offset = 0
        var detokenizer = StreamingDetokenizer(tokenizer, skipSpecialTokens: false)
        for token in tokenizer.encode((isBehindSpace ? " " : "") + word, addSpecialTokens: false) {
            let own = String(validating: tokenizer.bytes(of: token), as: UTF8.self)
            // A space of its own is no part of the word; part of a character is.
            let isPart = own.map { !$0.copiedLetters.isEmpty } ?? true
            if isPart, tokens.last?.offset != offset { tokens.append((token, offset)) }
            offset += detokenizer.append(token).copiedLetters.count
        }
        return Spelling(isBehindSpace: isBehindSpace, tokens: tokens)
    }
}
