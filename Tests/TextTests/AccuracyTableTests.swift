import Foundation
import Kernels
import TestSupport
import Testing

@testable import Text

/// What one checkpoint of the fixtures loses against its f64 reference.
struct AccuracyRow {
    /// ln p of every token of the vocabulary, and greedy choices, at one precision.
    struct Loss {
        var max: Double
        var rms: Double
        /// Of the reference's greedy tokens, those that are the best ones here too, each behind the
        /// reference's own tokens.
        var agreed: Int
    }

    let name: String
    let format: String
    let greedyCount: Int
    let exact: Loss
    let fast: Loss

    static func measured(_ name: String) throws -> AccuracyRow {
        let config = try JSONValue.read(file: "\(Fixtures.path(name))/config.json")
        return AccuracyRow(
            name: name, format: try format(config),
            greedyCount: try Golden(name).tokens("greedy").count,
            exact: try loss(name, .exact), fast: try loss(name, .fast))
    }

    private static func loss(_ name: String, _ precision: Precision) throws -> Loss {
        let golden = try Golden(name)
        let run = try GoldenRun(name, precision)
        let rows = try run.promptLogits(step: Session.logitRowsMax)
        let wanted = try golden.values("logits")
        let found = try golden.json.ints("positions").flatMap { logProbabilities(rows[$0][...]) }
        let columns = wanted.shape[1]
        let reference = stride(from: 0, to: wanted.values.count, by: columns).flatMap {
            logProbabilities(wanted.values[$0..<$0 + columns])
        }
        let (max, rms) = difference(found, reference)
        return Loss(max: max, rms: rms, agreed: try agreement(run, golden))
    }

    private static func agreement(_ run: GoldenRun, _ golden: Golden) throws -> Int {
        try run.session.sync(Prompt(run.prompt))
        var agreed = 0
        for token in try golden.tokens("greedy") {
            if Logits.argmax(run.session.logits(0)) == Int(token) { agreed += 1 }
            try run.session.run([token])
        }
        return agreed
    }

    private static func logProbabilities(_ logits: ArraySlice<Float>) -> [Float] {
        let peak = Double(logits.max() ?? 0)
        let sum = logits.reduce(0) { $0 + Foundation.exp(Double($1) - peak) }
        return logits.map { Float(Double($0) - peak - Foundation.log(sum)) }
    }

    /// "4-bit/64", "mxfp4", "bf16"; "and others" where layers differ.
    private static func format(_ config: JSONValue) throws -> String {
        guard let section = config["quantization"]?.asObject else {
            let names = ["float32": "f32", "float16": "f16", "bfloat16": "bf16"]
            let type = try config.string("torch_dtype")
            return names[type] ?? type
        }
        let bits = try config.int("quantization", "bits")
        let group = try config.int("quantization", "group_size")
        let mode = try config.string("quantization", "mode", default: "\(bits)-bit/\(group)")
        let others = section.contains { $0.1.asObject != nil || $0.1.asBool != nil }
        return others ? "\(mode) and others" : mode
    }

    /// The row as it stands in the page.
    var line: String {
        func cell(_ value: Double) -> String { String(format: "%.1e", value) }
        let cells = [
            name, format, cell(exact.max), cell(exact.rms), "\(exact.agreed)/\(greedyCount)",
            cell(fast.max), cell(fast.rms), "\(fast.agreed)/\(greedyCount)",
        ]
        return "| " + cells.joined(separator: " | ") + " |"
    }
}

/// The figures of references/llm-accuracy.md are what this program does. `MLXI_ACCURACY_TABLE=1`
/// writes the table anew.
@Suite(.serialized) struct AccuracyTableTests {
    static let names = Qwen3GoldenTests.all + FamilyGoldenTests.all
    private static let page = URL(filePath: Fixtures.folder).deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "references/llm-accuracy.md")
    /// Instruction sets add up in different orders and keep attention in different formats.
    private static let errorFactor = 1.5
    /// Of an f32 logarithm of a probability: a last bit or two.
    private static let errorFloor = 2e-6
    /// Fast greedy choices between tokens that are nearly as likely.
    private static let agreementSlack = 1

    private static func isRow(_ line: some StringProtocol) -> Bool {
        names.contains { line.hasPrefix("| \($0) |") }
    }

    @Test(.enabled(if: ProcessInfo.processInfo.environment["MLXI_ACCURACY_TABLE"] != nil))
    func tableIsWritten() throws {
        let rows = try Self.names.map { try AccuracyRow.measured($0).line }
        let lines = try String(contentsOf: Self.page, encoding: .utf8)
            .split(separator: "\n", omittingEmptySubsequences: false)
        let rule = try #require(lines.firstIndex { $0.hasPrefix("|---|---|---|---|") })
        let after = lines[(rule + 1)...].drop { $0.hasPrefix("|") }
        let text = (lines[...rule].map(String.init) + rows + after.map(String.init))
            .joined(separator: "\n")
        try text.write(to: Self.page, atomically: true, encoding: .utf8)
    }

    @Test func everyCheckpointIsInTheTable() throws {
        let lines = try String(contentsOf: Self.page, encoding: .utf8).split(separator: "\n")
        #expect(lines.filter(Self.isRow).count == Self.names.count)
    }

    @Test(arguments: names) func noFigureIsWorseThanTheTable(name: String) throws {
        let lines = try String(contentsOf: Self.page, encoding: .utf8).split(separator: "\n")
        let line = try #require(lines.first { $0.hasPrefix("| \(name) |") })
        let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
        try #require(cells.count == 8)
        let row = try AccuracyRow.measured(name)
        #expect(cells[1] == row.format)
        let figures = [row.exact.max, row.exact.rms, row.fast.max, row.fast.rms]
        for (figure, cell) in zip(figures, [cells[2], cells[3], cells[5], cells[6]]) {
            let printed = try #require(Double(cell))
            #expect(figure <= printed * Self.errorFactor + Self.errorFloor, "\(row.line)")
        }
        #expect(
            row.exact.agreed == row.greedyCount
                && cells[4] == "\(row.greedyCount)/\(row.greedyCount)")
        let agreed = try #require(cells[7].split(separator: "/").first.flatMap { Int($0) })
        #expect(row.fast.agreed >= agreed - Self.agreementSlack, "\(row.line)")
    }
}
