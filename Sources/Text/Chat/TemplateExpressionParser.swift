import Kernels

// Expressions, from the loosest binding to the tightest: `if else`, `or`, `and`, `not`,
// comparisons, `+ -`, `~`, `* / // %`, `**`, sign, member and item, filters and tests.
extension TemplateParser {
    /// An expression, or several with commas between, which make a tuple.
    mutating func tupleOrExpression(conditional: Bool = true) throws -> TemplateExpression {
        let line = current.line
        let first = conditional ? try expression() : try disjunction()
        guard isSymbol(",") else { return first }
        var items = [first]
        while take(symbol: ",") {
            if endsTuple { break }
            items.append(conditional ? try expression() : try disjunction())
        }
        return TemplateExpression(kind: .tuple(items), line: line)
    }

    private var endsTuple: Bool {
        current.kind == .blockEnd || current.kind == .variableEnd || isSymbol(")")
    }

    mutating func expression() throws -> TemplateExpression {
        depth += 1
        defer { depth -= 1 }
        guard depth < Self.depthMax else { throw error("nested deeper than \(Self.depthMax)") }
        var value = try disjunction()
        while isName("if") {
            let line = current.line
            advance()
            let test = try disjunction()
            let otherwise = take(name: "else") ? try expression() : nil
            value = TemplateExpression(
                kind: .conditional(test, then: value, otherwise: otherwise), line: line)
        }
        return value
    }

    mutating func disjunction() throws -> TemplateExpression {
        var left = try conjunction()
        while isName("or") {
            let line = current.line
            advance()
            left = TemplateExpression(kind: .or(left, try conjunction()), line: line)
        }
        return left
    }

    private mutating func conjunction() throws -> TemplateExpression {
        var left = try negation()
        while isName("and") {
            let line = current.line
            advance()
            left = TemplateExpression(kind: .and(left, try negation()), line: line)
        }
        return left
    }

    private mutating func negation() throws -> TemplateExpression {
        let line = current.line
        var negations = 0
        while take(name: "not") { negations += 1 }
        var value = try comparison()
        for _ in 0..<negations { value = TemplateExpression(kind: .not(value), line: line) }
        return value
    }

    private mutating func comparison() throws -> TemplateExpression {
        let line = current.line
        let first = try sum()
        var rest: [(TemplateComparison, TemplateExpression)] = []
        while let comparison = takeComparison() { rest.append((comparison, try sum())) }
        return rest.isEmpty
            ? first : TemplateExpression(kind: .comparison(first, rest), line: line)
    }

    private mutating func takeComparison() -> TemplateComparison? {
        if take(name: "in") { return .contained }
        if isName("not"), tokens[index + 1].kind == .name, tokens[index + 1].text == "in" {
            advance()
            advance()
            return .notContained
        }
        guard current.kind == .symbol, let comparison = TemplateComparison(rawValue: current.text)
        else { return nil }
        advance()
        return comparison
    }

    private mutating func arithmetic(
        _ symbols: Set<String>, _ operand: (inout TemplateParser) throws -> TemplateExpression
    ) throws -> TemplateExpression {
        var left = try operand(&self)
        while current.kind == .symbol, symbols.contains(current.text),
            let symbol = TemplateOperator(rawValue: current.text)
        {
            let line = current.line
            advance()
            left = TemplateExpression(
                kind: .arithmetic(symbol, left, try operand(&self)), line: line)
        }
        return left
    }

    private mutating func sum() throws -> TemplateExpression {
        try arithmetic(["+", "-"]) { try $0.concatenation() }
    }

    private mutating func concatenation() throws -> TemplateExpression {
        try arithmetic(["~"]) { try $0.product() }
    }

    private mutating func product() throws -> TemplateExpression {
        try arithmetic(["*", "/", "//", "%"]) { try $0.power() }
    }

    private mutating func power() throws -> TemplateExpression {
        try arithmetic(["**"]) { try $0.signed(filters: true) }
    }

