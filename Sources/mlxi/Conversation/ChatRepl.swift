import Foundation
import Text

/// The conversation at a terminal.
struct ChatRepl {
    let door: any JobDoor
    let terminal: Terminal
    var display: ReplyDisplay
    var options: ChatOptions
    var model: FoundModel
    let parts: ChatParts
    var conversation: Conversation
    let environment: [String: String]

    private var lastReply: ChatReply?

    private static let prompt = "> "
    private static let continuation = ". "

    private static let help = """
        /system TEXT     set the system prompt (without TEXT: show it)
        /model NAME      go on with another model
        /set NAME VALUE  temp, top-p, top-k, min-p, repetition-penalty, max-tokens, seed, think,
                         overflow (without NAME: show them)
        /save NAME       keep the conversation    /load NAME   open one (without NAME: list them)
        /clear           forget what was said     /regen       answer again
        /stats           tokens, speed, memory    /bye         leave (or Ctrl-D)
        Ctrl-C stops an answer. End a line with \\, or write between \"\"\", for several lines.
        """

    init(
        door: any JobDoor, terminal: Terminal, display: ReplyDisplay, options: ChatOptions,
        model: FoundModel, parts: ChatParts, conversation: Conversation,
        environment: [String: String]
    ) {
        self.door = door
        self.terminal = terminal
        self.display = display
        self.options = options
        self.model = model
        self.parts = parts
        self.conversation = conversation
        self.environment = environment
    }

    consuming func run() async throws {
        var repl = self
        try await repl.loop()
    }

    private mutating func loop() async throws {
        let store = try? ConversationStore(environment: environment)
        if let store {
            try? FileManager.default.createDirectory(
                atPath: store.folder, withIntermediateDirectories: true)
        }
        let reader = LineReader(historyPath: store.map { Path.join($0.folder, ".history") })
        terminal.say("\(model.name) - /help for commands, /bye or Ctrl-D to leave")
        // Ctrl-C at the prompt is for a line that is being typed, not for the program.
        signal(SIGINT, SIG_IGN)
        while let entry = reader.next(prompt: Self.prompt, continuation: Self.continuation) {
            let text = entry.trimmingCharacters(in: .whitespacesAndNewlines)
            if text.isEmpty { continue }
            if text == "/bye" { return }
            do {
                if text.hasPrefix("/") {
                    try await command(text, store)
                } else {
                    conversation.turns.append(.init(role: "user", content: text))
                    try await answer(store)
                }
            } catch let status as ExitStatus {
                throw status
            } catch let closed as ClosedPipe {
                throw closed
            } catch {
                terminal.error("\(error)")
            }
        }
        try terminal.result("\n")
    }

    /// Asks for the reply to the last turn; a question that failed is taken back.
    private mutating func answer(_ store: ConversationStore?) async throws {
        do {
            let run = ChatRun(
                job: options.job(conversation, model: model, parts: parts), door: door,
                display: display)
            let reply = try await run.run(survivesInterrupt: true)
            lastReply = reply
            if reply.fit.droppedTurns > 0, !display.showsStats {
                terminal.say(reply.statistics.last ?? "")
            }
            conversation.model = model.name
            conversation.take(reply)
        } catch {
            conversation.turns.removeLast()
            throw error
        }
        if let store { try? store.save(conversation, as: ConversationStore.last) }
    }

    private mutating func command(_ text: String, _ store: ConversationStore?) async throws {
        let parts = text.split(separator: " ", maxSplits: 1).map(String.init)
        let argument = parts.count > 1 ? parts[1].trimmingCharacters(in: .whitespaces) : ""
        switch parts[0] {
        case "/help": try terminal.resultLine(Self.help)
        case "/system":
            if argument.isEmpty { return try terminal.resultLine(conversation.system ?? "(none)") }
            conversation.system = argument
        case "/model":
            guard !argument.isEmpty else { return try terminal.resultLine(model.name) }
            model = try ModelChoice(environment: environment, terminal: terminal)
                .find(argument, for: .chat)
        case "/set": try set(argument)
        case "/save", "/load": try keep(parts[0], argument, store)
        case "/clear":
            conversation.turns = []
            conversation.summary = nil
        case "/regen":
            guard conversation.turns.last?.role == "assistant" else {
                throw CommandError.usage("nothing was answered yet")
            }
            conversation.turns.removeLast()
            try await answer(store)
        case "/stats": try showStats()
        default: throw CommandError.usage("\(parts[0]) is no command; /help lists them")
        }
    }

    private func showStats() throws {
        guard let lastReply else { throw CommandError.usage("nothing was answered yet") }
        for line in lastReply.statistics { try terminal.resultLine(line) }
        if let summary = conversation.summary {
            try terminal.resultLine("summary of earlier turns: \(summary)")
        }
    }

    private mutating func keep(
        _ command: String, _ name: String, _ store: ConversationStore?
    ) throws {
        guard let store else {
            throw CommandError.cannotRun("neither XDG_DATA_HOME nor HOME is set")
        }
        if name.isEmpty { return try terminal.resultLine(store.names().joined(separator: "\n")) }
        if command == "/save" { return try store.save(conversation, as: name) }
        conversation = try store.load(name)
        for turn in conversation.turns {
            try terminal.resultLine((turn.role == "user" ? Self.prompt : "") + turn.content)
        }
    }

    private mutating func set(_ argument: String) throws {
        guard !argument.isEmpty else { return try terminal.resultLine(settings) }
        let parts = argument.split(separator: " ", maxSplits: 1).map(String.init)
        guard parts.count == 2 else { throw CommandError.usage("/set takes a name and a value") }
        try options.set(parts[0], to: parts[1])
    }

    private var settings: String {
        func shown<Value>(_ value: Value?) -> String { value.map { "\($0)" } ?? "(checkpoint)" }
        return """
            temp \(shown(options.temperature)), top-p \(shown(options.topP)), \
            top-k \(shown(options.topK)), min-p \(shown(options.minP)), \
            repetition-penalty \(shown(options.repetitionPenalty))
            max-tokens \(options.maxTokens), seed \(options.seed.map { "\($0)" } ?? "(any)"), \
            think \(options.think.rawValue), overflow \(options.overflow.rawValue)
            """
    }
}
