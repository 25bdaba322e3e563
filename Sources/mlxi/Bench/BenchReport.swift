import Foundation
import Kernels

/// What is shown to people as text and to programs as JSON.
protocol Printable: Encodable, Sendable {
    /// The report for people.
    var text: String { get }
}

/// What `mlxi bench` measured of a language model.
struct BenchReport: Printable {
    /// Tokens a second of one kind of work.
    struct Rate: Encodable, Sendable {
        /// Tokens of the prompt, or tokens decoded one after the other.
        var tokens: Int
        var perSecond: Double
        var perSecondMin: Double
        var perSecondMax: Double
        /// From the prompt to its first token; absent for decoding.
        var firstTokenMilliseconds: Double?
        /// Of the ceiling that limits this work; absent where the work per token is not known.
        var ceilingPercent: Double?
    }

    /// Several texts decoded together.
    struct Batch: Encodable, Sendable {
        var sequences: Int
        /// Tokens of all sequences.
        var decode: Rate
    }

    /// How fast text becomes tokens, on one thread.
    struct Tokenizing: Encodable, Sendable {
        var vocabulary: Int
        var loadMilliseconds: Double
        var textBytes: Int
        var textTokens: Int
        /// Of a text seen for the first time, and of the same text again.
        var megabytesPerSecond: Double
        var megabytesPerSecondAgain: Double
    }

    struct Ceiling: Encodable, Sendable {
        var memoryGigabytesPerSecond: Double
        var int8Gops: Double
        var bf16Gflops: Double
        var f32Gflops: Double

        init(_ measured: Ceilings) {
            memoryGigabytesPerSecond = measured.memoryBytesPerSecond / 1e9
            int8Gops = measured.int8PerSecond / 1e9
            bf16Gflops = measured.bf16PerSecond / 1e9
            f32Gflops = measured.f32PerSecond / 1e9
        }

        var memory: String {
            "memory \(Timestamp.fixed(memoryGigabytesPerSecond, places: 1)) GB/s"
        }

        var products: String {
            func none(_ value: Double) -> String { Timestamp.fixed(value, places: 0) }
            return "int8 \(none(int8Gops)) GOP/s, bf16 \(none(bf16Gflops)) and f32 "
                + "\(none(f32Gflops)) GFLOP/s"
        }
    }

    var model: String
    var format: String
    var instructionSet: String
    var threads: Int
    var ceilings: Ceiling
    var weightMegabytes: Int
    /// Of header and tensors, with the files in the page cache; absent for a shape.
    var openMilliseconds: Double?
    /// The same and one pass over the weights, before and after the page cache was emptied.
    var startMilliseconds: Double?
    var startColdMilliseconds: Double?
    var peakMegabytes: Int
    /// What decoding left on the heap; nothing, unless something leaks.
    var decodeHeapBytes: Int
    var prefill: [Rate]
    var decode: Rate
    var batches: [Batch]
    var tokenizer: Tokenizing?

    var text: String {
        func one(_ value: Double) -> String { Timestamp.fixed(value, places: 1) }
        var lines = [
            Self.head("\(model), \(format)", instructionSet, threads: threads),
            "ceilings   \(ceilings.memory), \(ceilings.products)",
            "memory     weights \(weightMegabytes) MB, peak of the process \(peakMegabytes) MB",
        ]
        if let open = openMilliseconds, let start = startMilliseconds {
            let cold = startColdMilliseconds.map { ", from a cold cache \(one($0)) ms" } ?? ""
            lines.append(
                "start      open \(one(open)) ms, to the first token \(one(start)) ms\(cold)")
        }
        lines += ["", Self.row("", "tok/s", "min", "max", "of ceiling", "first token")]
        for rate in prefill { lines.append(Self.row("prefill \(rate.tokens)", rate)) }
        lines.append(Self.row("decode \(decode.tokens)", decode))
        for batch in batches {
            let each = batch.decode.tokens / batch.sequences
            lines.append(Self.row("decode \(each) x \(batch.sequences)", batch.decode))
        }
        if let tokenizer {
            lines += [
                "",
                "tokenizer  \(tokenizer.vocabulary) tokens, load "
                    + "\(one(tokenizer.loadMilliseconds)) ms, \(tokenizer.textTokens) tokens of "
                    + "text at \(one(tokenizer.megabytesPerSecond)) MB/s, again "
                    + "\(one(tokenizer.megabytesPerSecondAgain)) MB/s",
            ]
        }
        return lines.joined(separator: "\n") + "\n"
    }

    static func head(_ what: String, _ instructionSet: String, threads: Int) -> String {
        "\(what), \(instructionSet), \(threads) thread\(threads == 1 ? "" : "s")"
    }

    static func row(_ name: String, _ rate: Rate) -> String {
        row(
            name, Timestamp.fixed(rate.perSecond, places: 1),
            Timestamp.fixed(rate.perSecondMin, places: 1),
            Timestamp.fixed(rate.perSecondMax, places: 1),
            rate.ceilingPercent.map { Timestamp.fixed($0, places: 1) + " %" } ?? "-",
            rate.firstTokenMilliseconds.map { Timestamp.fixed($0, places: 1) + " ms" } ?? "-")
    }

    static func row(_ name: String, _ cells: String...) -> String {
        let start = name.padding(toLength: max(name.count, 14), withPad: " ", startingAt: 0)
        return cells.reduce(start) { line, cell in
            line + String(repeating: " ", count: max(12 - cell.count, 1)) + cell
        }
    }
}

extension BenchReport.Rate {
    /// - Parameters:
    ///   - seconds: of each repetition; not empty.
    ///   - ceiling: tokens a second that the machine could do.
    init(tokens: Int, seconds: [Double], ceiling: Double?, isPrompt: Bool) {
        let spread = Spread(seconds)
        self.tokens = tokens
        perSecond = Double(tokens) / spread.median
        perSecondMin = Double(tokens) / spread.max
        perSecondMax = Double(tokens) / spread.min
        firstTokenMilliseconds = isPrompt ? spread.median * 1000 : nil
        ceilingPercent = ceiling.map { 100 * perSecond / $0 }
    }

    /// Decoding, each repetition beside its own ceiling.
    ///
    /// - Parameters:
    ///   - seconds: of each repetition; not empty.
    ///   - shares: of the ceiling, of each repetition; empty where it is not known.
    init(tokens: Int, seconds: [Double], shares: [Double]) {
        self.init(tokens: tokens, seconds: seconds, ceiling: nil, isPrompt: false)
        ceilingPercent = shares.isEmpty ? nil : 100 * Spread(shares).median
    }
}
