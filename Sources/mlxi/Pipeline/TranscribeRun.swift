import Audio
import Foundation
import Glibc
import Synchronization
import Text

/// Does what a `TranscribePlan` says, one recording after the other.
struct TranscribeRun: Sendable {
    let plan: TranscribePlan
    let door: any JobDoor
    let terminal: Terminal

    /// How the recordings fared.
    private struct Tally {
        var done = 0
        var skipped = 0
        var damaged = 0
        var failed: [String] = []
        var audioSeconds = 0.0
        var workSeconds = 0.0
        var modelsAreOpen = false
        /// Sum over the recordings that have a reference, and how many those are.
        var score: Scoring.Score?
        var scored = 0
    }

    /// A line of `--json` with files.
    private struct Report: Encodable {
        var file: String
        var status: String
        var outputs: [String]?
        var duration: Double?
        var seconds: Double?
        var damage: String?
        var wordErrorRate: Double?
        var characterErrorRate: Double?
        var error: String?
    }

    func run() async throws -> ExitStatus {
        let cancellation = Cancellation()
        let finishesItem = plan.inputs.count > 1
        let terminal = terminal
        let interrupts = Interrupts { _ in
            if finishesItem {
                terminal.warn("stopping after this recording; once more to stop at once")
            } else {
                cancellation.request()
            }
        }
        defer { withExtendedLifetime(interrupts) {} }
        var tally = Tally()
        var manifest = try plan.manifestFolder.map(RunManifest.init(folder:))
        for (index, input) in plan.inputs.enumerated() where interrupts.signal == nil {
            let label = finishesItem ? "[\(index + 1)/\(plan.inputs.count)] " : ""
            do {
                try await one(input, label, &tally, &manifest, cancellation)
            } catch let error as ClosedPipe {
                throw error
            } catch is Cancelled {
                break
            } catch let error as ModelFailure {
                throw error
            } catch {
                tally.failed.append(input.path)
                terminal.error(Self.line(error, about: input.label))
                try report(
                    Report(file: input.path, status: "failed", error: "\(error)"))
            }
        }
        terminal.wipeProgress()
        return summarise(tally, interrupted: interrupts.signal != nil)
    }

    private func one(
        _ input: TranscribePlan.Input, _ label: String, _ tally: inout Tally,
        _ manifest: inout RunManifest?, _ cancellation: Cancellation
    ) async throws {
        var hash: String?
        if let folder = plan.manifestFolder, let known = manifest, input.path != "-" {
            let content = try ContentHash.file(input.path)
            hash = content
            let outputs = names(input)
            if known.hasDone(
                hash: content, fingerprint: plan.fingerprint, outputs: outputs, folder: folder)
            {
                tally.skipped += 1
                terminal.say("\(label)\(input.path): already done, skipped")
                try report(Report(file: input.path, status: "skipped", outputs: outputs))
                return
            }
        }
        if !tally.modelsAreOpen { try await openModels(cancellation) }
        tally.modelsAreOpen = true
        let document = try await transcribe(input, label, cancellation)
        let paths = try deliver(document, input)
        if let folder = plan.manifestFolder, let hash, var known = manifest {
            known.add(
                .init(
                    source: input.path, hash: hash, fingerprint: plan.fingerprint,
                    outputs: names(input)))
            try known.write(folder: folder)
            manifest = known
        }
        note(document, input, &tally)
        let score = score(document, input, &tally)
        try report(
            Report(
                file: input.path, status: "done", outputs: paths,
                duration: document.transcript.duration, seconds: document.facts.workSeconds,
                damage: document.transcript.damage, wordErrorRate: score?.words.rate,
                characterErrorRate: score?.characters.rate))
    }

    /// A model that cannot be opened: no recording is to blame, and none can be done.
    private struct ModelFailure: Error, CustomStringConvertible { var description: String }

    private func openModels(_ cancellation: Cancellation) async throws {
        let job = OpenJob(
            transcriber: plan.model, proofreader: plan.proofreader, traceFolder: plan.traceFolder)
        do {
            for try await event in door.submit(.open(job), cancellation: cancellation) {
                if let line = event.progressLine { terminal.progress(line) }
            }
        } catch let error as Cancelled {
            throw error
        } catch {
            throw ModelFailure(description: "\(error)")
        }
    }

    /// Runs the job and shows what it tells.
    private func transcribe(
        _ input: TranscribePlan.Input, _ label: String, _ cancellation: Cancellation
    ) async throws -> TranscriptDocument {
        let job = TranscriptionJob(
            audioPath: input.path, model: plan.model, language: plan.language,
            context: plan.context, proofreader: plan.proofreader, traceFolder: plan.traceFolder)
        let streams = plan.output == .text && plan.proofreader == nil
        var facts = PageFacts(
            title: input.stem, source: Path.name(of: input.label),
            model: plan.model.name, proofreader: plan.proofreader?.name)
        var heard: Transcript?
        var corrected: ProofreadResult?
        defer { terminal.wipeProgress() }
        for try await event in door.submit(.transcribe(job), cancellation: cancellation) {
            switch event {
            case .segment(let segment) where streams && !segment.text.isEmpty:
                do {
                    try terminal.resultLine(segment.text)
                } catch {
                    cancellation.request()
                    throw error
                }
            case .transcript(let transcript, let seconds):
                heard = transcript
                facts.transcribeSeconds = seconds
            case .corrected(let text, let seconds):
                corrected = text
                facts.proofreadSeconds = seconds
            default:
                if let line = event.progressLine { terminal.progress(label + line) }
            }
        }
        guard let heard else {
            throw CommandError.cannotRun("\(input.path): the model returned no transcript")
        }
        return TranscriptDocument(transcript: heard, corrected: corrected, facts: facts)
    }

