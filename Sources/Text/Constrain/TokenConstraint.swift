/// Holds a reply to a schema: says before each token which ones may come.
///
/// What is found out about a state, a bit for each token, is kept for the next time, also for the
/// next reply.
public final class TokenConstraint {
    /// Most masks that are kept, of a bit for each token.
    private static let masksMax = 1024

    /// The schema.
    public let schema: JSONSchema
    private let vocabulary: TokenTrie
    private let endTokens: Set<Int32>
    private var automaton: ByteAutomaton
    private var state: ByteAutomaton.State
    private var masks: [ByteAutomaton.State: TokenMask] = [:]
    private var keys = KeyScanner()

    /// - Parameter endTokens: ids that end a reply; they are allowed where the value is complete.
    public init(_ schema: JSONSchema, vocabulary: TokenTrie, endTokens: Set<Int32>) {
        self.schema = schema
        self.vocabulary = vocabulary
        self.endTokens = endTokens
        automaton = schema.automaton
        state = automaton.start
    }

    /// Goes back to the start of a reply.
    public func restart() {
        state = automaton.start
        keys = KeyScanner()
    }

    /// Whether nothing can follow.
    public var isFinished: Bool { !automaton.canContinue(state) }

    /// Leaves only the tokens that may come: sets the logits of all others to minus infinity.
    ///
    /// - Throws: `ConstraintError.vocabulary` where no token can.
    public func restrict(_ logits: UnsafeMutableBufferPointer<Float>) throws(ConstraintError) {
        let mask = if let known = masks[state] { known } else { try newMask() }
        let repeated = repeatedNames(mask)
        mask.apply(to: logits)
        for token in repeated where Int(token) < logits.count { logits[Int(token)] = -.infinity }
    }

    /// Takes the token that was chosen.
    public func accept(_ token: Int32) {
        for byte in vocabulary.bytes(of: token) {
            state = automaton.step(state, byte)
            keys.read(byte)
        }
        guard automaton.isFull else { return }
        state = automaton.forget(allBut: state)
        masks.removeAll()
    }

    /// The tokens that would give an object the same name twice.
    private func repeatedNames(_ mask: TokenMask) -> [Int32] {
        guard schema.hasFreeNames else { return [] }
        return vocabulary.tokens(withQuotes: keys.quotesToNextKey).filter {
            mask.contains($0) && keys.repeatsKey(vocabulary.bytes(of: $0))
        }
    }

    private func newMask() throws(ConstraintError) -> TokenMask {
        if masks.count >= Self.masksMax { masks.removeAll() }
        var mask = vocabulary.mask(&automaton, from: state)
        if automaton.isComplete(state) {
            for token in endTokens where Int(token) < vocabulary.tokenCount { mask.insert(token) }
        }
        guard !mask.isEmpty else { throw .vocabulary }
        masks[state] = mask
        return mask
    }
}

/// Why a reply cannot be held to a schema. Prints as one line.
public enum ConstraintError: Error, Equatable, CustomStringConvertible {
    /// The tokenizer joins words with blanks.
    case tokenizer
    /// No token can follow: the vocabulary lacks a byte.
    case vocabulary
    /// The reply reached its limit first.
    case incomplete(tokens: Int)

    /// One line.
    public var description: String {
        switch self {
        case .tokenizer: "this model's tokenizer cannot be held to a schema, want one of bytes"
        case .vocabulary: "the schema needs text for which this model has no token"
        case .incomplete(let tokens):
            "the JSON was not complete after \(tokens) tokens, want more tokens or a smaller schema"
        }
    }
}

/// Follows JSON to know the names of the objects that are open: a grammar cannot say that a name
/// comes once. It is given valid JSON only, with one spelling for each name.
struct KeyScanner {
    private enum Place { case structure, string, key }

    private var place = Place.structure
    private var isEscaped = false
    /// Whether a string in this place is a name.
    private var expectsKey = false
    /// The names of open objects; nil for an array.
    private var open: [Set<[UInt8]>?] = []
    private var key: [UInt8] = []

    /// How many quotation marks a token needs before it can repeat a name.
    var quotesToNextKey: Int {
        switch place {
        case .key: 1
        case .structure: 2
        case .string: 3
        }
    }

    /// Whether the bytes would close a name that its object has already.
    func repeatsKey(_ bytes: [UInt8]) -> Bool {
        var copy = self
        return bytes.contains { copy.read($0) }
    }

    /// Takes a byte; true where it closes a name that its object has already.
    @discardableResult
    mutating func read(_ byte: UInt8) -> Bool {
        switch place {
        case .structure: return readStructure(byte)
        case .string, .key:
            let closes = byte == UInt8(ascii: "\"") && !isEscaped
            isEscaped = byte == UInt8(ascii: "\\") && !isEscaped
            if place == .key, !closes { key.append(byte) }
            guard closes else { return false }
            let isKey = place == .key
            place = .structure
            guard isKey, let last = open.indices.last else { return false }
            expectsKey = false
            return open[last]?.insert(key).inserted == false
        }
    }

    private mutating func readStructure(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "{"):
            open.append([])
            expectsKey = true
        case UInt8(ascii: "["):
            open.append(nil)
            expectsKey = false
        case UInt8(ascii: "}"), UInt8(ascii: "]"):
            if !open.isEmpty { open.removeLast() }
        case UInt8(ascii: ","): expectsKey = open.last.map { $0 != nil } ?? false
        case UInt8(ascii: "\""):
            place = expectsKey ? .key : .string
            key.removeAll(keepingCapacity: true)
        default: break
        }
        return false
    }
}
