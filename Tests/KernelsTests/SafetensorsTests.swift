import Foundation
import Testing

@testable import Kernels

/// Hostile and damaged weight files: one clear line, never a crash.
@Suite final class SafetensorsTests {
    private let folder = FileManager.default.temporaryDirectory
        .appending(path: "mlxi-safetensors-\(UUID().uuidString)").path

    init() throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    private func file(header: String, data: Int = 0, length: UInt64? = nil) throws -> String {
        var bytes = Data()
        withUnsafeBytes(of: (length ?? UInt64(header.utf8.count)).littleEndian) {
            bytes.append(contentsOf: $0)
        }
        bytes.append(contentsOf: header.utf8)
        bytes.append(Data(count: data))
        return try file(bytes)
    }

    private func file(_ bytes: Data) throws -> String {
        let path = "\(folder)/\(UUID().uuidString).safetensors"
        try bytes.write(to: URL(filePath: path))
        return path
    }

    private func message(_ path: String) -> String {
        do {
            _ = try SafetensorsFile(path: path)
            return "opened"
        } catch {
            return "\(error)"
        }
    }

    private func expect(_ path: String, says part: String) {
        let text = message(path)
        #expect(text.contains(part) && text.hasPrefix(path) && !text.contains("\n"), "\(text)")
    }

    private static func tensor(_ shape: String, _ offsets: String, type: String = "F32") -> String {
        "{\"dtype\":\"\(type)\",\"shape\":\(shape),\"data_offsets\":\(offsets)}"
    }

    @Test func goodFileOpens() throws {
        let header =
            "{\"__metadata__\":{\"format\":\"mlx\"},\"a\":\(Self.tensor("[2,3]", "[4,28]"))"
            + ",\"s\":\(Self.tensor("[]", "[0,4]")),\"e\":\(Self.tensor("[0,5]", "[28,28]"))}   "
        let opened = try SafetensorsFile(path: try file(header: header, data: 28))
        #expect(opened.tensors["a"]?.shape == [2, 3])
        #expect(opened.tensors["s"]?.bytes.count == 4)
        #expect(opened.tensors["e"]?.bytes.count == 0)
    }

    @Test func damagedContainersAreRefused() throws {
        expect("\(folder)/absent.safetensors", says: "No such file")
        expect(folder, says: "not a regular file")
        expect(try file(Data()), says: "too short")
        expect(try file(Data([1, 2, 3])), says: "too short")
        expect(try file(header: "{}", length: 0), says: "out of range")
        expect(try file(header: "{}", length: 1 << 40), says: "out of range")
        expect(try file(header: "{}", length: 500), says: "truncated")
        expect(try file(header: "[1]"), says: "not JSON")
        expect(try file(header: "{\"a\":"), says: "header")
        let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"
        expect(try file(Data(pointer.utf8)), says: "Git LFS")
    }

    @Test(arguments: [
        ("[2,3]", "[0,20]", "needs 24 bytes"), ("[2,3]", "[0,24]", "truncated"),
        ("[-1]", "[0,4]", "shape"), ("[1]", "[4,0]", "data_offsets"),
        ("[1]", "[-4,0]", "data_offsets"), ("[1]", "[0]", "data_offsets"),
        ("[4611686018427387904,8]", "[0,0]", "overflows"),
        ("[1,1,1,1,1,1,1,1,1]", "[0,4]", "shape"),
        ("[1.5]", "[0,4]", "shape"), ("\"x\"", "[0,4]", "shape"),
    ])
    func badTensorsAreNamed(shape: String, offsets: String, part: String) throws {
        let path = try file(header: "{\"w\":\(Self.tensor(shape, offsets))}", data: 8)
        expect(path, says: part)
        expect(path, says: "tensor w")
    }

    @Test func overlapsAndDuplicatesAreRefused() throws {
        let a = Self.tensor("[1]", "[0,4]")
        let b = Self.tensor("[1]", "[2,6]")
        expect(try file(header: "{\"a\":\(a),\"b\":\(b)}", data: 8), says: "overlap")
        expect(try file(header: "{\"a\":\(a),\"a\":\(a)}", data: 8), says: "a")
        #expect(message(try file(header: "{\"a\":\(a)}", data: 8)) == "opened")
    }

    /// Every byte of a header changed in turn: an error or a file, never a crash.
    @Test func mutatedHeadersNeverCrash() throws {
        let header = "{\"a\":\(Self.tensor("[2,2]", "[0,16]"))}"
        var bytes = Data()
        withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { bytes.append(contentsOf: $0) }
        bytes.append(contentsOf: header.utf8)
        bytes.append(Data(count: 16))
        for index in 0..<bytes.count - 16 {
            for value in [UInt8(0), 0x22, 0x39, 0x7b, 0xff] {
                var mutated = bytes
                mutated[index] = value
                let path = try file(mutated)
                _ = message(path)
                try FileManager.default.removeItem(atPath: path)
            }
        }
    }
}
