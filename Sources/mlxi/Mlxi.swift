import ArgumentParser
import Foundation
import Glibc

/// The program: parses, runs one command, and turns whatever happened into an exit status.
@main
struct Mlxi: AsyncParsableCommand {
    static let version = "0.1.0"

    static let configuration = CommandConfiguration(
        commandName: "mlxi",
        abstract: "Speech to text, proofreading and chat with MLX checkpoints, on this CPU.",
        discussion: """
            stdout carries the result, stderr the story.
            Exit status: 0 all done, 1 some items failed, 2 wrong usage, 3 cannot run, \
            130 interrupted.
            """,
        version: version,
        subcommands: [
            Transcribe.self, Watch.self, Chat.self, EmbedCommand.self, PerplexityCommand.self,
            Bench.self, Doctor.self,
        ])

    static func main() async {
        // A closed pipe comes back as an error of write, so that it can count as success.
        signal(SIGPIPE, SIG_IGN)
        Glibc.exit(await status(of: Array(CommandLine.arguments.dropFirst())).rawValue)
    }

    /// Runs a command line. Errors are printed here and nowhere else.
    static func status(of arguments: [String]) async -> ExitStatus {
        let terminal = Terminal(environment: ProcessInfo.processInfo.environment)
        do {
            var command = try parseAsRoot(arguments)
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
            return .done
        } catch {
            return report(error, on: terminal)
        }
    }

    private static func report(_ error: any Error, on terminal: Terminal) -> ExitStatus {
        switch error {
        case let status as ExitStatus:
            return status
        case is ClosedPipe:
            return .done
        case is Cancelled, is CancellationError:
            return .interrupted
        case let error as CommandError:
            terminal.error(error.description)
            return error.status
        default:
            break
        }
        switch exitCode(for: error) {
        case .success:
            return show(fullMessage(for: error), on: terminal)
        case .validationFailure:
            terminal.warn(fullMessage(for: error))
            return .usage
        default:
            terminal.error("\(error)")
            return .failed
        }
    }

    /// `--help` and `--version` arrive as errors; their text is the result.
    private static func show(_ text: String, on terminal: Terminal) -> ExitStatus {
        do {
            try terminal.resultLine(text)
            return .done
        } catch {
            return report(error, on: terminal)
        }
    }
}
