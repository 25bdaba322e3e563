import Kernels

/// Reads the large sections, vocabulary and merges, straight from the bytes of the file.
struct VocabularyReader {
    let file: String
    let isByteLevel: Bool
    private(set) var vocabulary = Vocabulary()
    private(set) var exotic: [String: Int32] = [:]

    init(file: String, isByteLevel: Bool) {
        self.file = file
        self.isByteLevel = isByteLevel
    }

    /// Reads the object piece: id.
    mutating func readVocabulary(_ reader: inout JSONReader) throws {
        var piece: [UInt8] = []
        var decoded: [UInt8] = []
        try reader.members(arena: &piece) { reader, piece in
            let id = try reader.int()
            let isExotic = isByteLevel && !ByteLevel.decode(piece[...], appendingTo: &decoded)
            let bytes = isByteLevel && !isExotic ? decoded[...] : piece[...]
            guard vocabulary.add(id: id, bytes: bytes, findable: !isExotic) else {
                throw reader.error("id \(id) of a piece is taken or out of range")
            }
            if isExotic { exotic[String(decoding: piece, as: UTF8.self)] = Int32(id) }
            piece.removeAll(keepingCapacity: true)
            decoded.removeAll(keepingCapacity: true)
        }
        if let twice = vocabulary.seal() {
            throw TokenizerError.invalid(file: file, detail: "piece \(twice) occurs twice")
        }
    }

    /// Reads the list of merges: `"a b"` or `["a", "b"]`.
    func readMerges(_ reader: inout JSONReader) throws -> MergeTable {
        var table = MergeTable(count: vocabulary.idCount)
        var pair = PairBuffer()
        var rank = 0
        try reader.elements { reader in
            pair.clear()
            if try reader.peek() == UInt8(ascii: "[") {
                try reader.elements { reader in
                    try reader.string(appendingTo: &pair.text)
                    pair.ends.append(pair.text.count)
                }
            } else {
                try reader.string(appendingTo: &pair.text)
                pair.cutAtBlank()
            }
            try add(&pair, rank: rank, to: &table, file: file)
            rank += 1
        }
        return table
    }

    /// Reads merges.txt: one pair per line behind an optional version line.
    func readMerges(lines text: UnsafeRawBufferPointer, file: String) throws -> MergeTable {
        var table = MergeTable(count: vocabulary.idCount)
        var pair = PairBuffer()
        var rank = 0
        let lines = text.split(separator: UInt8(ascii: "\n"))
        for (index, line) in lines.enumerated() {
            if index == 0, line.starts(with: Array("#version".utf8)) { continue }
            pair.clear()
            pair.text.append(contentsOf: line)
            while pair.text.last == UInt8(ascii: "\r") { pair.text.removeLast() }
            if pair.text.isEmpty { continue }
            pair.cutAtBlank()
            try add(&pair, rank: rank, to: &table, file: file)
            rank += 1
        }
        return table
    }

    private func add(
        _ pair: inout PairBuffer, rank: Int, to table: inout MergeTable, file: String
    ) throws {
        func invalid(_ problem: String) -> TokenizerError {
            let text = String(decoding: pair.text, as: UTF8.self)
            return .invalid(file: file, detail: "merge \(rank), '\(text)', \(problem)")
        }
        guard pair.ends.count == 2 else { throw invalid("is not two pieces") }
        guard append(pair.text[..<pair.ends[0]], to: &pair.merged) else {
            throw invalid("leaves the byte alphabet")
        }
        let middle = pair.merged.count
        let second = pair.text[pair.ends[0] + pair.separatorBytes..<pair.ends[1]]
        guard append(second, to: &pair.merged) else { throw invalid("leaves the byte alphabet") }
        let ids = pair.merged.withUnsafeBytes { bytes in
            (
                vocabulary.id(of: UnsafeRawBufferPointer(rebasing: bytes[..<middle])),
                vocabulary.id(of: UnsafeRawBufferPointer(rebasing: bytes[middle...])),
                vocabulary.id(of: bytes)
            )
        }
        guard let left = ids.0, let right = ids.1, let merged = ids.2 else {
            throw invalid("has pieces that are not in the vocabulary")
        }
        table.insert(left, right, rank: rank, merged: merged)
    }

    private func append(_ text: ArraySlice<UInt8>, to bytes: inout [UInt8]) -> Bool {
        if isByteLevel { return ByteLevel.decode(text, appendingTo: &bytes) }
        bytes.append(contentsOf: text)
        return true
    }
}

/// One merge as it is read; the buffers are reused from merge to merge.
private struct PairBuffer {
    /// The text of both parts, with the blank between them in the one-string form.
    var text: [UInt8] = []
    /// Where the parts end in `text`.
    var ends: [Int] = []
    var separatorBytes = 0
    /// The bytes of the joined piece.
    var merged: [UInt8] = []

    mutating func clear() {
        text.removeAll(keepingCapacity: true)
        ends.removeAll(keepingCapacity: true)
        merged.removeAll(keepingCapacity: true)
        separatorBytes = 0
    }

    /// Cuts the one-string form; leaves `ends` without two entries if it is not two parts.
    mutating func cutAtBlank() {
        guard let blank = text.firstIndex(of: UInt8(ascii: " ")),
            !text[(blank + 1)...].contains(UInt8(ascii: " "))
        else { return }
        ends.append(blank)
        ends.append(text.count)
        separatorBytes = 1
    }
}
