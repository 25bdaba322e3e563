/// Sounds of hesitation, which a proofreader removes and the guard does not miss.
enum Fillers {
    private static let always: Set<String> = [
        "uh", "uhh", "uhm", "umm", "erm", "hmm", "hm", "呃", "嗯", "誒", "诶",
    ]
    /// Fillers in English, words in German, Dutch or Portuguese.
    private static let englishOnly: Set<String> = ["um", "er", "mm", "eh"]
    private static let foreignWords: Set<String> = [
        "der", "die", "das", "und", "ist", "nicht", "ein", "eine", "ich", "sie", "zu", "mit", "auf",
        "het", "een", "van", "niet", "ik", "je", "que", "não", "uma", "para", "com", "os", "em",
    ]
    private static let englishWords: Set<String> = [
        "the", "a", "and", "to", "of", "in", "i", "you", "it", "is", "that", "was", "we", "for",
        "on", "have", "with", "this", "they", "he", "she", "at", "be", "are", "so", "but",
    ]

    /// Takes the fillers out of a text and returns them.
    static func remove(from text: inout TextUnits) -> [TextUnit] {
        let fillers = indices(in: text)
        return text.remove { index, _ in fillers.contains(index) }
    }

    /// Which units of a text are fillers.
    static func indices(in text: TextUnits) -> Set<Int> {
        let words = text.units.filter { $0.kind == .word }
        let foreign = words.count { foreignWords.contains($0.key) }
        let isEnglish = foreign <= words.count { englishWords.contains($0.key) }
        return Set(
            text.units.indices.filter { isFiller(text.units, $0, isEnglish: isEnglish) })
    }

    private static func isFiller(_ units: [TextUnit], _ index: Int, isEnglish: Bool) -> Bool {
        let unit = units[index]
        guard always.contains(unit.key) || isEnglish && englishOnly.contains(unit.key) else {
            return false
        }
        // "uh-huh" and "mm-hmm" mean yes, and 呃 before 人 or 錢 is the Cantonese verb "cheat".
        let next = index + 1 < units.count ? units[index + 1].key : ""
        let previous = index > 0 ? units[index - 1].key : ""
        if unit.key == "呃" && ["人", "錢", "钱"].contains(next) && unit.after.isEmpty { return false }
        let isYes =
            unit.after == "-" && ["huh", "hmm", "hm"].contains(next)
            || unit.key.hasPrefix("hm") && index > 0 && units[index - 1].after == "-"
                && previous == "mm"
            || next == "huh"
        return !isYes
    }
}
