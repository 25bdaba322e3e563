import Foundation
import Kernels
import Testing

@testable import Text

/// Renderings of jinja2, made by Tools/golden/make_templates.py.
@Suite struct ChatTemplateTests {
    private static let fixture = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("Fixtures/templates/golden.json")

    private func date(_ text: String) throws -> Date {
        let numbers = text.split { !$0.isNumber }.compactMap { Int($0) }
        try #require(numbers.count == 6)
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .current
        return try #require(
            calendar.date(
                from: DateComponents(
                    year: numbers[0], month: numbers[1], day: numbers[2], hour: numbers[3],
                    minute: numbers[4], second: numbers[5])))
    }

    private func messages(_ value: JSONValue) throws -> [Message] {
        try value.array("messages").map { Message(members: try #require($0.asObject)) }
    }

    private func expectSame(_ got: String, _ want: String, _ name: String) {
        #expect(
            Array(got.unicodeScalars) == Array(want.unicodeScalars),
            "\(name): got \(got.debugDescription) want \(want.debugDescription)")
    }

    @Test func everyFeatureEqualsTheReference() throws {
        let golden = try JSONValue.read(file: Self.fixture.path)
        let variables = try golden.value("variables")
        let now = try date(try golden.string("now"))
        var options: [String: JSONValue] = [:]
        for (key, value) in try golden.object("variables")
        where !["messages", "tools", "add_generation_prompt"].contains(key) {
            options[key] = value
        }
        for item in try golden.array("cases") {
            let name = try item.string("name")
            let render = {
                try ChatTemplate(try item.string("template"), file: name).render(
                    messages: try messages(variables), tools: try variables.array("tools"),
                    addGenerationPrompt: true, options: options, now: now)
            }
            if let text = item["text"]?.asString {
                do {
                    expectSame(try render(), text, name)
                } catch {
                    Issue.record("\(name): \(error)")
                }
            } else if let words = item["refusal"]?.asString {
                #expect(throws: TemplateError.refused(file: name, line: 1, detail: words)) {
                    try render()
                }
            } else {
                #expect(throws: TemplateError.self, "\(name)") { try render() }
            }
        }
    }

    /// Templates and conversations that are not part of the repository: a folder with golden.json
    /// and the templates it names.
    @Test(
        .enabled(
            if: ProcessInfo.processInfo.environment["MLXI_TEMPLATES"] != nil,
            "MLXI_TEMPLATES names no folder of published templates"))
    func publishedTemplatesRender() throws {
        let path = try #require(ProcessInfo.processInfo.environment["MLXI_TEMPLATES"])
        let golden = try JSONValue.read(file: "\(path)/golden.json")
        let now = try date(try golden.string("strftime_now"))
        var count = 0
        for (name, entry) in try golden.object("templates") {
            let source = try String(contentsOfFile: "\(path)/\(name).jinja", encoding: .utf8)
            let template = try ChatTemplate(source, file: name)
            for conversation in try golden.array("cases") {
                let title = try conversation.string("name")
                let want = try entry.value("rendered", title)
                var options: [String: JSONValue] = [:]
                for (key, value) in try conversation.object("extra", default: [:]) {
                    options[key] = value
                }
                let render = {
                    try template.render(
                        messages: try messages(conversation),
                        tools: try conversation.array("tools", default: []),
                        addGenerationPrompt: true, options: options,
                        specialTokens: [
                            "bos_token": entry.string("bos_token"), "eos_token": "<eos>",
                        ], now: now)
                }
                count += 1
                guard let text = want["text"]?.asString else {
                    let words = try want.string("error").replacing("TemplateError: ", with: "")
                    do {
                        Issue.record("\(name) \(title): rendered \(try render())")
                    } catch {
                        #expect("\(error)".contains(words), "\(name) \(title)")
                    }
                    continue
                }
                expectSame(try render(), text, "\(name) \(title)")
            }
        }
        print("published templates: \(count) renderings compared")
    }

    @Test(arguments: [
        ("a\n{% include 'x' %}", "t: line 2: the tag 'include' is not supported"),
        ("{{ x | shout }}", "t: line 1: the filter 'shout' is not supported"),
        ("{{ x | map('shout') }}", "t: line 1: 'shout' is not supported in a filter"),
        ("\n\n{{ x is loud }}", "t: line 3: the test 'loud' is not supported"),
        ("{{ shout() }}", "t: line 1: the function 'shout' is not supported"),
        ("{{ x.shout() }}", "t: line 1: the method 'shout' is not supported"),
        ("{% for a in b recursive %}{% endfor %}", "t: line 1: recursive loops are not supported"),
        ("{% if x %}\n{{ y }", "t: line 2: unexpected '}'"),
        ("a\n{% if x %}\nb", "t: line 2: if without endif"),
        ("{% break %}", "t: line 1: break outside of a loop"),
        ("{{ 'abc }}", "t: line 1: string without end"),
        ("{# abc", "t: line 1: comment without end"),
        ("{{ f(*a) }}", "t: line 1: the function 'f' is not supported"),
        ("{{ a\n}}{{ b.c.d }}", "t: line 2: 'b' is undefined"),
        ("{{ range(1000000000) }}", "t: line 1: range of more than 100000"),
        ("{{ 'ab' * 99999999 }}", "t: line 1: a string repeated 99999999 times is too large"),
        (
            "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
            "t: line 1: macros call each other too deeply"
        ),
    ])
    func failuresNameFileAndLine(source: String, message: String) {
        do {
            let text = try ChatTemplate(source, file: "t").render(
                messages: [], addGenerationPrompt: false)
            Issue.record("rendered \(text)")
        } catch {
            #expect("\(error)" == message)
        }
    }

    @Test func deepNestingIsRefused() {
        for source in [
            String(repeating: "(", count: 5000) + "1", String(repeating: "-", count: 5000) + "1",
            String(repeating: "[", count: 5000),
        ] {
            #expect(throws: TemplateError.self) { try ChatTemplate("{{ \(source)", file: "t") }
        }
        let blocks = String(repeating: "{% if x %}", count: 5000)
        #expect(throws: TemplateError.self) { try ChatTemplate(blocks, file: "t") }
    }

    @Test func messagesAreNormalized() throws {
        let call = try JSONValue.parse(
            #"{"function": {"name": "f", "arguments": "{\"a\": [1, 2.5]}"}}"#, source: "t")
        let message = Message(members: [
            "role": .string("assistant"), "content": .null, "tool_calls": .array([call]),
        ])
        let normal = try message.normalized()
        #expect(normal.content == "" && normal.members["content"] == .string(""))
        #expect(
            normal.toolCalls[0]["function"]?["arguments"]?.serialized() == #"{"a": [1, 2.5]}"#)
        let parts = try JSONValue.parse(
            #"[{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]"#, source: "t")
        let joined = try Message(members: ["role": .string("user"), "content": parts]).normalized()
        #expect(joined == Message(role: "user", content: "ab"))
    }

    @Test func templatesAreFoundInTheirFiles() throws {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("mlxi-template-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        func write(_ name: String, _ text: String) throws {
            try Data(text.utf8).write(to: folder.appendingPathComponent(name))
        }
        func render(tools: [JSONValue] = []) throws -> String {
            try ChatTemplate(folder: folder.path).render(
                messages: [], tools: tools, addGenerationPrompt: false,
                specialTokens: ["bos_token": "<s>"])
        }
        #expect(throws: TokenizerError.noTemplate(folder: folder.path)) { try render() }
        try write(
            "tokenizer_config.json",
            #"{"chat_template": [{"name": "default", "template": "d{{ bos_token }}"}, "#
                + #"{"name": "tool_use", "template": "t"}]}"#)
        #expect(try render() == "d<s>")
        #expect(try render(tools: [.object([:])]) == "t")
        try write("chat_template.json", #"{"chat_template": "j"}"#)
        #expect(try render() == "j")
        try write("chat_template.jinja", "f\n")
        #expect(try render() == "f")
    }
}
