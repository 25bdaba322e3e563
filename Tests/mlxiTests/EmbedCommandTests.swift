import Foundation
import GRDB
import Kernels
import Testing

@testable import mlxi

/// `mlxi embed` with the real binary and the small random models.
@Suite struct EmbedCommandTests {
    private static let model = Program.fixture("bert-q4")
    private static let columns = 64

    private func embed(
        _ arguments: String..., input: String? = nil, folder: String? = nil
    ) async throws -> Program.Result {
        try await Program(
            ["embed"] + arguments, input: input.map { Data($0.utf8) },
            environment: ["MLXI_EMBED_MODEL": Self.model], folder: folder
        ).result()
    }

    private func objects(_ text: String) throws -> [JSONValue] {
        try text.split(separator: "\n").map { try JSONValue.parse(String($0), source: "out") }
    }

    private func vector(_ object: JSONValue) -> [Float] {
        object["embedding"]?.asArray?.compactMap { $0.asDouble.map { Float($0) } } ?? []
    }

    @Test func linesOfStdinComeBackInOrder() async throws {
        let lines = ["a", "the weather in the city and more of it", "你好", "a"]
        let run = try await embed(input: lines.joined(separator: "\n"))
        #expect(run.status == 0, "\(run.err)")
        let found = try objects(run.out)
        #expect(found.map { $0["index"]?.asInt } == [0, 1, 2, 3])
        #expect(found.map { $0["place"]?.asString }[2] == "stdin:3")
        #expect(vector(found[0]) == vector(found[3]))
        #expect(vector(found[0]) != vector(found[1]))
        let length = vector(found[1]).reduce(0) { $0 + $1 * $1 }
        #expect(abs(length - 1) < 1e-5)
        let arguments = try await embed("a")
        #expect(vector(try objects(arguments.out)[0]) == vector(found[0]))
    }

    @Test func allFormatsHoldTheSameNumbers() async throws {
        let texts = ["one", "two three"]
        let wanted = try objects(try await embed("one", "two three").out).map(vector)
        let flat = wanted.flatMap { $0 }
        let whole = try JSONValue.parse(
            try await embed("one", "two three", "--json").out, source: "out")
        #expect(whole["pooling"]?.asString == "cls")
        #expect(whole["prompt"]?.asString == "")
        #expect(whole["normalized"]?.asBool == true)
        #expect(whole["dimensions"]?.asInt == Self.columns)
        #expect(whole["data"]?.asArray?.map(vector) == wanted)
        let base64 = try objects(try await embed("one", "two three", "-f", "base64").out)
        for (object, vector) in zip(base64, wanted) {
            let text = object["embedding"]?.asString ?? ""
            #expect(Data(base64Encoded: text) == Data(VectorOutput.littleEndian(vector)))
        }
        let folder = try TestFolder()
        for format in ["f32", "npy"] {
            let path = folder.path("v.\(format)")
            let run = try await embed(
                "-f", format, "-o", path, input: texts.joined(separator: "\n"))
            #expect(run.status == 0, "\(run.err)")
            #expect(run.out.isEmpty)
            let bytes = try Data(contentsOf: URL(filePath: path))
            #expect(bytes.suffix(flat.count * 4) == Data(VectorOutput.littleEndian(flat)))
            #expect(bytes.count == flat.count * 4 + (format == "npy" ? 128 : 0))
            if format == "npy" {
                let header = String(decoding: bytes[10..<128], as: UTF8.self)
                #expect(header.contains("'shape': (2, \(Self.columns))"))
                #expect(header.hasSuffix("\n"))
            }
        }
        #expect(try folder.files() == ["v.f32", "v.npy"])
    }

