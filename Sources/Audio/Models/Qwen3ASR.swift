// Qwen3-ASR: audio encoder, prompt and Qwen3 decoder. References: references/asr-qwen3.md; qwen-asr
// 0.0.6 inference/qwen3_asr.py, mlx-audio 0.6.2 stt/models/qwen3_asr.
import Foundation
public import Kernels
import Text

/// The Qwen3-ASR transcriber.
public final class Qwen3ASR: Transcriber {
    /// Opens `model_type` qwen3_asr in any of its three layouts.
    public static let family = Family<any Transcriber>(
        name: "asr-qwen3", architectures: ["qwen3_asr"]
    ) { folder, compute in try Qwen3ASR(folder, on: compute) }

    /// Longest segment unless the model's configuration sets `mlxi.segment_seconds_max`.
    private static let segmentSecondsDefault = 30.0
    /// Shorter audio is padded with silence to this.
    private static let audioSecondsMin = 0.5
    /// Most tokens of a reply: nobody speaks faster.
    private static let replyTokensPerSecond = 20.0
    private static let replyTokensBase = 64
    /// Room in the session for the prompt's text.
    private static let promptTokensReserve = 1024

    let encoder: Qwen3ASREncoder
    private let decoder: Decoder
    private let tokenizer: Tokenizer
    let compute: Compute
    private let endTokens: Set<Int32>
    let audioPad: Int32
    let mel: Mel
    private(set) var session: Session

    /// Longest segment, in seconds.
    public let segmentSecondsMax: Double
    /// English names of the languages the model knows.
    public let supportedLanguages: [String]

    private init(_ folder: ModelFolder, on compute: Compute) throws {
        self.compute = compute
        let names = try Qwen3ASRNames(folder)
        let (audio, text, settings) = try folder.read { config in
            let thinker = config["thinker_config"] ?? config
            return (
                try Qwen3ASREncoderConfig(try thinker.value("audio_config")),
                try thinker.value("text_config"), thinker
            )
        }
        encoder = try Qwen3ASREncoder(folder, config: audio, names: names)
        decoder = try Qwen3.decoder(folder, config: text, prefix: names.decoder, isTied: true)
        guard decoder.hiddenColumns == audio.outputColumns else {
            throw KernelError.malformed(
                file: folder.configPath,
                reason: "audio output_dim \(audio.outputColumns) is not the decoder's hidden_size "
                    + "\(decoder.hiddenColumns)")
        }
        tokenizer = try Tokenizer(folder: folder.path)
        endTokens = try ModelTokens.ends(of: folder, tokenizer: tokenizer)
        audioPad = try ModelTokens.id(
            settings, key: "audio_token_id", piece: "<|audio_pad|>", tokenizer, folder)
        mel = Mel(filterCount: audio.mels)
        segmentSecondsMax = try folder.read {
            try $0.double("mlxi", "segment_seconds_max", default: Self.segmentSecondsDefault)
        }
        supportedLanguages = try folder.read { config in
            try config.array("support_languages", default: []).compactMap(\.asString)
        }
        session = try Session(
            model: decoder, compute: compute,
            capacity: Self.capacity(encoder, seconds: segmentSecondsMax))
    }

    private static func capacity(_ encoder: Qwen3ASREncoder, seconds: Double) -> Int {
        let frames = Mel.frameCount(samples: PCM.samples(seconds: seconds)) + 1
        return encoder.tokenCount(frames: frames) + promptTokensReserve + replyTokens(seconds)
    }

    private static func replyTokens(_ seconds: Double) -> Int {
        replyTokensBase + Int(seconds * replyTokensPerSecond)
    }

