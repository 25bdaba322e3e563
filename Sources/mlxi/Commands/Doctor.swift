import ArgumentParser
import Foundation

/// `mlxi doctor`: what the program finds on this machine, and what is wrong with it.
struct Doctor: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show processor, models, folders and libraries; name every problem.",
        discussion: """
            Exit status 1 where there is a problem.

            Examples:
              mlxi doctor
              mlxi doctor --json
            """)

    @Flag(name: .long, help: "One JSON object.")
    var json = false

    func run() throws {
        let environment = ProcessInfo.processInfo.environment
        let terminal = Terminal(environment: environment)
        let checkup = Checkup(environment: environment)
        if json {
            try terminal.resultLine(JSONText.encode(checkup, pretty: true))
        } else {
            try terminal.result(checkup.text)
        }
        if !checkup.problems.isEmpty { throw ExitStatus.partial }
    }
}
