import Audio
import Foundation
import Kernels
import Text

/// How a model is to be opened.
struct OpenOptions: Hashable, Sendable {
    var precision: Precision
    /// Folder for named intermediate tensors.
    var traceFolder: String?
    /// Tokens of a conversation; nil for the default.
    var contextTokens: Int?
    /// How keys and values are stored; nil for what the precision asks for.
    var kvFormat: KVFormat?
}

/// A speech model that is open.
final class OpenTranscriber {
    let transcriber: any Transcriber
    private let trace: Trace?

    fileprivate init(_ folder: ModelFolder, trace: Trace?, precision: Precision) throws {
        self.trace = trace
        let compute = try Compute(precision: precision, trace: trace)
        transcriber = try transcribers.open(folder, on: compute)
    }

    /// - Throws: where a trace was asked for and could not be written.
    func checkTrace() throws { try trace.map(Residency.check) }
}

/// Keeps models open, the least recently used first out, within a budget of bytes.
///
/// Weights are mapped files, so "open" costs page cache that the system may take back; the budget
/// keeps the sum below what the machine has, because pages that are needed every second and taken
/// back every second would make decoding read from disk.
final class Residency {
    /// Share of the machine's memory that open models may take.
    static let memoryShare = 0.7

    private struct Key: Hashable {
        var folder: String
        var options: OpenOptions
        /// What it is open for.
        var kind: ObjectIdentifier
    }

    private struct Resident {
        var model: AnyObject
        var bytes: Int
        var lastUse: Int
    }

    private var residents: [Key: Resident] = [:]
    private var clock = 0
    private let budgetBytes: Int

    init(
        budgetBytes: Int = Int(Double(ProcessInfo.processInfo.physicalMemory) * memoryShare)
    ) {
        self.budgetBytes = budgetBytes
    }

    /// The speech model in a folder, opened if it is not.
    func transcriber(_ model: FoundModel, _ options: OpenOptions) throws -> OpenTranscriber {
        try resident(model, options) { folder, trace in
            try OpenTranscriber(folder, trace: trace, precision: options.precision)
        }
    }

    /// The language model in a folder, opened if it is not.
    func chat(_ model: FoundModel, _ options: OpenOptions) throws -> OpenChat {
        try resident(model, options) { folder, trace in
            try OpenChat(folder, trace: trace, options: options)
        }
    }

    /// The language model in a folder, opened for drafts if it is not.
    func draft(_ model: FoundModel, _ options: OpenOptions) throws -> OpenDraft {
        try resident(model, options) { folder, _ in try OpenDraft(folder, options: options) }
    }

    /// The language model in a folder, opened for scoring if it is not.
    func scorer(_ model: FoundModel, _ options: OpenOptions) throws -> OpenScorer {
        try resident(model, options) { folder, trace in
            try OpenScorer(folder, trace: trace, options: options)
        }
    }

    /// The embedding model in a folder, opened if it is not.
    func embedder(_ model: FoundModel, _ options: OpenOptions) throws -> OpenEmbedder {
        try resident(model, options) { folder, trace in
            try OpenEmbedder(folder, trace: trace, precision: options.precision)
        }
    }

    static func check(_ trace: Trace) throws {
        if let failure = trace.failure { throw CommandError.cannotRun(failure) }
    }

    private func resident<Model: AnyObject>(
        _ model: FoundModel, _ options: OpenOptions, open: (ModelFolder, Trace?) throws -> Model
    ) throws -> Model {
        clock += 1
        let key = Key(
            folder: model.folder, options: options, kind: ObjectIdentifier(Model.self))
        if let known = residents[key], let open = known.model as? Model {
            residents[key]?.lastUse = clock
            return open
        }
        let folder = try ModelFolder(path: model.folder)
        makeRoom(for: folder.byteCount)
        let trace = try options.traceFolder.map { try Trace(directory: $0) }
        let opened = try open(folder, trace)
        residents[key] = Resident(model: opened, bytes: folder.byteCount, lastUse: clock)
        return opened
    }

    /// A model larger than the budget still gets its chance, alone.
    private func makeRoom(for bytes: Int) {
        while residents.values.reduce(bytes, { $0 + $1.bytes }) > budgetBytes,
            let oldest = residents.min(by: { $0.value.lastUse < $1.value.lastUse })
        {
            residents[oldest.key] = nil
        }
    }
}
