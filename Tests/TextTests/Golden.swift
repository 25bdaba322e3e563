import Foundation
import Kernels
import Testing

/// Files under Tests/Fixtures.
enum Fixtures {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Fixtures").path

    static func path(_ name: String) -> String { "\(folder)/\(name)" }
}

/// Golden values of one checkpoint: `golden.json` and `golden.safetensors` beside it.
struct Golden {
    let json: JSONValue
    private let file: SafetensorsFile

    init(_ name: String) throws {
        json = try JSONValue.read(file: "\(Fixtures.path(name))/golden.json")
        file = try SafetensorsFile(path: "\(Fixtures.path(name))/golden.safetensors")
    }

    func tokens(_ key: String) throws -> [Int32] { try json.ints(key).map { Int32($0) } }

    /// Values and shape of an f32 tensor.
    func values(_ name: String) throws -> (values: [Float], shape: [Int]) {
        let tensor = try #require(file.tensors[name])
        let count = tensor.shape.reduce(1, *)
        let values = (0..<count).map {
            tensor.bytes.loadUnaligned(fromByteOffset: $0 * 4, as: Float.self)
        }
        return (values, tensor.shape)
    }
}

/// Largest and root-mean-square difference of two arrays; infinite where either is not a number.
func difference(_ left: [Float], _ right: [Float]) -> (max: Double, rms: Double) {
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
