import Foundation

/// Finds models on this machine by path, by `org/name`, by alias, or among the bundled ones.
///
/// Nothing is downloaded and nothing is written; the Hugging Face cache is read as other tools left
/// it.
struct ModelStore: Sendable {
    private let environment: [String: String]
    private let executable: String

    /// What a short name stands for, first choice first.
    static let aliases: [String: [String]] = {
        let small = ["4bit", "8bit", "bf16"]
        var table: [String: [String]] = [:]
        func add(_ alias: String, _ repository: String, _ widths: [String]) {
            table[alias.lowercased()] = widths.map { "mlx-community/\(repository)-\($0)" }
        }
        for size in ["0.6B", "1.7B", "4B", "8B", "14B", "32B", "30B-A3B"] {
            add("qwen3-\(size)", "Qwen3-\(size)", small)
        }
        for size in ["0.5B", "1.5B", "3B", "7B", "14B", "32B"] {
            add("qwen2.5-\(size)", "Qwen2.5-\(size)-Instruct", small)
        }
        for size in ["1b", "4b", "12b", "27b"] {
            add("gemma3-\(size)", "gemma-3-\(size)-it", small)
        }
        for size in ["1B", "3B"] { add("llama3.2-\(size)", "Llama-3.2-\(size)-Instruct", small) }
        add("llama3.1-8b", "Meta-Llama-3.1-8B-Instruct", small)
        for size in ["0.6B", "4B", "8B"] {
            add("qwen3-embedding-\(size)", "Qwen3-Embedding-\(size)", ["4bit-DWQ", "8bit", "bf16"])
        }
        add("all-minilm-l6-v2", "all-MiniLM-L6-v2", ["bf16", "8bit", "4bit"])
        for size in ["0.6B", "1.7B"] {
            add("qwen3-asr-\(size)", "Qwen3-ASR-\(size)", ["8bit", "4bit", "bf16"])
        }
        return table
    }()

    /// How far up from the binary a clone's `Models` folder is looked for:
    /// `.build/PLATFORM/release/mlxi` is three folders below it.
    private static let levelsMax = 5

    init(environment: [String: String], executable: String = Self.currentExecutable) {
        self.environment = environment
        self.executable = executable
    }

    static var currentExecutable: String {
        (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
    }

    /// Folders that hold one folder a model, in order of search.
    var roots: [String] {
        var roots = (environment["MLXI_MODELS"] ?? "").split(separator: ":").map {
            Path.absolute(String($0))
        }
        var folder = Path.directory(of: executable)
        for _ in 0..<Self.levelsMax where folder != "/" {
            roots.append(Path.join(folder, "Models"))
            folder = Path.directory(of: folder)
        }
        let prefix = Path.directory(of: Path.directory(of: executable))
        roots.append(Path.join(prefix, "share/mlxi/models"))
        return roots
    }

    /// The Hugging Face cache, found as its own tools find it.
    var hub: String {
        if let path = setting("HF_HUB_CACHE") { return Path.absolute(path) }
        if let home = setting("HF_HOME") { return Path.join(Path.absolute(home), "hub") }
        let cache = setting("XDG_CACHE_HOME") ?? Path.join(setting("HOME") ?? "~", ".cache")
        return Path.join(Path.absolute(cache), "huggingface/hub")
    }

    /// Resolves what a user wrote after `-m`.
    ///
    /// - Throws: `CommandError` that says where it was looked for and how to get one.
    func find(_ argument: String) throws -> FoundModel {
        if Self.looksLikePath(argument) {
            let folder = Path.absolute(argument)
            guard Self.isModel(folder) else { throw noModel(at: argument, folder) }
            return FoundModel(name: Path.name(of: folder), folder: folder)
        }
        let repositories = Self.aliases[argument.lowercased()] ?? [argument]
        for name in [argument] + repositories {
            for root in roots where Self.isModel(Path.join(root, name)) {
                return FoundModel(name: name, folder: Path.join(root, name))
            }
        }
        for repository in repositories {
            if let folder = snapshot(of: repository) {
                return FoundModel(name: repository, folder: folder)
            }
        }
        let here = Path.absolute(argument)
        if Self.isModel(here) { return FoundModel(name: argument, folder: here) }
        throw notFound(argument, repositories)
    }

    /// Every model that a name would find, for `doctor`.
    func all() -> [FoundModel] {
        let manager = FileManager.default
        var found: [FoundModel] = []
        for root in roots {
            for name in (try? manager.contentsOfDirectory(atPath: root))?.sorted() ?? [] {
                let folder = Path.join(root, name)
                if Self.isModel(folder) { found.append(FoundModel(name: name, folder: folder)) }
            }
        }
        for name in (try? manager.contentsOfDirectory(atPath: hub))?.sorted() ?? [] {
            let parts = name.components(separatedBy: "--")
            guard parts.count == 3, parts[0] == "models" else { continue }
            let repository = "\(parts[1])/\(parts[2])"
            if let folder = snapshot(of: repository) {
                found.append(FoundModel(name: repository, folder: folder))
            }
        }
        return found
    }

    private static func looksLikePath(_ argument: String) -> Bool {
        ["/", "./", "../", "~"].contains(where: argument.hasPrefix) || argument == "."
            || argument == ".."
    }

    private static func isModel(_ folder: String) -> Bool {
        FileManager.default.fileExists(atPath: Path.join(folder, "config.json"))
    }

    /// `models--org--name/snapshots/COMMIT`: the commit that `refs/main` names, else any.
    private func snapshot(of repository: String) -> String? {
        let parts = repository.split(separator: "/")
        guard parts.count == 2 else { return nil }
        let base = Path.join(hub, "models--\(parts[0])--\(parts[1])")
        let snapshots = Path.join(base, "snapshots")
        let main = FileManager.default.contents(atPath: Path.join(base, "refs/main")).map {
            String(decoding: $0, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        }
        let others = (try? FileManager.default.contentsOfDirectory(atPath: snapshots)) ?? []
        return ([main].compactMap { $0 } + others.sorted().reversed())
            .map { Path.join(snapshots, $0) }.first(where: Self.isModel)
    }

    private func setting(_ name: String) -> String? {
        environment[name].flatMap { $0.isEmpty ? nil : $0 }
    }

    private func noModel(at argument: String, _ folder: String) -> CommandError {
        var isFolder: ObjCBool = false
        let exists = FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder)
        guard exists else { return .cannotRun("\(argument): no such model folder") }
        let found = isFolder.boolValue ? "a folder without config.json" : "not a folder"
        return .cannotRun("\(argument): \(found), wanted a model folder with config.json")
    }

    private func notFound(_ argument: String, _ repositories: [String]) -> CommandError {
        let places = (roots.filter { FileManager.default.fileExists(atPath: $0) } + [hub])
            .joined(separator: ", ")
        let get =
            repositories[0].contains("/")
            ? "get it with: hf download \(repositories[0])"
            : "give a folder (./\(argument)), org/name of a downloaded model, or one of: "
                + (["nano-asr", "nano-lm"] + Self.aliases.keys.sorted()).joined(separator: ", ")
        return .cannotRun("model \(argument) not found; looked in \(places); \(get)")
    }
}
