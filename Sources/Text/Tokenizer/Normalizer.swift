import Foundation

/// One step that rewrites text before it is cut into words.
enum Normalizer: Sendable, Equatable {
    case nfc, nfd, nfkc, nfkd
    case lowercase
    case prepend(String)
    case replace(String, with: String)
    case bert(BertNormalizer)

    /// The rewritten text, nil when it is unchanged.
    func apply(_ text: UnsafeRawBufferPointer) -> [UInt8]? {
        switch self {
        case .nfc:
            return Composition.compose(text)
        case .nfd: return rewrite(text) { $0.decomposedStringWithCanonicalMapping }
        case .nfkc:
            return rewrite(text) {
                Composition.compose($0.decomposedStringWithCompatibilityMapping)
            }
        case .nfkd: return rewrite(text) { $0.decomposedStringWithCompatibilityMapping }
        case .lowercase: return rewrite(text) { Self.lowercased($0) }
        case .prepend(let prefix): return text.isEmpty ? nil : Array(prefix.utf8) + Array(text)
        case .replace(let old, let new):
            return replace(Array(old.utf8), with: Array(new.utf8), in: text)
        case .bert(let bert): return rewrite(text, bert.apply)
        }
    }

    /// Lower case by the full mapping of each scalar, without the context rule for final sigma.
    static func lowercased(_ text: String) -> String {
        text.unicodeScalars.map(\.properties.lowercaseMapping).joined()
    }

    private func rewrite(
        _ text: UnsafeRawBufferPointer, _ change: (String) -> String
    ) -> [UInt8] {
        Array(change(String(decoding: text, as: UTF8.self)).utf8)
    }

    private func replace(
        _ old: [UInt8], with new: [UInt8], in text: UnsafeRawBufferPointer
    ) -> [UInt8]? {
        guard let first = old.first, text.contains(first) else { return nil }
        var out: [UInt8] = []
        out.reserveCapacity(text.count * 2)
        var index = 0
        while index < text.count {
            if text[index] == first, text[index...].starts(with: old) {
                out.append(contentsOf: new)
                index += old.count
            } else {
                out.append(text[index])
                index += 1
            }
        }
        return out
    }
}

/// The text cleaning of BERT: control characters, blanks around Han characters, accents, case.
///
/// Source: `BasicTokenizer` of the BERT release (Devlin et al. 2018).
struct BertNormalizer: Sendable, Equatable {
    var cleansText: Bool
    var isolatesHan: Bool
    var stripsAccents: Bool
    var lowercases: Bool

    /// The blocks BERT takes for Chinese, as it lists them: no kana, no Hangul.
    private static let han: [ClosedRange<UInt32>] = [
        0x4E00...0x9FFF, 0x3400...0x4DBF, 0x20000...0x2A6DF, 0x2A700...0x2B73F,
        0x2B740...0x2B81F, 0x2B920...0x2CEAF, 0xF900...0xFAFF, 0x2F800...0x2FA1F,
    ]

    func apply(_ text: String) -> String {
        var scalars = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            if cleansText, isDropped(scalar) { continue }
            if cleansText, scalar.properties.isWhitespace {
                scalars.append(" ")
            } else if isolatesHan, Self.han.contains(where: { $0.contains(scalar.value) }) {
                scalars.append(contentsOf: [" ", scalar, " "])
            } else {
                scalars.append(scalar)
            }
        }
        var clean = String(scalars)
        if stripsAccents {
            let decomposed = clean.decomposedStringWithCanonicalMapping.unicodeScalars
            clean = String(
                String.UnicodeScalarView(
                    decomposed.filter { $0.properties.generalCategory != .nonspacingMark }))
        }
        return lowercases ? Normalizer.lowercased(clean) : clean
    }

    private func isDropped(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "\t", "\n", "\r": false
        case "\0", "\u{FFFD}": true
        default:
            [.control, .format, .privateUse].contains(scalar.properties.generalCategory)
        }
    }
}
