import Foundation
import Kernels

/// A failure before its place is known; the evaluator adds file and line.
struct TemplateFailure: Error {
    let detail: String
    var isRefusal = false

    init(_ detail: String, isRefusal: Bool = false) {
        self.detail = detail
        self.isRefusal = isRefusal
    }
}

/// Variables of the template, of a loop's turn, or of a macro's call.
final class TemplateScope {
    private var values: [String: TemplateValue] = [:]
    private var macros: [String: (macro: TemplateMacro, home: TemplateScope)] = [:]
    private let parent: TemplateScope?

    init(parent: TemplateScope?) { self.parent = parent }

    func set(_ name: String, _ value: TemplateValue) { values[name] = value }

    func value(_ name: String) -> TemplateValue? { values[name] ?? parent?.value(name) }

    func define(_ macro: TemplateMacro) { macros[macro.name] = (macro, self) }

    func macro(_ name: String) -> (macro: TemplateMacro, home: TemplateScope)? {
        macros[name] ?? parent?.macro(name)
    }
}

/// Renders the tree of a template.
final class TemplateEvaluator {
    /// A rendered conversation larger than this is a template gone wrong.
    static let outputBytesMax = 64 << 20
    /// Macros that call themselves deeper than this are stopped.
    static let callDepthMax = 64

    private enum Flow { case on, leave, next }

    let file: String
    let now: Date
    var scope: TemplateScope
    private var output = ""
    private var callDepth = 0

    init(file: String, now: Date, variables: [String: TemplateValue]) {
        self.file = file
        self.now = now
        scope = TemplateScope(parent: nil)
        for (name, value) in variables { scope.set(name, value) }
    }

    func render(_ nodes: [TemplateNode]) throws -> String {
        _ = try run(nodes)
        return output
    }

    private func error(_ detail: String, line: Int) -> TemplateError {
        .render(file: file, line: line, detail: detail)
    }

    private func append(_ text: String, line: Int) throws {
        output += text
        guard output.utf8.count <= Self.outputBytesMax else {
            throw error("the text grows beyond \(Self.outputBytesMax) bytes", line: line)
        }
    }

    private func run(_ nodes: [TemplateNode]) throws -> Flow {
        for node in nodes {
            let flow = try run(node)
            if flow != .on { return flow }
        }
        return .on
    }

    private func run(_ node: TemplateNode) throws -> Flow {
        switch node {
        case .text(let text): output += text
        case .output(let expression):
            try append(evaluate(expression).text, line: expression.line)
        case .condition(let branches, let otherwise):
            for branch in branches where try evaluate(branch.test).isTrue {
                return try run(branch.body)
            }
            return try run(otherwise)
        case .loop(let loop): return try run(loop)
        case .assign(let target, let expression):
            try assign(target, try evaluate(expression), line: expression.line)
        case .assignText(let target, let body, let filters, let line):
            var value = TemplateValue.string(
                try captured(in: TemplateScope(parent: scope)) { try run(body) }.text)
            for filter in filters {
                value = try located(line) {
                    try filter.filter.apply(value, try arguments(filter.arguments), self)
                }
            }
            try assign(target, value, line: line)
        case .macro(let macro): scope.define(macro)
        case .leave: return .leave
        case .next: return .next
        }
        return .on
    }

    private func run(_ loop: TemplateLoop) throws -> Flow {
        let outer = scope
        defer { scope = outer }
        let sequence = try evaluate(loop.sequence)
        guard var items = sequence.elements else {
            throw error("cannot loop over \(sequence.kind)", line: loop.line)
        }
        if let filter = loop.filter {
            items = try items.filter { item in
                scope = TemplateScope(parent: outer)
                try assign(loop.target, item, line: loop.line)
                return try evaluate(filter).isTrue
            }
        }
        guard !items.isEmpty else {
            scope = TemplateScope(parent: outer)
            return try run(loop.otherwise)
        }
        let state = TemplateLoopState(items)
        for (index, item) in items.enumerated() {
            state.index = index
            scope = TemplateScope(parent: outer)
            scope.set("loop", .loop(state))
            try assign(loop.target, item, line: loop.line)
            if try run(loop.body) == .leave { break }
        }
        return .on
    }

