public import Kernels

/// The families that `chat` and proofreading can use: one line each.
public let languageModels = FamilyList<any LanguageModel>(
    kind: "a language model",
    [
        Qwen3.family,
        Qwen3MoE.family,
        Qwen2.family,
        Llama.family,
        Gemma3.family,
    ])

/// The decoders that can be opened by themselves, also those of larger models.
public let decoders = FamilyList<any LanguageModel>(
    kind: "a model with a decoder", languageModels.families + [PaddleOCRDecoder.family])

/// The families that `embed` can use.
public let embeddingModels = FamilyList<any EmbeddingModel>(
    kind: "an embedding model",
    [
        Qwen3Embedding.family,
        Bert.family,
    ])
