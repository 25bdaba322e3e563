import Foundation

/// Embeds texts as they come and writes their vectors in that order.
struct EmbedRun {
    /// Texts and bytes that are in hand at once: enough to sort by length, little memory.
    private static let groupTextsMax = 1024
    private static let groupBytesMax = 4 << 20

    /// The job of a group, but for its texts.
    let job: EmbedJob
    let door: any JobDoor
    let terminal: Terminal
    let format: VectorOutput.Format
    /// Nil for stdout.
    let outputPath: String?
    let isVerbose: Bool

    func run(_ items: TextItems) async throws {
        var items = items
        let cancellation = Cancellation()
        let interrupts = Interrupts { _ in cancellation.request() }
        defer { withExtendedLifetime(interrupts) {} }
        defer { terminal.wipeProgress() }
        let output = try VectorOutput(format, to: outputPath, terminal: terminal)
        var facts: EmbeddingFacts?
        var (done, failed, truncated) = (0, 0, 0)
        // The first group may be empty: then the model still says what is wrong with it.
        var isFirst = true
        while true {
            let group = try Self.group(&items)
            if group.isEmpty, !isFirst { break }
            isFirst = false
            let result = try await door.embed(
                job, texts: group.filter { $0.failure == nil }.map(\.text),
                cancellation: cancellation)
            if facts == nil, isVerbose {
                terminal.warn("\(job.model.name): \(result.facts.line)")
            }
            facts = result.facts
            var embedded = result.texts.makeIterator()
            let entries = try group.map { item -> (String?, VectorOutput.Entry) in
                let entry = Self.entry(item, &embedded)
                switch entry {
                case .vector(let piece): truncated += piece.isTruncated ? 1 : 0
                case .failed(let reason):
                    failed += 1
                    let line = "\(item.place ?? "text \(done + 1)"): \(reason)"
                    // A row would be missing, and the ones behind it be taken for others.
                    guard !format.isBinary else { throw CommandError.cannotRun(line) }
                    terminal.warn(line)
                }
                done += 1
                return (item.place, entry)
            }
            try output.add(entries)
            terminal.progress("\(done) texts")
        }
        if let facts { try output.finish(facts, model: job.model.name) }
        if truncated > 0 {
            terminal.warn("\(truncated) of \(done) texts cut to \(facts?.tokensMax ?? 0) tokens")
        }
        if failed > 0 {
            terminal.warn("\(failed) of \(done) texts failed")
            throw ExitStatus.partial
        }
    }

    private static func entry(
        _ item: TextItem, _ embedded: inout IndexingIterator<[EmbeddedText]>
    ) -> VectorOutput.Entry {
        if let failure = item.failure { return .failed(failure) }
        switch embedded.next() {
        case .pieces(let pieces): return pieces.first.map { .vector($0) } ?? .failed("no vector")
        case .refused(let reason): return .failed(reason)
        case nil: return .failed("no vector")
        }
    }

    private static func group(_ items: inout TextItems) throws -> [TextItem] {
        var group: [TextItem] = []
        var bytes = 0
        while group.count < groupTextsMax, bytes < groupBytesMax, let item = try items.next() {
            group.append(item)
            bytes += item.text.utf8.count
        }
        return group
    }
}

extension JobDoor {
    /// Embeds texts and waits for the vectors.
    func embed(
        _ job: EmbedJob, texts: [String], cancellation: Cancellation
    ) async throws -> EmbeddedTexts {
        var job = job
        job.texts = texts
        var result: EmbeddedTexts?
        // To the end: leaving the stream early would count as a wish to stop.
        for try await event in submit(.embed(job), cancellation: cancellation) {
            if case .embedded(let texts) = event { result = texts }
        }
        guard let result else { throw Cancelled() }
        return result
    }
}
