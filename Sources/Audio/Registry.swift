public import Kernels

/// The families that `transcribe` can use: one line each.
public let transcribers = FamilyList<any Transcriber>(
    kind: "a speech recognition model", [Qwen3ASR.family])

/// The families whose encoder can be opened by itself.
public let speechEncoders = FamilyList<any SpeechEncoder>(
    kind: "a speech model with an encoder", [Qwen3ASREncoder.family, WhisperEncoder.family])

/// The families that turn text into frames of codes.
public let talkers = FamilyList<Qwen3TTSTalker>(
    kind: "a speech synthesis model", [Qwen3TTSTalker.family])

/// The families that turn frames of codes into sound.
public let speechCodecs = FamilyList<Qwen3TTSCodec>(
    kind: "a speech codec", [Qwen3TTSCodec.family])
