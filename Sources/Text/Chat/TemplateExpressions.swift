import Foundation
import Kernels

// The value of expressions.
extension TemplateEvaluator {
    func evaluate(_ expression: TemplateExpression) throws -> TemplateValue {
        let line = expression.line
        switch expression.kind {
        case .literal(let value): return TemplateValue(value)
        case .name(let name): return value(name)
        case .list(let items): return .list(try items.map(evaluate))
        case .tuple(let items): return .tuple(try items.map(evaluate))
        case .map(let members): return try map(members)
        case .member(let owner, let name):
            let owner = try evaluate(owner)
            return try located(line) { try member(owner, name) }
        case .item(let owner, let index):
            let (owner, index) = (try evaluate(owner), try evaluate(index))
            return try located(line) { try item(owner, index) }
        case .slice(let owner, let from, let to, let step):
            let owner = try evaluate(owner)
            let bounds = try [from, to, step].map { bound -> TemplateValue in
                try bound.map(evaluate) ?? .none
            }
            return try located(line) { try slice(owner, bounds) }
        case .call(let name, let arguments):
            let arguments = try self.arguments(arguments)
            guard let function = TemplateFunction(rawValue: name), scope.macro(name) == nil else {
                return try call(name, arguments, line: line)
            }
            return try located(line) { try function.call(arguments, now: now) }
        case .method(let owner, let name, let arguments):
            let (owner, arguments) = (try evaluate(owner), try self.arguments(arguments))
            return try located(line) { try TemplateMethods.call(name, on: owner, arguments) }
        case .filter(let filter, let value, let arguments):
            let (value, arguments) = (try evaluate(value), try self.arguments(arguments))
            return try located(line) { try filter.apply(value, arguments, self) }
        case .test(let test, let value, let arguments):
            let (value, arguments) = (try evaluate(value), try self.arguments(arguments))
            return .bool(try located(line) { try test.holds(value, arguments) })
        case .not(let value): return .bool(try !evaluate(value).isTrue)
        case .negative(let value):
            let value = try evaluate(value)
            if case .double(let number) = value { return .double(-number) }
            return try located(line) {
                try TemplateArithmetic.combine(.subtract, .int(0), value)
            }
        case .positive(let value):
            let value = try evaluate(value)
            return try located(line) { try TemplateArithmetic.combine(.add, .int(0), value) }
        case .and(let left, let right):
            let left = try evaluate(left)
            return left.isTrue ? try evaluate(right) : left
        case .or(let left, let right):
            let left = try evaluate(left)
            return left.isTrue ? left : try evaluate(right)
        case .arithmetic(let symbol, let left, let right):
            let (left, right) = (try evaluate(left), try evaluate(right))
            return try located(line) { try TemplateArithmetic.combine(symbol, left, right) }
        case .comparison(let first, let rest): return .bool(try compare(first, rest))
        case .conditional(let test, let then, let otherwise):
            if try evaluate(test).isTrue { return try evaluate(then) }
            return try otherwise.map(evaluate) ?? .undefined("the value of an if without else")
        }
    }

    private func value(_ name: String) -> TemplateValue {
        if let value = scope.value(name) { return value }
        let isFunction = TemplateFunction(rawValue: name) != nil || scope.macro(name) != nil
        return isFunction ? .function(name) : .undefined(name)
    }

    func arguments(_ arguments: TemplateArguments) throws -> EvaluatedArguments {
        var evaluated = EvaluatedArguments(positional: try arguments.positional.map(evaluate))
        for (name, value) in arguments.named { evaluated.named[name] = try evaluate(value) }
        return evaluated
    }

    private func map(
        _ members: [(TemplateExpression, TemplateExpression)]
    ) throws -> TemplateValue {
        var map = TemplateMap()
        for (key, value) in members {
            guard case .string(let name) = try evaluate(key) else {
                throw TemplateError.render(
                    file: file, line: key.line, detail: "keys of a mapping must be strings")
            }
            map[name] = try evaluate(value)
        }
        return .map(map)
    }

