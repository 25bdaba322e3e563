/// Parts the thoughts of a reasoning model (`<think>...</think>` in front of the reply) from its
/// reply, piece by piece as the text streams.
public struct ThoughtSplitter: Sendable {
    /// A piece of one or the other.
    public enum Piece: Sendable, Equatable {
        case thought(String)
        case text(String)
    }

    private enum State { case undecided, thought, gap, text }

    private static let opening = "<think>"
    private static let closing = "</think>"

    private var state: State
    /// Text that may turn out to be a tag.
    private var held = ""

    /// - Parameter startsInside: the prompt ended with the opening tag.
    public init(startsInside: Bool) { state = startsInside ? .thought : .undecided }

    /// What has become certain with one more piece of the reply.
    public mutating func append(_ piece: String) -> [Piece] {
        held += piece
        var pieces: [Piece] = []
        if state == .undecided { decide() }
        if state == .thought { takeThought(&pieces) }
        if state == .gap { skipGap() }
        if state == .text, !held.isEmpty {
            pieces.append(.text(held))
            held = ""
        }
        return pieces
    }

    /// The rest, at the end of the reply.
    public mutating func finish() -> [Piece] {
        defer { held = "" }
        guard !held.isEmpty else { return [] }
        return [state == .thought ? .thought(held) : .text(held)]
    }

    /// A whole reply without its thoughts, also where it begins inside one (templates that open it)
    /// or ends inside one (the limit was reached).
    public static func withoutThoughts(_ reply: String) -> String {
        var rest = reply[...]
        if let end = rest.ranges(of: closing).last { rest = rest[end.upperBound...] }
        if let start = rest.firstRange(of: opening) { rest = rest[..<start.lowerBound] }
        return String(rest)
    }

    private mutating func decide() {
        let start = held.drop(while: \.isWhitespace)
        if start.hasPrefix(Self.opening) {
            held = String(start.dropFirst(Self.opening.count))
            state = .thought
        } else if !start.isEmpty && !Self.opening.hasPrefix(start) {
            state = .text
        }
    }

    private mutating func takeThought(_ pieces: inout [Piece]) {
        if let end = held.firstRange(of: Self.closing) {
            if end.lowerBound > held.startIndex {
                pieces.append(.thought(String(held[..<end.lowerBound])))
            }
            held = String(held[end.upperBound...])
            state = .gap
            return
        }
        // The longest end that may be the beginning of the tag is held back.
        var keep = min(held.count, Self.closing.count - 1)
        while keep > 0, !Self.closing.hasPrefix(held.suffix(keep)) { keep -= 1 }
        let certain = held.dropLast(keep)
        if !certain.isEmpty { pieces.append(.thought(String(certain))) }
        held = String(held.suffix(keep))
    }

    /// The empty lines between thoughts and reply belong to neither.
    private mutating func skipGap() {
        held = String(held.drop(while: \.isWhitespace))
        if !held.isEmpty { state = .text }
    }
}
