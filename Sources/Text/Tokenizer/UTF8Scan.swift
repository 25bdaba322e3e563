/// Walking over well-formed UTF-8.
enum UTF8Scan {
    /// The number of bytes of the scalar that `lead` begins; 1 for a stray continuation byte.
    static func length(_ lead: UInt8) -> Int {
        lead < 0xC0 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4
    }

    /// The scalar value and byte count at `index`.
    static func scalar(_ bytes: UnsafeRawBufferPointer, at index: Int) -> (UInt32, Int) {
        let lead = bytes[index]
        if lead < 0x80 { return (UInt32(lead), 1) }
        let length = length(lead)
        guard index + length <= bytes.count else { return (0xFFFD, bytes.count - index) }
        var value = UInt32(lead) & (0x7F >> UInt32(length))
        for offset in 1..<max(length, 1) {
            value = value << 6 | UInt32(bytes[index + offset] & 0x3F)
        }
        return (length == 1 ? 0xFFFD : value, length)
    }

    /// The scalar that ends before `index`, which must be above 0.
    static func scalar(_ bytes: UnsafeRawBufferPointer, before index: Int) -> (UInt32, Int) {
        var start = index - 1
        while start > 0, bytes[start] & 0xC0 == 0x80 { start -= 1 }
        return scalar(bytes, at: start)
    }
}

/// The Unicode properties the scanners ask for, as bits.
struct ScalarClass: OptionSet, Sendable {
    let rawValue: UInt8

    /// `\p{L}`
    static let letter = ScalarClass(rawValue: 1)
    /// `\p{N}`: decimal digits, letter-like and other numbers (², Ⅷ).
    static let number = ScalarClass(rawValue: 2)
    /// `\s`: the White_Space property.
    static let space = ScalarClass(rawValue: 4)
    /// CR and LF.
    static let newline = ScalarClass(rawValue: 8)
    /// `\p{M}`
    static let mark = ScalarClass(rawValue: 16)
    /// `\p{P}`
    static let punctuation = ScalarClass(rawValue: 32)
    /// `\w`: alphabetic, marks, decimal digits, connectors.
    static let word = ScalarClass(rawValue: 64)
    /// `\p{S}`
    static let symbol = ScalarClass(rawValue: 128)

    /// The classes of the first 65,536 scalars; the others are rare and are looked up.
    typealias Table = UnsafeBufferPointer<UInt8>

    private static let table: [UInt8] = (0..<0x10000).map { value in
        Unicode.Scalar(UInt32(value)).map { ScalarClass(looking: $0).rawValue } ?? 0
    }

    init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Lends the shared table, which is made on first use.
    static func withTable<Result>(_ body: (Table) throws -> Result) rethrows -> Result {
        try table.withUnsafeBufferPointer(body)
    }

    /// The classes of a scalar, given the shared `table`.
    init(_ value: UInt32, table: Table) {
        if value < 0x10000 {
            self.init(rawValue: table[Int(value)])
        } else if let scalar = Unicode.Scalar(value) {
            self.init(looking: scalar)
        } else {
            self = []
        }
    }

    private init(looking scalar: Unicode.Scalar) {
        let properties = scalar.properties
        var classes: ScalarClass = []
        switch properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter:
            classes = .letter
        case .decimalNumber: classes = [.number, .word]
        case .letterNumber, .otherNumber: classes = .number
        case .nonspacingMark, .spacingMark, .enclosingMark: classes = [.mark, .word]
        case .connectorPunctuation: classes = [.punctuation, .word]
        case .dashPunctuation, .openPunctuation, .closePunctuation, .initialPunctuation,
            .finalPunctuation, .otherPunctuation:
            classes = .punctuation
        case .mathSymbol, .currencySymbol, .modifierSymbol, .otherSymbol: classes = .symbol
        default: break
        }
        if properties.isAlphabetic { classes.insert(.word) }
        if properties.isWhitespace { classes.insert(.space) }
        if scalar == "\n" || scalar == "\r" { classes.insert(.newline) }
        self = classes
    }
}