    private func assign(_ target: TemplateTarget, _ value: TemplateValue, line: Int) throws {
        switch target {
        case .name(let name): scope.set(name, value)
        case .member(let name, let member):
            guard case .namespace(let namespace) = scope.value(name) else {
                throw error("cannot set a member of '\(name)', which is no namespace", line: line)
            }
            namespace.members[member] = value
        case .tuple(let names):
            guard let items = value.elements, items.count == names.count else {
                throw error("cannot take \(value.kind) apart into \(names.count)", line: line)
            }
            for (name, item) in zip(names, items) { scope.set(name, item) }
        }
    }

    /// Runs `body` in a scope of its own and takes what it prints.
    private func captured(
        in inner: TemplateScope, _ body: () throws -> Flow
    ) throws -> TemplateValue {
        let (outer, before) = (scope, output)
        scope = inner
        output = ""
        defer {
            scope = outer
            output = before
        }
        _ = try body()
        return .string(output)
    }

    /// Calls a macro of the template.
    func call(_ name: String, _ arguments: EvaluatedArguments, line: Int) throws -> TemplateValue {
        guard let (macro, home) = scope.macro(name) else {
            throw error("the macro '\(name)' is not defined yet", line: line)
        }
        guard callDepth < Self.callDepthMax else {
            throw error("macros call each other too deeply", line: line)
        }
        callDepth += 1
        defer { callDepth -= 1 }
        let inner = TemplateScope(parent: home)
        guard arguments.positional.count <= macro.parameters.count else {
            throw error("too many arguments for '\(name)'", line: line)
        }
        let known = Set(macro.parameters.map(\.name))
        if let odd = arguments.named.keys.first(where: { !known.contains($0) }) {
            throw error("'\(name)' has no parameter '\(odd)'", line: line)
        }
        return try captured(in: inner) {
            for (index, parameter) in macro.parameters.enumerated() {
                if index < arguments.positional.count {
                    inner.set(parameter.name, arguments.positional[index])
                } else if let value = arguments.named[parameter.name] {
                    inner.set(parameter.name, value)
                } else if let fallback = parameter.fallback {
                    inner.set(parameter.name, try evaluate(fallback))
                } else {
                    inner.set(parameter.name, .undefined(parameter.name))
                }
            }
            return try run(macro.body)
        }
    }

    /// Runs `body` and gives its failures the place of the template.
    func located<Result>(_ line: Int, _ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let failure as TemplateFailure {
            if failure.isRefusal {
                throw TemplateError.refused(file: file, line: line, detail: failure.detail)
            }
            throw error(failure.detail, line: line)
        }
    }
}

/// Arguments after evaluation, with the checks their readers need.
struct EvaluatedArguments {
    var positional: [TemplateValue] = []
    var named = TemplateMap()

    /// The argument at `index`, or of that name; nil when it was not given.
    func value(_ index: Int, _ name: String) -> TemplateValue? {
        index < positional.count ? positional[index] : named[name]
    }

    /// The string at `index` or of that name; nil when absent or none.
    func string(_ index: Int, _ name: String) throws -> String? {
        switch value(index, name) {
        case nil, .some(.none): return nil
        case .some(.string(let text)): return text
        case .some(let other): throw TemplateFailure("\(name) is \(other.kind), want a string")
        }
    }

    /// The integer at `index` or of that name; nil when absent or none.
    func int(_ index: Int, _ name: String) throws -> Int? {
        switch value(index, name) {
        case nil, .some(.none): return nil
        case .some(let value):
            guard let integer = value.integer else {
                throw TemplateFailure("\(name) is \(value.kind), want an integer")
            }
            return integer
        }
    }

    /// The truth of the argument at `index` or of that name; false when absent.
    func flag(_ index: Int, _ name: String) -> Bool { value(index, name)?.isTrue ?? false }

    /// Throws when there are more arguments, or arguments of other names, than `names` allows.
    func only(_ names: String..., of owner: String) throws {
        guard positional.count <= names.count else {
            throw TemplateFailure("too many arguments for \(owner)")
        }
        if let odd = named.keys.first(where: { !names.contains($0) }) {
            throw TemplateFailure("\(owner) has no argument '\(odd)'")
        }
    }
}
