/// One token of a template.
struct TemplateToken: Equatable {
    enum Kind: Equatable {
        /// Text outside of tags.
        case data
        case variableBegin, variableEnd, blockBegin, blockEnd
        case name, string, integer, float, symbol
        case end
    }

    var kind: Kind
    var text: String
    var line: Int
}

/// Cuts a template into tokens, with the white space rules chat templates are written for:
/// `trim_blocks` (a line end right behind a block or comment is dropped) and `lstrip_blocks`
/// (blanks before a block or comment that begins its line are dropped).
///
/// Source: the Jinja 3.1 documentation, "Whitespace Control", and its behaviour.
struct TemplateLexer {
    private let file: String
    private let text: [Unicode.Scalar]
    private var index = 0
    private var line = 1
    /// The tag before ended in a line end, so what follows begins a line.
    private var atLineStart = true
    private var tokens: [TemplateToken] = []

    private enum Tag { case variable, block, comment }

    static func tokens(_ source: String, file: String) throws -> [TemplateToken] {
        var lexer = TemplateLexer(source, file: file)
        while lexer.index < lexer.text.count { try lexer.dataAndTag() }
        lexer.tokens.append(TemplateToken(kind: .end, text: "", line: lexer.line))
        return lexer.tokens
    }

    private init(_ source: String, file: String) {
        self.file = file
        var text: [Unicode.Scalar] = []
        var previous: Unicode.Scalar = " "
        for scalar in source.unicodeScalars {
            if scalar == "\n", previous == "\r" {
                previous = scalar
                continue
            }
            text.append(scalar == "\r" ? "\n" : scalar)
            previous = scalar
        }
        if text.last == "\n" { text.removeLast() }
        self.text = text
    }

    private func error(_ detail: String, line: Int? = nil) -> TemplateError {
        .syntax(file: file, line: line ?? self.line, detail: detail)
    }

    private func has(_ marker: String, at place: Int) -> Bool {
        var place = place
        for scalar in marker.unicodeScalars {
            guard place < text.count, text[place] == scalar else { return false }
            place += 1
        }
        return true
    }

    private mutating func advance(to place: Int) {
        while index < place {
            if text[index] == "\n" { line += 1 }
            index += 1
        }
    }

    // MARK: text between tags

    private mutating func dataAndTag() throws {
        let start = index
        var open = index
        var tag: Tag?
        while open < text.count, tag == nil {
            if text[open] == "{" {
                tag = has("{{", at: open) ? .variable : has("{%", at: open) ? .block : nil
                if has("{#", at: open) { tag = .comment }
            }
            if tag == nil { open += 1 }
        }
        guard let tag else {
            emitData(start..<text.count)
            advance(to: text.count)
            return
        }
        let sign: Unicode.Scalar = open + 2 < text.count ? text[open + 2] : " "
        var end = open
        if sign == "-" {
            while end > start, text[end - 1].properties.isWhitespace { end -= 1 }
        } else if sign != "+", tag != .variable {
            end = withoutIndent(start, open)
        }
        emitData(start..<end)
        advance(to: open + (sign == "-" || sign == "+" ? 3 : 2))
        switch tag {
        case .comment: try comment()
        case .variable: try inside(.variableBegin, .variableEnd, close: "}}")
        case .block:
            if try !raw() { try inside(.blockBegin, .blockEnd, close: "%}") }
        }
    }

    /// The end of the text before a tag at `open`, less the blanks that begin its line.
    private func withoutIndent(_ start: Int, _ open: Int) -> Int {
        var lineStart = open
        while lineStart > start, text[lineStart - 1] != "\n" { lineStart -= 1 }
        guard lineStart > start || atLineStart else { return open }
        let isBlank = text[lineStart..<open].allSatisfy { $0.properties.isWhitespace }
        return isBlank ? lineStart : open
    }

    private mutating func emitData(_ range: Range<Int>) {
        guard !range.isEmpty else { return }
        let data = String(String.UnicodeScalarView(text[range]))
        tokens.append(TemplateToken(kind: .data, text: data, line: line))
    }

