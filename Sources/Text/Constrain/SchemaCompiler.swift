import Kernels

/// Turns a JSON Schema into a grammar of bytes. Every keyword either holds in all that the grammar
/// spells, or is refused by name.
struct SchemaCompiler {
    /// Schemas inside each other, references that are merged counted in.
    static let depthMax = 200
    /// Schemas that may be merged with others on the way.
    static let mergesMax = 100_000
    /// Longest indentation of a line.
    private static let indentMax = 32
    /// Longest name beside which other members may stand.
    private static let nameScalarsMax = 200

    let document: JSONValue
    var grammar = ByteGrammar()
    var merges = 0
    private(set) var hasFreeNames = false
    private var rules: [String: ByteGrammar.Rule] = [:]
    private var waiting: [(rule: ByteGrammar.Rule, path: String)] = []
    private var depth = 0
    /// White space between values: none, a blank, or a line with indentation.
    private let gap: ByteGrammar.Rule
    private let character: ByteGrammar.Rule
    private let integer: ByteGrammar.Rule
    private let number: ByteGrammar.Rule
    private var anything: ByteGrammar.Rule?

    init(_ document: JSONValue) {
        self.document = document
        let end = ByteGrammar.end
        let blank = ByteSet(UInt8(ascii: " "))
        let indent = grammar.repeated(0, Self.indentMax, then: end) { $0.bytes(blank, then: $1) }
        let line = grammar.literal("\n", then: indent)
        gap = grammar.rule(grammar.either([end, grammar.bytes(blank, then: end), line]))
        character = grammar.rule(grammar.anyCharacter(then: end))
        integer = grammar.rule(grammar.integer(then: end))
        number = grammar.rule(grammar.number(then: end))
    }

    mutating func compile() throws -> ByteAutomaton {
        let root = rule(for: "#")
        while let (rule, path) = waiting.popLast() {
            let schema = try resolve(path, from: path)
            grammar.define(rule, try compile(schema, at: path, then: ByteGrammar.end))
            try checkSize(at: path)
        }
        if let loop = grammar.ruleWithoutProgress() {
            let path = rules.first { $0.value == loop }?.key ?? "#"
            throw SchemaError(path: path, detail: "refers to itself without an object between")
        }
        let automaton = ByteAutomaton(grammar, root: root)
        guard automaton.start != ByteAutomaton.dead else {
            throw SchemaError(
                path: "#",
                detail: "no value satisfies it (within \(ByteAutomaton.depthMax) levels)")
        }
        return automaton
    }

    /// The rule of the schema at a path; its body is compiled later, so that neither recursion nor
    /// a long chain of references needs a stack.
    private mutating func rule(for path: String) -> ByteGrammar.Rule {
        if let rule = rules[path] { return rule }
        let rule = grammar.declareRule()
        rules[path] = rule
        waiting.append((rule, path))
        return rule
    }

    /// The node of a schema's values, at a place in the document.
    mutating func compile(
        _ schema: JSONValue, at path: String, then next: ByteGrammar.Node
    ) throws -> ByteGrammar.Node {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.depthMax else {
            throw SchemaError(path: path, detail: "more than \(Self.depthMax) schemas deep")
        }
        try checkSize(at: path)
        if case .bool(let isAnything) = schema {
            return isAnything ? try any(then: next) : grammar.either([])
        }
        let object = try JSONSchema.object(schema, at: path)
        if let reference = try pureReference(object, at: path) {
            return grammar.call(rule(for: reference), then: next)
        }
        guard let flat = try flattened(object, at: path) else { return grammar.either([]) }
        if let combined = try alternatives(flat, at: path, then: next) { return combined }
        if let values = flat["enum"] {
            return try listed(values, beside: flat, at: path, then: next)
        }
        let types = try JSONSchema.types(flat, at: path) ?? JSONSchema.impliedTypes(flat)
        guard let types else { return try any(then: next) }
        let nodes = try types.sorted().map { try typed($0, flat, at: path, then: next) }
        return grammar.either(nodes)
    }

    private func checkSize(at path: String) throws {
        guard !grammar.isTooLarge else {
            throw SchemaError(
                path: path, detail: "too large: its counts and lists multiply to too much")
        }
    }

    /// Where a schema that is nothing but a reference leads.
    private func pureReference(_ schema: JSONObject, at path: String) throws -> String? {
        guard let reference = schema["$ref"],
            schema.keys.allSatisfy({ $0 == "$ref" || SchemaKeyword.annotations.contains($0) })
        else { return nil }
        return try pointer(reference, at: path)
    }

    private mutating func any(then next: ByteGrammar.Node) throws -> ByteGrammar.Node {
        if let anything { return grammar.call(anything, then: next) }
        let rule = grammar.declareRule()
        anything = rule
        let types = ["null", "boolean", "number", "string", "array", "object"]
        let nodes = try types.map { try typed($0, [:], at: "#", then: ByteGrammar.end) }
        grammar.define(rule, grammar.either(nodes))
        return grammar.call(rule, then: next)
    }

