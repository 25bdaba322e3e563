import Audio
import Foundation
import GRDB
import Kernels
import Text

/// The state of the machine as far as it matters here.
struct Checkup: Encodable, Sendable {
    struct Model: Encodable, Sendable {
        var name: String
        var folder: String
        /// `speech`, `language`, or what is wrong.
        var kind: String
        var megabytes: Int
    }

    struct Folder: Encodable, Sendable {
        var purpose: String
        var path: String
        /// `writable`, `readable`, or `missing`.
        var state: String
    }

    struct Library: Encodable, Sendable {
        var name: String
        var version: String
    }

    var version = Mlxi.version
    var processor: String
    var features: [String]
    var kernels: String
    var kernelsAvailable: [String]
    var threads: Int
    var memoryMegabytes: Int
    var memoryAvailableMegabytes: Int?
    var models: [Model]
    var folders: [Folder]
    var libraries: [Library]
    var problems: [String]

    /// Processor flags that a kernel uses.
    private static let usefulFeatures = [
        "avx2", "fma", "f16c", "avx512f", "avx512bw", "avx512vl", "avx512_vnni", "avx512_bf16",
        "amx_int8",
    ]

    init(environment: [String: String]) {
        var problems: [String] = []
        do {
            try Machine.start()
        } catch {
            problems.append("\(error)")
        }
        let cpu = Self.table("/proc/cpuinfo")
        processor = cpu["model name"] ?? "unknown"
        let flags = Set((cpu["flags"] ?? "").split(separator: " ").map(String.init))
        features = Self.usefulFeatures.filter(flags.contains)
        kernels = Machine.instructionSet
        kernelsAvailable = Machine.instructionSets
        threads = Machine.threads
        memoryMegabytes = Int(ProcessInfo.processInfo.physicalMemory >> 20)
        memoryAvailableMegabytes = Self.table("/proc/meminfo")["MemAvailable"]
            .flatMap { Int($0.prefix { $0.isNumber }) }.map { $0 >> 10 }
        if kernels == "scalar" {
            problems.append(
                "the scalar kernels are in use: correct but slow (AVX2 is missing or "
                    + "MLXI_ISA says so)")
        }
        let store = ModelStore(environment: environment)
        models = store.all().map { Self.check($0, &problems) }
        problems += Self.missingDefaults(store, environment)
        folders = Self.folders(store, &problems)
        libraries = AudioLibraries.versions.map { Library(name: $0.name, version: $0.version) }
        if let problem = AudioLibraries.problem { problems.append(problem) }
        libraries.append(Library(name: "sqlite", version: Self.sqliteVersion()))
        self.problems = problems
    }

    /// The report for people.
    var text: String {
        var lines = [
            "mlxi \(version)",
            "processor   \(processor)",
            "features    \(features.isEmpty ? "none that help" : features.joined(separator: " "))",
            "kernels     \(kernels) (of \(kernelsAvailable.joined(separator: ", ")))",
            "threads     \(threads)",
            "memory      \(memoryMegabytes) MB"
                + (memoryAvailableMegabytes.map { ", \($0) MB available" } ?? ""),
            "", "models",
        ]
        lines +=
            models.isEmpty
            ? ["  none"]
            : models.map {
                "  \($0.name): \($0.kind), \($0.megabytes) MB, \($0.folder)"
            }
        lines += ["", "folders"] + folders.map { "  \($0.purpose): \($0.path) (\($0.state))" }
        lines += ["", "libraries"] + libraries.map { "  \($0.name) \($0.version)" }
        lines += ["", problems.isEmpty ? "no problems" : "problems"]
        lines += problems.map { "  \($0)" }
        return lines.joined(separator: "\n") + "\n"
    }

    /// Opens the headers of a model: what is wrong with a download shows here.
    private static func check(_ model: FoundModel, _ problems: inout [String]) -> Model {
        var checked = Model(name: model.name, folder: model.folder, kind: "broken", megabytes: 0)
        do {
            let folder = try ModelFolder(path: model.folder)
            checked.megabytes = folder.byteCount >> 20
            checked.kind = kind(of: folder.architecture)
        } catch {
            problems.append("\(error)")
        }
        return checked
    }

    private static func kind(of architecture: String) -> String {
        if transcribers.families.contains(where: { $0.architectures.contains(architecture) }) {
            return "speech"
        }
        if languageModels.families.contains(where: { $0.architectures.contains(architecture) }) {
            return "language"
        }
        if embeddingModels.families.contains(where: { $0.architectures.contains(architecture) }) {
            return "embedding"
        }
        return "\(architecture), not known here"
    }

    private static func missingDefaults(
        _ store: ModelStore, _ environment: [String: String]
    ) -> [String] {
        let settings = Settings(environment: environment)
        return [Settings.Role.transcribe, .proofread].compactMap { role in
            do {
                _ = try store.find(try settings.model(nil, for: role).name)
                return nil
            } catch {
                return "\(role.rawValue): \(error)"
            }
        }
    }

    private static func folders(_ store: ModelStore, _ problems: inout [String]) -> [Folder] {
        let watch = Path.absolute("~/transcribe")
        var folders = [
            Folder(purpose: "watch", path: watch, state: state(watch)),
            Folder(purpose: "Hugging Face cache", path: store.hub, state: state(store.hub)),
        ]
        folders += store.roots.map { Folder(purpose: "models", path: $0, state: state($0)) }
            .filter { $0.state != "missing" }
        if folders[0].state == "readable" {
            problems.append("\(watch): not writable, so mlxi watch cannot work there")
        }
        return folders
    }

    private static func state(_ path: String) -> String {
        let manager = FileManager.default
        guard manager.fileExists(atPath: path) else { return "missing" }
        return manager.isWritableFile(atPath: path) ? "writable" : "readable"
    }

    private static func sqliteVersion() -> String {
        let version = try? DatabaseQueue().read { database in
            try String.fetchOne(database, sql: "SELECT sqlite_version()")
        }
        return version ?? "unknown"
    }

    /// `key : value` lines of the kernel's files; the first of equal keys.
    private static func table(_ path: String) -> [String: String] {
        let data = FileManager.default.contents(atPath: path) ?? Data()
        var table: [String: String] = [:]
        for line in String(decoding: data, as: UTF8.self).split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 1).map {
                $0.trimmingCharacters(in: .whitespaces)
            }
            if parts.count == 2, table[parts[0]] == nil { table[parts[0]] = parts[1] }
        }
        return table
    }
}