    /// Transcribes one segment: log-mel, encoder, prompt, greedy decoding, parsing of the reply.
    ///
    /// - Throws: `CancellationError`, `KernelError.setting` for an unknown language, `SessionError`
    ///   when the context text does not fit.
    public func transcribe(
        _ segment: PCM, options: TranscribeOptions, isCancelled: () -> Bool,
        onText: (String) -> Void
    ) throws -> SpokenText {
        let hint = try options.language.map { try SpokenLanguage.named($0, of: supportedLanguages) }
        let audio = segment.peakNormalized().padded(toSeconds: Self.audioSecondsMin)
        let features = mel.features(audio)
        return try compute.workspace.scope {
            traceMel(features)
            let embeddings = encoder.encode(features, on: compute)
            let prompt = self.prompt(
                audioTokens: embeddings.count, context: options.context, language: hint)
            let start = prompt.firstIndex(of: audioPad) ?? 0
            compute.trace?.record("prompt", tokens: prompt)
            var request = GenerateRequest(
                prompt: Prompt(prompt, splice: (position: start, rows: embeddings)))
            request.tokensMax = options.tokensMax ?? Self.replyTokens(audio.seconds)
            request.detectsLoops = true
            try reserve(prompt.count + request.tokensMax + 1)
            var stream = ReplyStream(hasHint: hint != nil)
            let reply = try Generate.run(
                request, in: session, tokenizer: tokenizer, endTokens: endTokens,
                isCancelled: isCancelled
            ) { piece in
                let text = stream.append(piece)
                if !text.isEmpty { onText(text) }
            }
            return try spoken(reply, hint: hint)
        }
    }

    private func reserve(_ tokens: Int) throws {
        guard tokens > session.capacity else { return }
        session = try Session(model: decoder, compute: compute, capacity: tokens)
    }

    private func traceMel(_ features: MelFrames) {
        guard let trace = compute.trace else { return }
        let rows = compute.workspace.rows(features.frames, features.filters)
        for index in features.values.indices { rows.base[index] = features.values[index] }
        trace.record("mel", rows)
    }

    /// The context is the user's text: what looks like a control token in it stays text.
    func prompt(
        audioTokens: Int, context: String, language: String?
    ) -> [Int32] {
        let trimmed = context.trimmingCharacters(in: .whitespacesAndNewlines)
        var tokens = tokenizer.encode("<|im_start|>system\n", addSpecialTokens: false)
        tokens += tokenizer.encode(trimmed, addSpecialTokens: false, parseAddedTokens: false)
        tokens += tokenizer.encode(
            "<|im_end|>\n<|im_start|>user\n<|audio_start|>", addSpecialTokens: false)
        tokens += [Int32](repeating: audioPad, count: audioTokens)
        tokens += tokenizer.encode(
            "<|audio_end|><|im_end|>\n<|im_start|>assistant\n", addSpecialTokens: false)
        if let language {
            tokens += tokenizer.encode("language \(language)<asr_text>", addSpecialTokens: false)
        }
        return tokens
    }

    private func spoken(_ reply: Generation, hint: String?) throws -> SpokenText {
        if reply.stop == .cancelled { throw CancellationError() }
        var text = reply.text
        var early: SpokenText.EarlyStop?
        switch reply.stop {
        case .loop(let repetition):
            early = .repetition
            text = tokenizer.decode(
                Array(reply.tokens.dropLast(repetition.surplusTokens)), skipSpecialTokens: true)
        case .length: early = .tokenLimit
        default: break
        }
        let parsed = SpokenReply(text, hint: hint)
        return SpokenText(text: parsed.text, language: parsed.language, stoppedEarly: early)
    }
}

/// Tensor names of the three layouts: mlx-audio's, the original's, and that of transformers 5.
struct Qwen3ASRNames {
    let encoder: String
    let projections: (inner: String, outer: String)
    let decoder: String

    /// - Throws: `KernelError.missing` when the folder has none of the layouts.
    init(_ folder: ModelFolder) throws {
        let layouts = [
            ("audio_tower.", "audio_tower.proj1", "audio_tower.proj2", "model."),
            (
                "thinker.audio_tower.", "thinker.audio_tower.proj1", "thinker.audio_tower.proj2",
                "thinker.model."
            ),
            (
                "model.audio_tower.", "model.multi_modal_projector.linear_1",
                "model.multi_modal_projector.linear_2", "model.language_model."
            ),
        ]
        guard let known = layouts.first(where: { folder.has("\($0.0)conv_out.weight") }) else {
            throw KernelError.missing(file: folder.path, tensor: "audio_tower.conv_out.weight")
        }
        encoder = known.0
        projections = (known.1, known.2)
        decoder = known.3
    }
}
