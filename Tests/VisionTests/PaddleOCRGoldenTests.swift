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
}
