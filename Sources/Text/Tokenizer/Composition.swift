import Foundation

/// Normal form C.
enum Composition {
    /// Scalars that are their own composed form and never join the scalar before them, so that
    /// text of only these is normalized and any other text can be cut before them: Latin to Greek
    /// and Cyrillic without marks, punctuation, kana, Han, Hangul syllables, wide forms, emoji.
    private static let stable: [ClosedRange<UInt32>] = [
        0x0000...0x02FF, 0x03B1...0x03FF, 0x0400...0x0482, 0x048A...0x052F, 0x2010...0x2027,
        0x2030...0x205E, 0x20A0...0x20C0, 0x2190...0x21FF, 0x2500...0x27BF, 0x3000...0x3029,
        0x3041...0x3096, 0x309D...0x30FF, 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xAC00...0xD7A3,
        0xFE0F...0xFE0F, 0xFF00...0xFFEF, 0x1F300...0x1FAFF, 0x20000...0x2A6DF,
    ]

    private static func isStable(_ value: UInt32) -> Bool {
        stable.contains { $0.contains(value) }
    }

    /// The normal form C of UTF-8 text, nil when nothing changes. Only the runs of other scalars,
    /// each with the stable one before it, are looked at closely.
    static func compose(_ text: UnsafeRawBufferPointer) -> [UInt8]? {
        var out: [UInt8] = []
        var copied = 0
        var previous = 0
        var index = 0
        while index < text.count {
            let end = unstableEnd(text, from: index)
            if end == index {
                previous = index
                index += UTF8Scan.length(text[index])
                continue
            }
            out.append(contentsOf: text[copied..<previous])
            out.append(
                contentsOf: compose(String(decoding: text[previous..<end], as: UTF8.self)).utf8)
            (copied, previous, index) = (end, end, end)
        }
        guard copied > 0 else { return nil }
        out.append(contentsOf: text[copied...])
        return out
    }

    /// The end of the run of scalars at `start` that are not stable; `start` when there is none.
    private static func unstableEnd(_ text: UnsafeRawBufferPointer, from start: Int) -> Int {
        var end = start
        while end < text.count, text[end] >= 0xCC {  // U+0300 begins with 0xCC
            let (value, length) = UTF8Scan.scalar(text, at: end)
            if isStable(value) { break }
            end += length
        }
        return end
    }

    /// The normal form C of `text`.
    ///
    /// Foundation's composition is not used for Hangul: with Swift 6.3 it leaves a syllable and its
    /// final consonant apart, and damages old jamo. Hangul composes with nothing else, so the text
    /// between is composed by itself.
    static func compose(_ text: String) -> String {
        var composed = ""
        var other = String.UnicodeScalarView()
        var hangul: [UInt32] = []
        func flush() {
            composed += String(other).precomposedStringWithCanonicalMapping
            composed.unicodeScalars.append(contentsOf: syllables(hangul))
            other.removeAll()
            hangul.removeAll()
        }
        for scalar in text.unicodeScalars {
            if isHangul(scalar.value) {
                hangul.append(scalar.value)
            } else {
                if !hangul.isEmpty { flush() }
                other.append(scalar)
            }
        }
        flush()
        return composed
    }

    private static func isHangul(_ value: UInt32) -> Bool {
        (0x1100...0x11FF).contains(value) || (0xAC00...0xD7A3).contains(value)
    }

    /// Joins leading consonant, vowel and final consonant (Unicode 16, section 3.12).
    private static func syllables(_ jamo: [UInt32]) -> [Unicode.Scalar] {
        let (vowels, finals): (UInt32, UInt32) = (21, 28)
        var joined: [UInt32] = []
        for value in jamo {
            if let last = joined.last {
                let isLeading = (0x1100..<0x1113).contains(last)
                if isLeading, (0x1161..<0x1161 + vowels).contains(value) {
                    joined[joined.count - 1] =
                        0xAC00 + ((last - 0x1100) * vowels + value - 0x1161) * finals
                    continue
                }
                let isOpen = (0xAC00...0xD7A3).contains(last) && (last - 0xAC00) % finals == 0
                if isOpen, (0x11A8..<0x11A7 + finals).contains(value) {
                    joined[joined.count - 1] = last + value - 0x11A7
                    continue
                }
            }
            joined.append(value)
        }
        return joined.compactMap { Unicode.Scalar($0) }
    }
}
