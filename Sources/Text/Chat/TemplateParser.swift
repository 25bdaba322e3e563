/// Builds the tree of a template. Everything that is not implemented is refused here, with its
/// line, so that no template ever renders into almost the right text.
struct TemplateParser {
    /// Deeper nesting of expressions is refused.
    static let depthMax = 100

    let file: String
    var tokens: [TemplateToken]
    var index = 0
    var depth = 0
    /// Macros that are defined anywhere in the template; calls of other names are refused.
    var macros: Set<String> = []
    private var loopDepth = 0

    private init(file: String, tokens: [TemplateToken]) {
        self.file = file
        self.tokens = tokens
    }

    static func parse(_ source: String, file: String) throws -> [TemplateNode] {
        let tokens = try TemplateLexer.tokens(source, file: file)
        var parser = TemplateParser(file: file, tokens: tokens)
        for place in tokens.indices.dropLast(2)
        where tokens[place].kind == .blockBegin && tokens[place + 1].text == "macro" {
            parser.macros.insert(tokens[place + 2].text)
        }
        let (nodes, ending) = try parser.nodes(until: [], opened: nil)
        guard ending == nil else { throw parser.error("unexpected end of a block") }
        return nodes
    }

    // MARK: tokens

    var current: TemplateToken { tokens[index] }

    func error(_ detail: String, line: Int? = nil) -> TemplateError {
        .syntax(file: file, line: line ?? current.line, detail: detail)
    }

    func isSymbol(_ text: String) -> Bool { current.kind == .symbol && current.text == text }

    func isName(_ text: String) -> Bool { current.kind == .name && current.text == text }

    mutating func advance() { index = min(index + 1, tokens.count - 1) }

    mutating func take(symbol text: String) -> Bool {
        guard isSymbol(text) else { return false }
        advance()
        return true
    }

    mutating func take(name text: String) -> Bool {
        guard isName(text) else { return false }
        advance()
        return true
    }

    mutating func expect(symbol text: String) throws {
        guard take(symbol: text) else { throw error("found \(found), want '\(text)'") }
    }

    mutating func expectName() throws -> String {
        guard current.kind == .name else { throw error("found \(found), want a name") }
        defer { advance() }
        return current.text
    }

    var found: String {
        switch current.kind {
        case .end: "the end of the template"
        case .blockEnd, .variableEnd: "the end of the tag"
        case .data, .blockBegin, .variableBegin: "the start of a tag"
        case .string: "a string"
        default: "'\(current.text)'"
        }
    }

    private mutating func endBlock() throws {
        guard current.kind == .blockEnd else {
            throw error("found \(found), want the end of the tag")
        }
        advance()
    }

    // MARK: statements

    /// Parses up to a tag whose name is in `endings`; that name is consumed and returned. `opened`
    /// is the line and name of the block whose end is awaited.
    private mutating func nodes(
        until endings: Set<String>, opened: (name: String, line: Int)?
    ) throws -> (nodes: [TemplateNode], ending: String?) {
        var nodes: [TemplateNode] = []
        while true {
            switch current.kind {
            case .data:
                nodes.append(.text(current.text))
                advance()
            case .variableBegin:
                advance()
                nodes.append(.output(try tupleOrExpression()))
                guard current.kind == .variableEnd else {
                    throw error("found \(found), want the end of the tag")
                }
                advance()
            case .blockBegin:
                advance()
                let line = current.line
                let name = try expectName()
                if endings.contains(name) { return (nodes, name) }
                nodes += try statement(name, line: line)
            default:
                if let opened {
                    throw error("\(opened.name) without end\(opened.name)", line: opened.line)
                }
                return (nodes, nil)
            }
        }
    }