    private mutating func signed(filters: Bool) throws -> TemplateExpression {
        depth += 1
        defer { depth -= 1 }
        guard depth < Self.depthMax else { throw error("nested deeper than \(Self.depthMax)") }
        let line = current.line
        var value: TemplateExpression
        if take(symbol: "-") {
            value = TemplateExpression(kind: .negative(try signed(filters: false)), line: line)
        } else if take(symbol: "+") {
            value = TemplateExpression(kind: .positive(try signed(filters: false)), line: line)
        } else {
            value = try primary()
        }
        value = try postfix(value)
        return filters ? try filtersAndTests(value) : value
    }

    // MARK: the smallest parts

    private mutating func primary() throws -> TemplateExpression {
        let token = current
        func literal(_ value: JSONValue) -> TemplateExpression {
            TemplateExpression(kind: .literal(value), line: token.line)
        }
        switch token.kind {
        case .string:
            var text = ""
            while current.kind == .string {
                text += current.text
                advance()
            }
            return literal(.string(text))
        case .integer, .float:
            let digits = token.text.filter { $0 != "_" }
            advance()
            if token.kind == .integer, let value = Int(digits) { return literal(.int(value)) }
            guard token.kind == .float, let value = Double(digits) else {
                throw error("the number \(token.text) is too large", line: token.line)
            }
            return literal(.double(value))
        case .name:
            advance()
            switch token.text {
            case "true", "True": return literal(.bool(true))
            case "false", "False": return literal(.bool(false))
            case "none", "None": return literal(.null)
            case "varargs", "kwargs", "caller", "self", "super":
                throw error("'\(token.text)' is not supported", line: token.line)
            default: return TemplateExpression(kind: .name(token.text), line: token.line)
            }
        case .symbol where token.text == "(":
            advance()
            if take(symbol: ")") { return TemplateExpression(kind: .tuple([]), line: token.line) }
            let value = try tupleOrExpression()
            try expect(symbol: ")")
            return value
        case .symbol where token.text == "[":
            advance()
            return TemplateExpression(kind: .list(try items(until: "]")), line: token.line)
        case .symbol where token.text == "{": return try map()
        default: throw error("found \(found), want an expression")
        }
    }

    private mutating func items(until end: String) throws -> [TemplateExpression] {
        var items: [TemplateExpression] = []
        while !take(symbol: end) {
            if !items.isEmpty {
                try expect(symbol: ",")
                if take(symbol: end) { break }
            }
            items.append(try expression())
        }
        return items
    }

    private mutating func map() throws -> TemplateExpression {
        let line = current.line
        try expect(symbol: "{")
        var members: [(TemplateExpression, TemplateExpression)] = []
        while !take(symbol: "}") {
            if !members.isEmpty {
                try expect(symbol: ",")
                if take(symbol: "}") { break }
            }
            let key = try expression()
            try expect(symbol: ":")
            members.append((key, try expression()))
        }
        return TemplateExpression(kind: .map(members), line: line)
    }

    private mutating func postfix(_ value: TemplateExpression) throws -> TemplateExpression {
        var value = value
        while true {
            let line = current.line
            if take(symbol: ".") {
                if current.kind == .integer, let index = Int(current.text) {
                    advance()
                    let literal = TemplateExpression(kind: .literal(.int(index)), line: line)
                    value = TemplateExpression(kind: .item(value, literal), line: line)
                } else {
                    value = TemplateExpression(kind: .member(value, try expectName()), line: line)
                }
            } else if take(symbol: "[") {
                value = try subscripted(value, line: line)
            } else if isSymbol("(") {
                value = try call(value, line: line)
            } else {
                return value
            }
        }
    }

    private mutating func subscripted(
        _ value: TemplateExpression, line: Int
    ) throws -> TemplateExpression {
        var bounds: [TemplateExpression?] = [nil]
        while true {
            if take(symbol: "]") { break }
            if take(symbol: ":") {
                bounds.append(nil)
            } else {
                guard bounds[bounds.count - 1] == nil else {
                    throw error("found \(found), want ']'")
                }
                bounds[bounds.count - 1] = try expression()
            }
        }
        if bounds.count == 1, let index = bounds[0] {
            return TemplateExpression(kind: .item(value, index), line: line)
        }
        guard bounds.count == 2 || bounds.count == 3 else { throw error("malformed subscript") }
        return TemplateExpression(
            kind: .slice(
                value, from: bounds[0], to: bounds[1], step: bounds.count == 3 ? bounds[2] : nil),
            line: line)
    }

