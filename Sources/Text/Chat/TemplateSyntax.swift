import Kernels

/// An expression with the line it stands on.
struct TemplateExpression: Sendable {
    indirect enum Kind: Sendable {
        case literal(JSONValue)
        case name(String)
        case list([TemplateExpression])
        case tuple([TemplateExpression])
        case map([(TemplateExpression, TemplateExpression)])
        case member(TemplateExpression, String)
        case item(TemplateExpression, TemplateExpression)
        case slice(
            TemplateExpression, from: TemplateExpression?, to: TemplateExpression?,
            step: TemplateExpression?)
        case call(String, TemplateArguments)
        case method(TemplateExpression, String, TemplateArguments)
        case filter(TemplateFilter, TemplateExpression, TemplateArguments)
        case test(TemplateTest, TemplateExpression, TemplateArguments)
        case not(TemplateExpression)
        case negative(TemplateExpression)
        case positive(TemplateExpression)
        case and(TemplateExpression, TemplateExpression)
        case or(TemplateExpression, TemplateExpression)
        case arithmetic(TemplateOperator, TemplateExpression, TemplateExpression)
        /// `a < b < c`: each operand is evaluated once.
        case comparison(TemplateExpression, [(TemplateComparison, TemplateExpression)])
        case conditional(
            TemplateExpression, then: TemplateExpression, otherwise: TemplateExpression?)
    }

    let kind: Kind
    let line: Int
}

/// The arguments of a call, filter or test.
struct TemplateArguments: Sendable {
    var positional: [TemplateExpression] = []
    var named: [(name: String, value: TemplateExpression)] = []
}

/// Operators that make a new value of two.
enum TemplateOperator: String, Sendable {
    case add = "+"
    case subtract = "-"
    case multiply = "*"
    case divide = "/"
    case divideDown = "//"
    case remainder = "%"
    case power = "**"
    case concatenate = "~"
}

/// Operators that yield true or false.
enum TemplateComparison: String, Sendable {
    case equal = "=="
    case notEqual = "!="
    case less = "<"
    case lessOrEqual = "<="
    case greater = ">"
    case greaterOrEqual = ">="
    case contained = "in"
    case notContained = "not in"
}

/// What a `set` or `for` assigns to.
enum TemplateTarget: Sendable {
    case name(String)
    case member(String, String)
    case tuple([String])
}

/// A piece of a template between its tags.
indirect enum TemplateNode: Sendable {
    case text(String)
    case output(TemplateExpression)
    case condition([(test: TemplateExpression, body: [TemplateNode])], otherwise: [TemplateNode])
    case loop(TemplateLoop)
    case assign(TemplateTarget, TemplateExpression)
    /// `{% set x %}…{% endset %}`, the text after the filters.
    case assignText(TemplateTarget, body: [TemplateNode], filters: [AppliedFilter], line: Int)
    case macro(TemplateMacro)
    case leave
    case next

    /// A filter behind a block.
    struct AppliedFilter: Sendable {
        let filter: TemplateFilter
        let arguments: TemplateArguments
    }
}

/// `{% for target in sequence if filter %}body{% else %}otherwise{% endfor %}`
struct TemplateLoop: Sendable {
    let target: TemplateTarget
    let sequence: TemplateExpression
    let filter: TemplateExpression?
    let body: [TemplateNode]
    let otherwise: [TemplateNode]
    let line: Int
}

/// `{% macro name(parameters) %}body{% endmacro %}`
struct TemplateMacro: Sendable {
    let name: String
    let parameters: [(name: String, fallback: TemplateExpression?)]
    let body: [TemplateNode]
    let line: Int
}
