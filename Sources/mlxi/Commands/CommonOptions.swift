import ArgumentParser
import Foundation
import Kernels

/// Flags that every model command has.
struct CommonOptions: ParsableArguments {
    @Flag(name: .long, help: "Say nothing but errors on stderr.")
    var quiet = false

    @Option(
        name: [.customShort("t"), .long],
        help: ArgumentHelp(
            "Threads for the models; MLXI_THREADS or one per core.", valueName: "count"))
    var threads: Int?

    @Flag(name: .long, help: "Compute in f32 throughout: slower, the reference for the fast path.")
    var precise = false

    func validate() throws {
        if let threads, !(1...Machine.threadsMax).contains(threads) {
            throw ValidationError("--threads is \(threads), want 1 to \(Machine.threadsMax)")
        }
    }

    var environment: [String: String] { ProcessInfo.processInfo.environment }

    var terminal: Terminal { Terminal(quiet: quiet, environment: environment) }

    /// Starts the kernels and the engine; call once.
    func startEngine() throws -> Engine {
        try Machine.start(threads: threads)
        return Engine(precision: precise ? .exact : .fast)
    }
}

/// How keys and values are stored, for commands that have a choice.
struct KVOptions: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Bits of a number in the KV cache: 16, or 8 for half the memory; 16 unless --precise, "
                + "which has 32.", valueName: "count"))
    var kvBits: Int?

    private static let formats: [Int: KVFormat] = [8: .int8, 16: .half]

    func validate() throws {
        if let kvBits, Self.formats[kvBits] == nil {
            throw ValidationError("--kv-bits is \(kvBits), want 8 or 16")
        }
    }

    var format: KVFormat? { kvBits.flatMap { Self.formats[$0] } }
}

/// Resolves the model for a role and says on stderr when nobody chose it.
struct ModelChoice {
    let store: ModelStore
    let settings: Settings
    let terminal: Terminal

    init(environment: [String: String], terminal: Terminal) {
        store = ModelStore(environment: environment)
        settings = Settings(environment: environment)
        self.terminal = terminal
    }

    func find(_ flag: String?, for role: Settings.Role) throws -> FoundModel {
        let choice = try settings.model(flag, for: role)
        let found = try store.find(choice.name)
        if !choice.isChosen {
            let option = role == .proofread ? "--proofread-model" : "-m"
            terminal.say(
                "\(role.rawValue): using the bundled \(found.name); "
                    + "choose another with \(option) or \(role.variable)")
        }
        return found
    }
}
