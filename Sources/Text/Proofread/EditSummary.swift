/// What proofreading changed, counted for the header of the corrected file.
public struct EditSummary: Sendable, Equatable, CustomStringConvertible {
    /// Places where punctuation or spacing was changed.
    public var punctuation = 0
    /// Words whose capital letters were changed.
    public var casing = 0
    /// Fillers such as "um" that were removed.
    public var fillersRemoved = 0
    /// Words said twice that were removed.
    public var repeatsRemoved = 0
    /// Words replaced by others.
    public var wordsReplaced = 0
    /// Words added.
    public var wordsInserted = 0
    /// Words removed that were neither fillers nor repeats.
    public var wordsDeleted = 0
    /// Changes that the guard undid in proposals that were otherwise used.
    public var changesRefused = 0
    /// Paragraphs seen.
    public var paragraphs = 0
    /// Paragraphs of which at least a part was kept as transcribed, because the guard refused the
    /// model's proposal.
    public var paragraphsRejected = 0

    /// Nothing changed.
    public init() {}

    /// Adds the counts of another summary.
    public static func += (sum: inout EditSummary, other: EditSummary) {
        sum.punctuation += other.punctuation
        sum.casing += other.casing
        sum.fillersRemoved += other.fillersRemoved
        sum.repeatsRemoved += other.repeatsRemoved
        sum.wordsReplaced += other.wordsReplaced
        sum.wordsInserted += other.wordsInserted
        sum.wordsDeleted += other.wordsDeleted
        sum.changesRefused += other.changesRefused
        sum.paragraphs += other.paragraphs
        sum.paragraphsRejected += other.paragraphsRejected
    }

    /// One line, as "2 words replaced, 5 punctuation marks, 1 filler removed; 1 of 4 paragraphs
    /// kept as transcribed".
    public var description: String {
        let parts = [
            (wordsReplaced, "word replaced", "words replaced"),
            (wordsInserted, "word added", "words added"),
            (wordsDeleted, "word removed", "words removed"),
            (fillersRemoved, "filler removed", "fillers removed"),
            (repeatsRemoved, "repeat removed", "repeats removed"),
            (punctuation, "punctuation change", "punctuation changes"),
            (casing, "capital changed", "capitals changed"),
            (changesRefused, "change refused", "changes refused"),
        ].filter { $0.0 > 0 }.map { "\($0.0) \($0.0 == 1 ? $0.1 : $0.2)" }
        let changes = parts.isEmpty ? "no changes" : parts.joined(separator: ", ")
        guard paragraphsRejected > 0 else { return changes }
        let noun = paragraphs == 1 ? "paragraph" : "paragraphs"
        return changes + "; \(paragraphsRejected) of \(paragraphs) \(noun) kept as transcribed"
    }
}
