import Foundation
import Kernels

/// A text to be embedded, or why it could not be read.
struct TextItem: Sendable {
    /// A path, or a place in a file: `notes.csv:12`; nil for arguments.
    var place: String?
    var text: String
    /// Set where there is no text.
    var failure: String?
}

/// Where texts come from, one behind the other and never all at once.
struct TextItems {
    /// How a file becomes texts.
    enum Form: Equatable, Sendable {
        /// A text a file.
        case whole
        /// A text a line.
        case lines
        /// The member of this name of a JSON object a line.
        case jsonLines(field: String)
        /// The column of this name.
        case table(field: String)
    }

    /// Files of a folder that count unless patterns are given.
    static let patternsDefault = ["*.txt", "*.md", "*.markdown", "*.rst", "*.org", "*.tex"]

    private var remaining: [() throws -> (() throws -> TextItem?)]
    private var current: (() throws -> TextItem?)?

    /// The texts themselves.
    init(texts: [String]) {
        remaining = texts.map { text in { Self.single(TextItem(place: nil, text: text)) } }
    }

    /// What stdin brings.
    init(standardInput form: Form) {
        remaining = [{ try Self.reader(nil, form) }]
    }

    /// Files, and the files in folders that match one of `patterns`.
    ///
    /// - Throws: `FileError` for a path that is not there and a folder that cannot be listed.
    init(paths: [String], patterns: [String], form: Form) throws {
        let files = try paths.flatMap { try Self.files(at: $0, matching: patterns) }
        remaining = files.map { path in { try Self.reader(path, form) } }
    }

    /// The next text; nil behind the last.
    mutating func next() throws -> TextItem? {
        while true {
            if let item = try current?() { return item }
            guard !remaining.isEmpty else { return nil }
            current = try remaining.removeFirst()()
        }
    }

    /// The file itself, or all files below the folder, in order of name; hidden ones are passed
    /// over, links to folders are not followed.
    static func files(at path: String, matching patterns: [String]) throws -> [String] {
        let files = PosixFileSystem()
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
            throw FileError(operation: "open", path: path, code: ENOENT)
        }
        guard isFolder.boolValue else { return [path] }
        return try files.names(in: path).flatMap { name -> [String] in
            guard !name.hasPrefix(".") else { return [] }
            let below = Path.join(path, name)
            switch try files.status(below)?.kind {
            case .directory: return try Self.files(at: below, matching: patterns)
            case nil: return []
            default:
                // A link counts as what it points to, unless that is a folder.
                var isFolder: ObjCBool = false
                _ = FileManager.default.fileExists(atPath: below, isDirectory: &isFolder)
                let matches = patterns.contains { fnmatch($0, name, 0) == 0 }
                return matches && !isFolder.boolValue ? [below] : []
            }
        }
    }

    /// A file's text, or why it cannot be read.
    static func whole(_ path: String) -> TextItem {
        func failed(_ reason: String) -> TextItem {
            TextItem(place: path, text: "", failure: reason)
        }
        do {
            let size = try PosixFileSystem().status(path)?.sizeBytes ?? 0
            guard size <= TextInput.bytesMax else {
                return failed("more than \(TextInput.bytesMax >> 20) MiB of text")
            }
        } catch { return failed("\(error)") }
        guard let data = FileManager.default.contents(atPath: path) else {
            return failed("cannot be read")
        }
        guard let text = String(data: data, encoding: .utf8) else {
            return failed("not UTF-8 text")
        }
        return TextItem(place: path, text: text)
    }

    private static func single(_ item: TextItem) -> () -> TextItem? {
        var item: TextItem? = item
        return {
            defer { item = nil }
            return item
        }
    }

    private static func reader(_ path: String?, _ form: Form) throws -> () throws -> TextItem? {
        switch form {
        case .whole:
            guard let path else {
                return single(TextItem(place: "stdin", text: try TextInput.standardInput()))
            }
            return single(whole(path))
        case .lines:
            return try lines(path) { text, _ in (text, nil) }
        case .jsonLines(let field):
            return try lines(path) { text, place in
                do {
                    return (try JSONValue.parse(text, source: place).string(field), nil)
                } catch { return ("", "\(error)") }
            }
        case .table(let field):
            return try table(path, field)
        }
    }

    private static func lines(
        _ path: String?, _ read: @escaping (String, String) -> (text: String, failure: String?)
    ) throws -> () throws -> TextItem? {
        let source = try ByteLines(path)
        var number = 0
        return {
            guard let bytes = try source.line() else { return nil }
            number += 1
            let place = "\(source.label):\(number)"
            guard let line = String(validating: bytes, as: UTF8.self) else {
                return TextItem(place: place, text: "", failure: "not UTF-8 text")
            }
            let (text, failure) = read(line, place)
            return TextItem(place: place, text: text, failure: failure)
        }
    }

    private static func table(_ path: String?, _ field: String) throws -> () throws -> TextItem? {
        let source = try ByteLines(path)
        let reader = CSVReader(source)
        let header = (try reader.row() ?? []).map { String(decoding: $0, as: UTF8.self) }
        // The mark that some spreadsheets put in front of UTF-8.
        let names = header.map { $0.hasPrefix("\u{FEFF}") ? String($0.dropFirst()) : $0 }
        guard let column = names.firstIndex(of: field) else {
            throw CommandError.cannotRun(
                "\(source.label): no column \"\(field)\"; its columns: "
                    + names.joined(separator: ", "))
        }
        return {
            let start = reader.line
            guard let row = try reader.row() else { return nil }
            let place = "\(source.label):\(start)"
            guard row.count == names.count else {
                return TextItem(
                    place: place, text: "",
                    failure: "\(row.count) fields, want the \(names.count) of the header")
            }
            guard let text = String(validating: row[column], as: UTF8.self) else {
                return TextItem(place: place, text: "", failure: "not UTF-8 text")
            }
            return TextItem(place: place, text: text)
        }
    }
}
