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
}