    @Test func dimensionsAreCutBeforeTheLengthIsMadeOne() async throws {
        let raw = vector(try objects(try await embed("one", "--no-normalize").out)[0])
        let short = vector(try objects(try await embed("one", "--dimensions", "16").out)[0])
        let length = raw.prefix(16).reduce(0) { $0 + $1 * $1 }.squareRoot()
        #expect(short.count == 16)
        for (found, value) in zip(short, raw) { #expect(abs(found - value / length) < 1e-5) }
    }

    @Test func promptsAreThoseOfTheCheckpoint() async throws {
        let named = try await embed("one", "--as", "query", "--verbose")
        #expect(named.err.contains("prompt \"represent this for search: \""))
        let typed = try await embed("one", "--prompt", "represent this for search: ")
        #expect(try objects(named.out).map(vector) == objects(typed.out).map(vector))
        let unknown = try await embed("one", "--as", "poem")
        #expect(unknown.status == 2)
        #expect(unknown.err.contains("only passage, query"))
        let task = try await embed("one", "--instruct", "find it")
        #expect(task.status == 2)
        let qwen = try await embed(
            "-m", Program.fixture("qwen3embed-q4"), "one", "--instruct", "find it", "--verbose")
        #expect(qwen.err.contains(#"Instruct: find it\nQuery:"#))
        #expect(qwen.err.contains("last-token pooling"))
    }

    @Test func whatIsTooLongIsAnErrorOrCutAndCounted() async throws {
        let long = Array(repeating: "weather", count: 90).joined(separator: " ")
        let refused = try await embed("one", long, "two")
        #expect(refused.status == 1)
        let found = try objects(refused.out)
        #expect(found[1]["error"]?.asString?.contains("the model takes 64") == true)
        #expect(vector(found[2]).count == Self.columns)
        #expect(refused.err.contains("1 of 3 texts failed"))
        let cut = try await embed("one", long, "--truncate")
        #expect(cut.status == 0)
        #expect(try objects(cut.out)[1]["truncated"]?.asBool == true)
        #expect(try objects(cut.out)[1]["tokens"]?.asInt == 64)
        #expect(cut.err.contains("1 of 2 texts cut to 64 tokens"))
        let folder = try TestFolder()
        let binary = try await embed(
            "-f", "npy", "-o", folder.path("v.npy"), input: "one\n\(long)\n")
        #expect(binary.status == 3)
        #expect(binary.err.contains("stdin:2: "))
        #expect(try folder.files().isEmpty)
    }

    @Test func filesFoldersAndTables() async throws {
        let folder = try TestFolder()
        try folder.write("notes/a.md", "alpha")
        try folder.write("notes/deep/b.txt", "beta")
        try folder.write("notes/c.bin", "no text")
        try folder.write("notes/.hidden.md", "hidden")
        try folder.write("table.csv", "id,body\r\n1,\"alpha\"\r\n2,\"be\"\"ta, \n\"\r\n3\r\n")
        try folder.write("lines.jsonl", "{\"body\":\"alpha\"}\n{\"x\":1}\nno json\n")
        let whole = try objects(try await embed("-i", "notes", folder: folder.path).out)
        #expect(whole.map { $0["place"]?.asString } == ["notes/a.md", "notes/deep/b.txt"])
        let some = try await embed("-i", "notes", "--glob", "b.*", folder: folder.path)
        #expect(try objects(some.out).count == 1)
        let table = try await embed(
            "--csv", "--field", "body", "-i", "table.csv", folder: folder.path)
        #expect(table.status == 1)
        let rows = try objects(table.out)
        #expect(
            rows.map { $0["place"]?.asString } == ["table.csv:2", "table.csv:3", "table.csv:5"])
        #expect(rows[2]["error"]?.asString?.contains("1 fields, want the 2") == true)
        #expect(vector(rows[0]) == vector(whole[0]))
        let records = try await embed(
            "--jsonl", "--field", "body", "-i", "lines.jsonl", folder: folder.path)
        #expect(try objects(records.out).map { $0["error"] != nil } == [false, true, true])
        let column = try await embed(
            "--csv", "--field", "z", "-i", "table.csv", folder: folder.path)
        #expect(column.status == 3)
        #expect(column.err.contains("its columns: id, body"))
    }

