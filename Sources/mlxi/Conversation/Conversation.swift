import Foundation
import Text

/// A conversation as it is kept: the system prompt and the turns.
struct Conversation: Codable, Sendable, Equatable {
    struct Turn: Codable, Sendable, Equatable {
        /// `user` or `assistant`.
        var role: String
        var content: String
    }

    var model = ""
    var system: String?
    /// What the model itself made of turns that no longer fit.
    var summary: String?
    var turns: [Turn] = []

    /// What the model is asked: the system prompt with the summary, then the turns.
    var messages: [Message] {
        let head = [system, summary.map(ContextFit.note)].compactMap { $0 }
        var messages = turns.map { Message(role: $0.role, content: $0.content) }
        if !head.isEmpty {
            let text = head.joined(separator: "\n\n")
            messages.insert(Message(role: "system", content: text), at: 0)
        }
        return messages
    }

    /// Forgets the oldest turns.
    mutating func drop(_ count: Int) { turns.removeFirst(min(count, turns.count)) }
}

/// Conversations by name, as JSON files in the user's data folder.
struct ConversationStore: Sendable {
    /// The conversation that `--continue` goes on with.
    static let last = "last"

    let folder: String

    /// - Throws: `CommandError.cannotRun` where neither HOME nor XDG_DATA_HOME is set.
    init(environment: [String: String]) throws {
        let home = environment["HOME"].map { Path.join($0, ".local/share") }
        guard let data = environment["XDG_DATA_HOME"].flatMap({ $0.isEmpty ? nil : $0 }) ?? home
        else { throw CommandError.cannotRun("neither XDG_DATA_HOME nor HOME is set") }
        folder = Path.join(data, "mlxi/chats")
    }

    private func path(_ name: String) throws -> String {
        guard !name.isEmpty, !name.contains("/"), !name.hasPrefix(".") else {
            throw CommandError.usage("\"\(name)\" is no name for a conversation")
        }
        return Path.join(folder, name + ".json")
    }

    /// The names of all conversations, sorted.
    func names() -> [String] {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return files.filter { $0.hasSuffix(".json") }.map { String($0.dropLast(5)) }.sorted()
    }

    /// - Throws: `CommandError.cannotRun` where there is none of this name, or something else.
    func load(_ name: String) throws -> Conversation {
        let path = try path(name)
        guard let data = FileManager.default.contents(atPath: path) else {
            throw CommandError.cannotRun("\(path): no conversation there")
        }
        do {
            return try JSONDecoder().decode(Conversation.self, from: data)
        } catch {
            throw CommandError.cannotRun("\(path): not a conversation of mlxi")
        }
    }

    /// - Throws: `FileError`.
    func save(_ conversation: Conversation, as name: String) throws {
        let path = try path(name)
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true)
        try AtomicFile.replace(path, with: try JSONText.encode(conversation, pretty: true) + "\n")
    }
}
