import Foundation

/// One model as downloaded: `config.json`, and the tensors of its safetensors files, single or
/// sharded. Every tensor is asked for by name and shape; asking for one that is absent or shaped
/// otherwise throws.
public final class ModelFolder {
    /// The folder, as errors print it.
    public let path: String
    /// `config.json`.
    public let config: JSONValue
    /// `model_type` of the configuration, which selects the family.
    public let architecture: String

    private let tensors: [String: StoredTensor]
    /// Makes the tensors of a model of which there is only a configuration.
    let invented: InventedWeights?
    private var asked: Set<String> = []
    /// Matrices that were asked for, in that order.
    public private(set) var matricesAsked: [Weight] = []

    /// Opens a folder and checks the header of every weight file.
    ///
    /// - Throws: `KernelError` or `JSONError`, one line naming the file.
    public init(path: String) throws {
        self.path = path
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
            throw KernelError.unreadable(file: path, reason: "does not exist")
        }
        guard isDirectory.boolValue else {
            throw KernelError.unreadable(file: path, reason: "is not a model folder")
        }
        let configPath = "\(path)/config.json"
        guard FileManager.default.fileExists(atPath: configPath) else {
            throw KernelError.unreadable(file: path, reason: "has no config.json: not a model")
        }
        config = try JSONValue.read(file: configPath)
        architecture = try JSONError.naming(configPath) { [config] in
            try config.string("model_type")
        }
        tensors = try WeightFiles.load(folder: path)
        invented = nil
        try checkQuantization()
    }

    /// A model of which there is only a configuration.
    ///
    /// - Parameters:
    ///   - name: stands where errors print a path.
    ///   - invented: makes every tensor that is asked for.
    /// - Throws: `JSONError` when `config` names no `model_type`.
    public init(name: String, config: JSONValue, invented: InventedWeights) throws {
        path = name
        self.config = config
        self.invented = invented
        architecture = try JSONError.naming(name) { try config.string("model_type") }
        tensors = [:]
    }

    /// Path of `config.json`, for errors about its values.
    public var configPath: String { "\(path)/config.json" }

    /// Reads values of the configuration; errors name the file.
    public func read<Value>(_ body: (JSONValue) throws -> Value) throws -> Value {
        try JSONError.naming(configPath) { try body(config) }
    }

    /// Total bytes of all tensors.
    public var byteCount: Int { tensors.values.reduce(0) { $0 + $1.bytes.count } }

    /// Whether a tensor of this full name exists.
    public func has(_ name: String) -> Bool {
        tensors[name] != nil || invented?.has(name) ?? false
    }

    /// Names of tensors that nobody asked for, sorted: what the family's file does not know.
    public var unused: [String] { tensors.keys.filter { !asked.contains($0) }.sorted() }

    /// The matrix `name`.weight [rows, columns] in whatever format it is stored, with the linear
    /// layer's `name`.bias if there is one.
    public func matrix(_ name: String, rows: Int, columns: Int) throws -> Weight {
        let weight = try storedMatrix(name, rows: rows, columns: columns)
        guard has("\(name).bias") else { return weight }
        return weight.adding(bias: try vector("\(name).bias", count: rows))
    }

    /// The vector `name` (full tensor name) [count] as f32.
    public func vector(_ name: String, count: Int) throws -> Vector {
        Vector(try values(name, shape: [count]))
    }

    /// The weight of a convolution as a matrix [outputs, taps · inputs], whether it is stored in MLX
    /// order (out, kernel, in) or in PyTorch order (out, in, kernel).
    ///
    /// - Parameter kernel: taps along each dimension.
    public func convolution(
        _ name: String, outputs: Int, inputs: Int, kernel: [Int]
    ) throws -> Weight {
        let weight = noting(
            try convolutionMatrix(name, outputs: outputs, inputs: inputs, kernel: kernel))
        guard has("\(name).bias") else { return weight }
        return weight.adding(bias: try vector("\(name).bias", count: outputs))
    }

    private func convolutionMatrix(
        _ name: String, outputs: Int, inputs: Int, kernel: [Int]
    ) throws -> Weight {
        let taps = kernel.reduce(1, *)
        let columns = taps * inputs
        if let invented { return try invented.matrix(name, rows: outputs, columns: columns) }
        let full = "\(name).weight"
        let tensor = try stored(full)
        guard let format = WeightFormat(plain: tensor.type) else {
            throw mismatch(full, tensor, "f32, f16 or bf16")
        }
        switch tensor.shape {
        case [outputs] + kernel + [inputs]:
            return Weight(
                name: name, format: format, rows: outputs, columns: columns, codes: tensor)
        case [outputs, inputs] + kernel:
            let memory = try AnonymousMemory(byteCount: tensor.bytes.count, purpose: name)
            if format == .f32 {
                Self.channelsLast(tensor, outputs, inputs, taps, UInt32.self, to: memory)
            } else {
                Self.channelsLast(tensor, outputs, inputs, taps, UInt16.self, to: memory)
            }
            return Weight(
                name: name, format: format, rows: outputs, columns: columns, memory: memory,
                scalesAt: nil, biasesAt: nil)
        default: throw mismatch(full, tensor, "\([outputs] + kernel + [inputs])")
        }
    }

    /// A plain tensor as f32 values.
    public func values(_ name: String, shape: [Int]) throws -> [Float] {
        if let invented { return invented.values(name, count: shape.reduce(1, *)) }
        let tensor = try stored(name)
        guard tensor.shape == shape else { throw mismatch(name, tensor, "\(shape)") }
        let count = shape.reduce(1, *)
        let bytes = tensor.bytes
        switch tensor.type {
        case .f32:
            return (0..<count).map { bytes.loadUnaligned(fromByteOffset: $0 * 4, as: Float.self) }
        case .bf16:
            return (0..<count).map {
                let bits = bytes.loadUnaligned(fromByteOffset: $0 * 2, as: UInt16.self)
                return Float(bitPattern: UInt32(bits) << 16)
            }
        case .f16:
            return (0..<count).map {
                Float(bytes.loadUnaligned(fromByteOffset: $0 * 2, as: Float16.self))
            }
        default: throw mismatch(name, tensor, "f32, f16 or bf16")
        }
    }

    /// The matrices that `name`.weight [count, rows, columns] stacks, in whatever format it is.
    public func matrices(_ name: String, count: Int, rows: Int, columns: Int) throws -> [Weight] {
        try (0..<count).map { index in
            try matrix(named: name, rows: rows, columns: columns) { tensor in
                let stack = try self.stored(tensor)
                guard stack.shape.count == 3, stack.shape[0] == count else {
                    throw self.mismatch(tensor, stack, "[\(count), \(rows), ...]")
                }
                return stack.part(index)
            }
        }
    }

    private func storedMatrix(_ name: String, rows: Int, columns: Int) throws -> Weight {
        try matrix(named: name, rows: rows, columns: columns) { try self.stored($0) }
    }

    private func matrix(
        named name: String, rows: Int, columns: Int, stored: (String) throws -> StoredTensor
    ) throws -> Weight {
        let weight =
            try invented?.matrix(name, rows: rows, columns: columns)
            ?? checkedMatrix(name, rows: rows, columns: columns, stored: stored)
        return noting(weight)
    }

    /// Counts a matrix among those that were asked for.
    func noting(_ weight: Weight) -> Weight {
        matricesAsked.append(weight)
        return weight
    }

    /// The shape of a tensor that exists.
    func shape(of name: String) -> [Int]? { tensors[name]?.shape }

    private func checkedMatrix(
        _ name: String, rows: Int, columns: Int, stored: (String) throws -> StoredTensor
    ) throws -> Weight {
        let codes = try stored("\(name).weight")
        guard has("\(name).scales") else {
            guard let format = WeightFormat(plain: codes.type) else {
                throw mismatch("\(name).weight", codes, "scales beside quantized codes")
            }
            guard codes.shape == [rows, columns] else {
                throw mismatch("\(name).weight", codes, "[\(rows), \(columns)]")
            }
            return Weight(name: name, format: format, rows: rows, columns: columns, codes: codes)
        }
        let scales = try stored("\(name).scales")
        guard codes.type == .u32, codes.shape.count == 2, codes.shape[0] == rows else {
            throw mismatch("\(name).weight", codes, "U32 codes of [\(rows), \(columns)]")
        }
        guard scales.shape.count == 2, scales.shape[0] == rows,
            let format = WeightFormat(
                columns: columns, words: codes.shape[1], groups: scales.shape[1],
                scaleType: scales.type)
        else {
            throw mismatch(
                "\(name).scales", scales,
                "scales of a known format for [\(rows), \(columns)] in U32 \(codes.shape)")
        }
        var biases: StoredTensor?
        if case .affine = format {
            let stored = try stored("\(name).biases")
            guard stored.shape == scales.shape, stored.type == scales.type else {
                throw mismatch("\(name).biases", stored, scales.summary)
            }
            biases = stored
        }
        return Weight(
            name: name, format: format, rows: rows, columns: columns, codes: codes,
            scales: scales, biases: biases)
    }

    private func stored(_ name: String) throws -> StoredTensor {
        guard let tensor = tensors[name] else {
            throw KernelError.missing(file: path, tensor: name)
        }
        asked.insert(name)
        return tensor
    }

    private func mismatch(_ name: String, _ tensor: StoredTensor, _ wanted: String) -> KernelError {
        .mismatch(file: tensor.file.path, tensor: name, found: tensor.summary, wanted: wanted)
    }

    /// Checkpoints of other quantizers carry the same keys with another meaning.
    private func checkQuantization() throws {
        guard config["quantization"] == nil, let other = config["quantization_config"] else {
            return
        }
        if let method = other["quant_method"]?.asString {
            throw KernelError.unsupported(
                file: configPath,
                what: "quantized with \"\(method)\", not by MLX; get an mlx-community conversion")
        }
    }

    /// (out, in, k) -> (out, k, in)
    private static func channelsLast<Element>(
        _ tensor: StoredTensor, _ outputs: Int, _ inputs: Int, _ taps: Int, _: Element.Type,
        to memory: AnonymousMemory
    ) {
        let result = memory.base.assumingMemoryBound(to: Element.self)
        let size = MemoryLayout<Element>.stride
        for output in 0..<outputs {
            for input in 0..<inputs {
                for tap in 0..<taps {
                    let from = (output * inputs + input) * taps + tap
                    result[(output * taps + tap) * inputs + input] =
                        tensor.bytes.loadUnaligned(fromByteOffset: from * size, as: Element.self)
                }
            }
        }
    }
}

