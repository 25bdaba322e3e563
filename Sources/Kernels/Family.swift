/// How models of one architecture are opened. A family is one file in a module's `Models/` folder
/// and one line in that module's registry.
public struct Family<Model>: Sendable {
    /// The family's page in `references/`.
    public let name: String
    /// Values of `model_type` in `config.json` that it opens.
    public let architectures: [String]
    /// Opens the model in a folder, to be run with a `Compute`; throws when a tensor is missing or
    /// shaped otherwise.
    public let open: @Sendable (ModelFolder, Compute) throws -> Model

    /// Names a family and says how to open it.
    public init(
        name: String, architectures: [String],
        open: @escaping @Sendable (ModelFolder, Compute) throws -> Model
    ) {
        self.name = name
        self.architectures = architectures
        self.open = open
    }
}

/// Families that one kind of job can use.
public struct FamilyList<Model>: Sendable {
    /// What the job is called in errors: "a language model".
    public let kind: String
    /// The families, each with distinct architectures.
    public let families: [Family<Model>]

    /// Lists families under the name of what they are.
    public init(kind: String, _ families: [Family<Model>]) {
        self.kind = kind
        self.families = families
    }

    /// Whether a family opens the model in `folder`.
    public func contains(_ folder: ModelFolder) -> Bool { family(of: folder) != nil }

    private func family(of folder: ModelFolder) -> Family<Model>? {
        families.first { $0.architectures.contains(folder.architecture) }
    }

    /// Opens the model in `folder` with the family that knows its architecture.
    ///
    /// - Throws: `KernelError.unsupported` naming the architectures that would do.
    public func open(_ folder: ModelFolder, on compute: Compute) throws -> Model {
        guard let known = family(of: folder) else {
            let names = families.flatMap(\.architectures).joined(separator: ", ")
            throw KernelError.unsupported(
                file: folder.configPath,
                what: "model_type \"\(folder.architecture)\" is not \(kind) known here: \(names)")
        }
        return try known.open(folder, compute)
    }
}
