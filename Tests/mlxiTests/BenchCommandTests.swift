import Audio
import Foundation
import Kernels
import Testing
import Text
import Vision

@testable import mlxi

@Suite struct BenchCommandTests {
    private static func bench(_ arguments: String...) async throws -> Program.Result {
        try await Program(["bench"] + arguments).result()
    }

    @Test func aModelIsMeasured() async throws {
        let run = try await Self.bench(
            Program.languageModel, "-p", "3,20", "-n", "2", "-r", "2", "--cold", "--json",
            "--text", #filePath)
        #expect(run.status == 0, "\(run.err)")
        let report = try #require(
            try JSONSerialization.jsonObject(with: Data(run.out.utf8)) as? [String: Any])
        let prefill = try #require(report["prefill"] as? [[String: Any]])
        #expect(prefill.compactMap { $0["tokens"] as? Int } == [3, 20])
        for rate in prefill + [try #require(report["decode"] as? [String: Any])] {
            let speeds = ["per_second_min", "per_second", "per_second_max"].map {
                rate[$0] as? Double ?? 0
            }
            #expect(speeds[0] > 0 && speeds == speeds.sorted())
            #expect((rate["ceiling_percent"] as? Double ?? 0) > 0)
        }
        #expect((report["start_cold_milliseconds"] as? Double ?? 0) > 0)
        let tokenizer = try #require(report["tokenizer"] as? [String: Any])
        #expect((tokenizer["megabytes_per_second"] as? Double ?? 0) > 0)
        #expect((tokenizer["text_tokens"] as? Int ?? 0) > 100)
        let ceilings = try #require(report["ceilings"] as? [String: Double])
        #expect((ceilings["memory_gigabytes_per_second"] ?? 0) > 0)
    }

