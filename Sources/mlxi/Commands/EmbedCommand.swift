import ArgumentParser
import Foundation

/// `mlxi embed`: texts to vectors, and search by meaning in a local index.
struct EmbedCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "embed",
        abstract: "Turn texts into vectors; index folders and search them by meaning.",
        discussion: """
            Examples:
              mlxi embed -m all-minilm-l6-v2 "a sentence" "another one"
              mlxi embed -m qwen3-embedding-0.6b --as query --dimensions 256 < queries.txt
              mlxi embed -m MODEL --jsonl --field body -i posts.jsonl -f npy -o posts.npy
              mlxi embed index notes/ --into notes.db -m MODEL
              mlxi embed search notes.db "how do I renew a passport" -k 5
            """,
        subcommands: [EmbedTexts.self, EmbedIndex.self, EmbedSearch.self],
        defaultSubcommand: EmbedTexts.self)
}

/// Which files are read, and how they become texts.
struct TextFileOptions: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp(
            "In folders, files of this name; repeat it. Default: \(names).",
            valueName: "pattern"))
    var glob: [String] = []

    @Flag(name: .long, help: "Each line is a JSON object; its --field is a text.")
    var jsonl = false

    @Flag(name: .long, help: "A table with a header (CSV); its column --field has the texts.")
    var csv = false

    @Option(
        name: .long,
        help: ArgumentHelp(
            "The member or column with the text; default text.", valueName: "name"))
    var field: String?

    private static var names: String { TextItems.patternsDefault.joined(separator: " ") }

    func validate() throws {
        guard !(jsonl && csv) else { throw ValidationError("give --jsonl or --csv, not both") }
        guard field == nil || jsonl || csv else {
            throw ValidationError("--field needs --jsonl or --csv")
        }
    }

    var patterns: [String] {
        if !glob.isEmpty { return glob }
        return jsonl ? ["*.jsonl"] : csv ? ["*.csv"] : TextItems.patternsDefault
    }

    /// - Parameter plain: what files are without `--jsonl` and `--csv`.
    func form(_ plain: TextItems.Form) -> TextItems.Form {
        let field = field ?? "text"
        return jsonl ? .jsonLines(field: field) : csv ? .table(field: field) : plain
    }
}

/// What goes before a text.
struct PromptOptions: ParsableArguments {
    @Option(
        name: .customLong("as"),
        help: ArgumentHelp(
            "The checkpoint's prompt of this name, such as query or document.",
            valueName: "name"))
    var purpose: String?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "The task of a query, for models that follow instructions.", valueName: "task"))
    var instruct: String?

    @Option(name: .long, help: ArgumentHelp("Text put before every text.", valueName: "text"))
    var prompt: String?

    func validate() throws {
        guard [purpose, instruct, prompt].compactMap({ $0 }).count < 2 else {
            throw ValidationError("give one of --as, --instruct and --prompt")
        }
    }

    var choice: EmbedJob.Prompt? {
        purpose.map { .named($0) } ?? instruct.map { .task($0) } ?? prompt.map { .text($0) }
    }
}

/// `mlxi embed [text]`.
struct EmbedTexts: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "text",
        abstract: "Turn texts into vectors.",
        discussion: """
            Texts are the arguments; without any, each file and folder of -i is read; without \
            those, each line of stdin is a text. Output is in the order of the input. In JSON \
            lines a text that cannot be embedded has an "error"; in npy and f32, which have no \
            place for it, it ends the run.

            Examples:
              mlxi embed -m all-minilm-l6-v2 "a sentence"
              mlxi embed -m qwen3-embedding-0.6b --instruct "Find duplicate bug reports" < bugs.txt
              mlxi embed -m MODEL -i notes/ --glob '*.md' -f npy -o notes.npy
            """)

    @Argument(help: ArgumentHelp("Texts.", valueName: "text"))
    var texts: [String] = []

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            "Model: a folder, org/name or an alias; MLXI_EMBED_MODEL.", valueName: "model"))
    var model: String?

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("A file or folder to read; repeat it.", valueName: "path"))
    var input: [String] = []

    @Flag(name: .long, help: "Each line of the files is a text.")
    var lines = false

    @OptionGroup var files: TextFileOptions
    @OptionGroup var prompts: PromptOptions

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            "jsonl, json, base64 (JSON lines), npy or f32.", valueName: "format"))
    var format: VectorOutput.Format?

    @Flag(name: .long, help: "The same as -f json: one object, with how vectors were made.")
    var json = false

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("Write there instead of to stdout.", valueName: "file"))
    var output: String?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Keep the first so many numbers of a vector (Matryoshka models).",
            valueName: "count"))
    var dimensions: Int?

    @Flag(
        name: .long, inversion: .prefixedNo,
        help: "Make vectors of length 1; as the checkpoint says.")
    var normalize: Bool?

    @Flag(name: .long, help: "Cut texts that are too long; otherwise they are errors.")
    var truncate = false

    @Option(
        name: .long,
        help: ArgumentHelp("Tokens computed together; default 4096.", valueName: "count"))
    var batchTokens: Int?

    @Flag(name: .long, help: "Say on stderr how vectors are made.")
    var verbose = false

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Write intermediate tensors (.npy) there.", valueName: "dir"))
    var trace: String?

    @OptionGroup var common: CommonOptions

    func validate() throws {
        guard texts.isEmpty || input.isEmpty else {
            throw ValidationError("give texts or -i, not both")
        }
        guard texts.isEmpty || !(files.jsonl || files.csv || lines) else {
            throw ValidationError("--lines, --jsonl and --csv are for files and stdin")
        }
        guard !lines || !(files.jsonl || files.csv) else {
            throw ValidationError("give one of --lines, --jsonl and --csv")
        }
        guard !json || format == nil || format == .json else {
            throw ValidationError("--json and -f \(format?.rawValue ?? "") disagree")
        }
        if let dimensions, dimensions < 1 {
            throw ValidationError("--dimensions is \(dimensions), want 1 or more")
        }
        if let batchTokens, batchTokens < 1 {
            throw ValidationError("--batch-tokens is \(batchTokens), want 1 or more")
        }
    }

    func run() async throws {
        let terminal = common.terminal
        let format = format ?? (json ? .json : .jsonl)
        guard !format.isBinary || output != nil || isatty(STDOUT_FILENO) == 0 else {
            throw CommandError.usage("-f \(format.rawValue) on a terminal: give -o FILE")
        }
        let items = try items()
        let found = try ModelChoice(environment: common.environment, terminal: terminal)
            .find(model, for: .embed)
        var job = EmbedJob(model: found, texts: [], prompt: prompts.choice ?? .standard)
        job.dimensions = dimensions
        job.normalizes = normalize
        job.truncates = truncate
        job.batchTokens = batchTokens
        job.traceFolder = trace
        try await EmbedRun(
            job: job, door: try common.startEngine(), terminal: terminal, format: format,
            outputPath: output, isVerbose: verbose
        ).run(items)
    }

    private func items() throws -> TextItems {
        if !texts.isEmpty { return TextItems(texts: texts) }
        if !input.isEmpty {
            return try TextItems(
                paths: input, patterns: files.patterns, form: files.form(lines ? .lines : .whole))
        }
        guard isatty(STDIN_FILENO) == 0 else {
            throw CommandError.usage("give texts, -i FILE, or lines on stdin")
        }
        return TextItems(standardInput: files.form(.lines))
    }
}

extension VectorOutput.Format: ExpressibleByArgument {}
