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

/// The families that `embed` can use.
public let embeddingModels = FamilyList<any EmbeddingModel>(
    kind: "an embedding model",
    [
        Qwen3Embedding.family,
        Bert.family,
    ])
