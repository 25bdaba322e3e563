/// A tokenizer that cannot be loaded. Prints as one line that names the file.
public enum TokenizerError: Error, Equatable, CustomStringConvertible {
    /// The folder holds none of the known tokenizer layouts.
    case missing(folder: String, wanted: String)
    /// The file asks for a component or pattern that is not implemented.
    case unsupported(file: String, component: String)
    /// The file contradicts itself or lacks something.
    case invalid(file: String, detail: String)

    /// One line: file, what was found, what was wanted.
    public var description: String {
        switch self {
        case .missing(let folder, let wanted): "\(folder): no tokenizer, want \(wanted)"
        case .unsupported(let file, let component): "\(file): \(component) is not supported"
        case .invalid(let file, let detail): "\(file): \(detail)"
        }
    }
}
