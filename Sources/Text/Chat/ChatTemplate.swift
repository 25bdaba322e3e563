public import Foundation
public import Kernels

/// The chat template of a checkpoint: a conversation to the text the model was trained on.
///
/// Templates are Jinja as `transformers` configures it (`trim_blocks`, `lstrip_blocks`, no
/// escaping, lenient undefined values, loop controls). What is not implemented is refused when the
/// template is read, with file and line; it never renders into different text.
public struct ChatTemplate: Sendable {
    private let nodes: [TemplateNode]
    private let file: String
    /// The variant that is used when tools are given, where the checkpoint has one.
    private let toolNodes: [TemplateNode]?

    /// Parses a template; errors call it `file`.
    public init(_ source: String, file: String) throws {
        self.init(nodes: try TemplateParser.parse(source, file: file), toolNodes: nil, file: file)
    }

    private init(nodes: [TemplateNode], toolNodes: [TemplateNode]?, file: String) {
        self.nodes = nodes
        self.toolNodes = toolNodes
        self.file = file
    }

    /// Reads the template of a model folder: chat_template.jinja, else chat_template.json, else
    /// `chat_template` in tokenizer_config.json, which may be a list of named templates.
    ///
    /// - Throws: `TemplateError` for the template, `JSONError` for the files around it, or
    ///   `TokenizerError.noTemplate` when there is none.
    public init(folder: String) throws {
        let folder = URL(fileURLWithPath: folder, isDirectory: true)
        let plain = folder.appendingPathComponent("chat_template.jinja").path
        if let data = FileManager.default.contents(atPath: plain) {
            guard let source = String(validating: data, as: UTF8.self) else {
                throw TemplateError.syntax(file: plain, line: 1, detail: "invalid UTF-8")
            }
            try self.init(source, file: plain)
            return
        }
        for name in ["chat_template.json", "tokenizer_config.json"] {
            let path = folder.appendingPathComponent(name).path
            guard FileManager.default.fileExists(atPath: path) else { continue }
            let value = try JSONValue.read(file: path)["chat_template"] ?? .null
            if value.isNull { continue }
            try self.init(value, file: path)
            return
        }
        throw TokenizerError.noTemplate(folder: folder.path)
    }

    private init(_ value: JSONValue, file: String) throws {
        if let source = value.asString {
            try self.init(source, file: "\(file): chat_template")
            return
        }
        var sources: [String: String] = [:]
        try JSONError.naming(file) {
            for entry in value.asArray ?? [] {
                sources[try entry.string("name")] = try entry.string("template")
            }
        }
        guard let source = sources["default"] else {
            throw JSONError(source: file, detail: "chat_template has no default template")
        }
        let name = "\(file): chat_template"
        self.init(
            nodes: try TemplateParser.parse(source, file: name),
            toolNodes: try sources["tool_use"].map {
                try TemplateParser.parse($0, file: "\(name) tool_use")
            },
            file: name)
    }

    /// The text of a conversation.
    ///
    /// - Parameters:
    ///   - messages: the conversation, as it is; see `Message.normalized`.
    ///   - tools: function descriptions; nil and empty are the same.
    ///   - addGenerationPrompt: ends the text where the model's reply begins.
    ///   - options: further variables of the template, such as `enable_thinking`.
    ///   - specialTokens: `Tokenizer.specialTokens`.
    ///   - now: the time `strftime_now` prints, in the time zone of the machine.
    /// - Throws: `TemplateError`, of which `refused` means that the template does not take such a
    ///   conversation.
    public func render(
        messages: [Message], tools: [JSONValue]? = nil, addGenerationPrompt: Bool,
        options: [String: JSONValue] = [:], specialTokens: [String: String] = [:],
        now: Date = Date()
    ) throws -> String {
        var variables = specialTokens.mapValues { TemplateValue.string($0) }
        for (name, value) in options { variables[name] = TemplateValue(value) }
        variables["messages"] = .list(messages.map { TemplateValue(.object($0.members)) })
        let tools = tools ?? []
        variables["tools"] = tools.isEmpty ? TemplateValue.none : TemplateValue(.array(tools))
        if variables["documents"] == nil { variables["documents"] = TemplateValue.none }
        variables["add_generation_prompt"] = .bool(addGenerationPrompt)
        let evaluator = TemplateEvaluator(file: file, now: now, variables: variables)
        return try evaluator.render(tools.isEmpty ? nodes : toolNodes ?? nodes)
    }
}
