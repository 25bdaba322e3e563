import Audio
import Kernels
import Synchronization
import Text

/// A flag that anybody may raise and the work reads between tokens and between segments.
final class Cancellation: Sendable {
    private let flag = Atomic<Bool>(false)

    func request() { flag.store(true, ordering: .relaxed) }
    var isRequested: Bool { flag.load(ordering: .relaxed) }
}

/// The work was given up because somebody asked; nothing is wrong.
struct Cancelled: Error {}

/// One recording to text, with everything decided.
struct TranscriptionJob: Sendable {
    var audioPath: String
    var model: FoundModel
    /// A hint; nil lets the model tell.
    var language: String?
    /// Words the recording is about: names and terms that the model should expect.
    var context: String?
    /// Nil leaves the text as it was heard.
    var proofreader: FoundModel?
    /// Folder for named intermediate tensors.
    var traceFolder: String?
}

/// A conversation to be continued by one reply.
struct ChatJob: Sendable {
    /// A model that drafts, and how many tokens at a time.
    struct Draft: Sendable {
        var model: FoundModel
        var tokensMax: Int
    }

    var model: FoundModel
    var messages: [Message]
    var sampling = SamplingChoice()
    var tokensMax: Int
    var stopStrings: [String] = []
    /// The template's `enable_thinking`; nil leaves it to the template.
    var enablesThinking: Bool?
    /// What the reply is held to; thinking is off then.
    var schema: JSONSchema?
    /// Draft tokens from the prompt, which changes nothing but the time.
    var isSpeculative = true
    /// Drafts with a small model instead.
    var draft: Draft?
    /// ln p of every token with this many alternatives.
    var topLogProbabilities: Int?
    /// Tokens of prompt and reply together; nil for the default.
    var contextTokens: Int?
    /// How keys and values are stored; nil for what the precision asks for.
    var kvFormat: KVFormat?
    /// File that keeps what was computed from process to process.
    var promptCache: String?
    var overflow = OverflowPolicy.error
    /// The system prompt by itself, and the summary of earlier turns: `messages` begins with both.
    var systemText = ""
    var earlierSummary: String?
    /// Folder for named intermediate tensors.
    var traceFolder: String?
}

/// A reply, its thoughts apart.
struct ChatReply: Sendable {
    var generation: Generation
    var text: String
    var thoughts: String
    /// What was used, with the checkpoint's defaults.
    var sampling: SamplingOptions
    /// Texts of the tokens whose probabilities were asked for.
    var names: [Int32: String]
    /// What was left out for lack of room.
    var fit: ContextFit
}

/// A text to be scored by a language model.
struct PerplexityJob: Sendable {
    enum Input: Sendable {
        case text(String)
        case tokens([Int32])
    }

    var model: FoundModel
    /// What errors call the input.
    var label: String
    var input: Input
    /// Nil for the defaults.
    var windowTokens: Int?
    var strideTokens: Int?
    /// Alternatives to each token.
    var topCount: Int
    /// How keys and values are stored; nil for what the precision asks for.
    var kvFormat: KVFormat?
    /// Folder for named intermediate tensors.
    var traceFolder: String?
}

/// What scoring came to.
struct ScoredText: Sendable {
    var perplexity: Perplexity
    /// With the first, which is not scored.
    var tokenCount: Int
    var windowTokens: Int
    var strideTokens: Int
    /// Texts of the tokens in it.
    var names: [Int32: String]
}

/// Models to open before the first real job, so that what is wrong with them is known at once.
struct OpenJob: Sendable {
    var transcriber: FoundModel?
    var proofreader: FoundModel?
    /// As the jobs will say it.
    var traceFolder: String?
}

/// What the engine can be asked for.
enum Job: Sendable {
    case open(OpenJob)
    case transcribe(TranscriptionJob)
    case chat(ChatJob)
    case perplexity(PerplexityJob)
    case embed(EmbedJob)
}

/// What a job tells while it runs, in this order.
enum JobEvent: Sendable {
    /// A model is being opened.
    case opening(FoundModel)
    /// Seconds of audio accounted for so far; the total where the file tells it.
    case heard(seconds: Double, ofSeconds: Double?)
    case segment(Transcript.Segment)
    /// All of the recording. `workSeconds` is the time it took without opening the model.
    case transcript(Transcript, workSeconds: Double)
    /// Characters proofread so far.
    case proofread(characters: Int, of: Int)
    case corrected(ProofreadResult, workSeconds: Double)
    /// A piece of a chat reply, or of the thoughts before it.
    case text(String)
    case thought(String)
    /// The whole reply.
    case reply(ChatReply)
    /// Tokens scored so far.
    case scoring(tokens: Int, of: Int)
    case scored(ScoredText)
    case embedded(EmbeddedTexts)
}

/// The one door to the models: CLI, server and watch hand in jobs here.
protocol JobDoor: Sendable {
    /// Starts the job. The stream ends after the last event, or throws what went wrong; it throws
    /// `Cancelled` once the flag was seen.
    func submit(_ job: Job, cancellation: Cancellation) -> AsyncThrowingStream<JobEvent, any Error>
}
