/// Python's string functions. All work by code point, never by grapheme, because that is what the
/// templates were written and tested with.
enum TemplateText {
    /// The offset of `part` in `text` from `start` on, in bytes.
    static func find(_ part: [UInt8], in text: [UInt8], from start: Int) -> Int? {
        guard part.count <= text.count - start else { return nil }
        guard let first = part.first else { return start }
        for place in start...(text.count - part.count)
        where text[place] == first && text[place..<place + part.count].elementsEqual(part) {
            return place
        }
        return nil
    }

    /// Cuts at every `separator`, at most `countMax` times.
    static func split(_ text: String, _ separator: String, countMax: Int?) throws -> [String] {
        let (bytes, part) = (Array(text.utf8), Array(separator.utf8))
        guard !part.isEmpty else { throw TemplateFailure("split at an empty separator") }
        var pieces: [String] = []
        var start = 0
        while pieces.count < countMax ?? .max, let place = find(part, in: bytes, from: start) {
            pieces.append(String(decoding: bytes[start..<place], as: UTF8.self))
            start = place + part.count
        }
        return pieces + [String(decoding: bytes[start...], as: UTF8.self)]
    }

    /// Cuts at runs of white space, dropping them.
    static func splitSpace(_ text: String, countMax: Int?) -> [String] {
        var pieces: [String] = []
        var rest = text.unicodeScalars[...]
        while true {
            rest = rest.drop { $0.properties.isWhitespace }
            if rest.isEmpty { return pieces }
            if pieces.count == countMax {
                return pieces + [strip(String(rest), nil, left: false, right: true)]
            }
            let word = rest.prefix { !$0.properties.isWhitespace }
            pieces.append(String(word))
            rest = rest[word.endIndex...]
        }
    }

    /// Cuts at line ends, dropping them.
    static func splitLines(_ text: String) -> [String] {
        let ends: Set<Unicode.Scalar> = [
            "\n", "\r", "\u{B}", "\u{C}", "\u{1C}", "\u{1D}", "\u{1E}", "\u{85}", "\u{2028}",
            "\u{2029}",
        ]
        var lines: [String] = []
        var line = String.UnicodeScalarView()
        var previous: Unicode.Scalar?
        for scalar in text.unicodeScalars {
            defer { previous = scalar }
            if scalar == "\n", previous == "\r" { continue }
            if ends.contains(scalar) {
                lines.append(String(line))
                line.removeAll()
            } else {
                line.append(scalar)
            }
        }
        return line.isEmpty ? lines : lines + [String(line)]
    }

    /// Drops white space, or any of the `characters`, from the ends.
    static func strip(_ text: String, _ characters: String?, left: Bool, right: Bool) -> String {
        let set = characters.map { Set($0.unicodeScalars) }
        func drops(_ scalar: Unicode.Scalar) -> Bool {
            set?.contains(scalar) ?? scalar.properties.isWhitespace
        }
        var rest = text.unicodeScalars[...]
        if left { rest = rest.drop(while: drops) }
        while right, let last = rest.last, drops(last) { rest.removeLast() }
        return String(rest)
    }

    /// Replaces `old`, at most `countMax` times from the left.
    static func replace(
        _ text: String, _ old: String, _ new: String, countMax: Int?
    ) throws -> String {
        if let countMax, countMax >= 0 {
            return try replace(text, old, new, pieces: countMax)
        }
        return try replace(text, old, new, pieces: nil)
    }

    private static func replace(
        _ text: String, _ old: String, _ new: String, pieces: Int?
    ) throws -> String {
        guard !old.isEmpty else { throw TemplateFailure("replace of an empty text") }
        return try split(text, old, countMax: pieces).joined(separator: new)
    }

    static func upper(_ text: String) -> String {
        text.unicodeScalars.map(\.properties.uppercaseMapping).joined()
    }

    static func lower(_ text: String) -> String { Normalizer.lowercased(text) }

    /// First character in title case, the others in lower case.
    static func capitalized(_ text: String) -> String {
        guard let first = text.unicodeScalars.first else { return "" }
        return first.properties.titlecaseMapping
            + lower(String(text.unicodeScalars.dropFirst()))
    }

    /// Jinja's title case: a word begins behind white space, a hyphen or an opening bracket.
    static func title(_ text: String) -> String {
        var out = ""
        var beginsWord = true
        for scalar in text.unicodeScalars {
            let mapped =
                beginsWord ? scalar.properties.uppercaseMapping : scalar.properties.lowercaseMapping
            out += mapped
            beginsWord =
                scalar.properties.isWhitespace || "-({[<".unicodeScalars.contains(scalar)
        }
        return out
    }

    static func hasPrefix(_ text: String, _ part: String) -> Bool {
        text.utf8.starts(with: part.utf8)
    }

    static func hasSuffix(_ text: String, _ part: String) -> Bool {
        text.utf8.reversed().starts(with: part.utf8.reversed())
    }
}