    @Test func badInputIsSaidInOneLine() async throws {
        let folder = try TestFolder()
        try folder.write("bad.txt", Data([0x66, 0xFF, 0x0A]))
        let none = try await Program.run("embed", "x")
        #expect(none.status == 2)
        #expect(none.err.contains("MLXI_EMBED_MODEL"))
        let kind = try await embed("-m", Program.speechModel, "x")
        #expect(kind.status == 3)
        #expect(kind.err.contains("is not an embedding model"))
        let bytes = try await embed("-i", folder.path("bad.txt"))
        #expect(bytes.status == 1)
        #expect(bytes.err.contains("not UTF-8 text"))
        let missing = try await embed("-i", folder.path("absent"))
        #expect(missing.status == 3)
        let empty = try await embed("")
        #expect(empty.status == 1)
        #expect(empty.err.contains("there is no text"))
        let nothing = try await embed(input: "")
        #expect(nothing.status == 0)
        #expect(nothing.out.isEmpty)
        let wide = try await embed("x", "--dimensions", "65")
        #expect(wide.status == 2)
        for run in [kind, missing, wide] {
            #expect(run.err.split(separator: "\n").count == 1, "\(run.err)")
        }
    }
}

/// `mlxi embed index` and `search`.
@Suite struct EmbedIndexTests {
    private func embed(
        _ arguments: String..., folder: TestFolder
    ) async throws -> Program.Result {
        try await Program(
            ["embed"] + arguments,
            environment: ["MLXI_EMBED_MODEL": Program.fixture("bert-q4")], folder: folder.path
        ).result()
    }

    private func report(_ run: Program.Result) throws -> JSONValue {
        #expect(run.status == 0, "\(run.err)")
        return try JSONValue.parse(run.out, source: "out")
    }

