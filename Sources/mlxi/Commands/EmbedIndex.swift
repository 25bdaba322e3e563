import ArgumentParser
import Foundation

/// `mlxi embed index`.
struct EmbedIndex: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "index",
        abstract: "Make an index of files, or bring it up to date.",
        discussion: """
            Documents are cut into overlapping chunks at sentence ends. Run again, it embeds what \
            is new or changed and removes what is gone from the given files and folders; an \
            interrupted run goes on where it stopped. With --jsonl or --csv each record is a \
            document.

            Examples:
              mlxi embed index notes/ --into notes.db -m all-minilm-l6-v2
              mlxi embed index src/ --glob '*.swift' --into code.db -m qwen3-embedding-0.6b
              mlxi embed index --csv --field question faq.csv --into faq.db -m MODEL
            """)

    @Argument(help: ArgumentHelp("Files and folders.", valueName: "path"))
    var paths: [String]

    @Option(name: .long, help: ArgumentHelp("The index.", valueName: "file"))
    var into: String

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            "Model: a folder, org/name or an alias; MLXI_EMBED_MODEL, or the one that made the "
                + "index.", valueName: "model"))
    var model: String?

    @OptionGroup var files: TextFileOptions

    @Option(
        name: .long,
        help: ArgumentHelp("Keep the first so many numbers of a vector.", valueName: "count"))
    var dimensions: Int?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Most tokens of a chunk; 256, or less where the model takes less.",
            valueName: "count"))
    var chunkTokens: Int?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Tokens that neighbouring chunks share; an eighth of a chunk.", valueName: "count"))
    var overlapTokens: Int?

    @Flag(name: .long, help: "Report as one JSON object on stdout.")
    var json = false

    @OptionGroup var common: CommonOptions

    func validate() throws {
        for (name, value, least) in [
            ("--dimensions", dimensions, 1), ("--chunk-tokens", chunkTokens, 1),
            ("--overlap-tokens", overlapTokens, 0),
        ] {
            guard let value, value < least else { continue }
            throw ValidationError("\(name) is \(value), want \(least) or more")
        }
    }

    func run() async throws {
        let terminal = common.terminal
        let known = try VectorIndex.settings(at: into)
        let found = try IndexModel(environment: common.environment, terminal: terminal)
            .find(model, known)
        try await IndexRun(
            model: found, door: try common.startEngine(), terminal: terminal, indexPath: into,
            paths: paths, patterns: files.patterns, form: files.form(.whole),
            dimensions: dimensions,
            chunks: ChunkSizes(tokensMax: chunkTokens, overlapTokens: overlapTokens), json: json
        ).run()
    }
}

/// `mlxi embed search`.
struct EmbedSearch: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "search",
        abstract: "Find the passages of an index that are nearest in meaning.",
        discussion: """
            Compares the query with every vector, exactly. The score is the cosine: 1 is the same \
            direction.

            Examples:
              mlxi embed search notes.db "how do I renew a passport"
              mlxi embed search notes.db -k 3 --json "tax deadline" | jq '.matches[].path'
            """)

    @Argument(help: ArgumentHelp("The index.", valueName: "file"))
    var index: String

    @Argument(
        help: ArgumentHelp("What to look for; stdin where it is missing.", valueName: "query"))
    var query: String?

    @Option(
        name: .short, help: ArgumentHelp("So many passages; default 10.", valueName: "count"))
    var k = 10

    @Option(
        name: .long,
        help: ArgumentHelp("Leave out passages with a lower score.", valueName: "score"))
    var minScore: Float?

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("Where the model is that made the index.", valueName: "model"))
    var model: String?

    @OptionGroup var prompts: PromptOptions

    @Flag(name: .long, help: "One JSON object.")
    var json = false

    @OptionGroup var common: CommonOptions

    private static let countMax = 10_000

    func validate() throws {
        guard (1...Self.countMax).contains(k) else {
            throw ValidationError("-k is \(k), want 1 to \(Self.countMax)")
        }
    }

    func run() async throws {
        let terminal = common.terminal
        let opened = try VectorIndex(index, for: nil)
        guard let settings = opened.settings else { return }
        let found = try IndexModel(environment: common.environment, terminal: terminal)
            .find(model, settings)
        let query = try self.query ?? TextInput.standardInput()
        try await SearchRun(
            door: try common.startEngine(), terminal: terminal, indexPath: index,
            query: query.trimmingCharacters(in: .whitespacesAndNewlines), countMax: k,
            scoreMin: minScore, prompt: prompts.choice ?? .firstNamed(["query", "search_query"]),
            json: json
        ).run(opened, found, settings)
    }
}

/// The model of an index: the one that was asked for, else the one that made it.
struct IndexModel {
    let environment: [String: String]
    let terminal: Terminal

    func find(_ flag: String?, _ settings: IndexSettings?) throws -> FoundModel {
        let choice = ModelChoice(environment: environment, terminal: terminal)
        guard flag == nil, let settings else { return try choice.find(flag, for: .embed) }
        let isThere = FileManager.default.fileExists(
            atPath: Path.join(settings.folder, "config.json"))
        if isThere { return FoundModel(name: settings.model, folder: settings.folder) }
        return try choice.store.find(settings.model)
    }
}