    /// `owner.name`
    func member(_ owner: TemplateValue, _ name: String) throws -> TemplateValue {
        switch owner {
        case .undefined(let what): throw TemplateFailure("'\(what)' is undefined")
        case .map(let map):
            // Python finds the dictionary's method before the key, which is never what is meant.
            if TemplateMethods.ofMaps.contains(name) {
                throw TemplateFailure("'.\(name)' is a method of mappings, use ['\(name)']")
            }
            return map[name] ?? .undefined(name)
        case .namespace(let namespace): return namespace.members[name] ?? .undefined(name)
        case .loop(let loop):
            guard let value = loop.member(name) else {
                throw TemplateFailure("'loop.\(name)' is not supported")
            }
            return value
        default: return .undefined(name)
        }
    }

    /// `owner[index]`; what is not there is undefined.
    func item(_ owner: TemplateValue, _ index: TemplateValue) throws -> TemplateValue {
        switch owner {
        case .undefined(let what): throw TemplateFailure("'\(what)' is undefined")
        case .map(let map):
            guard case .string(let key) = index else { return .undefined("item") }
            return map[key] ?? .undefined(key)
        case .namespace, .loop:
            guard case .string(let key) = index else { return .undefined("item") }
            return try member(owner, key)
        case .list, .tuple, .string:
            guard let place = index.integer, let elements = owner.elements else {
                return .undefined("item")
            }
            let offset = place < 0 ? place + elements.count : place
            return elements.indices.contains(offset)
                ? elements[offset] : .undefined("item \(place)")
        default: return .undefined("item")
        }
    }

    /// `owner[from:to:step]`
    private func slice(_ owner: TemplateValue, _ bounds: [TemplateValue]) throws -> TemplateValue {
        let integers = try bounds.map { bound -> Int? in
            if case .none = bound { return nil }
            guard let integer = bound.integer else {
                throw TemplateFailure("a slice bound is \(bound.kind), want an integer")
            }
            return integer
        }
        switch owner {
        case .undefined(let what): throw TemplateFailure("'\(what)' is undefined")
        case .list(let elements): return .list(try Self.slice(elements, integers))
        case .tuple(let elements): return .tuple(try Self.slice(elements, integers))
        case .string(let text):
            let scalars = try Self.slice(Array(text.unicodeScalars), integers)
            return .string(String(String.UnicodeScalarView(scalars)))
        default: throw TemplateFailure("cannot slice \(owner.kind)")
        }
    }

    private static func slice<Element>(
        _ elements: [Element], _ bounds: [Int?]
    ) throws -> [Element] {
        let step = bounds[2] ?? 1
        guard step != 0 else { throw TemplateFailure("slice step is 0") }
        let count = elements.count
        // Bounds count from the end when negative and are clamped to what exists.
        func place(_ bound: Int?, _ fallback: Int) -> Int {
            guard let bound else { return fallback }
            let offset = bound < 0 ? bound + count : bound
            return step > 0
                ? min(max(offset, 0), count) : min(max(offset, -1), count - 1)
        }
        let from = place(bounds[0], step > 0 ? 0 : count - 1)
        let to = place(bounds[1], step > 0 ? count : -1)
        return stride(from: from, to: to, by: step).map { elements[$0] }
    }

    private func compare(
        _ first: TemplateExpression, _ rest: [(TemplateComparison, TemplateExpression)]
    ) throws -> Bool {
        var left = try evaluate(first)
        for (comparison, expression) in rest {
            let right = try evaluate(expression)
            let holds = try located(expression.line) {
                try TemplateArithmetic.compare(comparison, left, right)
            }
            guard holds else { return false }
            left = right
        }
        return true
    }
}

/// Operators on two values.
enum TemplateArithmetic {
    /// Repeating a string beyond this is a template gone wrong.
    static let repeatedScalarsMax = 1 << 20

    static func compare(
        _ comparison: TemplateComparison, _ left: TemplateValue, _ right: TemplateValue
    ) throws -> Bool {
        func precedes(_ first: TemplateValue, _ second: TemplateValue) throws -> Bool {
            guard let answer = TemplateValue.precedes(first, second) else {
                throw TemplateFailure("cannot compare \(left.kind) with \(right.kind)")
            }
            return answer
        }
        switch comparison {
        case .equal: return TemplateValue.same(left, right)
        case .notEqual: return !TemplateValue.same(left, right)
        case .less: return try precedes(left, right)
        case .greater: return try precedes(right, left)
        case .lessOrEqual: return try precedes(left, right) || TemplateValue.same(left, right)
        case .greaterOrEqual: return try precedes(right, left) || TemplateValue.same(left, right)
        case .contained: return try contains(right, left)
        case .notContained: return try !contains(right, left)
        }
    }

