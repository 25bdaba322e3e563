/// Defaults for what no flag says: `MLXI_*` of the environment, then what is built in.
struct Settings: Sendable {
    /// What a model is needed for.
    enum Role: String, Sendable {
        case transcribe, proofread, chat

        /// The environment variable with the user's choice.
        var variable: String { "MLXI_\(rawValue.uppercased())_MODEL" }

        /// The bundled model: small, so that everything works offline at once.
        var bundled: String { self == .transcribe ? "nano-asr" : "nano-lm" }
    }

    private let environment: [String: String]

    init(environment: [String: String]) { self.environment = environment }

    /// The model's name and whether anybody chose it.
    func model(_ flag: String?, for role: Role) -> (name: String, isChosen: Bool) {
        if let name = flag ?? environment[role.variable], !name.isEmpty { return (name, true) }
        return (role.bundled, false)
    }
}