/// Finds and opens the weight files of a folder.
enum WeightFiles {
    static let indexName = "model.safetensors.index.json"

    /// All tensors of the folder by name.
    static func load(folder: String) throws -> [String: StoredTensor] {
        let indexPath = "\(folder)/\(indexName)"
        let hasIndex = FileManager.default.fileExists(atPath: indexPath)
        let listed = hasIndex ? try indexed(indexPath) : [:]
        let names = hasIndex ? Set(listed.values).sorted() : try found(folder)
        var tensors: [String: StoredTensor] = [:]
        for name in names {
            let file = try SafetensorsFile(path: "\(folder)/\(name)")
            for (tensor, stored) in file.tensors {
                guard tensors.updateValue(stored, forKey: tensor) == nil else {
                    throw KernelError.malformed(
                        file: file.path, reason: "tensor \(tensor) is in another file too")
                }
            }
        }
        for (tensor, file) in listed where tensors[tensor] == nil {
            throw KernelError.missing(file: "\(folder)/\(file)", tensor: tensor)
        }
        return tensors
    }

    /// `weight_map` of the index: tensor name to file name.
    private static func indexed(_ path: String) throws -> [String: String] {
        let index = try JSONValue.read(file: path)
        let map = try JSONError.naming(path) { try index.object("weight_map") }
        var files: [String: String] = [:]
        for (tensor, value) in map {
            guard let file = value.asString, !file.contains("/"), !file.hasPrefix("."),
                file.hasSuffix(".safetensors")
            else {
                throw KernelError.malformed(
                    file: path, reason: "weight_map names a file outside the folder for \(tensor)")
            }
            files[tensor] = file
        }
        return files
    }

    /// Without an index: every `model*.safetensors`, or else `weights.safetensors`.
    private static func found(_ folder: String) throws -> [String] {
        let all: [String]
        do {
            all = try FileManager.default.contentsOfDirectory(atPath: folder)
        } catch {
            throw KernelError.unreadable(file: folder, reason: "cannot be listed")
        }
        let shards = all.filter { $0.hasPrefix("model") && $0.hasSuffix(".safetensors") }.sorted()
        if !shards.isEmpty { return shards }
        if all.contains("weights.safetensors") { return ["weights.safetensors"] }
        throw KernelError.unreadable(file: folder, reason: "has no model.safetensors")
    }
}
