import Foundation
import Text

/// Brings an index up to date with files and folders: what is new or changed is embedded, what is
/// gone is removed, the rest is left alone.
struct IndexRun {
    /// Documents and bytes that are embedded together.
    private static let groupDocumentsMax = 64
    private static let groupBytesMax = 256 << 10

    let model: FoundModel
    let door: any JobDoor
    let terminal: Terminal
    let indexPath: String
    let paths: [String]
    let patterns: [String]
    let form: TextItems.Form
    /// Nil for what the index has, or the default.
    let dimensions: Int?
    let chunks: ChunkSizes
    let json: Bool

    private struct Report: Encodable {
        var index: String
        var documents: Int
        var chunks: Int
        var added = 0
        var changed = 0
        var unchanged = 0
        var removed = 0
        var failed = 0
        var seconds: Double
    }

    private struct Document {
        var path: String
        var root: String
        var hash: String
        var text: String
        var isNew: Bool
    }

    /// What a run works with.
    private struct Work {
        var job: EmbedJob
        var index: VectorIndex
        var cancellation: Cancellation
        var report = Report(index: "", documents: 0, chunks: 0, seconds: 0)
        var waiting: [Document] = []
        var waitingBytes = 0
    }

    func run() async throws {
        let cancellation = Cancellation()
        let interrupts = Interrupts { _ in cancellation.request() }
        defer { withExtendedLifetime(interrupts) {} }
        defer { terminal.wipeProgress() }
        let start = ContinuousClock.now
        var work = try await open(cancellation)
        for path in paths { try await update(Path.absolute(path), &work) }
        let counts = try work.index.counts()
        work.report.index = indexPath
        (work.report.documents, work.report.chunks) = counts
        work.report.seconds = (ContinuousClock.now - start).seconds
        try show(work.report)
        if work.report.failed > 0 { throw ExitStatus.partial }
    }

    /// Opens model and index, and checks that the one made the other.
    private func open(_ cancellation: Cancellation) async throws -> Work {
        let known = try VectorIndex.settings(at: indexPath)
        var job = EmbedJob(model: model, texts: [], prompt: .firstNamed(["document", "passage"]))
        job.normalizes = true
        job.dimensions = dimensions ?? known?.dimensions
        job.chunks = ChunkSizes(
            tokensMax: chunks.tokensMax ?? known?.chunkTokens,
            overlapTokens: chunks.overlapTokens ?? known?.overlapTokens)
        let facts = try await door.embed(job, texts: [], cancellation: cancellation).facts
        let settings = IndexSettings(
            model: model.name, folder: model.folder,
            fingerprint: try ModelFingerprint.of(model.folder), dimensions: facts.dimensions,
            prompt: facts.prompt, chunkTokens: facts.chunkTokens ?? 0,
            overlapTokens: facts.overlapTokens ?? 0)
        if let known {
            try Self.check(known, against: settings, indexPath)
        }
        return Work(
            job: job, index: try VectorIndex(indexPath, for: settings), cancellation: cancellation)
    }

    private static func check(
        _ known: IndexSettings, against wanted: IndexSettings, _ path: String
    ) throws {
        func differs(_ what: String, _ found: String, _ wanted: String) -> CommandError {
            .cannotRun(
                "\(path): made with \(what) \(found), now \(wanted); give the same, or index into "
                    + "another file")
        }
        guard known.fingerprint == wanted.fingerprint else {
            throw differs("the model", known.model, "\(wanted.model) with other weights")
        }
        guard known.prompt == wanted.prompt else {
            throw differs(
                "the prompt", known.prompt.debugDescription, wanted.prompt.debugDescription)
        }
        let sizes = [
            ("--dimensions", known.dimensions, wanted.dimensions),
            ("--chunk-tokens", known.chunkTokens, wanted.chunkTokens),
            ("--overlap-tokens", known.overlapTokens, wanted.overlapTokens),
        ]
        for (name, found, wanted) in sizes where found != wanted {
            throw differs(name, "\(found)", "\(wanted)")
        }
    }

    private func update(_ root: String, _ work: inout Work) async throws {
        let known = try work.index.documents(under: root)
        var seen = Set<String>()
        var items = try TextItems(paths: [root], patterns: patterns, form: form)
        while let item = try items.next() {
            if work.cancellation.isRequested { throw Cancelled() }
            let path = item.place ?? root
            // What cannot be read now keeps the place it has.
            seen.insert(path)
            if let failure = item.failure {
                fail(path, failure, &work)
                continue
            }
            let hash = ContentHash.bytes(Array(item.text.utf8))
            guard known[path] != hash else {
                work.report.unchanged += 1
                continue
            }
            work.waiting.append(
                Document(
                    path: path, root: root, hash: hash, text: item.text,
                    isNew: known[path] == nil))
            work.waitingBytes += item.text.utf8.count
            if work.waiting.count >= Self.groupDocumentsMax
                || work.waitingBytes >= Self.groupBytesMax
            {
                try await embed(&work)
            }
        }
        try await embed(&work)
        let gone = known.keys.filter { !seen.contains($0) }.sorted()
        try work.index.remove(gone)
        work.report.removed += gone.count
    }

    private func embed(_ work: inout Work) async throws {
        guard !work.waiting.isEmpty else { return }
        let result = try await door.embed(
            work.job, texts: work.waiting.map(\.text), cancellation: work.cancellation)
        for (document, outcome) in zip(work.waiting, result.texts) {
            var chunks: [VectorIndex.Chunk] = []
            switch outcome {
            // A document without text is remembered, so that it is not looked at again.
            case .refused where !document.text.contains(where: { !$0.isWhitespace }): break
            case .refused(let reason):
                fail(document.path, reason, &work)
                continue
            case .pieces(let pieces):
                let utf8 = Array(document.text.utf8)
                chunks = pieces.map { piece in
                    VectorIndex.Chunk(
                        range: piece.range,
                        text: String(decoding: utf8[piece.range], as: UTF8.self),
                        vector: piece.vector)
                }
            }
            try work.index.replace(
                document.path, root: document.root, hash: document.hash, chunks: chunks)
            if document.isNew { work.report.added += 1 } else { work.report.changed += 1 }
            terminal.progress("\(work.report.added + work.report.changed) documents embedded")
        }
        work.waiting = []
        work.waitingBytes = 0
    }

    private func fail(_ path: String, _ reason: String, _ work: inout Work) {
        work.report.failed += 1
        terminal.warn(reason.hasPrefix(path) ? reason : "\(path): \(reason)")
    }

    private func show(_ report: Report) throws {
        if json { return try terminal.resultLine(try JSONText.encode(report, pretty: false)) }
        terminal.say(
            "\(report.index): \(report.documents) documents, \(report.chunks) chunks; "
                + "\(report.added) added, \(report.changed) changed, "
                + "\(report.unchanged) unchanged, \(report.removed) removed, "
                + "\(report.failed) failed in \(Timestamp.length(report.seconds))")
    }
}