    /// Passes the end of a tag: `-` swallows the white space behind it, a plain end of a block or
    /// comment one line end.
    private mutating func close(_ marker: String, at place: Int, trimsNewline: Bool) {
        var end = place
        var sign: Unicode.Scalar = " "
        if text[end] == "-" || text[end] == "+" {
            sign = text[end]
            end += 1
        }
        end += marker.unicodeScalars.count
        if sign == "-" {
            while end < text.count, text[end].properties.isWhitespace { end += 1 }
        } else if sign != "+", trimsNewline, end < text.count, text[end] == "\n" {
            end += 1
        }
        advance(to: end)
        atLineStart = text[end - 1] == "\n"
    }

    private func closes(_ marker: String, at place: Int) -> Bool {
        if has(marker, at: place) { return true }
        guard place < text.count, text[place] == "-" || text[place] == "+" else { return false }
        return (text[place] == "-" || marker != "}}") && has(marker, at: place + 1)
    }

    private mutating func comment() throws {
        let started = line
        var place = index
        while !closes("#}", at: place) {
            place += 1
            if place >= text.count { throw error("comment without end", line: started) }
        }
        close("#}", at: place, trimsNewline: true)
    }

    /// Handles `{% raw %}…{% endraw %}`, whose content is text; false when another tag begins.
    private mutating func raw() throws -> Bool {
        let began = line
        guard let bodyStart = tagEnd("raw", from: index) else { return false }
        close("%}", at: bodyStart, trimsNewline: false)
        let start = index
        var place = index
        while place < text.count {
            if has("{%", at: place) {
                let signed =
                    place + 2 < text.count && (text[place + 2] == "-" || text[place + 2] == "+")
                if let end = tagEnd("endraw", from: place + (signed ? 3 : 2)) {
                    var dataEnd = place
                    if signed, text[place + 2] == "-" {
                        while dataEnd > start, text[dataEnd - 1].properties.isWhitespace {
                            dataEnd -= 1
                        }
                    } else if !signed {
                        dataEnd = withoutIndent(start, place)
                    }
                    emitData(start..<dataEnd)
                    advance(to: end)
                    close("%}", at: end, trimsNewline: true)
                    return true
                }
            }
            place += 1
        }
        throw error("raw without endraw", line: began)
    }

    /// Where the end marker of a tag with only this `word` stands.
    private func tagEnd(_ word: String, from start: Int) -> Int? {
        var place = start
        while place < text.count, text[place].properties.isWhitespace { place += 1 }
        guard has(word, at: place) else { return nil }
        place += word.unicodeScalars.count
        while place < text.count, text[place].properties.isWhitespace { place += 1 }
        return closes("%}", at: place) ? place : nil
    }

    // MARK: inside of tags

    private static let symbols = [
        "==", "!=", "<=", ">=", "//", "**", "+", "-", "*", "/", "%", "~", "<", ">", "=", "(", ")",
        "[", "]", "{", "}", ".", ",", ":", "|",
    ]

    private mutating func inside(
        _ begin: TemplateToken.Kind, _ end: TemplateToken.Kind, close marker: String
    ) throws {
        let began = line
        tokens.append(TemplateToken(kind: begin, text: "", line: line))
        var brackets: [Unicode.Scalar] = []
        while true {
            while index < text.count, text[index].properties.isWhitespace { advance(to: index + 1) }
            guard index < text.count else { throw error("tag without end", line: began) }
            if brackets.isEmpty, closes(marker, at: index) {
                tokens.append(TemplateToken(kind: end, text: "", line: line))
                close(marker, at: index, trimsNewline: end == .blockEnd)
                return
            }
            let scalar = text[index]
            if scalar == "'" || scalar == "\"" {
                try string(scalar)
            } else if ("0"..."9").contains(scalar) {
                number()
            } else if scalar == "_" || scalar.properties.isXIDStart {
                let start = index
                var end = index
                while end < text.count, text[end].properties.isXIDContinue { end += 1 }
                emit(.name, start..<end)
            } else {
                try symbol(&brackets)
            }
        }
    }

