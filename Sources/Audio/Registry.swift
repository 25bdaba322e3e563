public import Kernels

/// The families that `transcribe` can use: one line each.
public let transcribers = FamilyList<any Transcriber>(
    kind: "a speech recognition model", [Qwen3ASR.family])
