import Foundation

/// Element types of safetensors files that this program reads.
public enum ElementType: String, Sendable {
    case f64 = "F64"
    case f32 = "F32"
    case f16 = "F16"
    case bf16 = "BF16"
    case u32 = "U32"
    case i64 = "I64"
    case i32 = "I32"
    case u16 = "U16"
    case i16 = "I16"
    case u8 = "U8"
    case i8 = "I8"
    case bool = "BOOL"
    case f8e4m3 = "F8_E4M3"
    case f8e8m0 = "F8_E8M0"

    /// Bytes of one element.
    public var byteCount: Int {
        switch self {
        case .f64, .i64: 8
        case .f32, .u32, .i32: 4
        case .f16, .bf16, .u16, .i16: 2
        case .u8, .i8, .bool, .f8e4m3, .f8e8m0: 1
        }
    }
}

/// One tensor where it lies in its mapped file; any alignment.
public struct StoredTensor {
    /// Element type.
    public let type: ElementType
    /// Dimensions, outermost first; empty for a scalar.
    public let shape: [Int]
    /// The elements, row-major, little-endian.
    public let bytes: UnsafeRawBufferPointer
    /// The file that holds the bytes.
    public let file: MappedFile

    /// Type and shape as errors print them: "BF16 [1024, 2048]".
    public var summary: String { "\(type.rawValue) \(shape)" }

    /// Element `index` along the first dimension.
    func part(_ index: Int) -> StoredTensor {
        require(!shape.isEmpty && index >= 0 && index < shape[0], "part \(index) of \(shape)")
        let size = bytes.count / shape[0]
        return StoredTensor(
            type: type, shape: Array(shape.dropFirst()),
            bytes: UnsafeRawBufferPointer(rebasing: bytes[index * size..<(index + 1) * size]),
            file: file)
    }
}

/// A memory-mapped safetensors file. Every header field is checked before it is used: lengths,
/// types, shapes against byte counts, ranges against the file and against each other.
/// Format: https://github.com/huggingface/safetensors (README).
public struct SafetensorsFile {
    /// Largest header accepted, as in the reference implementation.
    public static let headerBytesMax = 100_000_000
    /// Most dimensions of a tensor.
    public static let dimensionsMax = 8

    /// Path of the file.
    public let path: String
    /// All tensors by name.
    public let tensors: [String: StoredTensor]

    /// Maps and checks `path`.
    ///
    /// - Throws: `KernelError.unreadable`, or `KernelError.malformed` naming the tensor.
    public init(path: String) throws {
        self.path = path
        let file = try MappedFile(path: path)
        let header = try Self.header(of: file)
        guard case .object(let entries) = header.json else {
            throw KernelError.malformed(file: path, reason: "header is not a JSON object")
        }
        var tensors: [String: StoredTensor] = [:]
        var ranges: [(begin: Int, end: Int, name: String)] = []
        for (name, entry) in entries where name != "__metadata__" {
            let tensor = try Self.tensor(name, entry, dataOffset: header.dataOffset, of: file)
            guard let tensor else { continue }
            tensors[name] = tensor.stored
            ranges.append((tensor.begin, tensor.begin + tensor.stored.bytes.count, name))
        }
        ranges.sort { ($0.begin, $0.end) < ($1.begin, $1.end) }
        for (left, right) in zip(ranges, ranges.dropFirst()) where right.begin < left.end {
            throw KernelError.malformed(
                file: path, reason: "tensors \(left.name) and \(right.name) overlap")
        }
        self.tensors = tensors
    }

    private static func header(of file: MappedFile) throws -> (json: JSONValue, dataOffset: Int) {
        func malformed(_ reason: String) -> KernelError {
            .malformed(file: file.path, reason: reason)
        }
        let size = file.bytes.count
        let pointer = Array("version https://git-lfs".utf8)
        if size >= pointer.count, file.bytes.prefix(pointer.count).elementsEqual(pointer) {
            throw malformed("is a Git LFS pointer, not the data: fetch it with `git lfs pull`")
        }
        guard size >= 8 else { throw malformed("has \(size) bytes, too short for a header") }
        let length = UInt64(littleEndian: file.bytes.loadUnaligned(as: UInt64.self))
        guard length > 0, length <= UInt64(headerBytesMax) else {
            throw malformed("header length \(length) is out of range: not a safetensors file")
        }
        guard Int(length) <= size - 8 else {
            throw malformed("header wants \(length) bytes, file has \(size): truncated download?")
        }
        let bytes = UnsafeRawBufferPointer(rebasing: file.bytes[8..<8 + Int(length)])
        guard bytes.first == UInt8(ascii: "{") else { throw malformed("header is not JSON") }
        let json = try JSONValue.parse(bytes, source: "\(file.path) (header)")
        return (json, 8 + Int(length))
    }

    /// The tensor of one header entry; nil for a type that no model here uses.
    private static func tensor(
        _ name: String, _ entry: JSONValue, dataOffset: Int, of file: MappedFile
    ) throws -> (stored: StoredTensor, begin: Int)? {
        func malformed(_ reason: String) -> KernelError {
            .malformed(file: file.path, reason: "tensor \(name): \(reason)")
        }
        let (typeName, shape, offsets) = try JSONError.naming("\(file.path): tensor \(name)") {
            (try entry.string("dtype"), try entry.ints("shape"), try entry.ints("data_offsets"))
        }
        guard let type = ElementType(rawValue: typeName) else { return nil }
        guard shape.count <= dimensionsMax, shape.allSatisfy({ $0 >= 0 }) else {
            throw malformed("shape \(shape)")
        }
        guard offsets.count == 2, offsets[0] >= 0, offsets[0] <= offsets[1] else {
            throw malformed("data_offsets \(offsets)")
        }
        var byteCount = type.byteCount
        for dimension in shape {
            let (product, overflow) = byteCount.multipliedReportingOverflow(by: dimension)
            guard !overflow else { throw malformed("shape \(shape) overflows") }
            byteCount = product
        }
        guard offsets[1] - offsets[0] == byteCount else {
            throw malformed("\(typeName) \(shape) needs \(byteCount) bytes, has \(offsets)")
        }
        let available = file.bytes.count - dataOffset
        guard offsets[1] <= available else {
            throw malformed("ends at byte \(offsets[1]) of \(available): truncated download?")
        }
        let range = dataOffset + offsets[0]..<dataOffset + offsets[1]
        let bytes = UnsafeRawBufferPointer(rebasing: file.bytes[range])
        return (StoredTensor(type: type, shape: shape, bytes: bytes, file: file), offsets[0])
    }
}
