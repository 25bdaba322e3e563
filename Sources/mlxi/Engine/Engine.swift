import Audio
import Foundation
import Kernels
import Synchronization
import Text

/// The loaded models and the one thread that runs them. Jobs run one after the other, in the order
/// they were handed in.
actor Engine: JobDoor {
    /// Jobs that may wait; more are refused, because their callers would rather know.
    static let queueJobsMax = 32
    /// Progress of scoring is told this often.
    private static let scoringStepTokens = 64

    private let thread = ComputeThread()
    private let precision: Precision
    private let residency = Residency()
    private let waiting = Mutex(0)

    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    init(precision: Precision) { self.precision = precision }

    nonisolated func submit(
        _ job: Job, cancellation: Cancellation
    ) -> AsyncThrowingStream<JobEvent, any Error> {
        // Unbounded, yet bounded by the job: a recording's segments or a reply's tokens.
        let (stream, continuation) = AsyncThrowingStream.makeStream(of: JobEvent.self)
        let isAdmitted = waiting.withLock { count in
            guard count < Self.queueJobsMax else { return false }
            count += 1
            return true
        }
        guard isAdmitted else {
            continuation.finish(
                throwing: CommandError.cannotRun("\(Self.queueJobsMax) jobs are waiting already"))
            return stream
        }
        continuation.onTermination = { end in
            if case .cancelled = end { cancellation.request() }
        }
        Task {
            await perform(job, cancellation, continuation)
            waiting.withLock { $0 -= 1 }
        }
        return stream
    }

    private func perform(
        _ job: Job, _ cancellation: Cancellation,
        _ events: AsyncThrowingStream<JobEvent, any Error>.Continuation
    ) {
        do {
            if cancellation.isRequested { throw Cancelled() }
            switch job {
            case .open(let models): try open(models, events)
            case .transcribe(let job): try transcribe(job, cancellation, events)
            case .chat(let job): try chat(job, cancellation, events)
            case .perplexity(let job): try score(job, cancellation, events)
            case .embed(let job): try embed(job, cancellation, events)
            }
            events.finish()
        } catch is CancellationError {
            events.finish(throwing: Cancelled())
        } catch {
            events.finish(throwing: error)
        }
    }

    private func open(
        _ models: OpenJob, _ events: AsyncThrowingStream<JobEvent, any Error>.Continuation
    ) throws {
        let options = OpenOptions(precision: precision, traceFolder: models.traceFolder)
        if let model = models.transcriber {
            events.yield(.opening(model))
            _ = try residency.transcriber(model, options)
        }
        if let model = models.proofreader {
            events.yield(.opening(model))
            _ = try residency.chat(model, proofreaderOptions(models.traceFolder))
        }
    }

    /// The two models of a job would overwrite each other's tensors.
    private func proofreaderOptions(_ traceFolder: String?) -> OpenOptions {
        OpenOptions(
            precision: precision, traceFolder: traceFolder.map { Path.join($0, "proofread") })
    }

    private func transcribe(
        _ job: TranscriptionJob, _ cancellation: Cancellation,
        _ events: AsyncThrowingStream<JobEvent, any Error>.Continuation
    ) throws {
        let options = OpenOptions(precision: precision, traceFolder: job.traceFolder)
        // The file first: what is wrong with it is known in milliseconds.
        let file = try AudioFile(job.audioPath)
        events.yield(.opening(job.model))
        let model = try residency.transcriber(job.model, options)
        let clock = ContinuousClock()
        let start = clock.now
        let run = TranscriptionRun(
            transcriber: model.transcriber,
            options: TranscribeOptions(language: job.language, context: job.context ?? ""),
            isCancelled: { cancellation.isRequested }
        ) { event in
            switch event {
            case .segment(let segment): events.yield(.segment(segment))
            case .progress(let seconds, let total):
                events.yield(.heard(seconds: seconds, ofSeconds: total))
            case .text: break
            }
        }
        let transcript = try run.transcribe(file)
        try model.checkTrace()
        events.yield(.transcript(transcript, workSeconds: (clock.now - start).seconds))
        guard let proofreader = job.proofreader else { return }
        events.yield(.opening(proofreader))
        let language = try residency.chat(proofreader, proofreaderOptions(job.traceFolder))
        let middle = clock.now
        let total = transcript.spokenTexts.reduce(0) { $0 + $1.count }
        let corrected = try language.proofread(
            transcript, isCancelled: { cancellation.isRequested }
        ) { events.yield(.proofread(characters: $0, of: total)) }
        try language.checkTrace()
        events.yield(.corrected(corrected, workSeconds: (clock.now - middle).seconds))
    }

    private func chat(
        _ job: ChatJob, _ cancellation: Cancellation,
        _ events: AsyncThrowingStream<JobEvent, any Error>.Continuation
    ) throws {
        events.yield(.opening(job.model))
        let model = try residency.chat(
            job.model,
            OpenOptions(
                precision: precision, traceFolder: job.traceFolder,
                contextTokens: job.contextTokens, kvFormat: job.kvFormat))
        let draft = try job.draft.map { draft in
            events.yield(.opening(draft.model))
            return try residency.draft(
                draft.model,
                OpenOptions(
                    precision: precision, contextTokens: job.contextTokens,
                    kvFormat: job.kvFormat))
        }
        let reply = try model.reply(
            job, draft: draft, isCancelled: { cancellation.isRequested }
        ) { piece in
            switch piece {
            case .text(let text): events.yield(.text(text))
            case .thought(let text): events.yield(.thought(text))
            }
        }
        try model.checkTrace()
        events.yield(.reply(reply))
    }

    private func score(
        _ job: PerplexityJob, _ cancellation: Cancellation,
        _ events: AsyncThrowingStream<JobEvent, any Error>.Continuation
    ) throws {
        events.yield(.opening(job.model))
        let model = try residency.scorer(
            job.model,
            OpenOptions(
                precision: precision, traceFolder: job.traceFolder, kvFormat: job.kvFormat))
        let text = try model.score(job, isCancelled: { cancellation.isRequested }) { done, total in
            if done % Self.scoringStepTokens == 0 {
                events.yield(.scoring(tokens: done, of: total))
            }
        }
        try model.checkTrace()
        events.yield(.scored(text))
    }

    private func embed(
        _ job: EmbedJob, _ cancellation: Cancellation,
        _ events: AsyncThrowingStream<JobEvent, any Error>.Continuation
    ) throws {
        events.yield(.opening(job.model))
        let model = try residency.embedder(
            job.model, OpenOptions(precision: precision, traceFolder: job.traceFolder))
        let texts = try model.embed(job, isCancelled: { cancellation.isRequested })
        try model.checkTrace()
        events.yield(.embedded(texts))
    }
}
