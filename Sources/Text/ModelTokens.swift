import Foundation
public import Kernels

/// `generation_config.json`: what a checkpoint recommends.
enum GenerationConfig {
    /// The file of a model's folder; nil where there is none.
    static func read(_ folder: String) throws -> JSONValue? {
        let path = "\(folder)/generation_config.json"
        return FileManager.default.fileExists(atPath: path)
            ? try JSONValue.read(file: path) : nil
    }
}

/// Token ids that a model's files name in several places.
public enum ModelTokens {
    /// Ids that end a reply, from whichever of the files names them.
    ///
    /// - Throws: `KernelError.malformed` when none does: replies would never end; `JSONError` for a
    ///   file that is no JSON.
    public static func ends(of folder: ModelFolder, tokenizer: Tokenizer) throws -> Set<Int32> {
        let generation = try GenerationConfig.read(folder.path)
        let config = folder.config["thinker_config"] ?? folder.config
        let ends = tokenizer.endTokens(config: config, generation: generation)
        guard !ends.isEmpty else {
            throw KernelError.malformed(file: folder.path, reason: "no file names an eos token")
        }
        return ends
    }

    /// The id under `key` in a configuration object, or else that of the token `piece`.
    public static func id(
        _ config: JSONValue, key: String, piece: String, _ tokenizer: Tokenizer,
        _ folder: ModelFolder
    ) throws -> Int32 {
        if let id = config[key]?.asInt { return Int32(truncatingIfNeeded: id) }
        guard let id = tokenizer.id(of: piece) else {
            throw KernelError.malformed(
                file: folder.configPath, reason: "neither \(key) nor a token \(piece) exists")
        }
        return id
    }
}
