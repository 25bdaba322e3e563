import Foundation
import Kernels

/// `mlxi bench --kernels`: a line for each kernel as soon as it is measured, or one JSON list.
struct KernelTable {
    private struct Row: Encodable {
        var kernel: String
        var instructionSet: String
        var shape: String
        var perSecond: Double
        /// `operations` or `bytes`.
        var unit: String
        var ceilingPercent: Double
    }

    static func run(json: Bool, terminal: Terminal) throws {
        var rows: [Row] = []
        try KernelRate.measure { rate in
            let percent = 100 * rate.perSecond / rate.ceilingPerSecond
            if json {
                rows.append(
                    Row(
                        kernel: rate.kernel, instructionSet: rate.instructionSet,
                        shape: rate.shape, perSecond: rate.perSecond,
                        unit: rate.isBytes ? "bytes" : "operations", ceilingPercent: percent))
            } else {
                try terminal.resultLine(line(rate, percent: percent))
            }
        }
        if json { try terminal.resultLine(JSONText.encode(rows, pretty: true)) }
    }

    private static func line(_ rate: KernelRate, percent: Double) -> String {
        func padded(_ text: String, _ width: Int) -> String {
            text + String(repeating: " ", count: max(width - text.count, 1))
        }
        let speed = Timestamp.fixed(rate.perSecond / 1e9, places: 1)
        return padded(rate.instructionSet, 8) + padded(rate.kernel, 24) + padded(rate.shape, 34)
            + padded(speed + (rate.isBytes ? " GB/s" : " GOP/s"), 16)
            + Timestamp.fixed(percent, places: 1) + " % of "
            + (rate.isBytes ? "memory" : "peak")
    }
}
