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

    /// Replaces the characters written in UTF-8 at `start...` of `arena` by the bytes they stand
    /// for. Returns false, with `arena` unchanged, when one is outside the alphabet.
    static func decode(_ arena: inout [UInt8], from start: Int) -> Bool {
        var index = start
        while index < arena.count {
            guard byte(at: &index, in: arena) != nil else { return false }
        }
        index = start
        var write = start
        while index < arena.count {
            guard let byte = byte(at: &index, in: arena) else { return false }
            arena[write] = byte
            write += 1
        }
        arena.removeLast(arena.count - write)
        return true
    }

    /// The byte that the character at `index` stands for; moves `index` behind the character.
    private static func byte(at index: inout Int, in text: [UInt8]) -> UInt8? {
        var value = Int(text[index])
        index += 1
        if value >= 0x80 {
            // Two-byte sequences reach U+07FF; longer ones are outside the alphabet.
            guard value < 0xE0, index < text.count else { return nil }
            value = (value & 0x1F) << 6 | Int(text[index] & 0x3F)
            index += 1
        }
        return value < bytes.count ? UInt8(exactly: bytes[value]) : nil
    }
}
