import Foundation

/// Tells whether two folders hold the same model, wherever they lie and however they came there.
enum ModelFingerprint {
    /// Read from the start and from the end of each weight file: the header with the shapes of all
    /// tensors, and numbers.
    private static let sampleBytes = 256 << 10

    /// Digest of config.json, and of size, start and end of every weight file.
    ///
    /// - Throws: `FileError` for a file that cannot be read.
    static func of(_ folder: String) throws -> String {
        let names = try PosixFileSystem().names(in: folder).filter {
            $0 == "config.json" || $0.hasSuffix(".safetensors")
        }
        var bytes: [UInt8] = []
        for name in names {
            let path = Path.join(folder, name)
            guard let file = FileHandle(forReadingAtPath: path) else {
                throw FileError(operation: "open", path: path, code: errno)
            }
            let size = try file.seekToEnd()
            bytes += Array("\(name) \(size)\n".utf8)
            for offset in [0, max(size, UInt64(sampleBytes)) - UInt64(sampleBytes)] {
                try file.seek(toOffset: offset)
                bytes += try file.read(upToCount: sampleBytes) ?? Data()
            }
        }
        return ContentHash.bytes(bytes)
    }
}
