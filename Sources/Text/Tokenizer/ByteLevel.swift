/// GPT-2's alphabet: every byte is written as one printable character, so that a vocabulary of
/// bytes can be stored as text. Pieces are kept as the bytes themselves; this table is needed when
/// a file is read and when a token's name is asked for.
///
/// Source: `bytes_to_unicode` of the GPT-2 release (Radford et al. 2019).
enum ByteLevel {
    /// The character that stands for each byte.
    static let characters: [Unicode.Scalar] = {
        var next: UInt32 = 0x100
        return (0...255).map { byte in
            switch byte {
            case 33...126, 161...172, 174...255: return Unicode.Scalar(UInt8(byte))
            default:
                defer { next += 1 }
                return Unicode.Scalar(next) ?? " "
            }
        }
    }()

    /// The byte each character stands for; -1 for characters outside the alphabet.
    static let bytes: [Int16] = {
        var table = [Int16](repeating: -1, count: 0x144)
        for (byte, scalar) in characters.enumerated() { table[Int(scalar.value)] = Int16(byte) }
        return table
    }()

    /// Appends the bytes that the characters of `text`, in UTF-8, stand for. Returns false, with
    /// `out` unchanged, when one is outside the alphabet.
    static func decode(_ text: ArraySlice<UInt8>, appendingTo out: inout [UInt8]) -> Bool {
        let before = out.count
        out.append(contentsOf: text)  // room for the result, which is no longer
        let written = text.withUnsafeBufferPointer { text in
            bytes.withUnsafeBufferPointer { table in
                out.withUnsafeMutableBufferPointer { out in
                    decode(text, table, UnsafeMutableBufferPointer(rebasing: out[before...]))
                }
            }
        }
        out.removeLast(text.count - (written ?? 0))
        return written != nil
    }

    /// The number of bytes written, nil for text outside the alphabet.
    private static func decode(
        _ text: UnsafeBufferPointer<UInt8>, _ table: UnsafeBufferPointer<Int16>,
        _ out: UnsafeMutableBufferPointer<UInt8>
    ) -> Int? {
        var index = 0
        var written = 0
        while index < text.count {
            var value = Int(text[index])
            index += 1
            if value >= 0x80 {
                // Two-byte sequences reach U+07FF; longer ones are outside the alphabet.
                guard value < 0xE0, index < text.count else { return nil }
                value = (value & 0x1F) << 6 | Int(text[index] & 0x3F)
                index += 1
            }
            guard value < table.count, table[value] >= 0 else { return nil }
            out[written] = UInt8(truncatingIfNeeded: table[value])
            written += 1
        }
        return written
    }
}