    @Test func anIndexFollowsItsFolder() async throws {
        let folder = try TestFolder()
        try folder.write("n/a.txt", "the weather in the city")
        try folder.write("n/b.txt", Array(repeating: "One more sentence. ", count: 40).joined())
        try folder.write("n/empty.txt", "\n")
        let first = try report(
            try await embed("index", "n", "--into", "i.db", "--json", folder: folder))
        #expect(first["added"]?.asInt == 3)
        #expect(first["chunks"]?.asInt ?? 0 > 3)
        let again = try report(
            try await embed("index", "n", "--into", "i.db", "--json", folder: folder))
        #expect(again["unchanged"]?.asInt == 3)
        #expect(again["chunks"]?.asInt == first["chunks"]?.asInt)
        try folder.write("n/a.txt", "something else")
        try FileManager.default.removeItem(atPath: folder.path("n/b.txt"))
        try folder.write("n/c.txt", "new")
        let changed = try report(
            try await embed("index", "n", "--into", "i.db", "--json", folder: folder))
        #expect(
            ["added", "changed", "removed", "unchanged"].map { changed[$0]?.asInt } == [1, 1, 1, 1])
        #expect(changed["chunks"]?.asInt == 2)
        // Another folder in the same index leaves the first alone.
        try folder.write("m/d.txt", "other")
        let other = try report(
            try await embed("index", "m", "--into", "i.db", "--json", folder: folder))
        #expect(other["removed"]?.asInt == 0)
        #expect(other["documents"]?.asInt == 4)
    }

    @Test func theSameTextIsFoundFirst() async throws {
        let folder = try TestFolder()
        for name in ["alpha", "beta", "gamma", "delta"] {
            try folder.write("n/\(name).txt", "  \(name) words of \(name)\n")
        }
        _ = try await embed("index", "n", "--into", "i.db", folder: folder)
        let run = try await embed(
            "search", "i.db", "gamma words of gamma", "-k", "2", "--json", "--prompt", "",
            folder: folder)
        let found = try report(run)
        let matches = try found.array("matches")
        #expect(matches.count == 2)
        #expect(found["searched_chunks"]?.asInt == 4)
        #expect(matches[0]["path"]?.asString?.hasSuffix("n/gamma.txt") == true)
        #expect(matches[0]["score"]?.asDouble ?? 0 > 0.9999)
        #expect(matches[0]["text"]?.asString == "gamma words of gamma")
        #expect(matches[0]["start_byte"]?.asInt == 2)
        #expect(matches[1]["score"]?.asDouble ?? 1 < 0.9999)
        let shown = try await embed("search", "i.db", "delta", "-k", "1", folder: folder)
        #expect(shown.out.contains(".txt:2\n"))
        let none = try await embed(
            "search", "i.db", "delta", "--min-score", "2", folder: folder)
        #expect(none.out.isEmpty)
    }

    @Test func anIndexIsOfOneKind() async throws {
        let folder = try TestFolder()
        try folder.write("n/a.txt", "alpha")
        _ = try await embed(
            "index", "n", "--into", "i.db", "--chunk-tokens", "20", folder: folder)
        let sizes = try await embed(
            "index", "n", "--into", "i.db", "--chunk-tokens", "30", folder: folder)
        #expect(sizes.status == 3)
        #expect(sizes.err.contains("--chunk-tokens 20, now 30"))
        let model = try await embed(
            "index", "n", "--into", "i.db", "-m", Program.fixture("bert-f32"), folder: folder)
        #expect(model.status == 3)
        #expect(model.err.contains("other weights"))
        let search = try await embed(
            "search", "i.db", "x", "-m", Program.fixture("bert-f32"), folder: folder)
        #expect(search.status == 3)
        #expect(search.err.contains("cannot be compared"))
        // The same weights elsewhere are the same model.
        try FileManager.default.copyItem(
            atPath: Program.fixture("bert-q4"), toPath: folder.path("moved"))
        let moved = try await embed("search", "i.db", "x", "-m", "./moved", folder: folder)
        #expect(moved.status == 0, "\(moved.err)")
        let large = try await embed(
            "index", "n", "--into", "j.db", "--chunk-tokens", "500", folder: folder)
        #expect(large.status == 2)
    }

    private func execute(_ sql: String, in path: String) throws {
        try DatabaseQueue(path: path).write { try $0.execute(sql: sql) }
    }

    @Test func brokenIndexesAreSaid() async throws {
        let folder = try TestFolder()
        try folder.write("n/a.txt", "alpha")
        try folder.write("text.db", "this is no database at all, but long enough to look at")
        try execute("CREATE TABLE t (x)", in: folder.path("foreign.db"))
        for name in ["text.db", "foreign.db"] {
            let before = try Data(contentsOf: URL(filePath: folder.path(name)))
            let search = try await embed("search", name, "x", folder: folder)
            #expect(search.status == 3, "\(name)")
            let index = try await embed("index", "n", "--into", name, folder: folder)
            #expect(index.status == 3, "\(name)")
            #expect(index.err.split(separator: "\n").count == 1, "\(index.err)")
            #expect(try Data(contentsOf: URL(filePath: folder.path(name))) == before)
        }
        _ = try await embed("index", "n", "--into", "i.db", folder: folder)
        try execute("UPDATE chunk SET vector = x'00'", in: folder.path("i.db"))
        let run = try await embed("search", "i.db", "x", folder: folder)
        #expect(run.status == 3)
        #expect(run.err.contains("the index is broken"))
        let absent = try await embed("search", "absent.db", "x", folder: folder)
        #expect(absent.err.contains("mlxi embed index DIR --into absent.db"))
        #expect(!folder.exists("absent.db"))
    }

    /// Killed at a random moment, the next run completes the index.
    @Test func aKilledRunGoesOn() async throws {
        let folder = try TestFolder()
        for number in 0..<150 {
            let text = (0..<60).map { "word\($0 &* number % 91) in a sentence." }
            try folder.write("n/\(number).txt", text.joined(separator: " "))
        }
        let program = try Program(
            ["embed", "index", "n", "--into", "i.db"],
            environment: ["MLXI_EMBED_MODEL": Program.fixture("bert-q4")], folder: folder.path)
        try wait {
            !program.isRunning
                || (try? VectorIndex(folder.path("i.db"), for: nil).counts().documents) ?? 0 > 0
        }
        program.send(SIGKILL)
        _ = try await program.result()
        let rest = try report(
            try await embed("index", "n", "--into", "i.db", "--json", folder: folder))
        #expect(rest["documents"]?.asInt == 150)
        #expect((rest["added"]?.asInt ?? 0) + (rest["unchanged"]?.asInt ?? 0) == 150)
        let whole = try report(
            try await embed("index", "n", "--into", "j.db", "--json", folder: folder))
        #expect(rest["chunks"]?.asInt == whole["chunks"]?.asInt)
    }
}
