import Kernels

/// A model known by its dimensions alone, so that its speed can be measured before its gigabytes
/// are fetched.
protocol InventedModel {
    var name: String { get }
    /// What the family's file reads of `config.json`.
    var config: String { get }
}

extension InventedModel {
    /// The model with all weights reserved; `InventedWeights.fill` makes them.
    func folder(_ weights: InventedWeights) throws -> ModelFolder {
        let config = try JSONValue.parse(config, source: name)
        return try ModelFolder(name: name, config: config, invented: weights)
    }
}

extension InventedWeights {
    /// Memory beside weights and cache: activations of a prompt's step, logits, the program.
    private static var otherBytes: Int { 512 << 20 }

    /// - Throws: `CommandError` when they would not fit beside a cache of `cacheBytes`.
    func checkMemory(for name: String, cacheBytes: Int = 0) throws {
        let needed = byteCount + cacheBytes + Self.otherBytes
        let available = ProcessMemory.availableBytes
        guard needed <= available else {
            let cache = cacheBytes > 0 ? ", cache \(cacheBytes >> 20)" : ""
            throw CommandError.cannotRun(
                "\(name) needs \(needed >> 20) MB (weights \(byteCount >> 20)\(cache)), "
                    + "\(available >> 20) MB are free; try fewer --bits")
        }
    }
}
