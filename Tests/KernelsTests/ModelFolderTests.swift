import Foundation
import TestSupport
import Testing

@testable import Kernels

/// What a folder that is not quite a model gets told, and what the formats decode to.
@Suite final class ModelFolderTests {
    private let scratch = FileManager.default.temporaryDirectory
        .appending(path: "mlxi-folder-\(UUID().uuidString)").path

    deinit { try? FileManager.default.removeItem(atPath: scratch) }

    /// A copy of a fixture that a test may damage.
    private func copy(_ name: String) throws -> String {
        try FileManager.default.createDirectory(atPath: scratch, withIntermediateDirectories: true)
        let path = "\(scratch)/\(UUID().uuidString)"
        try FileManager.default.copyItem(atPath: Fixtures.path(name), toPath: path)
        return path
    }

    private func message(_ body: () throws -> Void) -> String {
        do {
            try body()
            return "nothing wrong"
        } catch {
            return "\(error)"
        }
    }

    private func write(_ text: String, to path: String) throws {
        try Data(text.utf8).write(to: URL(filePath: path))
    }

    @Test func matricesOfEveryFormatDecode() throws {
        let file = try SafetensorsFile(path: Fixtures.path("affine/matrices.safetensors"))
        let names = file.tensors.keys.filter { $0.hasSuffix(".codes") }.map { $0.dropLast(6) }
        #expect(names.count >= 18)
        for name in names {
            let codes = try #require(file.tensors["\(name).weight"])
            let scales = try #require(file.tensors["\(name).scales"])
            let biases = try #require(file.tensors["\(name).biases"])
            let wanted = try #require(file.tensors["\(name).dequantized"])
            let format = try #require(
                WeightFormat(
                    columns: 256, words: codes.shape[1], groups: scales.shape[1],
                    scaleType: scales.type))
            let weight = Weight(
                name: String(name), format: format, rows: 2, columns: 256, codes: codes,
                scales: scales, biases: biases)
            var row = [Float](repeating: .nan, count: 256)
            for index in 0..<2 {
                row.withUnsafeMutableBufferPointer { weight.row(index, into: $0) }
                let expected = (0..<256).map {
                    wanted.bytes.loadUnaligned(
                        fromByteOffset: (index * 256 + $0) * 4, as: Float.self)
                }
                #expect(difference(row, expected).max < 1e-6, "\(name)")
            }
        }
    }

    @Test func foldersThatAreNoModelsSayWhy() throws {
        #expect(message { _ = try ModelFolder(path: "/nowhere") }.contains("does not exist"))
        let path = try copy("qwen3-f32")
        let file = "\(path)/config.json"
        #expect(message { _ = try ModelFolder(path: file) }.contains("not a model folder"))
        try write("{\"model_type\": 3}", to: file)
        #expect(message { _ = try ModelFolder(path: path) }.contains("model_type"))
        try write("{", to: file)
        #expect(message { _ = try ModelFolder(path: path) }.contains("config.json"))
        let foreign =
            "{\"model_type\":\"qwen3\",\"quantization_config\":{\"quant_method\":\"awq\"}}"
        try write(foreign, to: file)
        #expect(message { _ = try ModelFolder(path: path) }.contains("awq"))
        try FileManager.default.removeItem(atPath: file)
        #expect(message { _ = try ModelFolder(path: path) }.contains("no config.json"))
    }

    @Test func indexesCannotLeaveTheFolder() throws {
        let path = try copy("qwen3-mixed")
        for name in ["../x.safetensors", "/etc/passwd", ".hidden.safetensors", "x.bin"] {
            try write(
                "{\"weight_map\":{\"a\":\"\(name)\"}}", to: "\(path)/\(WeightFiles.indexName)")
            #expect(message { _ = try ModelFolder(path: path) }.contains("outside"), "\(name)")
        }
        let shard = "{\"weight_map\":{\"ghost\":\"model-00001-of-00002.safetensors\"}}"
        try write(shard, to: "\(path)/\(WeightFiles.indexName)")
        #expect(message { _ = try ModelFolder(path: path) }.contains("ghost"))
        let absent = "{\"weight_map\":{\"a\":\"model-00009-of-00009.safetensors\"}}"
        try write(absent, to: "\(path)/\(WeightFiles.indexName)")
        #expect(message { _ = try ModelFolder(path: path) }.contains("No such file"))
    }

    @Test func missingAndMisshapenTensorsAreNamed() throws {
        let folder = try ModelFolder(path: Fixtures.path("qwen3-q4"))
        let name = "model.layers.0.mlp.down_proj"
        #expect(
            message { _ = try folder.matrix("model.x", rows: 1, columns: 1) }.contains("model.x"))
        let weight = try folder.matrix(name, rows: 128, columns: 192)
        #expect(weight.format == .affine(bits: 4, group: 64))
        for (rows, columns) in [(128, 128), (64, 192), (128, 0)] where columns > 0 {
            let text = message { _ = try folder.matrix(name, rows: rows, columns: columns) }
            #expect(text.contains(name) && text.contains("want"), "\(text)")
        }
        let norm = message { _ = try folder.vector("model.norm.weight", count: 3) }
        #expect(norm.contains("model.norm.weight") && norm.contains("want [3]"), "\(norm)")
        #expect(folder.unused.contains("model.norm.weight") == false)
    }

    @Test func truncatedWeightsSaySo() throws {
        let path = try copy("qwen3-f32")
        let file = URL(filePath: "\(path)/model.safetensors")
        let data = try Data(contentsOf: file)
        for size in [0, 7, 100, data.count / 2, data.count - 1] {
            try data.prefix(size).write(to: file)
            let text = message { _ = try ModelFolder(path: path) }
            #expect(text.contains("model.safetensors") && text != "nothing wrong", "\(text)")
        }
    }
}
