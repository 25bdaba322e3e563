import Audio
import Foundation
import Text

/// How every recording of a watched folder is done; fixed for the life of the daemon.
struct WatchSettings: Sendable {
    var model: FoundModel
    var proofreader: FoundModel
    var language: String?
    var context: String?
    /// Folder for named intermediate tensors, one folder in it for each recording.
    var traceFolder: String?

    /// The same content with the same fingerprint is the same work.
    var fingerprint: String {
        [model.edition, proofreader.edition, language ?? "auto", context ?? ""].joined(
            separator: "\u{1F}")
    }
}

/// What became of one recording.
enum WorkOutcome: Equatable, Sendable {
    case done(stem: String, audioSeconds: Double, workSeconds: Double)
    case duplicate(stem: String, of: String)
    case failed(stem: String, reason: String)
    /// The file went away or changed while in hand; it is not ours to finish.
    case released(reason: String)
}

/// Takes one recording from `seen` to `done` or `failed`.
///
/// It throws where the place is to blame (full disk, unwritable folder, broken ledger) or where
/// the work was cancelled: then the recording stays in the folder, to be done later.
struct Worker: Sendable {
    let layout: FolderLayout
    let settings: WatchSettings
    let door: any JobDoor
    let ledger: Ledger
    let files: any FileSystem
    let now: @Sendable () -> Date
    let listener: @Sendable (LedgerItem, JobEvent) -> Void

    /// So often may a file be in hand when the program dies before the file is blamed.
    static let attemptsMax = 10

    private var finisher: Finisher { Finisher(layout: layout, ledger: ledger, files: files) }

    /// Completes what the last process left: moves cut short are made, work cut short waits again.
    func recover() throws {
        for item in try ledger.interrupted() {
            switch item.state {
            case .finishing:
                _ = try finisher.resumeFinishing(item, at: now())
            case .failing:
                _ = try finisher.resumeFailing(item, at: now())
            default:
                if item.attempts >= Self.attemptsMax {
                    _ = try finisher.fail(
                        item,
                        reason:
                            "the program ended \(item.attempts) times while at work on this file",
                        at: now())
                } else {
                    try ledger.update(item, to: .seen, at: now())
                }
            }
        }
    }

    func process(_ waiting: LedgerItem, cancellation: Cancellation) async throws -> WorkOutcome {
        let audio = Path.join(layout.root, waiting.name)
        guard try isUnchanged(waiting) else {
            try release(waiting)
            return .released(reason: "went away or changed before its turn")
        }
        var item = waiting
        do {
            item.hash = try ContentHash.file(audio)
        } catch let error as FileError {
            return try fail(item, "\(error)")
        }
        if let outcome = try finishDuplicate(item) { return outcome }
        item.settings = settings.fingerprint
        if item.stem == nil {
            item.stem = try layout.freeStem(
                for: item.name, preferring: nil, in: layout.done, beside: true, files: files)
        }
        item.attempts += 1
        item = try ledger.update(item, to: .running, at: now())
        let work: Work
        do {
            work = try await run(item, audio: audio, cancellation: cancellation)
        } catch let failure as ContentFailure {
            return try fail(item, failure.reason)
        } catch {
            // Not this file's fault: it waits for the next turn and the attempt does not count.
            item.attempts -= 1
            try ledger.update(item, to: .seen, at: now())
            throw error
        }
        guard try isUnchanged(item) else { return try drop(item) }
        let done = try finisher.finish(item, at: now())
        return .done(
            stem: done.target ?? item.name, audioSeconds: work.audioSeconds,
            workSeconds: work.seconds)
    }

    private struct Work {
        var audioSeconds: Double
        var seconds: Double
    }

    /// Why this recording, and not the place it lies in, cannot be done.
    private struct ContentFailure: Error { var reason: String }

    private func run(
        _ item: LedgerItem, audio: String, cancellation: Cancellation
    ) async throws -> Work {
        let stem = item.stem ?? Path.split(item.name).stem
        var facts = PageFacts(
            title: stem, source: item.name, model: settings.model.name,
            proofreader: settings.proofreader.name)
        let job = Job.transcribe(
            TranscriptionJob(
                audioPath: audio, model: settings.model, language: settings.language,
                context: settings.context, proofreader: settings.proofreader,
                traceFolder: settings.traceFolder.map { Path.join($0, stem) }))
        var heard: Transcript?
        var events = door.submit(job, cancellation: cancellation).makeAsyncIterator()
        while let event = try await next(&events) {
            listener(item, event)
            switch event {
            case .transcript(let transcript, let seconds):
                heard = transcript
                facts.transcribeSeconds = seconds
                try write(MarkdownPage.raw(transcript, facts), to: FolderLayout.raw(stem))
            case .corrected(let text, let seconds):
                guard let heard else { continue }
                facts.proofreadSeconds = seconds
                try write(
                    MarkdownPage.corrected(text, of: heard, facts), to: FolderLayout.corrected(stem)
                )
            default:
                break
            }
        }
        guard let heard else { throw ContentFailure(reason: "the model returned no transcript") }
        if let reason = heard.failures.first, heard.spokenTexts.isEmpty {
            throw ContentFailure(reason: reason)
        }
        return Work(audioSeconds: heard.duration, seconds: facts.workSeconds)
    }

    /// The results describe content that is no longer there.
    private func drop(_ item: LedgerItem) throws -> WorkOutcome {
        if let stem = item.stem {
            for name in [FolderLayout.raw(stem), FolderLayout.corrected(stem)] {
                let path = Path.join(layout.root, name)
                if try files.exists(path) { try files.remove(path) }
            }
        }
        try release(item)
        return .released(reason: "went away or changed while it was being transcribed")
    }

    /// What the models throw is about this recording; a cancellation is about nobody.
    private func next(
        _ events: inout AsyncThrowingStream<JobEvent, any Error>.Iterator
    ) async throws -> JobEvent? {
        do {
            return try await events.next()
        } catch let error as Cancelled {
            throw error
        } catch {
            throw ContentFailure(reason: "\(error)")
        }
    }

    private func write(_ page: String, to name: String) throws {
        try AtomicFile.replace(Path.join(layout.root, name), with: page, in: files)
    }

    private func finishDuplicate(_ item: LedgerItem) throws -> WorkOutcome? {
        guard let hash = item.hash,
            let earlier = try ledger.earlier(hash: hash, settings: settings.fingerprint),
            let stem = earlier.target,
            try files.exists(Path.join(layout.done, FolderLayout.raw(stem)))
        else { return nil }
        var item = item
        item.settings = settings.fingerprint
        item.duplicateOf = stem + Path.split(earlier.name).suffix
        let done = try finisher.finish(item, at: now())
        return .duplicate(stem: done.target ?? stem, of: item.duplicateOf ?? stem)
    }

    private func fail(_ item: LedgerItem, _ reason: String) throws -> WorkOutcome {
        let failed = try finisher.fail(item, reason: reason, at: now())
        return .failed(stem: failed.target ?? item.name, reason: reason)
    }

    private func isUnchanged(_ item: LedgerItem) throws -> Bool {
        guard let status = try files.status(Path.join(layout.root, item.name)) else { return false }
        return status.kind == .file && FileStamp(status) == item.stamp
    }

    /// The watch state will see the file anew when it is still again.
    private func release(_ item: LedgerItem) throws { try ledger.forget(item) }
}
