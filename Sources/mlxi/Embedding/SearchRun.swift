import Foundation
import Kernels
import Text

/// Finds the chunks of an index that are nearest to a query.
struct SearchRun {
    /// Of a chunk, what is shown to people.
    private static let excerptCharacters = 160

    let door: any JobDoor
    let terminal: Terminal
    let indexPath: String
    let query: String
    let countMax: Int
    /// Matches below are left out.
    let scoreMin: Float?
    let prompt: EmbedJob.Prompt
    let json: Bool

    private struct Report: Encodable {
        struct Match: Encodable {
            var score: Float
            var path: String
            var startByte: Int
            var endByte: Int
            var text: String
        }
        var index: String
        var model: String
        var query: String
        var searchedChunks: Int
        var matches: [Match]
    }

    /// - Parameter model: the one that made the index.
    func run(_ index: VectorIndex, _ model: FoundModel, _ settings: IndexSettings) async throws {
        guard try ModelFingerprint.of(model.folder) == settings.fingerprint else {
            throw CommandError.cannotRun(
                "\(indexPath): made with \(settings.model); \(model.name) in \(model.folder) has "
                    + "other weights, its vectors cannot be compared")
        }
        let cancellation = Cancellation()
        let interrupts = Interrupts { _ in cancellation.request() }
        defer { withExtendedLifetime(interrupts) {} }
        var job = EmbedJob(model: model, texts: [], prompt: prompt)
        job.normalizes = true
        job.dimensions = settings.dimensions
        let result = try await door.embed(job, texts: [query], cancellation: cancellation)
        guard case .pieces(let pieces)? = result.texts.first, let vector = pieces.first?.vector
        else {
            if case .refused(let reason)? = result.texts.first {
                throw CommandError.cannotRun("the query: \(reason)")
            }
            throw CommandError.cannotRun("the query has no vector")
        }
        var nearest = NearestVectors(of: vector, countMax: countMax, on: try Compute())
        var searched = 0
        try index.forEachBlock { ids, values in
            if cancellation.isRequested { throw Cancelled() }
            nearest.add(ids, values: values)
            searched += ids.count
        }
        let found = nearest.matches.filter { $0.score >= scoreMin ?? -.infinity }
        let matches = try found.compactMap { match in
            try index.passage(match.id).map { (match.score, $0) }
        }
        try show(matches, searched, settings)
    }

    private func show(
        _ matches: [(score: Float, passage: VectorIndex.Passage)], _ searched: Int,
        _ settings: IndexSettings
    ) throws {
        if json {
            let report = Report(
                index: indexPath, model: settings.model, query: query, searchedChunks: searched,
                matches: matches.map { score, passage in
                    Report.Match(
                        score: score, path: passage.path, startByte: passage.range.lowerBound,
                        endByte: passage.range.upperBound, text: passage.text)
                })
            return try terminal.resultLine(try JSONText.encode(report, pretty: false))
        }
        for (score, passage) in matches {
            let place = "\(passage.path):\(passage.range.lowerBound)"
            try terminal.resultLine("\(Timestamp.fixed(Double(score), places: 3))  \(place)")
            try terminal.resultLine("       \(Self.excerpt(passage.text))")
        }
        terminal.say("\(matches.count) of \(searched) chunks")
    }

    private static func excerpt(_ text: String) -> String {
        let words = text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        guard words.count > excerptCharacters else { return words }
        return words.prefix(excerptCharacters - 1) + "…"
    }
}
