/// What the process tells its caller. The numbers are part of the interface.
enum ExitStatus: Int32, Error, Sendable {
    case done = 0
    /// Some items failed; each was named on stderr.
    case partial = 1
    /// The command line was wrong.
    case usage = 2
    /// Nothing could run: no model, no memory, a file or folder that cannot be used.
    case failed = 3
    /// Ctrl-C or SIGTERM.
    case interrupted = 130
}

/// An error that ends the command with one line and a status.
struct CommandError: Error, CustomStringConvertible {
    var status: ExitStatus
    var description: String

    static func usage(_ message: String) -> CommandError {
        CommandError(status: .usage, description: message)
    }

    static func cannotRun(_ message: String) -> CommandError {
        CommandError(status: .failed, description: message)
    }
}