    private mutating func call(
        _ value: TemplateExpression, line: Int
    ) throws -> TemplateExpression {
        switch value.kind {
        case .name(let name):
            guard TemplateFunction(rawValue: name) != nil || macros.contains(name) else {
                throw error("the function '\(name)' is not supported", line: line)
            }
            return TemplateExpression(kind: .call(name, try arguments()), line: line)
        case .member(let owner, let name):
            guard TemplateMethods.names.contains(name) else {
                throw error("the method '\(name)' is not supported", line: line)
            }
            return TemplateExpression(kind: .method(owner, name, try arguments()), line: line)
        default: throw error("only functions and methods can be called", line: line)
        }
    }

    private mutating func arguments() throws -> TemplateArguments {
        try expect(symbol: "(")
        var arguments = TemplateArguments()
        var isFirst = true
        while !take(symbol: ")") {
            if !isFirst {
                try expect(symbol: ",")
                if take(symbol: ")") { break }
            }
            isFirst = false
            guard !isSymbol("*"), !isSymbol("**") else {
                throw error("argument unpacking is not supported")
            }
            if current.kind == .name, tokens[index + 1].kind == .symbol,
                tokens[index + 1].text == "="
            {
                let name = try expectName()
                advance()
                arguments.named.append((name, try expression()))
            } else {
                guard arguments.named.isEmpty else {
                    throw error("a positional argument follows a named one")
                }
                arguments.positional.append(try expression())
            }
        }
        return arguments
    }

    mutating func optionalArguments() throws -> TemplateArguments {
        isSymbol("(") ? try arguments() : TemplateArguments()
    }

    // MARK: filters and tests

    mutating func filterName() throws -> TemplateFilter {
        let line = current.line
        let name = try expectName()
        guard let filter = TemplateFilter(named: name) else {
            throw error("the filter '\(name)' is not supported", line: line)
        }
        return filter
    }

    private mutating func filtersAndTests(
        _ value: TemplateExpression
    ) throws -> TemplateExpression {
        var value = value
        while true {
            let line = current.line
            if take(symbol: "|") {
                let filter = try filterName()
                let arguments = try optionalArguments()
                try check(filter, arguments, line: line)
                value = TemplateExpression(kind: .filter(filter, value, arguments), line: line)
            } else if isName("is") {
                advance()
                value = try test(value, line: line)
            } else if isSymbol("(") {
                value = try call(value, line: line)
            } else {
                return value
            }
        }
    }

    /// `map`, `select` and their kin name another filter or test, which must exist as well.
    private func check(
        _ filter: TemplateFilter, _ arguments: TemplateArguments, line: Int
    ) throws {
        let place: Int
        switch filter {
        case .select, .reject, .map: place = 0
        case .selectattr, .rejectattr: place = 1
        default: return
        }
        guard arguments.positional.count > place,
            case .literal(.string(let name)) = arguments.positional[place].kind
        else { return }
        let isKnown =
            filter == .map ? TemplateFilter(named: name) != nil : TemplateTest(named: name) != nil
        guard isKnown else { throw error("'\(name)' is not supported in a filter", line: line) }
    }

    private mutating func test(
        _ value: TemplateExpression, line: Int
    ) throws -> TemplateExpression {
        let negated = take(name: "not")
        let name = try expectName()
        guard let test = TemplateTest(named: name) else {
            throw error("the test '\(name)' is not supported", line: line)
        }
        var arguments = TemplateArguments()
        if isSymbol("(") {
            arguments = try self.arguments()
        } else if startsTestArgument {
            arguments.positional = [try postfix(try primary())]
        }
        let tested = TemplateExpression(kind: .test(test, value, arguments), line: line)
        return negated ? TemplateExpression(kind: .not(tested), line: line) : tested
    }

    private var startsTestArgument: Bool {
        switch current.kind {
        case .string, .integer, .float: true
        case .symbol: current.text == "[" || current.text == "{"
        case .name: !["else", "or", "and", "is", "if", "in", "not"].contains(current.text)
        default: false
        }
    }
}