    private mutating func typed(
        _ type: String, _ schema: JSONObject, at path: String, then next: ByteGrammar.Node
    ) throws -> ByteGrammar.Node {
        switch type {
        case "null": return grammar.literal("null", then: next)
        case "boolean":
            return grammar.either([
                grammar.literal("true", then: next), grammar.literal("false", then: next),
            ])
        case "integer", "number":
            return try number(schema, isInteger: type == "integer", at: path, then: next)
        case "string": return try string(schema, at: path, then: next)
        case "array": return try array(schema, at: path, then: next)
        default: return try object(schema, at: path, then: next)
        }
    }

    /// `anyOf` and `oneOf`, with what stands beside them; nil where there is neither.
    private mutating func alternatives(
        _ schema: JSONObject, at path: String, then next: ByteGrammar.Node
    ) throws -> ByteGrammar.Node? {
        guard let key = ["anyOf", "oneOf"].first(where: { schema[$0] != nil }) else { return nil }
        if key == "anyOf", schema["oneOf"] != nil {
            throw SchemaError(path: path, detail: "anyOf beside oneOf is not known here")
        }
        let choices = try JSONSchema.list(schema, key, at: path)
        var base = schema
        base[key] = nil
        if key == "oneOf" { try checkDisjoint(choices, at: "\(path)/oneOf") }
        let nodes = try choices.enumerated().map { index, choice in
            let whole =
                base.isEmpty ? choice : .object(["allOf": .array([.object(base), choice])])
            return try compile(whole, at: "\(path)/\(key)/\(index)", then: next)
        }
        return grammar.either(nodes)
    }

    /// The values of `enum` that have the right type.
    private mutating func listed(
        _ values: JSONValue, beside schema: JSONObject, at path: String,
        then next: ByteGrammar.Node
    ) throws -> ByteGrammar.Node {
        if let other = schema.keys.first(where: { $0 != "enum" && $0 != "type" }) {
            throw SchemaError(path: path, detail: "\(other) beside enum or const is not known here")
        }
        let types = try JSONSchema.types(schema, at: path)
        let fitting = (values.asArray ?? []).filter { value in
            types.map { JSONSchema.isInstance(value, of: $0) } ?? true
        }
        return grammar.words(fitting.map { Array($0.serialized(.compact).utf8) }, then: next)
    }
}

// Values of one type.
extension SchemaCompiler {
    private mutating func object(
        _ schema: JSONObject, at path: String, then next: ByteGrammar.Node
    ) throws -> ByteGrammar.Node {
        var members = try JSONSchema.members(schema, at: path)
        let required = try JSONSchema.names(schema, "required", at: path)
        // Nothing said about members: any object.
        let isOpen = schema["properties"] == nil && required.isEmpty
        let others = schema["additionalProperties"] ?? .bool(isOpen)
        for name in required where members[name] == nil {
            members[name] = schema["additionalProperties"] ?? .bool(true)
        }
        let close = grammar.literal("}", then: next)
        let closeLater = grammar.call(gap, then: close)
        // Before the next member, when none was written yet and when one was.
        var (first, later) = (close, closeLater)
        if others != .bool(false) {
            hasFreeNames = true
            if let name = members.keys.first(where: {
                $0.unicodeScalars.count > Self.nameScalarsMax
            }) {
                throw SchemaError(
                    path: path, detail: "a name of \(name.unicodeScalars.count) characters")
            }
            let value = grammar.rule(
                try compile(
                    others, at: "\(path)/additionalProperties", then: ByteGrammar.end))
            func member(_ grammar: inout ByteGrammar, then next: ByteGrammar.Node)
                -> ByteGrammar.Node
            {
                let value = grammar.call(value, then: next)
                return grammar.key(noneOf: members.keys, then: grammar.colon(then: value))
            }
            later = grammar.repeated(0, nil, then: closeLater) { [gap] grammar, next in
                let key = member(&grammar, then: next)
                return grammar.literal(",", then: grammar.call(gap, then: key))
            }
            first = grammar.either([close, member(&grammar, then: later)])
        }
        for (name, value) in zip(members.keys, members.values).reversed() {
            let node = try compile(
                value, at: "\(path)/properties/\(JSONSchema.escaped(name))", then: later)
            let member = grammar.value(.string(name), then: grammar.colon(then: node))
            let comma = grammar.literal(",", then: grammar.call(gap, then: member))
            let isRequired = required.contains(name)
            first = isRequired ? member : grammar.either([member, first])
            later = isRequired ? comma : grammar.either([comma, later])
        }
        return grammar.literal("{", then: grammar.call(gap, then: first))
    }

