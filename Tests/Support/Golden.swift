import Foundation
public import Kernels

/// Files under Tests/Fixtures.
public enum Fixtures {
    /// The folder of all fixtures.
    public static let folder = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Fixtures").path

    /// Path of a fixture.
    public static func path(_ name: String) -> String { "\(folder)/\(name)" }
}

/// Golden values of one checkpoint: `golden.json` and `golden.safetensors` beside it.
public struct Golden {
    /// `golden.json`.
    public let json: JSONValue
    private let file: SafetensorsFile

    /// Golden values of the checkpoint `name`.
    public init(_ name: String) throws {
        json = try JSONValue.read(file: "\(Fixtures.path(name))/golden.json")
        file = try SafetensorsFile(path: "\(Fixtures.path(name))/golden.safetensors")
    }

    /// Token ids under a key.
    public func tokens(_ key: String) throws -> [Int32] { try json.ints(key).map { Int32($0) } }

    /// Values and shape of an f32 tensor.
    public func values(_ name: String) throws -> (values: [Float], shape: [Int]) {
        let tensor = try tensor(name)
        let count = tensor.shape.reduce(1, *)
        let values = (0..<count).map {
            tensor.bytes.loadUnaligned(fromByteOffset: $0 * 4, as: Float.self)
        }
        return (values, tensor.shape)
    }

    private func tensor(_ name: String) throws -> StoredTensor {
        guard let tensor = file.tensors[name] else {
            throw KernelError.missing(file: file.path, tensor: name)
        }
        return tensor
    }
}

/// Largest and root-mean-square difference of two arrays; infinite where either is not a number.
public func difference(_ left: [Float], _ right: [Float]) -> (max: Double, rms: Double) {
    guard left.count == right.count, !left.isEmpty else { return (.infinity, .infinity) }
    var largest = 0.0
    var squares = 0.0
    for (a, b) in zip(left, right) {
        let delta = abs(Double(a) - Double(b))
        guard delta.isFinite else { return (.infinity, .infinity) }
        largest = max(largest, delta)
        squares += delta * delta
    }
    return (largest, (squares / Double(left.count)).squareRoot())
}
