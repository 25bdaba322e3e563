import CEdit
import Foundation

/// Lines typed at a terminal, with editing, history and text over several lines (libedit).
struct LineReader {
    private static let historyLinesMax: Int32 = 1000
    private static let fence = "\"\"\""

    private let historyPath: String?

    /// - Parameter historyPath: file of earlier lines; nil keeps none.
    init(historyPath: String?) {
        self.historyPath = historyPath
        setlocale(LC_ALL, "")
        edit_leave_signals_alone()
        using_history()
        stifle_history(Self.historyLinesMax)
        if let historyPath { read_history(historyPath) }
    }

    /// One entry: a line, lines that end in a backslash joined, or what stands between two
    /// `"""`; nil at the end of the input (Ctrl-D).
    func next(prompt: String, continuation: String) -> String? {
        guard let first = line(prompt) else { return nil }
        var entry = first
        if first.hasPrefix(Self.fence) {
            entry = String(first.dropFirst(Self.fence.count))
            while !entry.hasSuffix(Self.fence) {
                guard let more = line(continuation) else { break }
                entry += "\n" + more
            }
            if entry.hasSuffix(Self.fence) { entry.removeLast(Self.fence.count) }
        } else {
            while entry.hasSuffix("\\") {
                entry.removeLast()
                guard let more = line(continuation) else { break }
                entry += "\n" + more
            }
        }
        return entry
    }

    private func line(_ prompt: String) -> String? {
        guard let bytes = readline(prompt) else { return nil }
        defer { free(bytes) }
        let text = String(cString: bytes)
        if !text.allSatisfy(\.isWhitespace) {
            add_history(bytes)
            // A history that cannot be written is no reason to stop a conversation.
            if let historyPath { write_history(historyPath) }
        }
        return text
    }
}
