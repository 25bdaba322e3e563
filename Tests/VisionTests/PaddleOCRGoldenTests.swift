import Foundation
import Kernels
import TestSupport
import Testing
import Text

@testable import Vision

/// PaddleOCR-VL against mlx-vlm and transformers (Tools/golden/make_paddleocr_vl.py): heads of 72 in
/// bf16, and 6 bits with one matrix of a layer left alone.
@Suite(.serialized) struct PaddleOCRGoldenTests {
    static let all = ["paddleocrvl-bf16", "paddleocrvl-q6"]
    static let exactTolerance = 1e-3
    /// Of the simulated error; the rest is the f16 cache and another order of additions.
    static let fastRmsFactor = 1.6

    private struct Opened {
        let encoder: PaddleOCREncoder
        let session: Session
        let compute: Compute

        init(_ name: String, _ precision: Precision) throws {
            compute = try Compute(precision: precision)
            let folder = try ModelFolder(path: Fixtures.path(name))
            encoder = try #require(
                try pageEncoders.open(folder, on: compute) as? PaddleOCREncoder)
            session = try Session(
                model: try decoders.open(folder, on: compute), compute: compute, capacity: 256)
            #expect(folder.unused == [])
        }

        /// Puts a case's prompt with its image into the session.
        func sync(_ wanted: JSONValue) throws {
            let grid = try PaddleOCRGoldenTests.grid(wanted)
            try compute.workspace.scope {
                let rows = encoder.encode(.invented(grid, side: encoder.patchSide), on: compute)
                let start = try wanted.int("image_start")
                try session.sync(
                    Prompt(
                        try wanted.ints("prompt").map { Int32($0) }, splice: (start, rows),
                        imageRows: grid.rows / encoder.mergeSide))
            }
        }
    }

    private static func grid(_ wanted: JSONValue) throws -> PatchGrid {
        let sides = try wanted.ints("grid")
        return PatchGrid(rows: sides[0], columns: sides[1])
    }

    @Test(arguments: all, [Precision.exact, .fast])
    func encoderEqualsReference(name: String, precision: Precision) throws {
        let golden = try Golden(name)
        let opened = try Opened(name, precision)
        let simulated = try golden.json.double("fast_encoder_rms")
        for (index, wanted) in try golden.json.array("cases").enumerated() {
            let patches = Patches.invented(try Self.grid(wanted), side: opened.encoder.patchSide)
            let found = opened.compute.workspace.scope {
                let rows = opened.encoder.encode(patches, on: opened.compute)
                return (0..<rows.count).map { Array(rows[$0]) }
            }
            let rows = try wanted.ints("rows").flatMap { found[$0] }
            let output = try golden.values("case\(index).encoder_output").values
            let error = difference(rows, output)
            let scale = try wanted.double("encoder_std")
            if precision == .exact {
                #expect(error.max < Self.exactTolerance * scale, "case \(index): \(error)")
            } else {
                #expect(error.rms < Self.fastRmsFactor * simulated, "case \(index): \(error)")
            }
        }
    }

    @Test(arguments: all) func logitsAndTokensEqualReference(name: String) throws {
        let golden = try Golden(name)
        let opened = try Opened(name, .exact)
        for (index, wanted) in try golden.json.array("cases").enumerated() {
            try opened.sync(wanted)
            let logits = try golden.values("case\(index).logits").values
            let error = difference(Array(opened.session.logits(0)), logits).max
            #expect(error < Self.exactTolerance * (try wanted.double("logit_std")), "\(index)")
            for token in try wanted.ints("greedy") {
                #expect(Logits.argmax(opened.session.logits(0)) == token, "case \(index)")
                try opened.session.run([Int32(token)])
            }
        }
    }

    @Test func aConfigurationThatDescribesNothingIsRefused() throws {
        let good = try ModelFolder(path: Fixtures.path("paddleocrvl-q6")).config
        guard case .object(var top) = good, case .object(var vision)? = top["vision_config"] else {
            return
        }
        #expect(throws: Never.self) { try PaddleOCREncoderConfig(good) }
        let wrong: [(String, JSONValue)] = [
            ("num_attention_heads", .int(3)), ("hidden_size", .int(0)), ("hidden_size", .int(72)),
            ("patch_size", .int(-1)), ("num_channels", .int(1)), ("hidden_act", .string("relu")),
            ("num_hidden_layers", .string("two")), ("image_size", .int(13)),
        ]
        for (key, value) in wrong {
            let kept = vision[key]
            vision[key] = value
            top["vision_config"] = .object(vision)
            #expect(throws: JSONError.self, "\(key)") {
                try PaddleOCREncoderConfig(.object(top))
            }
            vision[key] = kept
        }
        top["vision_config"] = nil
        #expect(throws: JSONError.self) { try PaddleOCREncoderConfig(.object(top)) }
    }

    @Test(arguments: [
        ("[4, 6, 5]", "mrope_section is [4, 6, 5], want three parts of 16"),
        ("[16]", "mrope_section is [16], want three parts of 16"),
        ("[20, -2, -2]", "mrope_section is [20, -2, -2], want three parts of 16"),
    ])
    func sectionsMustFillAHead(sections: String, reason: String) throws {
        let text = """
            {"model_type": "paddleocr_vl", "hidden_size": 64, "intermediate_size": 64, \
            "num_hidden_layers": 1, "num_attention_heads": 2, "head_dim": 32, "vocab_size": 9, \
            "rope_scaling": {"rope_type": "default", "mrope_section": \(sections)}}
            """
        let folder = try ModelFolder(
            name: "shape", config: try JSONValue.parse(text, source: "shape"),
            invented: InventedWeights(format: .bf16))
        let error = #expect(throws: JSONError.self) {
            try decoders.open(folder, on: try Compute())
        }
        #expect(error?.description.hasSuffix(reason) == true, "\(String(describing: error))")
    }

    @Test(arguments: [
        ([], "visual.embeddings.patch_embedding.bias"),
        (["visual.embeddings."], "visual.layers.0.self_attn.qkv.bias"),
        (["visual.embeddings.", "visual.layers."], "visual.projector.linear_1.bias"),
    ])
    func aBiasThatIsMissingIsNamed(present: [String], missing: String) throws {
        let config = try ModelFolder(path: Fixtures.path("paddleocrvl-q6")).config
        let folder = try ModelFolder(
            name: "shape", config: config,
            invented: InventedWeights(format: .bf16, present: present))
        let compute = try Compute()
        #expect(throws: KernelError.missing(file: "shape", tensor: missing)) {
            try pageEncoders.open(folder, on: compute)
        }
    }
}