    private mutating func emit(_ kind: TemplateToken.Kind, _ range: Range<Int>) {
        let word = String(String.UnicodeScalarView(text[range]))
        tokens.append(TemplateToken(kind: kind, text: word, line: line))
        advance(to: range.upperBound)
    }

    private mutating func symbol(_ brackets: inout [Unicode.Scalar]) throws {
        let place = index
        guard let symbol = Self.symbols.first(where: { has($0, at: place) }) else {
            throw error("unexpected character '\(text[place])'")
        }
        let partners: [Unicode.Scalar: Unicode.Scalar] = [")": "(", "]": "[", "}": "{"]
        if let partner = partners[text[place]] {
            guard brackets.popLast() == partner else { throw error("unexpected '\(symbol)'") }
        } else if "([{".unicodeScalars.contains(text[place]) {
            brackets.append(text[place])
        }
        emit(.symbol, place..<place + symbol.unicodeScalars.count)
    }

    private mutating func number() {
        let start = index
        var end = index
        func digits() {
            while end < text.count, ("0"..."9").contains(text[end]) || text[end] == "_" { end += 1 }
        }
        func isDigit(_ place: Int) -> Bool {
            place < text.count && ("0"..."9").contains(text[place])
        }
        digits()
        var kind = TemplateToken.Kind.integer
        if end < text.count, text[end] == ".", isDigit(end + 1) {
            kind = .float
            end += 1
            digits()
        }
        if end < text.count, text[end] == "e" || text[end] == "E" {
            let signed = end + 1 < text.count && (text[end + 1] == "-" || text[end + 1] == "+")
            if isDigit(end + (signed ? 2 : 1)) {
                kind = .float
                end += signed ? 2 : 1
                digits()
            }
        }
        emit(kind, start..<end)
    }

    private mutating func string(_ quote: Unicode.Scalar) throws {
        let began = line
        var content = String.UnicodeScalarView()
        var place = index + 1
        while true {
            guard place < text.count else { throw error("string without end", line: began) }
            let scalar = text[place]
            if scalar == quote { break }
            if scalar == "\\" {
                place = try escape(at: place + 1, into: &content)
            } else {
                content.append(scalar)
                place += 1
            }
        }
        tokens.append(TemplateToken(kind: .string, text: String(content), line: began))
        advance(to: place + 1)
    }

    /// Decodes the escape whose letter is at `place`; returns the place behind it. Unknown escapes
    /// keep their backslash, as in Python.
    private func escape(
        at place: Int, into content: inout String.UnicodeScalarView
    ) throws -> Int {
        let plain: [Unicode.Scalar: Unicode.Scalar] = [
            "n": "\n", "t": "\t", "r": "\r", "\\": "\\", "'": "'", "\"": "\"", "a": "\u{7}",
            "b": "\u{8}", "f": "\u{C}", "v": "\u{B}",
        ]
        let digitCounts: [Unicode.Scalar: Int] = ["x": 2, "u": 4, "U": 8]
        guard place < text.count else { throw error("string without end") }
        let letter = text[place]
        if let scalar = plain[letter] {
            content.append(scalar)
            return place + 1
        }
        if letter == "\n" { return place + 1 }
        if let count = digitCounts[letter] {
            let end = place + 1 + count
            let digits = text[min(place + 1, text.count)..<min(end, text.count)]
            let hex = String(String.UnicodeScalarView(digits))
            guard digits.count == count, let value = UInt32(hex, radix: 16),
                let scalar = Unicode.Scalar(value)
            else { throw error("malformed \\\(letter) escape in a string") }
            content.append(scalar)
            return end
        }
        guard !("0"..."9").contains(letter), letter != "N" else {
            throw error("\\\(letter) escapes in strings are not supported")
        }
        content.append("\\")
        content.append(letter)
        return place + 1
    }
}
