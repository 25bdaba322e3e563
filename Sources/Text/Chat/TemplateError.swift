/// A chat template that cannot be read, or a conversation it cannot render. Prints as one line
/// with file and line.
public enum TemplateError: Error, Equatable, CustomStringConvertible {
    /// The template is not valid, or uses something that is not implemented.
    case syntax(file: String, line: Int, detail: String)
    /// Rendering failed, for example a member of an undefined value was asked for.
    case render(file: String, line: Int, detail: String)
    /// The template refused the conversation by `raise_exception`; the detail is its own words.
    case refused(file: String, line: Int, detail: String)

    /// One line: file, line, what is wrong.
    public var description: String {
        switch self {
        case .syntax(let file, let line, let detail), .render(let file, let line, let detail):
            "\(file): line \(line): \(detail)"
        case .refused(let file, let line, let detail):
            "\(file): line \(line): the template refuses: \(detail)"
        }
    }
}
