public import Kernels

/// One message of a conversation, with the members chat templates know: `role`, `content`,
/// `tool_calls`, `tool_call_id`, `name`, `reasoning_content` and whatever else the caller has.
public struct Message: Sendable, Equatable {
    /// All members, in the order given.
    public var members: JSONObject

    /// A message from its members as they came, for example in a request.
    public init(members: JSONObject) { self.members = members }

    /// A message with text.
    public init(role: String, content: String) {
        members = ["role": .string(role), "content": .string(content)]
    }

    /// Who speaks: "system", "user", "assistant", "tool"; empty when missing.
    public var role: String { members["role"]?.asString ?? "" }

    /// The text; of a list of parts, its texts joined; empty when missing.
    public var content: String {
        guard let parts = members["content"]?.asArray else {
            return members["content"]?.asString ?? ""
        }
        return parts.compactMap { $0["text"]?.asString }.joined()
    }

    /// The calls an assistant message makes.
    public var toolCalls: [JSONValue] { members["tool_calls"]?.asArray ?? [] }

    /// The message as templates expect it: missing content is the empty text, parts that are all
    /// text are joined, and the arguments of tool calls, which the OpenAI API sends as JSON text,
    /// are values.
    public func normalized() throws -> Message {
        var message = self
        switch members["content"] {
        case nil, .some(.null): message.members["content"] = .string("")
        case .some(.array(let parts)) where parts.allSatisfy({ $0["text"]?.asString != nil }):
            message.members["content"] = .string(content)
        default: break
        }
        guard !toolCalls.isEmpty else { return message }
        message.members["tool_calls"] = .array(try toolCalls.map(Self.parsingArguments))
        return message
    }

    private static func parsingArguments(_ call: JSONValue) throws -> JSONValue {
        guard case .object(var outer) = call, case .object(var function)? = outer["function"],
            let text = function["arguments"]?.asString
        else { return call }
        function["arguments"] = try JSONValue.parse(text, source: "tool call arguments")
        outer["function"] = .object(function)
        return .object(outer)
    }
}
