import Foundation

/// Writes vectors as they come, to stdout or to a file that appears when it is complete.
final class VectorOutput {
    enum Format: String, CaseIterable, Sendable {
        /// An object a text, with the numbers.
        case jsonl
        /// An object a text, with the f32 numbers, little-endian, in base64.
        case base64
        /// One object with everything.
        case json
        /// An array [texts, dimensions] of f32 for numpy.
        case npy
        /// The same without a header.
        case f32

        /// Formats without a place for what failed, and not for a terminal.
        var isBinary: Bool { self == .npy || self == .f32 }
    }

    /// Where one text ended.
    enum Entry {
        case vector(EmbeddedPiece)
        case failed(String)
    }

    private struct Record: Encodable {
        var index: Int
        var place: String?
        var tokens: Int?
        var truncated: Bool?
        var embedding: Numbers?
        var error: String?
    }

    /// A vector as an array or in base64, under the same key, as OpenAI's interface has it.
    private enum Numbers: Encodable {
        case array([Float])
        case base64(String)

        func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            switch self {
            case .array(let values): try container.encode(values)
            case .base64(let text): try container.encode(text)
            }
        }
    }

    private struct Whole: Encodable {
        struct Usage: Encodable { var totalTokens: Int }
        var model: String
        var dimensions: Int
        var pooling: String
        var prompt: String
        var normalized: Bool
        var tokensMax: Int
        var usage: Usage
        var data: [Record]
    }

    private let format: Format
    private let terminal: Terminal
    private let file: StreamedFile?
    private var count = 0
    private var tokens = 0
    private var columns = 0
    private var kept: [UInt8] = []
    private var records: [Record] = []

    /// - Parameter path: nil for stdout.
    init(_ format: Format, to path: String?, terminal: Terminal) throws {
        self.format = format
        self.terminal = terminal
        file = try path.map { try StreamedFile($0) }
        // The count is known at the end; its place is kept.
        if format == .npy { try file?.write(Self.npyHeader(rows: 0, columns: 0)) }
    }

    /// Adds the texts of a group, in order.
    func add(_ entries: [(place: String?, entry: Entry)]) throws {
        var bytes: [UInt8] = []
        for (place, entry) in entries {
            if case .vector(let piece) = entry {
                tokens += piece.tokenCount
                columns = piece.vector.count
            }
            switch format {
            case .npy, .f32:
                guard case .vector(let piece) = entry else {
                    throw CommandError.cannotRun("a row without a vector")
                }
                bytes += Self.littleEndian(piece.vector)
            case .jsonl, .base64:
                let record = record(place, entry)
                bytes += Array(try JSONText.encode(record, pretty: false).utf8) + [10]
            case .json: records.append(record(place, entry))
            }
            count += 1
        }
        if let file {
            try file.write(bytes)
        } else if format == .npy {
            kept += bytes
        } else {
            try terminal.result(bytes: bytes)
        }
    }

    /// Completes the output.
    func finish(_ facts: EmbeddingFacts, model: String) throws {
        if format == .npy {
            let header = Self.npyHeader(
                rows: count, columns: count == 0 ? facts.dimensions : columns)
            if let file {
                try file.overwriteStart(with: header)
            } else {
                try terminal.result(bytes: header + kept)
            }
        }
        if format == .json {
            let whole = Whole(
                model: model, dimensions: facts.dimensions, pooling: facts.pooling,
                prompt: facts.prompt, normalized: facts.isNormalized, tokensMax: facts.tokensMax,
                usage: .init(totalTokens: tokens), data: records)
            let bytes = Array((try JSONText.encode(whole, pretty: false) + "\n").utf8)
            try file.map { try $0.write(bytes) } ?? terminal.result(bytes: bytes)
        }
        try file?.commit()
    }

    private func record(_ place: String?, _ entry: Entry) -> Record {
        let index = format == .json ? records.count : count
        switch entry {
        case .failed(let reason): return Record(index: index, place: place, error: reason)
        case .vector(let piece):
            let numbers: Numbers =
                format == .base64
                ? .base64(Data(Self.littleEndian(piece.vector)).base64EncodedString())
                : .array(piece.vector)
            return Record(
                index: index, place: place, tokens: piece.tokenCount,
                truncated: piece.isTruncated ? true : nil, embedding: numbers)
        }
    }

    /// f32, little-endian.
    static func littleEndian(_ vector: [Float]) -> [UInt8] {
        vector.map(\.bitPattern.littleEndian).withUnsafeBytes { Array($0) }
    }

    /// The header of a .npy file, version 1.0, always of the same length.
    private static func npyHeader(rows: Int, columns: Int) -> [UInt8] {
        let headerBytes = 128
        let magic: [UInt8] = [0x93] + Array("NUMPY".utf8) + [1, 0]
        let length = headerBytes - magic.count - 2
        var text =
            "{'descr': '<f4', 'fortran_order': False, 'shape': (\(rows), \(columns)), }"
        text += String(repeating: " ", count: length - text.utf8.count - 1) + "\n"
        return magic + [UInt8(length & 255), UInt8(length >> 8)] + Array(text.utf8)
    }
}
