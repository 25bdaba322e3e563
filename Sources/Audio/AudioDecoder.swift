/// What a container says about its audio.
struct AudioFormat: Equatable {
    /// Container and codec in words, e.g. "mp3 (mp3float)".
    var name: String
    var channels: Int
    var sampleRate: Int
    /// Length that the container declares, if it does.
    var declaredSeconds: Double?
    /// How far the decoded length may fall short of it without being a loss: encoder padding, or
    /// anything where the declared length is itself a guess from the size of the file.
    var toleranceSeconds: Double
}

/// Interleaved samples as they come out of a decoder. Rate and channels may change between chunks.
struct DecodedChunk {
    var samples: [Float]
    var channels: Int
    var sampleRate: Int
    /// Where the chunk belongs by the container's clock, if that is known.
    var startSeconds: Double?
}

/// One way to decode a file: libsndfile or libav. Both give the channels and the rate of the file;
/// mixing and rate conversion are done once, in `AudioFile`, so that the two agree.
protocol AudioDecoder: AnyObject {
    var format: AudioFormat { get }
    /// What went wrong so far, in words; decoding goes on where it can.
    var problem: String? { get }
    /// The next few thousand frames, nil at the end of what can be decoded.
    func read() -> DecodedChunk?
}
