import Foundation
public import Kernels

/// How a checkpoint turns hidden states into one vector, and what it wants before a text: what its
/// own files say, as sentence-transformers reads them, else what the family does.
public struct EmbeddingRecipe: Sendable, Equatable {
    /// How the hidden states of a text become one.
    public enum Pooling: String, Sendable, CaseIterable {
        /// Their mean, special tokens included.
        case mean
        /// That of the first token.
        case cls
        /// The largest value in each column.
        case max
        /// That of the last token.
        case lastToken = "last-token"
    }

    /// How a task is put before a query.
    public struct Instruction: Sendable, Equatable {
        var before: String
        var after: String

        /// The prompt of a task.
        public func prompt(_ task: String) -> String { before + task + after }
    }

    /// What a family does by itself.
    public struct Default: Sendable, Equatable {
        var pooling: Pooling
        /// Roles of the token that must end every text, first choice first; none needs none.
        var endTokenRoles: [String] = []
        var prompts: [String: String] = [:]
        var instruction: Instruction?
    }

    /// How hidden states become one vector.
    public let pooling: Pooling
    /// Whether vectors have the length 1.
    public let isNormalized: Bool
    /// What goes before a text, by the name of the purpose.
    public let prompts: [String: String]
    /// The prompt of texts whose purpose is not named.
    public let promptDefault: String
    /// How a task of the user's is put; nil where the model was not trained for it.
    public let instruction: Instruction?
    /// Most tokens of a text, prompt and special tokens included.
    public let tokensMax: Int
    /// Texts are lower-cased before everything else.
    let lowercases: Bool
    /// Roles of the token that must end every text.
    let endTokenRoles: [String]

    private static let poolingKeys: [String: Pooling] = [
        "pooling_mode_mean_tokens": .mean, "pooling_mode_cls_token": .cls,
        "pooling_mode_max_tokens": .max, "pooling_mode_lasttoken": .lastToken,
    ]
    private static let poolingNames: [String: Pooling] = [
        "mean": .mean, "cls": .cls, "max": .max, "lasttoken": .lastToken,
    ]

    /// Reads modules.json, the pooling configuration it names, sentence_bert_config.json,
    /// config_sentence_transformers.json and tokenizer_config.json, as far as they are there.
    ///
    /// - Throws: `KernelError.unsupported` for modules and poolings this program lacks, `JSONError`.
    public init(_ folder: ModelFolder, of model: any EmbeddingModel) throws {
        let fallback = model.recipeDefault
        let modules = try Self.json(folder, "modules.json").map { try Self.modules($0, folder) }
        let poolingPath = modules?.poolingPath ?? "1_Pooling"
        pooling =
            try Self.json(folder, "\(poolingPath)/config.json").map {
                try Self.pooling($0, "\(folder.path)/\(poolingPath)/config.json")
            } ?? fallback.pooling
        isNormalized = modules?.normalizes ?? true
        instruction = fallback.instruction
        endTokenRoles = fallback.endTokenRoles
        let prompting = try Self.json(folder, "config_sentence_transformers.json")
        let named = try prompting.map { try Self.prompts($0, folder) } ?? [:]
        prompts = named.isEmpty ? fallback.prompts : named
        promptDefault = prompting?["default_prompt_name"]?.asString.flatMap { named[$0] } ?? ""
        let sentence = try Self.json(folder, "sentence_bert_config.json")
        lowercases = sentence?["do_lower_case"]?.asBool ?? false
        let tokenizer = try Self.json(folder, "tokenizer_config.json")
        let stated = sentence?["max_seq_length"]?.asInt ?? tokenizer?["model_max_length"]?.asInt
        tokensMax = min(stated ?? .max, model.contextTokensMax)
        guard tokensMax > Self.tokensMin else {
            throw KernelError.unsupported(
                file: folder.path, what: "texts of at most \(tokensMax) tokens")
        }
    }

    /// Room for special tokens and something between them.
    private static let tokensMin = 8

    private static func json(_ folder: ModelFolder, _ name: String) throws -> JSONValue? {
        let path = "\(folder.path)/\(name)"
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        return try JSONValue.read(file: path)
    }

    private static func modules(
        _ list: JSONValue, _ folder: ModelFolder
    ) throws -> (poolingPath: String?, normalizes: Bool) {
        let path = "\(folder.path)/modules.json"
        var result: (poolingPath: String?, normalizes: Bool) = (nil, false)
        guard let entries = list.asArray else {
            throw JSONError(source: path, detail: "is \(list.kind), want an array")
        }
        for entry in entries {
            let type = try JSONError.naming(path) { try entry.string("type") }
            switch type.split(separator: ".").last {
            case "Transformer": break
            case "Pooling":
                let place = try JSONError.naming(path) { try entry.string("path") }
                guard !place.hasPrefix("/"), !place.contains("..") else {
                    throw JSONError(source: path, detail: "path \(place) leaves the folder")
                }
                result.poolingPath = place
            case "Normalize": result.normalizes = true
            default:
                throw KernelError.unsupported(
                    file: path, what: "module \(type); known: Transformer, Pooling, Normalize")
            }
        }
        return result
    }

    private static func pooling(_ config: JSONValue, _ path: String) throws -> Pooling {
        if let name = config["pooling_mode"]?.asString {
            guard let pooling = poolingNames[name] else {
                throw KernelError.unsupported(file: path, what: "pooling_mode \(name)")
            }
            return pooling
        }
        let on = (config.asObject?.keys ?? []).filter {
            $0.hasPrefix("pooling_mode_") && config[$0]?.asBool == true
        }
        guard on.count == 1, let pooling = poolingKeys[on[0]] else {
            throw KernelError.unsupported(
                file: path, what: "pooling by [\(on.joined(separator: ", "))]")
        }
        guard config["include_prompt"]?.asBool ?? true else {
            throw KernelError.unsupported(file: path, what: "include_prompt false")
        }
        return pooling
    }

    private static func prompts(
        _ config: JSONValue, _ folder: ModelFolder
    ) throws -> [String: String] {
        let path = "\(folder.path)/config_sentence_transformers.json"
        var prompts: [String: String] = [:]
        let entries = try JSONError.naming(path) { try config.object("prompts", default: [:]) }
        for (name, value) in entries {
            guard let text = value.asString else {
                throw JSONError(source: path, detail: "prompt \(name) is \(value.kind)")
            }
            prompts[name] = text
        }
        return prompts
    }
}