    private mutating func array(
        _ schema: JSONObject, at path: String, then next: ByteGrammar.Node
    ) throws -> ByteGrammar.Node {
        let least = try JSONSchema.count(schema, "minItems", at: path) ?? 0
        var most = try JSONSchema.count(schema, "maxItems", at: path)
        if let unique = schema["uniqueItems"], unique != .bool(false) {
            throw SchemaError(path: path, detail: "uniqueItems is not known here")
        }
        var heads =
            schema["prefixItems"] == nil
            ? [] : try JSONSchema.list(schema, "prefixItems", at: path)
        if let most { heads = Array(heads.prefix(most)) }
        let others = schema["items"] ?? .bool(true)
        if case .array = others {
            throw SchemaError(path: path, detail: "items is an array; want prefixItems")
        }
        if others == .bool(false) { most = min(most ?? .max, heads.count) }
        if let most, most < least { return grammar.either([]) }
        let close = grammar.literal("]", then: next)
        let closeLater = grammar.call(gap, then: close)
        let item = grammar.rule(
            others == .bool(false)
                ? grammar.either([])
                : try compile(others, at: "\(path)/items", then: ByteGrammar.end))
        func rest(behind count: Int) -> ByteGrammar.Node {
            grammar.repeated(
                max(least - count, 0), most.map { max($0 - count, 0) }, then: closeLater
            ) { [gap] grammar, next in
                let call = grammar.call(item, then: next)
                return grammar.literal(",", then: grammar.call(gap, then: call))
            }
        }
        var starts = least == 0 ? [close] : []
        if heads.isEmpty {
            if most != 0 { starts.append(grammar.call(item, then: rest(behind: 1))) }
        } else {
            var after = rest(behind: heads.count)
            for (index, head) in heads.enumerated().reversed() {
                let node = try compile(head, at: "\(path)/prefixItems/\(index)", then: after)
                if index == 0 {
                    starts.append(node)
                } else {
                    let comma = grammar.literal(",", then: grammar.call(gap, then: node))
                    after = index >= least ? grammar.either([closeLater, comma]) : comma
                }
            }
        }
        let start = grammar.either(starts)
        return grammar.literal("[", then: grammar.call(gap, then: start))
    }

    private mutating func string(
        _ schema: JSONObject, at path: String, then next: ByteGrammar.Node
    ) throws -> ByteGrammar.Node {
        let least = try JSONSchema.count(schema, "minLength", at: path) ?? 0
        let most = try JSONSchema.count(schema, "maxLength", at: path)
        let quote = grammar.literal("\"", then: next)
        guard let text = try pattern(schema, at: path) else {
            if let most, most < least { return grammar.either([]) }
            let text = grammar.repeated(least, most, then: quote) { [character] grammar, next in
                grammar.call(character, then: next)
            }
            return grammar.literal("\"", then: text)
        }
        do {
            let pattern = try Pattern(text)
            return grammar.literal("\"", then: grammar.match(pattern.part, then: quote))
        } catch {
            throw SchemaError(path: path, detail: "pattern \"\(text)\": \(error.description)")
        }
    }

    /// The expression of `pattern` or `format`, alone.
    private func pattern(_ schema: JSONObject, at path: String) throws -> String? {
        let found = ["pattern", "format"].filter { schema[$0] != nil }
        guard let key = found.first else { return nil }
        let others = ["pattern", "format", "minLength", "maxLength"]
        if let other = others.first(where: { $0 != key && schema[$0] != nil }) {
            throw SchemaError(path: path, detail: "\(other) beside \(key) is not known here")
        }
        guard let text = schema[key]?.asString else {
            throw SchemaError(
                path: path, detail: "\(key) is \(schema[key]?.kind ?? ""), want a string")
        }
        if key == "pattern" { return text }
        guard let pattern = SchemaFormat.patterns[text] else {
            throw SchemaError(
                path: path,
                detail: "format \"\(text)\" is not known here; want one of "
                    + SchemaFormat.patterns.keys.sorted().joined(separator: ", "))
        }
        return pattern
    }

    private mutating func number(
        _ schema: JSONObject, isInteger: Bool, at path: String, then next: ByteGrammar.Node
    ) throws -> ByteGrammar.Node {
        var (lower, upper): (NumberBound?, NumberBound?)
        for (key, isLower, isInclusive) in [
            ("minimum", true, true), ("exclusiveMinimum", true, false),
            ("maximum", false, true), ("exclusiveMaximum", false, false),
        ] {
            guard let value = schema[key] else { continue }
            let bound = try JSONSchema.bound(
                value, key, isInclusive: isInclusive, isLower: isLower, isInteger: isInteger,
                at: path)
            if isLower { lower = lower?.tighter(bound, isLower: true) ?? bound }
            if !isLower { upper = upper?.tighter(bound, isLower: false) ?? bound }
        }
        guard lower != nil || upper != nil else {
            return grammar.call(isInteger ? integer : number, then: next)
        }
        return grammar.number(from: lower, to: upper, isInteger: isInteger, then: next)
    }
}

extension ByteGrammar {
    /// Between a name and its value.
    fileprivate mutating func colon(then next: Node) -> Node {
        literal(":", then: either([next, literal(" ", then: next)]))
    }
}
