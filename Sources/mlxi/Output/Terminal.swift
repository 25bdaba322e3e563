import Glibc
import Synchronization

/// stdout was closed by its reader (`| head`): the reader has what it wanted, so this is success.
struct ClosedPipe: Error {}

/// The one place that prints. stdout is the result; stderr is the story.
///
/// Progress is drawn only where stderr is a terminal and is wiped before any other line, so a log
/// file never holds a half-drawn line.
final class Terminal: Sendable {
    /// Silences the story, never the result and never an error.
    let quiet: Bool
    let drawsProgress: Bool
    let usesColor: Bool
    private let progressIsShown = Mutex(false)

    init(quiet: Bool = false, environment: [String: String] = [:]) {
        self.quiet = quiet
        let interactive = isatty(STDERR_FILENO) == 1 && environment["TERM"] != "dumb"
        drawsProgress = interactive && !quiet
        usesColor = interactive && (environment["NO_COLOR"] ?? "").isEmpty
    }

    /// Writes a part of the result as it is, at once.
    ///
    /// - Throws: `ClosedPipe` where the reader has gone, `FileError` where stdout cannot be
    ///   written (a full disk behind a redirection).
    func result(_ text: String) throws { try result(bytes: Array(text.utf8)) }

    /// The same for a result that is no text.
    func result(bytes: [UInt8]) throws {
        wipeProgress()
        try writeAll(bytes, to: STDOUT_FILENO) { code in
            if code == EPIPE { return ClosedPipe() }
            return FileError(operation: "write", path: "stdout", code: code)
        }
    }

    func resultLine(_ line: String) throws { try result(line + "\n") }

    /// A line of the story; silent under `--quiet`.
    func say(_ line: String) {
        guard !quiet else { return }
        story(line)
    }

    /// A line that `--quiet` does not silence: something was lost or could not be done.
    func warn(_ line: String) { story(line) }

    /// A part of the story as it is, dimmed where colours are used; silent under `--quiet`.
    func aside(_ text: String) {
        guard !quiet else { return }
        wipeProgress()
        put(usesColor ? "\u{1B}[2m\(text)\u{1B}[0m" : text)
    }

    func error(_ line: String) {
        story(usesColor ? "\u{1B}[31mmlxi:\u{1B}[0m \(line)" : "mlxi: \(line)")
    }

    /// Draws over the last progress line; nothing where stderr is not a terminal.
    func progress(_ line: String) {
        guard drawsProgress else { return }
        progressIsShown.withLock { shown in
            shown = true
            put("\r\u{1B}[K" + line)
        }
    }

    func wipeProgress() {
        progressIsShown.withLock { shown in
            if shown { put("\r\u{1B}[K") }
            shown = false
        }
    }

    private func story(_ line: String) {
        wipeProgress()
        put(line + "\n")
    }

    /// A story that cannot be told is no reason to stop the work.
    private func put(_ text: String) {
        try? writeAll(Array(text.utf8), to: STDERR_FILENO) { _ in ClosedPipe() }
    }
}
