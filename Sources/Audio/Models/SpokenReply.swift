// What Qwen3-ASR writes: "language English<asr_text>Hello." Reference: qwen-asr 0.0.6
// inference/utils.py parse_asr_output.
import Foundation
import Kernels
import Text

/// Language and text of a reply.
struct SpokenReply {
    let language: String
    let text: String

    static let textTag = "<asr_text>"
    private static let languageKey = "language "
    /// What the model calls the language of silence.
    private static let noLanguage = "none"

    /// - Parameter hint: the language that the prompt ended with; then the reply is text only.
    init(_ reply: String, hint: String?) {
        let collapsed = LoopDetector.collapseRepeats(reply.trimmed)
        if let hint {
            language = hint
            text = collapsed
            return
        }
        guard let tag = collapsed.range(of: Self.textTag) else {
            language = ""
            text = collapsed
            return
        }
        text = String(collapsed[tag.upperBound...]).trimmed
        let lines = collapsed[..<tag.lowerBound].split(whereSeparator: \.isNewline)
        let line = lines.map { String($0).trimmed }.first {
            $0.lowercased().hasPrefix(Self.languageKey)
        }
        let name =
            line.map { String($0.dropFirst(Self.languageKey.count)).trimmed } ?? ""
        language = name.lowercased() == Self.noLanguage ? "" : SpokenLanguage.capitalized(name)
    }
}

/// Lets through the text of a reply while it arrives, without the language in front of it.
struct ReplyStream {
    private var isOpen: Bool
    private var head = ""

    init(hasHint: Bool) { isOpen = hasHint }

    /// The part of `piece` that belongs to the text.
    mutating func append(_ piece: String) -> String {
        if isOpen { return piece }
        head += piece
        guard let tag = head.range(of: SpokenReply.textTag) else { return "" }
        isOpen = true
        return String(head[tag.upperBound...])
    }
}

/// Names of languages: English names as the model writes them, ISO codes as people type them.
enum SpokenLanguage {
    private static let codes = [
        "zh": "Chinese", "en": "English", "yue": "Cantonese", "ar": "Arabic", "de": "German",
        "fr": "French", "es": "Spanish", "pt": "Portuguese", "id": "Indonesian", "it": "Italian",
        "ko": "Korean", "ru": "Russian", "th": "Thai", "vi": "Vietnamese", "ja": "Japanese",
        "tr": "Turkish", "hi": "Hindi", "ms": "Malay", "nl": "Dutch", "sv": "Swedish",
        "da": "Danish", "fi": "Finnish", "pl": "Polish", "cs": "Czech", "fil": "Filipino",
        "fa": "Persian", "el": "Greek", "ro": "Romanian", "hu": "Hungarian", "mk": "Macedonian",
    ]

    static func capitalized(_ name: String) -> String {
        name.prefix(1).uppercased() + name.dropFirst().lowercased()
    }

    /// The model's name for `language`, a name or a code.
    ///
    /// - Throws: `KernelError.setting` listing the languages that the model knows.
    static func named(_ language: String, of supported: [String]) throws -> String {
        let wanted = codes[language.lowercased()] ?? capitalized(language)
        let known = supported.isEmpty ? codes.values.sorted() : supported
        guard known.contains(wanted) else {
            throw KernelError.setting(
                "language \"\(language)\" is not known to this model: "
                    + known.joined(separator: ", ")
            )
        }
        return wanted
    }
}

extension String {
    fileprivate var trimmed: String { trimmingCharacters(in: .whitespacesAndNewlines) }
}