    /// Decoding works in memory that was taken when the session opened.
    @Test func decodingKeepsNoMemory() async throws {
        let tolerated = 1024  // of the surroundings, less than ten bytes a token
        let run = try await Self.bench(
            Program.languageModel, "-p", "3", "-n", "120", "-r", "2", "--json")
        let report = try #require(
            try JSONSerialization.jsonObject(with: Data(run.out.utf8)) as? [String: Any])
        let kept = try #require(report["decode_heap_bytes"] as? Int)
        #expect(kept <= tolerated)
    }

    @Test func sequencesAreDecodedTogether() async throws {
        let run = try await Self.bench(
            Program.languageModel, "-p", "8", "-n", "3", "-r", "1", "--batch", "1,2,5", "--json")
        #expect(run.status == 0, "\(run.err)")
        let report = try #require(
            try JSONSerialization.jsonObject(with: Data(run.out.utf8)) as? [String: Any])
        let batches = try #require(report["batches"] as? [[String: Any]])
        #expect(batches.compactMap { $0["sequences"] as? Int } == [2, 5])
        let rates = batches.compactMap { $0["decode"] as? [String: Any] }
        #expect(rates.compactMap { $0["tokens"] as? Int } == [6, 15])
    }

    @Test func theTableNamesWhatWasMeasured() async throws {
        let run = try await Self.bench(Program.languageModel, "-p", "5", "-n", "1", "-r", "1")
        #expect(run.status == 0, "\(run.err)")
        for text in ["qwen3-q4", "ceilings", "prefill 5", "decode 1", "of ceiling"] {
            #expect(run.out.contains(text), "\(run.out)")
        }
    }

    @Test func theEncoderOfASpeechModelIsMeasured() async throws {
        let run = try await Self.bench("--shape", "whisper-tiny", "-r", "2", "--json")
        #expect(run.status == 0, "\(run.err)")
        let report = try #require(
            try JSONSerialization.jsonObject(with: Data(run.out.utf8)) as? [String: Any])
        #expect(report["format"] as? String == "bf16")
        let encoder = try #require(report["encoder"] as? [String: Double])
        let times = ["milliseconds_min", "milliseconds", "milliseconds_max"].map {
            encoder[$0] ?? 0
        }
        #expect(times[0] > 0 && times == times.sorted())
        #expect(encoder["audio_seconds"] == 30)
        #expect((encoder["ceiling_percent"] ?? 0) > 0)
        #expect(abs((encoder["giga_operations"] ?? 0) - 36.9) < 0.1)
        let model = try await Self.bench(Program.speechModel, "-r", "1")
        #expect(model.status == 0, "\(model.err)")
        #expect(model.out.contains("qwen3asr-q4, encoder bf16"), "\(model.out)")
        #expect(model.out.contains("encode     30 s of audio in "))
    }

    /// Weights are reserved and not made.
    @Test(arguments: SpeechShape.all.map(\.name))
    func everyEncoderOpens(name: String) throws {
        let shape = try #require(SpeechShape.named(name))
        let weights = InventedWeights(
            format: .affine(bits: 4, group: 64), present: shape.present, plain: shape.plain)
        let folder = try shape.folder(weights)
        let encoder = try speechEncoders.open(folder, on: try Compute())
        #expect(encoder.operations(frames: 3000) > 30_000_000_000)
        #expect(folder.matricesAsked.count > 10)
        if let decoder = shape.decoder { _ = try BenchShape.named(decoder) }
    }

    @Test(arguments: PageShape.all.map(\.name))
    func everyPageEncoderOpens(name: String) throws {
        let shape = try #require(PageShape.named(name))
        let weights = InventedWeights(
            format: .affine(bits: 4, group: 64), present: shape.present)
        let folder = try shape.folder(weights)
        let encoder = try pageEncoders.open(folder, on: try Compute())
        let size = try encoder.preparation.budget.fitted(width: 2480, height: 3508)
        let grid = PatchGrid(
            rows: size.height / encoder.patchSide, columns: size.width / encoder.patchSide)
        // By the sizes of the published model: 5040 patches.
        #expect(encoder.operations(grid).reduce(0) { $0 + $1.count } == 7_376_183_377_920)
        let formats = Set(folder.matricesAsked.map(\.format.description))
        #expect(formats == ["affine 4-bit/64", "bf16"])
        _ = try BenchShape.named(shape.decoder)
    }

    /// A page of the published number of pixels would take a debug build too long.
    @Test func theEncoderOfAPageModelIsMeasured() async throws {
        let run = try await Self.bench(Program.pageModel, "-r", "2", "--json")
        #expect(run.status == 0, "\(run.err)")
        let report = try #require(
            try JSONSerialization.jsonObject(with: Data(run.out.utf8)) as? [String: Any])
        let encoder = try #require(report["encoder"] as? [String: Double])
        let times = ["milliseconds_min", "milliseconds", "milliseconds_max"].map {
            encoder[$0] ?? 0
        }
        #expect(times[0] > 0 && times == times.sorted())
        let sizes = ["width", "height", "patches", "tokens"].map { encoder[$0] }
        #expect(sizes == [168, 252, 216, 54])
        #expect((encoder["ceiling_percent"] ?? 0) > 0)
        let speed = (encoder["giga_operations"] ?? 0) / (times[1] / 1000)
        #expect(abs((encoder["giga_operations_per_second"] ?? 0) / speed - 1) < 1e-6)
        let table = try await Self.bench(Program.pageModel, "-r", "1")
        #expect(table.out.contains("paddleocrvl-q6, encoder affine 6-bit/64"), "\(table.out)")
        #expect(
            table.out.contains("encode     a page of 168 x 252 pixels (216 patches, 54 tokens)"))
    }

    @Test func aSpeechSynthesisModelIsMeasured() async throws {
        let folder = Program.fixture("qwen3tts-q4")
        let run = try await Self.bench(folder, "-p", "3,20", "-n", "4", "-r", "2", "--json")
        #expect(run.status == 0, "\(run.err)")
        let report = try #require(
            try JSONSerialization.jsonObject(with: Data(run.out.utf8)) as? [String: Any])
        #expect(report["format"] as? String == "affine 4-bit/64")
        #expect(report["codec_format"] as? String == "f32")
        let prefill = try #require(report["prefill"] as? [[String: Any]])
        #expect(prefill.compactMap { $0["tokens"] as? Int } == [3, 20])
        var sum = 0.0
        for part in ["talker", "code_predictor", "codec", "frame"] {
            let share = try #require(report[part] as? [String: Double])
            let times = ["milliseconds_min", "milliseconds", "milliseconds_max"].map {
                share[$0] ?? 0
            }
            #expect(times[0] > 0 && times == times.sorted(), "\(part)")
            #expect((share["ceiling_percent"] ?? 0) > 0, "\(part)")
            if part != "frame" { sum += share["milliseconds_min"] ?? 0 }
        }
        let frame = try #require(report["frame"] as? [String: Double])
        #expect(sum <= (frame["milliseconds_max"] ?? 0))
        let rate = try #require(report["frames_per_second"] as? Double)
        #expect(abs(rate * (frame["milliseconds"] ?? 0) - 1000) < 1e-6)
        // Frames of the toy have 48 samples: 2 ms.
        #expect(report["frame_seconds"] as? Double == 0.002)
        #expect((report["real_time_factor"] as? Double ?? 0) > 0)
        let table = try await Self.bench(folder, "-p", "5", "-n", "1", "-r", "1", "--precise")
        #expect(table.status == 0, "\(table.err)")
        for text in ["prefill 5", "code predictor", "real-time factor", "first frame"] {
            #expect(table.out.contains(text), "\(table.out)")
        }
    }

    @Test func aSynthesisModelWithoutItsCodecIsRefused() async throws {
        let run = try await Self.bench(Program.fixture("qwen3tts-bf16"))
        #expect(run.status == 3)
        #expect(run.err.contains("qwen3tts-bf16/speech_tokenizer: does not exist"), "\(run.err)")
    }

    /// Weights are reserved and not made.
    @Test(arguments: SynthesisShape.all.map(\.name))
    func everySynthesisShapeOpens(name: String) throws {
        let shape = try #require(SynthesisShape.named(name))
        let weights = InventedWeights(
            format: .affine(bits: 4, group: 64), present: shape.talker.present,
            plain: shape.talker.plain)
        let compute = try Compute()
        let talker = try talkers.open(try shape.talker.folder(weights), on: compute)
        #expect(talker.codebooks == 16 && talker.frameCost.talkerBytes > 200 << 20)
        // 15 passes over 44 MB of layers.
        #expect(talker.frameCost.predictorBytes > 600 << 20)
        let codecWeights = InventedWeights(format: .f32, present: shape.codec.present)
        let codec = try speechCodecs.open(try shape.codec.folder(codecWeights), on: compute)
        #expect(codec.frameSamples == 1920)
        #expect(abs(Double(codec.frameOperations) / 1e9 - 5) < 0.1)
    }

    @Test(arguments: [
        ([], "give one of a model"),
        (["--shape", "qwen3-8b", "--kernels"], "give one of a model"),
        (["--shape", "nothing"], "is not known; there are"),
        (["--shape", "nothing"], "whisper-large-v3-turbo"),
        (["--shape", "nothing"], "paddleocr-vl"),
        (["--shape", "qwen3-8b", "--bits", "7"], "--bits is 7"),
        (["--shape", "qwen3-8b", "--group", "48"], "--group is 48"),
        (["x", "-p", "1,,2"], "-p has \"\""),
        (["x", "-n", "0"], "-n is 0"),
        (["x", "--bits", "4"], "--bits and --group need --shape"),
        (["x", "--group", "32"], "--bits and --group need --shape"),
        (["--shape", "qwen3-8b", "--cold"], "--cold needs a model"),
        (["--kernels", "--batch", "2"], "--batch and --kv-bits need a model or --shape"),
        (["--kernels", "--kv-bits", "8"], "--batch and --kv-bits need a model or --shape"),
        (["--shape", "whisper-tiny", "--kv-bits", "8"], "are for language models"),
        (["--shape", "whisper-tiny", "--batch", "2"], "are for language models"),
        (["--shape", "paddleocr-vl", "--cold"], "--cold needs a model"),
        (["--shape", "paddleocr-vl", "--bits", "7"], "--bits is 7"),
        ([Program.pageModel, "--batch", "2"], "are for language models"),
        ([Program.pageModel, "--cold"], "are for language models"),
        (["nano-asr", "--cold"], "are for language models"),
        (["--shape", "qwen3-tts-1.7b", "--batch", "2"], "are for language models"),
        (["--shape", "nothing"], "qwen3-tts-1.7b"),
        (["x", "--batch", "2,0"], "--batch has \"0\", want 1 to 256"),
        (["--shape", "qwen3-8b", "--text", "x"], "--text needs a model"),
    ])
    func whatIsWrongIsSaid(arguments: [String], text: String) async throws {
        let run = try await Program(["bench"] + arguments).result()
        #expect(run.status == 2)
        #expect(run.err.contains(text), "\(run.err)")
    }

    /// Weights are reserved and not made, so even the largest costs nothing here.
    @Test(arguments: BenchShape.all.map(\.name))
    func everyShapeOpens(name: String) throws {
        let shape = try BenchShape.named(name)
        let weights = InventedWeights(
            format: .affine(bits: 4, group: 64), present: shape.present)
        let folder = try shape.folder(weights)
        let model = try decoders.open(folder, on: try Compute())
        #expect(model.vocabularyCount > 100_000)
        #expect(weights.byteCount > 200 << 20)
        let stored = folder.matricesAsked.reduce(0) { $0 + $1.byteCount }
        #expect(stored == weights.byteCount)
    }
}
