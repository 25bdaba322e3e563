import Foundation

/// What a `transcribe` command line means. Everything that can be wrong is said here, in
/// milliseconds, before a model is opened.
struct TranscribePlan: Sendable {
    /// One recording and where its outputs go.
    struct Input: Equatable, Sendable {
        /// The path as the user would write it; `-` is stdin.
        var path: String
        /// Folder of the outputs.
        var folder: String
        /// Name of the outputs without ending.
        var stem: String

        /// The path as messages show it.
        var label: String { path == "-" ? "stdin" : path }
    }

    enum Output: Equatable, Sendable {
        /// Text as segments become ready.
        case text
        /// One rendering on stdout when all is done.
        case rendered(TranscriptFormat)
        /// Files.
        case files([TranscriptFormat])
    }

    var inputs: [Input]
    var output: Output
    /// A JSON line on stdout for each input, beside the files.
    var reportsJSON: Bool
    var model: FoundModel
    var proofreader: FoundModel?
    var language: String?
    var context: String?
    var traceFolder: String?
    /// Where reference texts lie; nil where nobody wants to know.
    var scoring: Scoring?
    /// Exact arithmetic gives other texts.
    var isPrecise: Bool
    /// The folder whose manifest makes the run resumable; nil where nothing is remembered.
    var manifestFolder: String?

    init(_ flags: Transcribe, models: ModelChoice) throws {
        let formats = try Self.formats(flags.outputFormat)
        let isSingle = flags.inputs.count == 1 && !Self.isFolder(flags.inputs[0])
        if flags.proofreadModel != nil, !flags.proofread {
            throw CommandError.usage("--proofread-model needs --proofread")
        }
        if isSingle, flags.outputDir == nil {
            output = try Self.stdoutForm(formats, json: flags.json)
            reportsJSON = false
        } else {
            output = .files(formats ?? [.txt])
            reportsJSON = flags.json
        }
        let folder = flags.outputDir ?? "."
        inputs = try Self.collect(flags.inputs, recursive: flags.recursive, into: folder)
        guard !inputs.isEmpty else {
            throw CommandError.cannotRun(
                "\(flags.inputs.joined(separator: ", ")): no recordings there"
                    + (flags.recursive ? "" : " (folders below are read with --recursive)"))
        }
        if case .files = output {
            let files = PosixFileSystem()
            for folder in Set(inputs.map(\.folder)) { try files.makeDirectory(folder) }
            manifestFolder = flags.outputDir
        }
        language = flags.language
        context = flags.prompt
        traceFolder = flags.trace
        isPrecise = flags.common.precise
        if let reference = flags.reference {
            guard Self.isFolder(reference) else {
                throw CommandError.cannotRun("\(reference): no such folder of reference texts")
            }
            scoring = Scoring(folder: reference)
        }
        model = try models.find(flags.model, for: .transcribe)
        proofreader =
            flags.proofread ? try models.find(flags.proofreadModel, for: .proofread) : nil
    }

    /// What the outputs depend on beside the recording's content.
    var fingerprint: String {
        let formats =
            if case .files(let formats) = output { formats.map(\.rawValue) } else { [String]() }
        return [
            model.edition, proofreader?.edition ?? "", language ?? "", context ?? "",
            formats.joined(separator: ","), isPrecise ? "precise" : "",
        ].joined(separator: "\u{1F}")
    }

    /// `txt,srt`, `all`; nil where nothing was asked for.
    static func formats(_ list: String?) throws -> [TranscriptFormat]? {
        guard let list else { return nil }
        let names = list.split(separator: ",").map {
            $0.trimmingCharacters(in: .whitespaces).lowercased()
        }
        if names.contains("all") { return TranscriptFormat.allCases }
        var formats: [TranscriptFormat] = []
        for name in names {
            guard let format = TranscriptFormat(rawValue: name) else {
                let known = (TranscriptFormat.allCases.map(\.rawValue) + ["all"])
                throw CommandError.usage(
                    "unknown output format \"\(name)\", want \(known.joined(separator: ", "))")
            }
            if !formats.contains(format) { formats.append(format) }
        }
        guard !formats.isEmpty else { throw CommandError.usage("-f names no format") }
        return formats
    }

    private static func stdoutForm(_ formats: [TranscriptFormat]?, json: Bool) throws -> Output {
        if json {
            guard formats == nil || formats == [.json] else {
                throw CommandError.usage("--json and -f exclude each other without -o")
            }
            return .rendered(.json)
        }
        guard let formats else { return .text }
        guard formats.count == 1 else {
            throw CommandError.usage("several formats need a folder: -o DIR")
        }
        return formats[0] == .txt ? .text : .rendered(formats[0])
    }

    private static func collect(
        _ arguments: [String], recursive: Bool, into folder: String
    ) throws -> [Input] {
        let files = PosixFileSystem()
        var found: [(path: String, folder: String)] = []
        for argument in arguments {
            if argument == "-" {
                found.append(("-", folder))
            } else if isFolder(argument) {
                found += try walk(argument, recursive: recursive, into: folder, files)
            } else if FileManager.default.fileExists(atPath: argument) {
                found.append((argument, folder))
            } else {
                throw CommandError.cannotRun("\(argument): no such file or folder")
            }
        }
        return named(found)
    }

    private static func walk(
        _ folder: String, recursive: Bool, into output: String, _ files: PosixFileSystem
    ) throws -> [(path: String, folder: String)] {
        var found: [(path: String, folder: String)] = []
        for name in try files.names(in: folder) where WatchRules.verdict(name) == .candidate {
            let path = Path.join(folder, name)
            if !isFolder(path) {
                if FileManager.default.fileExists(atPath: path) { found.append((path, output)) }
            } else if recursive, try files.status(path)?.kind == .directory {
                found += try walk(
                    path, recursive: true, into: Path.join(output, name), files)
            }
        }
        return found
    }

    /// `talk.mp3` gives `talk.txt`; where `talk.wav` is there too, both keep their whole names.
    private static func named(_ found: [(path: String, folder: String)]) -> [Input] {
        func key(_ item: (path: String, folder: String)) -> String {
            Path.join(item.folder, stem(item.path))
        }
        let counts = Dictionary(grouping: found, by: key).mapValues(\.count)
        return found.map { item in
            let isClear = counts[key(item)] == 1
            return Input(
                path: item.path, folder: item.folder,
                stem: isClear ? stem(item.path) : Path.name(of: item.path))
        }
    }

    private static func stem(_ path: String) -> String {
        path == "-" ? "stdin" : Path.split(Path.name(of: path)).stem
    }

    private static func isFolder(_ path: String) -> Bool {
        var isFolder: ObjCBool = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
            && isFolder.boolValue
    }
}
