public import Kernels

/// The part of a speech model that turns sound into rows for its decoder, opened by itself: to
/// measure it. Used from one thread at a time.
public protocol SpeechEncoder: AnyObject {
    /// Values of a mel frame.
    var mels: Int { get }

    /// Multiplications and additions of `encode` in products, with weights and in attention.
    ///
    /// - Parameter frames: mel frames, one every 10 ms.
    func operations(frames: Int) -> Int

    /// Rows of mel frames, taken from the workspace scope of the caller.
    func encode(_ mel: MelFrames, on compute: Compute) -> Rows
}

extension MelFrames {
    /// Scattered features of a recording that nobody made, the same in every run.
    public static func invented(frames: Int, filters: Int) -> MelFrames {
        let values = (0..<frames * filters).map { Float(($0 &* 7919) % 2003) / 1000 - 1 }
        return MelFrames(frames: frames, filters: filters, values: values)
    }
}
