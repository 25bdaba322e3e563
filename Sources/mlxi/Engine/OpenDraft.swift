import Kernels
import Text

/// A language model that is open to draft for another one.
final class OpenDraft {
    let session: Session
    private let tokenizer: Tokenizer
    private let folder: String

    init(_ folder: ModelFolder, options: OpenOptions) throws {
        self.folder = folder.path
        let compute = try Compute(precision: options.precision, trace: nil)
        let model = try languageModels.open(folder, on: compute)
        tokenizer = try Tokenizer(folder: folder.path)
        session = try Session(
            model: model, compute: compute,
            capacity: options.contextTokens ?? OpenChat.contextTokensDefault,
            kvFormat: options.kvFormat)
    }

    /// - Throws: `CommandError.cannotRun` where tokens mean something else to the model that is
    ///   drafted for.
    func check(against other: Tokenizer, vocabularyCount: Int) throws {
        func name(_ tokenizer: Tokenizer, _ id: Int32) -> String {
            tokenizer.name(of: id).map { "\"\($0)\"" } ?? "missing"
        }
        if let id = tokenizer.firstDifference(from: other) {
            throw CommandError.cannotRun(
                "\(folder): another vocabulary than the model's, as draft model want the same "
                    + "(token \(id) is \(name(tokenizer, id)), there \(name(other, id)))")
        }
        let wanted = min(other.vocabularySize, vocabularyCount)
        guard session.model.vocabularyCount >= wanted else {
            throw CommandError.cannotRun(
                "\(folder): \(session.model.vocabularyCount) rows of tokens, want \(wanted)")
        }
    }
}