    static func contains(_ owner: TemplateValue, _ value: TemplateValue) throws -> Bool {
        switch owner {
        case .undefined: return false
        case .string(let text):
            guard case .string(let part) = value else {
                throw TemplateFailure("cannot look for \(value.kind) in a string")
            }
            return TemplateText.find(Array(part.utf8), in: Array(text.utf8), from: 0) != nil
        case .list(let elements), .tuple(let elements):
            return elements.contains { TemplateValue.same($0, value) }
        case .map(let map):
            guard case .string(let key) = value else { return false }
            return map[key] != nil
        default: throw TemplateFailure("cannot look into \(owner.kind)")
        }
    }

    static func combine(
        _ symbol: TemplateOperator, _ left: TemplateValue, _ right: TemplateValue
    ) throws -> TemplateValue {
        if symbol == .concatenate { return .string(left.text + right.text) }
        if let left = left.integer, let right = right.integer,
            let value = try integers(symbol, left, right)
        {
            return value
        }
        if let left = left.number, let right = right.number {
            return .double(try numbers(symbol, left, right))
        }
        switch (symbol, left, right) {
        case (.add, .string(let left), .string(let right)): return .string(left + right)
        case (.add, .list(let left), .list(let right)): return .list(left + right)
        case (.add, .tuple(let left), .tuple(let right)): return .tuple(left + right)
        case (.multiply, .string(let text), .int(let count)),
            (.multiply, .int(let count), .string(let text)):
            guard count <= 0 || text.utf8.count <= repeatedScalarsMax / count else {
                throw TemplateFailure("a string repeated \(count) times is too large")
            }
            return .string(String(repeating: text, count: max(count, 0)))
        case (_, .undefined(let what), _), (_, _, .undefined(let what)):
            throw TemplateFailure("'\(what)' is undefined")
        default:
            throw TemplateFailure(
                "'\(symbol.rawValue)' does not take \(left.kind) and \(right.kind)")
        }
    }

    /// Nil when the result is no integer.
    private static func integers(
        _ symbol: TemplateOperator, _ left: Int, _ right: Int
    ) throws -> TemplateValue? {
        let result: (partialValue: Int, overflow: Bool)
        switch symbol {
        case .add: result = left.addingReportingOverflow(right)
        case .subtract: result = left.subtractingReportingOverflow(right)
        case .multiply: result = left.multipliedReportingOverflow(by: right)
        case .divideDown, .remainder:
            guard right != 0 else { throw TemplateFailure("division by zero") }
            let (quotient, overflow) = left.dividedReportingOverflow(by: right)
            guard !overflow else { throw TemplateFailure("integer overflow") }
            let remainder = left - quotient * right
            let rounds = remainder != 0 && (remainder < 0) != (right < 0)
            if symbol == .divideDown { return .int(rounds ? quotient - 1 : quotient) }
            return .int(rounds ? remainder + right : remainder)
        case .power:
            guard right >= 0 else { return nil }
            result = try power(left, right)
        case .divide, .concatenate: return nil
        }
        guard !result.overflow else { throw TemplateFailure("integer overflow") }
        return .int(result.partialValue)
    }

    private static func power(_ base: Int, _ exponent: Int) throws -> (Int, Bool) {
        var product = 1
        guard exponent <= Int.bitWidth || (-1...1).contains(base) else { return (0, true) }
        for _ in 0..<(base.magnitude <= 1 ? min(exponent, 2 + exponent % 2) : exponent) {
            let (next, overflow) = product.multipliedReportingOverflow(by: base)
            if overflow { return (0, true) }
            product = next
        }
        return (product, false)
    }

    private static func numbers(
        _ symbol: TemplateOperator, _ left: Double, _ right: Double
    ) throws -> Double {
        switch symbol {
        case .add: return left + right
        case .subtract: return left - right
        case .multiply: return left * right
        case .power: return pow(left, right)
        case .divide, .divideDown, .remainder:
            guard right != 0 else { throw TemplateFailure("division by zero") }
            if symbol == .divide { return left / right }
            let quotient = (left / right).rounded(.down)
            return symbol == .divideDown ? quotient : left - quotient * right
        case .concatenate: throw TemplateFailure("'~' does not take numbers here")
        }
    }
}
