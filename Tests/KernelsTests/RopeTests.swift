import Foundation
import Kernels
import Testing

/// Stretched rotary frequencies against those of transformers 5.23.0 (`ROPE_INIT_FUNCTIONS`).
@Suite struct RopeTests {
    struct Yarn: Sendable, CustomTestStringConvertible {
        /// Keys beside factor 4, 512 original positions, theta 10000, heads of 16.
        var keys: String
        var frequencies: [Double]
        var magnitude: Double

        var testDescription: String { keys }
    }

    private static let plain = [
        1.0, 0.25693506, 0.0625, 0.0138349654, 0.0025, 0.000790569466, 0.00025, 7.90569466e-05,
    ]

    static let yarns = [
        Yarn(keys: "", frequencies: plain, magnitude: 1.138629436111989),
        Yarn(keys: #", "attention_factor": 0.75"#, frequencies: plain, magnitude: 0.75),
        Yarn(
            keys: #", "mscale": 0.707, "mscale_all_dim": 1.2"#, frequencies: plain,
            magnitude: 0.941403523749669),
        Yarn(keys: #", "mscale": 0.707"#, frequencies: plain, magnitude: 1.138629436111989),
        Yarn(
            keys: #", "truncate": false"#,
            frequencies: [
                1.0, 0.301406473, 0.0703986362, 0.0143833589, 0.0025, 0.000790569466, 0.00025,
                7.90569466e-05,
            ], magnitude: 1.138629436111989),
        Yarn(
            keys: #", "beta_fast": 8, "beta_slow": 2"#,
            frequencies: [
                1.0, 0.316227764, 0.1, 0.0197642371, 0.0025, 0.000790569466, 0.00025,
                7.90569466e-05,
            ], magnitude: 1.138629436111989),
    ]

    @Test(arguments: yarns) func yarnIsThatOfTransformers(_ yarn: Yarn) throws {
        let config = try JSONValue.parse(
            #"{"rope_theta": 10000, "rope_scaling": {"rope_type": "yarn", "factor": 4, "#
                + #""original_max_position_embeddings": 512\#(yarn.keys)}}"#, source: "test")
        let rope = try Rope(headDim: 16, config: config, source: "test", thetaDefault: 10000)
        let workspace = try Workspace(capacityBytes: 1 << 20)
        let position = 3
        workspace.scope {
            let head = workspace.rows(1, 16)
            for j in 0..<16 { head[0][j] = j < 8 ? 1 : 0 }
            rope.apply(head, at: position)
            for (j, frequency) in yarn.frequencies.enumerated() {
                let angle = Double(position) * frequency
                #expect(abs(Double(head[0][j]) - cos(angle) * yarn.magnitude) < 1e-6)
                #expect(abs(Double(head[0][j + 8]) - sin(angle) * yarn.magnitude) < 1e-6)
            }
        }
    }

    /// Text, an image of 2 x 3 tokens, text, an image of 3 x 1, text: whole and token by token.
    @Test func imagesStandInGrids() throws {
        let config = try JSONValue.parse(#"{"rope_theta": 10000}"#, source: "test")
        let (dims, sections) = (12, [1, 2, 3])
        let rope = try Rope(
            headDim: dims, config: config, source: "test", thetaDefault: 10000, sections: sections)
        let cache = try KVCache(layers: 1, heads: 1, headDim: dims, capacity: 64, format: .f32)
        cache.place(TokenGrid(start: 2, rows: 2, columns: 3))
        cache.place(TokenGrid(start: 9, rows: 3, columns: 1))
        let wanted = [
            [0, 0, 0], [1, 1, 1],
            [2, 2, 2], [2, 2, 3], [2, 2, 4], [2, 3, 2], [2, 3, 3], [2, 3, 4],
            [5, 5, 5], [6, 6, 6], [6, 7, 6], [6, 8, 6], [9, 9, 9], [10, 10, 10],
        ]
        let workspace = try Workspace(capacityBytes: 1 << 20)
        workspace.scope {
            let whole = workspace.rows(wanted.count, dims)
            let steps = workspace.rows(wanted.count, dims)
            for x in [whole, steps] {
                for row in 0..<x.count { for j in 0..<dims { x[row][j] = j < dims / 2 ? 1 : 0 } }
            }
            cache.positions.rotate(whole, from: 0, with: rope)
            for row in 0..<steps.count {
                cache.positions.rotate(steps.rows(row..<row + 1), from: row, with: rope)
            }
            #expect(whole.array == steps.array)
            for (row, position) in wanted.enumerated() {
                let axes =
                    [position[0]] + [position[1], position[1]]
                    + [position[2], position[2], position[2]]
                for (j, at) in axes.enumerated() {
                    let angle = Double(at) * pow(10000, -2 * Double(j) / Double(dims))
                    #expect(abs(Double(whole[row][j]) - cos(angle)) < 1e-6, "\(row), \(j)")
                    #expect(abs(Double(whole[row][j + 6]) - sin(angle)) < 1e-6, "\(row), \(j)")
                }
            }
            cache.advance(by: 12)
            cache.truncate(to: 9)
            let text = workspace.rows(1, dims)
            for j in 0..<dims { text[0][j] = j < dims / 2 ? 1 : 0 }
            cache.positions.rotate(text, from: 9, with: rope)
            #expect(text[0].elementsEqual(whole[9][0..<dims]))
        }
    }
}