    /// Puts the result where the plan wants it and returns the paths of files.
    private func deliver(
        _ document: TranscriptDocument, _ input: TranscribePlan.Input
    ) throws -> [String] {
        switch plan.output {
        case .text:
            // Without proofreading every line has been printed as it was heard.
            if document.corrected != nil {
                try terminal.result(TranscriptWriter.render(document, as: .txt))
            }
            return []
        case .rendered(let format):
            try terminal.result(TranscriptWriter.render(document, as: format))
            return []
        case .files(let formats):
            let paths = try TranscriptWriter.write(
                document, formats: formats, folder: input.folder, stem: input.stem)
            if !plan.reportsJSON { for path in paths { try terminal.resultLine(path) } }
            return paths
        }
    }

    private func note(
        _ document: TranscriptDocument, _ input: TranscribePlan.Input, _ tally: inout Tally
    ) {
        let transcript = document.transcript
        tally.done += 1
        tally.audioSeconds += transcript.duration
        tally.workSeconds += document.facts.workSeconds
        for line in transcript.warnings { terminal.warn("\(input.label): \(line)") }
        if transcript.damage != nil || !transcript.failures.isEmpty { tally.damaged += 1 }
    }

    /// A recording without a reference is said and does not count.
    private func score(
        _ document: TranscriptDocument, _ input: TranscribePlan.Input, _ tally: inout Tally
    ) -> Scoring.Score? {
        guard let scoring = plan.scoring else { return nil }
        do {
            let score = try scoring.score(document, stem: input.stem)
            var sum = tally.score ?? Scoring.Score()
            sum += score
            tally.score = sum
            tally.scored += 1
            terminal.say("\(input.label): \(score.line)")
            return score
        } catch {
            terminal.warn("\(error)")
            return nil
        }
    }

    private func summarise(_ tally: Tally, interrupted: Bool) -> ExitStatus {
        if plan.inputs.count > 1 || tally.skipped > 0 {
            var parts = ["\(tally.done) done"]
            if tally.skipped > 0 { parts.append("\(tally.skipped) already done") }
            if tally.damaged > 0 { parts.append("\(tally.damaged) with losses") }
            if !tally.failed.isEmpty { parts.append("\(tally.failed.count) failed") }
            let left = plan.inputs.count - tally.done - tally.skipped - tally.failed.count
            if left > 0 { parts.append("\(left) not begun or cut short") }
            terminal.say(parts.joined(separator: ", ") + speed(tally))
        } else if tally.done == 1 {
            terminal.say("\(Timestamp.length(tally.audioSeconds)) of audio" + speed(tally))
        }
        if let score = tally.score, plan.inputs.count > 1 {
            terminal.say("\(tally.scored) with a reference: \(score.line)")
        }
        if interrupted { return .interrupted }
        if plan.inputs.count == 1, !tally.failed.isEmpty { return .failed }
        return tally.failed.isEmpty && tally.damaged == 0 ? .done : .partial
    }

    private func speed(_ tally: Tally) -> String {
        guard tally.audioSeconds > 0 else { return "" }
        let factor = Timestamp.fixed(tally.workSeconds / tally.audioSeconds, places: 3)
        return " in \(Timestamp.length(tally.workSeconds)), real-time factor \(factor)"
    }

    private func names(_ input: TranscribePlan.Input) -> [String] {
        guard case .files(let formats) = plan.output, let root = plan.manifestFolder else {
            return []
        }
        var folder = input.folder
        if folder.hasPrefix(root) { folder.removeFirst(root.count) }
        let below = folder.drop { $0 == "/" }
        return formats.map { Path.join(String(below), "\(input.stem).\($0.rawValue)") }
    }

    private func report(_ report: Report) throws {
        guard plan.reportsJSON else { return }
        try terminal.resultLine(JSONText.encode(report, pretty: false))
    }

    /// Most errors name the file already.
    private static func line(_ error: any Error, about path: String) -> String {
        let text = "\(error)"
        return text.contains(path) ? text : "\(path): \(text)"
    }
}

extension JobEvent {
    /// What a person wants to see while waiting; nil where there is nothing new.
    var progressLine: String? {
        switch self {
        case .opening(let model):
            return "opening \(model.name)"
        case .heard(let seconds, let total):
            guard let total, total > 0 else { return "\(Timestamp.clock(seconds)) heard" }
            let share = Int((min(seconds / total, 1) * 100).rounded())
            return "\(Timestamp.clock(seconds)) of \(Timestamp.clock(total)) heard, \(share) %"
        case .proofread(let done, let total):
            return "\(done * 100 / max(total, 1)) % proofread"
        case .scoring(let done, let total):
            return "\(done * 100 / max(total, 1)) % of \(total) tokens scored"
        default:
            return nil
        }
    }
}

extension Transcript {
    /// What a reader of the text should know, a line each.
    var warnings: [String] {
        var lines: [String] = []
        if let damage { lines.append(damage) }
        for segment in segments {
            let place = "\(Timestamp.clock(segment.start))–\(Timestamp.clock(segment.end))"
            if case .failed(let reason) = segment.kind {
                lines.append("\(place) could not be transcribed: \(reason)")
            }
            switch segment.stoppedEarly {
            case .tokenLimit: lines.append("\(place) may be cut short: the token limit was reached")
            case .repetition: lines.append("\(place) may be cut short: the model repeated itself")
            case nil: break
            }
        }
        return lines
    }
}
