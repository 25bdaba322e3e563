import Foundation

/// Positions that are not learned (Vaswani et al. 2017, in the arrangement of openai-whisper
/// `sinusoids`).
enum Sinusoids {
    /// Table [count, width]: sines in the first half of a row, cosines in the second, of frequencies
    /// from 1 down to 1 / 10000.
    static func table(_ count: Int, width: Int) -> [Float] {
        let half = width / 2
        let step = log(10000.0) / Double(max(half - 1, 1))
        var table = [Float](repeating: 0, count: count * width)
        for position in 0..<count {
            for i in 0..<half {
                let angle = Double(position) * exp(-Double(i) * step)
                table[position * width + i] = Float(sin(angle))
                table[position * width + half + i] = Float(cos(angle))
            }
        }
        return table
    }
}
