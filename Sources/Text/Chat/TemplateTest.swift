/// The tests behind `is`.
enum TemplateTest: String {
    case defined, undefined, none, string, number, integer, float, boolean, mapping, sequence
    case iterable, odd, even, divisibleby, lower, upper, sameas
    case isTrue = "true"
    case isFalse = "false"
    case equal = "eq"
    case notEqual = "ne"
    case less = "lt"
    case lessOrEqual = "le"
    case greater = "gt"
    case greaterOrEqual = "ge"
    case contained = "in"

    private static let otherNames: [String: TemplateTest] = [
        "==": .equal, "equalto": .equal, "!=": .notEqual, "<": .less, "lessthan": .less,
        "<=": .lessOrEqual, ">": .greater, "greaterthan": .greater, ">=": .greaterOrEqual,
    ]

    /// The test of that name, also by Jinja's other names for it.
    init?(named name: String) {
        guard let test = TemplateTest(rawValue: name) ?? Self.otherNames[name] else { return nil }
        self = test
    }

    func holds(_ value: TemplateValue, _ arguments: EvaluatedArguments) throws -> Bool {
        if let comparison {
            guard arguments.positional.count == 1, arguments.named.isEmpty else {
                throw TemplateFailure("the test '\(rawValue)' needs one argument")
            }
            return try TemplateArithmetic.compare(comparison, value, arguments.positional[0])
        }
        switch (self, value) {
        case (.divisibleby, _):
            guard let divisor = try arguments.int(0, "num"), divisor != 0,
                let integer = value.integer
            else { throw TemplateFailure("divisibleby needs two integers") }
            return integer % divisor == 0
        case (.odd, _), (.even, _):
            guard let integer = value.integer else {
                throw TemplateFailure("the test '\(rawValue)' needs an integer")
            }
            return (integer % 2 != 0) == (self == .odd)
        case (.sameas, _):
            guard let other = arguments.value(0, "other") else {
                throw TemplateFailure("sameas needs an argument")
            }
            return isSame(value, other)
        default:
            try arguments.only(of: "the test '\(rawValue)'")
            return matches(value)
        }
    }

    private var comparison: TemplateComparison? {
        switch self {
        case .equal: .equal
        case .notEqual: .notEqual
        case .less: .less
        case .lessOrEqual: .lessOrEqual
        case .greater: .greater
        case .greaterOrEqual: .greaterOrEqual
        case .contained: .contained
        default: nil
        }
    }

    /// Tests of the value's type.
    private func matches(_ value: TemplateValue) -> Bool {
        switch (self, value) {
        case (.undefined, .undefined), (.none, .none), (.string, .string), (.boolean, .bool),
            (.float, .double), (.integer, .int), (.mapping, .map):
            true
        case (.isTrue, .bool(let flag)): flag
        case (.isFalse, .bool(let flag)): !flag
        case (.number, .int), (.number, .double), (.number, .bool): true
        case (.defined, _): !value.isUndefined
        case (.sequence, _), (.iterable, _):
            switch value {
            case .loop: self == .iterable
            default: value.elements != nil
            }
        case (.lower, _): isCased(value.text, TemplateText.lower)
        case (.upper, _): isCased(value.text, TemplateText.upper)
        default: false
        }
    }

    private func isCased(_ text: String, _ map: (String) -> String) -> Bool {
        text.utf8.elementsEqual(map(text).utf8)
            && text.unicodeScalars.contains(where: \.properties.isCased)
    }

    private func isSame(_ left: TemplateValue, _ right: TemplateValue) -> Bool {
        switch (left, right) {
        case (.bool(let left), .bool(let right)): left == right
        case (.bool, _), (_, .bool): false
        default: TemplateValue.same(left, right)
        }
    }
}
