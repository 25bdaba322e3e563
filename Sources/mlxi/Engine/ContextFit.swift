import Text

/// What happens when a conversation no longer fits.
enum OverflowPolicy: String, Sendable, CaseIterable {
    /// The request fails.
    case error
    /// The oldest turns are left out; the system prompt and the last turn stay.
    case slide
    /// The oldest turns are replaced by a summary that the model writes.
    case summarize
}

/// A conversation made to fit.
struct ContextFit: Sendable {
    /// What the model is asked.
    var messages: [Message]
    /// Turns (messages but the system prompt) that were left out, oldest first.
    var droppedTurns = 0
    /// What the model made of them, under `summarize`.
    var summary: String?
    /// Tokens of the prompt before and after.
    var tokensBefore = 0
    var tokensAfter = 0

    /// Share of the context that the turns which stay may fill after a summary: so that the next
    /// summary is not due at once.
    static let keptShare = 0.35
    /// Longest summary, as a share of the context.
    static let summaryShare = 0.2

    /// A summary as the system prompt has it.
    static func note(_ summary: String) -> String {
        "Summary of the conversation so far:\n" + summary
    }

    /// Asks for a summary of a dialogue.
    static func summaryRequest(_ dropped: [Message], earlier: String?) -> [Message] {
        var dialogue = earlier.map { "Earlier: \($0)\n\n" } ?? ""
        for message in dropped { dialogue += "\(message.role): \(message.content)\n\n" }
        return [
            Message(
                role: "system",
                content: "You summarise conversations. Keep names, numbers, decisions, open "
                    + "questions and what the user wants. Write short sentences; no preamble."),
            Message(role: "user", content: "Summarise this conversation:\n\n\(dialogue)"),
        ]
    }

    /// Leaves out the oldest turns until `fits` is true; what stays begins with a user's turn.
    ///
    /// - Returns: how many turns have to go; nil if even the last one does not fit.
    static func turnsToDrop(_ turns: [Message], fits: (Int) throws -> Bool) rethrows -> Int? {
        var drop = 0
        while drop < turns.count {
            if drop == 0 || turns[drop].role == "user" {
                if try fits(drop) { return drop }
            }
            drop += 1
        }
        return nil
    }
}
