import Foundation
import Glibc

/// Moves a recording and its results out of the watched folder, so that a crash at any point can be
/// continued.
///
/// Order, and why it is safe to be cut anywhere:
/// 1. results are complete files beside the audio (`AtomicFile`); the row says `running`. A crash
///    here repeats the recording and replaces the results.
/// 2. the row says `finishing` and holds the name in `done`. From here nothing is computed again.
/// 3. results move, then the audio, then the folders are synced. Each move is skipped when it has
///    been made, and never overwrites. The audio goes last: while it is in the folder, nothing
///    else can come in under its name.
/// 4. the row says `done`.
///
/// `failing` works likewise with `failed`, where the first step writes `NAME_error.txt`.
struct Finisher: Sendable {
    let layout: FolderLayout
    let ledger: Ledger
    let files: any FileSystem

    /// Decides the name in `done`, then moves.
    func finish(_ item: LedgerItem, at date: Date) throws -> LedgerItem {
        var item = item
        item.target = try layout.freeStem(
            for: item.name, preferring: item.stem, in: layout.done, beside: false, files: files)
        item = try ledger.update(item, to: .finishing, at: date)
        return try resumeFinishing(item, at: date)
    }

    /// Decides the name in `failed`, then writes why and moves.
    func fail(_ item: LedgerItem, reason: String, at date: Date) throws -> LedgerItem {
        var item = item
        item.reason = reason
        item.target = try layout.freeStem(
            for: item.name, preferring: nil, in: layout.failed, beside: false, files: files)
        item = try ledger.update(item, to: .failing, at: date)
        return try resumeFailing(item, at: date)
    }

    func resumeFinishing(_ item: LedgerItem, at date: Date) throws -> LedgerItem {
        let target = item.target ?? Path.split(item.name).stem
        if let earlier = item.duplicateOf {
            try AtomicFile.replace(
                Path.join(layout.done, FolderLayout.note(target)),
                with: Self.duplicateNote(item, earlier: earlier), in: files)
        }
        try moveAll(item, target: target, to: layout.done)
        return try ledger.update(item, to: .done, at: date)
    }

    func resumeFailing(_ item: LedgerItem, at date: Date) throws -> LedgerItem {
        let target = item.target ?? Path.split(item.name).stem
        let reason = item.reason ?? "unknown"
        try AtomicFile.replace(
            Path.join(layout.failed, FolderLayout.error(target)),
            with: "\(item.name): \(reason)\n", in: files)
        try moveAll(item, target: target, to: layout.failed)
        return try ledger.update(item, to: .failed, at: date)
    }

    private func moveAll(_ item: LedgerItem, target: String, to folder: String) throws {
        if let stem = item.stem {
            for result in [FolderLayout.raw, FolderLayout.corrected] {
                try move(
                    Path.join(layout.root, result(stem)), to: Path.join(folder, result(target)))
            }
        }
        let audio = Path.join(layout.root, item.name)
        // Another file under the name means that ours has moved already and somebody was quick.
        if let status = try files.status(audio), FileStamp(status) == item.stamp {
            try move(audio, to: Path.join(folder, name(item, stem: target)))
        }
        try files.syncDirectory(folder)
        try files.syncDirectory(layout.root)
    }

    /// A result that is not here has moved before the crash, or was never written.
    private func move(_ source: String, to target: String) throws {
        guard try files.exists(source) else { return }
        try files.move(source, toNew: target)
    }

    private func name(_ item: LedgerItem, stem: String?) -> String {
        let parts = Path.split(item.name)
        return (stem ?? parts.stem) + parts.suffix
    }

    private static func duplicateNote(_ item: LedgerItem, earlier: String) -> String {
        """
        \(item.name) has the same content as \(earlier), which was transcribed before.
        It was not transcribed again. SHA-256: \(item.hash ?? "")

        """
    }
}
