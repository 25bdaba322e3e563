import Foundation

/// A source file read for checking.
struct SourceFile {
    /// From the package's root: `Sources/Text/Registry.swift`.
    let path: String
    /// As written.
    let lines: [String]
    /// Comments and the insides of strings blanked, so that only code is left.
    let codeLines: [String]

    var isSwift: Bool { path.hasSuffix(".swift") }
    var isTest: Bool { path.hasPrefix("Tests/") }
    /// The folder under `Sources` or `Tests`.
    var target: String { String(path.split(separator: "/")[1]) }

    static let root: String = {
        var parts = #filePath.split(separator: "/")
        parts.removeLast(3)
        return "/" + parts.joined(separator: "/")
    }()

    /// Swift and C files of the package; fixtures are data.
    static let all: [SourceFile] = ["Sources", "Tests"].flatMap { folder in
        let names = FileManager.default.enumerator(atPath: "\(root)/\(folder)")?.allObjects ?? []
        return names.compactMap { $0 as? String }.sorted().compactMap { name -> SourceFile? in
            let suffixes = [".swift", ".c", ".h", ".inc"]
            guard suffixes.contains(where: name.hasSuffix), !name.hasPrefix("Fixtures/") else {
                return nil
            }
            return SourceFile("\(folder)/\(name)")
        }
    }

    private init?(_ path: String) {
        guard let data = FileManager.default.contents(atPath: "\(Self.root)/\(path)") else {
            return nil
        }
        self.init(path: path, text: String(decoding: data, as: UTF8.self))
    }

    init(path: String, text: String) {
        self.path = path
        lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        var blanker = Blanker(text)
        codeLines = blanker.blanked()
            .split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }

    /// Functions with the count of their lines, from the line of the name to the closing brace.
    func functions() -> [(line: Int, lines: Int)] {
        isSwift ? swiftFunctions() : cFunctions()
    }

    private func swiftFunctions() -> [(line: Int, lines: Int)] {
        codeLines.indices.compactMap { index in
            let words = codeLines[index].split { !$0.isLetter && $0 != "_" }
            let isFunction = words.contains {
                ["func", "init", "deinit", "subscript"].contains($0)
            }
            guard isFunction, let end = closingLine(from: index) else { return nil }
            return (index + 1, end - index + 1)
        }
    }

    /// Where the first brace after the start closes; nil for a declaration without a body.
    private func closingLine(from start: Int) -> Int? {
        var depth = 0
        for index in start..<codeLines.count {
            // A protocol's requirement ends before any brace.
            if index > start, depth == 0,
                codeLines[index].trimmingCharacters(in: .whitespaces).isEmpty
            {
                return nil
            }
            for character in codeLines[index] {
                if character == "{" { depth += 1 }
                if character == "}" {
                    depth -= 1
                    if depth == 0 { return index }
                    if depth < 0 { return nil }
                }
            }
        }
        return nil
    }

    /// A brace at the outermost level that follows a closing parenthesis opens a function.
    private func cFunctions() -> [(line: Int, lines: Int)] {
        var found: [(line: Int, lines: Int)] = []
        var depth = 0
        var start: Int?
        var last: Character = " "
        for (index, line) in codeLines.enumerated() {
            for character in line where !character.isWhitespace {
                if character == "{" {
                    if depth == 0, last == ")" { start = index }
                    depth += 1
                } else if character == "}" {
                    depth -= 1
                    if depth == 0, let first = start {
                        found.append((first + 1, index - first + 1))
                        start = nil
                    }
                }
                last = character
            }
        }
        return found
    }
}

/// Blanks comments and strings out of Swift and C, keeping every line where it is.
struct Blanker {
    private let input: [Character]
    private var position = 0
    private var output: [Character] = []

    init(_ text: String) { input = Array(text) }

    mutating func blanked() -> String {
        while position < input.count {
            if starts("//") {
                skip { $0.starts("\n") }
            } else if starts("/*") {
                skip { $0.starts("*/") }
                advance(2)
            } else if starts("\"\"\"") {
                string("\"\"\"")
            } else if starts("\"") {
                string("\"")
            } else if starts("'{'") || starts("'}'") || starts("'\"'") {
                advance(3)
            } else {
                output.append(input[position])
                position += 1
            }
        }
        return String(output)
    }

    private func starts(_ text: String) -> Bool {
        let end = position + text.count
        return end <= input.count && input[position..<end].elementsEqual(text)
    }

    private mutating func advance(_ count: Int) {
        for _ in 0..<count where position < input.count {
            output.append(input[position].isNewline ? "\n" : " ")
            position += 1
        }
    }

    private mutating func skip(until isEnd: (Blanker) -> Bool) {
        while position < input.count, !isEnd(self) { advance(1) }
    }

    private mutating func string(_ quote: String) {
        advance(quote.count)
        while position < input.count, !starts(quote) { advance(starts("\\") ? 2 : 1) }
        advance(quote.count)
    }
}
