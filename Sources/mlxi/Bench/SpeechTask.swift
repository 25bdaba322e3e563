import Audio
import Foundation
import Kernels

/// Milliseconds of a speech model's encoder over one stretch of sound.
struct SpeechFigures: EncoderFigures {
    var audioSeconds: Double
    var milliseconds: Double
    var millisecondsMin: Double
    var millisecondsMax: Double
    /// Audio seconds a second.
    var realTimes: Double
    /// Multiplications and additions, in billions.
    var gigaOperations: Double
    /// Of the products that the weights' format allows.
    var ceilingPercent: Double
    var weightMegabytes: Int
    var peakMegabytes: Int

    var line: String {
        func one(_ value: Double) -> String { Timestamp.fixed(value, places: 1) }
        func none(_ value: Double) -> String { Timestamp.fixed(value, places: 0) }
        return "\(none(audioSeconds)) s of audio in \(one(milliseconds)) ms "
            + "[\(one(millisecondsMin))-\(one(millisecondsMax))], \(none(realTimes)) times real "
            + "time, \(one(gigaOperations)) billion operations, \(one(ceilingPercent)) % of the "
            + "ceiling"
    }
}

/// 30 s of sound.
struct SpeechTask: EncoderTask {
    private static let audioSeconds = 30.0

    private let encoder: any SpeechEncoder
    private let frames: Int
    private let mel: MelFrames

    init(_ encoder: any SpeechEncoder) {
        self.encoder = encoder
        frames = Mel.frameCount(samples: PCM.samples(seconds: Self.audioSeconds))
        mel = MelFrames.invented(frames: frames, filters: encoder.mels)
    }

    private var operations: Double { Double(encoder.operations(frames: frames)) }

    func encode(on compute: Compute) { _ = encoder.encode(mel, on: compute) }

    /// All products count as those of most weights.
    func leastSeconds(
        _ ceilings: Ceilings, precision: Precision, matrices: [Weight]
    ) -> Double {
        operations
            / ceilings.productsPerSecond(
                matrices.mainFormat ?? .f32, precision: precision,
                rounds: matrices.contains { $0.rounds })
    }

    func figures(_ measured: EncoderMeasured) -> SpeechFigures {
        let seconds = measured.seconds
        return SpeechFigures(
            audioSeconds: Self.audioSeconds, milliseconds: seconds.median * 1000,
            millisecondsMin: seconds.min * 1000, millisecondsMax: seconds.max * 1000,
            realTimes: Self.audioSeconds / seconds.median, gigaOperations: operations / 1e9,
            ceilingPercent: measured.ceilingPercent,
            weightMegabytes: measured.weightBytes >> 20, peakMegabytes: measured.peakBytes >> 20)
    }
}

extension SpeechShape: EncoderShape {
    typealias Task = SpeechTask

    static var encoders: FamilyList<any SpeechEncoder> { speechEncoders }
}
