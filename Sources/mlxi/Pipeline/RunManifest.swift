import Foundation

/// What a folder run has done, kept beside its outputs, so that the next run skips it.
struct RunManifest: Codable, Sendable {
    /// One recording that was done.
    struct Entry: Codable, Equatable, Sendable {
        var source: String
        /// SHA-256 of the recording.
        var hash: String
        /// Models and options.
        var fingerprint: String
        /// Names of the outputs, relative to the manifest's folder.
        var outputs: [String]
    }

    static let name = ".mlxi-run.json"

    private var entries: [Entry] = []

    init() {}

    /// The manifest of a folder; empty where there is none yet.
    ///
    /// - Throws: `CommandError` where it is there but damaged: guessing would do hours of work
    ///   again.
    init(folder: String) throws {
        let path = Path.join(folder, Self.name)
        guard let data = FileManager.default.contents(atPath: path) else { return }
        do {
            entries = try JSONDecoder().decode(Self.self, from: data).entries
        } catch {
            throw CommandError.cannotRun("\(path): damaged; remove it to do everything again")
        }
    }

    /// Whether this content was done with these options and all its outputs are still there.
    func hasDone(
        hash: String, fingerprint: String, outputs: [String], folder: String
    ) -> Bool {
        entries.contains { entry in
            entry.hash == hash && entry.fingerprint == fingerprint && entry.outputs == outputs
                && entry.outputs.allSatisfy {
                    FileManager.default.fileExists(atPath: Path.join(folder, $0))
                }
        }
    }

    /// Remembers a recording; an earlier entry with the same outputs is replaced, because its
    /// files were.
    mutating func add(_ entry: Entry) {
        entries.removeAll { $0.outputs == entry.outputs }
        entries.append(entry)
    }

    func write(folder: String, files: any FileSystem = PosixFileSystem()) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted]
        try AtomicFile.replace(
            Path.join(folder, Self.name), with: Array(try encoder.encode(self)), in: files)
    }
}
