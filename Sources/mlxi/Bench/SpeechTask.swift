import Audio
import Foundation
import Kernels

/// A stretch of sound.
struct SpeechInput: EncoderInput {
    var audioSeconds: Double

    var text: String { "\(Timestamp.fixed(audioSeconds, places: 0)) s of audio" }

    func pace(seconds: Double) -> String? {
        "\(Timestamp.fixed(audioSeconds / seconds, places: 0)) times real time"
    }
}

/// 30 s of sound.
struct SpeechTask: EncoderTask {
    let input = SpeechInput(audioSeconds: 30)
    private let encoder: any SpeechEncoder
    private let frames: Int
    private let mel: MelFrames

    init(_ encoder: any SpeechEncoder) {
        self.encoder = encoder
        frames = Mel.frameCount(samples: PCM.samples(seconds: input.audioSeconds))
        mel = MelFrames.invented(frames: frames, filters: encoder.mels)
    }

    var operations: Double { Double(encoder.operations(frames: frames)) }

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
}

extension SpeechShape: EncoderShape {
    typealias Task = SpeechTask

    static var encoders: FamilyList<any SpeechEncoder> { speechEncoders }
}
