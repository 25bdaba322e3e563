/// Defaults for what no flag says: `MLXI_*` of the environment, then what is built in.
struct Settings: Sendable {
    /// What a model is needed for.
    enum Role: String, Sendable {
        case transcribe, proofread, chat, embed

        /// The environment variable with the user's choice.
        var variable: String { "MLXI_\(rawValue.uppercased())_MODEL" }

        /// The bundled model: small, so that everything works offline at once. There is none for
        /// embeddings.
        var bundled: String? {
            switch self {
            case .transcribe: "nano-asr"
            case .proofread, .chat: "nano-lm"
            case .embed: nil
            }
        }
    }

    private let environment: [String: String]

    init(environment: [String: String]) { self.environment = environment }

    /// The model's name and whether anybody chose it.
    ///
    /// - Throws: `CommandError.usage` where nobody did and none is bundled.
    func model(_ flag: String?, for role: Role) throws -> (name: String, isChosen: Bool) {
        if let name = flag ?? environment[role.variable], !name.isEmpty { return (name, true) }
        guard let bundled = role.bundled else {
            throw CommandError.usage(
                "\(role.rawValue): no model is bundled; give one with -m or \(role.variable)")
        }
        return (bundled, false)
    }
}
