/// What can be wrong with a model's files or the runtime's settings. Prints as one line.
public enum KernelError: Error, CustomStringConvertible, Equatable {
    /// A file cannot be opened, read or mapped.
    case unreadable(file: String, reason: String)
    /// A file's contents contradict its format.
    case malformed(file: String, reason: String)
    /// A tensor that the model needs is absent.
    case missing(file: String, tensor: String)
    /// A tensor has another shape or type than the configuration says.
    case mismatch(file: String, tensor: String, found: String, wanted: String)
    /// The configuration asks for something this program does not have.
    case unsupported(file: String, what: String)
    /// An environment variable or an option makes no sense.
    case setting(String)

    /// File, what was found, what was wanted.
    public var description: String {
        switch self {
        case .unreadable(let file, let reason): "\(file): \(reason)"
        case .malformed(let file, let reason): "\(file): \(reason)"
        case .missing(let file, let tensor): "\(file): tensor \(tensor) is missing"
        case .mismatch(let file, let tensor, let found, let wanted):
            "\(file): tensor \(tensor) is \(found), want \(wanted)"
        case .unsupported(let file, let what): "\(file): \(what)"
        case .setting(let text): text
        }
    }
}