    private mutating func statement(_ name: String, line: Int) throws -> [TemplateNode] {
        depth += 1
        defer { depth -= 1 }
        guard depth < Self.depthMax else { throw error("nested deeper than \(Self.depthMax)") }
        switch name {
        case "if": return [try condition(line: line)]
        case "for": return [try loop(line: line)]
        case "set": return [try assignment(line: line)]
        case "macro": return [try macro(line: line)]
        case "break", "continue":
            guard loopDepth > 0 else { throw error("\(name) outside of a loop", line: line) }
            try endBlock()
            return [name == "break" ? .leave : .next]
        case "generation":
            // Marks the reply for training; the text is the same.
            try endBlock()
            let body = try nodes(until: ["endgeneration"], opened: (name, line)).nodes
            try endBlock()
            return body
        default: throw error("the tag '\(name)' is not supported", line: line)
        }
    }

    private mutating func condition(line: Int) throws -> TemplateNode {
        var branches: [(test: TemplateExpression, body: [TemplateNode])] = []
        var otherwise: [TemplateNode] = []
        var test = try tupleOrExpression()
        while true {
            try endBlock()
            let (body, ending) = try nodes(until: ["elif", "else", "endif"], opened: ("if", line))
            branches.append((test, body))
            if ending == "elif" {
                test = try tupleOrExpression()
                continue
            }
            if ending == "else" {
                try endBlock()
                otherwise = try nodes(until: ["endif"], opened: ("if", line)).nodes
            }
            try endBlock()
            return .condition(branches, otherwise: otherwise)
        }
    }

    private mutating func loop(line: Int) throws -> TemplateNode {
        let target = try self.target()
        guard take(name: "in") else { throw error("found \(found), want 'in'") }
        let sequence = try tupleOrExpression(conditional: false)
        let filter = take(name: "if") ? try expression() : nil
        guard !isName("recursive") else { throw error("recursive loops are not supported") }
        try endBlock()
        loopDepth += 1
        let (body, ending) = try nodes(until: ["else", "endfor"], opened: ("for", line))
        loopDepth -= 1
        var otherwise: [TemplateNode] = []
        if ending == "else" {
            try endBlock()
            otherwise = try nodes(until: ["endfor"], opened: ("for", line)).nodes
        }
        try endBlock()
        return .loop(
            TemplateLoop(
                target: target, sequence: sequence, filter: filter, body: body,
                otherwise: otherwise, line: line))
    }

    private mutating func assignment(line: Int) throws -> TemplateNode {
        let target = try self.target()
        if take(symbol: "=") {
            let value = try tupleOrExpression()
            try endBlock()
            return .assign(target, value)
        }
        var filters: [TemplateNode.AppliedFilter] = []
        while take(symbol: "|") {
            let filter = try filterName()
            filters.append(.init(filter: filter, arguments: try optionalArguments()))
        }
        try endBlock()
        let body = try nodes(until: ["endset"], opened: ("set", line)).nodes
        try endBlock()
        return .assignText(target, body: body, filters: filters, line: line)
    }

    private mutating func target() throws -> TemplateTarget {
        let enclosed = take(symbol: "(")
        let first = try expectName()
        if !enclosed, take(symbol: ".") { return .member(first, try expectName()) }
        var names = [first]
        var isTuple = enclosed
        while take(symbol: ",") {
            isTuple = true
            if current.kind == .name, !isName("in") { names.append(try expectName()) }
        }
        if enclosed { try expect(symbol: ")") }
        return isTuple ? .tuple(names) : .name(first)
    }

    private mutating func macro(line: Int) throws -> TemplateNode {
        let name = try expectName()
        try expect(symbol: "(")
        var parameters: [(name: String, fallback: TemplateExpression?)] = []
        while !take(symbol: ")") {
            if !parameters.isEmpty { try expect(symbol: ",") }
            let parameter = try expectName()
            let fallback = take(symbol: "=") ? try expression() : nil
            if fallback == nil, parameters.last?.fallback != nil {
                throw error("parameter '\(parameter)' needs a default")
            }
            parameters.append((parameter, fallback))
        }
        try endBlock()
        let outerLoops = loopDepth
        loopDepth = 0
        let body = try nodes(until: ["endmacro"], opened: ("macro", line)).nodes
        loopDepth = outerLoops
        try endBlock()
        return .macro(TemplateMacro(name: name, parameters: parameters, body: body, line: line))
    }
}
