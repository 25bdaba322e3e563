/// A tokenizer that cannot be loaded. Prints as one line that names the file or the folder.
public enum TokenizerError: Error, Equatable, CustomStringConvertible {
    /// The folder holds none of the known tokenizer layouts.
    case missing(folder: String, wanted: String)
    /// The folder says nowhere how a conversation becomes a prompt: a base model.
    case noTemplate(folder: String)
    /// The file asks for a component or pattern that is not implemented.
    case unsupported(file: String, component: String)
    /// The file contradicts itself or lacks something.
    case invalid(file: String, detail: String)

    /// One line: file, what was found, what was wanted.
    public var description: String {
        switch self {
        case .missing(let folder, let wanted): "\(folder): no tokenizer, want \(wanted)"
        case .noTemplate(let folder):
            "\(folder): no chat template (a base model?), want chat_template.jinja or a chat_template"
                + " in tokenizer_config.json"
        case .unsupported(let file, let component): "\(file): \(component) is not supported"
        case .invalid(let file, let detail): "\(file): \(detail)"
        }
    }
}
