import Foundation

/// Writes named intermediate tensors as `.npy` files, for porting and debugging (`--trace DIR`).
/// A name that comes again gets a running number: `logits.npy`, `logits-1.npy`, ...
public final class Trace {
    private let directory: String
    private var counts: [String: Int] = [:]
    /// The first write that failed, reported once the run is over.
    public private(set) var failure: String?

    /// - Throws: `KernelError.unreadable` when the directory cannot be made.
    public init(directory: String) throws {
        self.directory = directory
        do {
            try FileManager.default.createDirectory(
                atPath: directory, withIntermediateDirectories: true)
        } catch {
            throw KernelError.unreadable(file: directory, reason: "cannot be made: \(error)")
        }
    }

    /// Writes rows as a two-dimensional f32 array.
    public func record(_ name: String, _ rows: Rows) {
        var data = Self.header(shape: [rows.count, rows.columns])
        for row in 0..<rows.count { data.append(Data(buffer: rows[row])) }
        write(data, name, "npy")
    }

    /// Writes token ids as a JSON array.
    public func record(_ name: String, tokens: [Int32]) {
        let text = "[" + tokens.map(String.init).joined(separator: ", ") + "]\n"
        write(Data(text.utf8), name, "json")
    }

    private func write(_ data: Data, _ name: String, _ suffix: String) {
        let count = counts[name, default: 0]
        counts[name] = count + 1
        let file = count == 0 ? name : "\(name)-\(count)"
        let path = "\(directory)/\(file).\(suffix)"
        if !FileManager.default.createFile(atPath: path, contents: data), failure == nil {
            failure = "\(path): cannot be written"
        }
    }

    /// NumPy's format version 1.0: magic, header length, a Python dictionary, padded to 64 bytes.
    private static func header(shape: [Int]) -> Data {
        let dimensions = shape.map(String.init).joined(separator: ", ")
        var text = "{'descr': '<f4', 'fortran_order': False, 'shape': (\(dimensions)), }"
        let unpadded = 10 + text.utf8.count + 1
        text += String(repeating: " ", count: (64 - unpadded % 64) % 64) + "\n"
        var data = Data([0x93]) + Data("NUMPY".utf8) + Data([1, 0])
        data.append(UInt8(text.utf8.count & 255))
        data.append(UInt8(text.utf8.count >> 8))
        return data + Data(text.utf8)
    }
}
