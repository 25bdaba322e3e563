/// Rows of comma-separated values (RFC 4180): quoted fields may hold commas, line ends and doubled
/// quotes.
final class CSVReader {
    private let source: ByteLines
    private(set) var line = 1
    private var pending: UInt8?

    init(_ source: ByteLines) { self.source = source }

    private func byte() throws -> UInt8? {
        if let kept = pending {
            pending = nil
            return kept
        }
        return try source.byte()
    }

    private func bad(_ what: String) -> CommandError {
        .cannotRun("\(source.label): line \(line): \(what)")
    }

    /// The fields of the next row; nil at the end. Empty lines are skipped.
    func row() throws -> [[UInt8]]? {
        var fields: [[UInt8]] = []
        while let first = try byte() {
            if first == UInt8(ascii: "\n") {
                line += 1
                continue
            }
            if first == UInt8(ascii: "\r") { continue }
            pending = first
            var more = true
            while more {
                let (field, hasNext) = try field()
                fields.append(field)
                more = hasNext
            }
            return fields
        }
        return nil
    }

    /// One field, and whether another one follows in the row.
    private func field() throws -> ([UInt8], Bool) {
        var field: [UInt8] = []
        guard let first = try byte() else { return (field, false) }
        if first == UInt8(ascii: "\"") { return try quotedField() }
        pending = first
        while let current = try byte() {
            switch current {
            case UInt8(ascii: ","): return (field, true)
            case UInt8(ascii: "\n"):
                line += 1
                if field.last == UInt8(ascii: "\r") { field.removeLast() }
                return (field, false)
            default: field.append(current)
            }
            guard field.count <= ByteLines.lineBytesMax else { throw bad("the field is too long") }
        }
        return (field, false)
    }

    private func quotedField() throws -> ([UInt8], Bool) {
        let quote = UInt8(ascii: "\"")
        let start = line
        var field: [UInt8] = []
        while let current = try byte() {
            if current == UInt8(ascii: "\n") { line += 1 }
            if current != quote {
                field.append(current)
                guard field.count <= ByteLines.lineBytesMax else {
                    throw bad("the field is too long")
                }
                continue
            }
            var following = try byte()
            if following == quote {
                field.append(quote)
                continue
            }
            if following == UInt8(ascii: "\r") { following = try byte() }
            switch following {
            case UInt8(ascii: ","): return (field, true)
            case UInt8(ascii: "\n"):
                line += 1
                return (field, false)
            case nil: return (field, false)
            case let other?:
                throw bad("\(Unicode.Scalar(other)) behind the quote that ends a field")
            }
        }
        line = start
        throw bad("the quote is never closed")
    }
}
