/// Where things lie in a watched folder, and which names are free.
struct FolderLayout: Sendable {
    let root: String

    var done: String { Path.join(root, "done") }
    var failed: String { Path.join(root, "failed") }
    var state: String { Path.join(root, ".mlxi") }
    var ledger: String { Path.join(state, "ledger.sqlite") }
    var lock: String { Path.join(state, "lock") }

    /// Two files may share a name this often before a person has to look.
    static let copiesMax = 10_000
    /// File systems refuse longer names; the longest ending we add must fit as well.
    static let nameBytesMax = 255
    static let addedBytesMax = 40

    static func raw(_ stem: String) -> String { stem + "_raw.md" }
    static func corrected(_ stem: String) -> String { stem + "_corrected.md" }
    static func note(_ stem: String) -> String { stem + "_duplicate.txt" }
    static func error(_ stem: String) -> String { stem + "_error.txt" }

    /// The first of `NAME`, `NAME (2)`, `NAME (3)` under which nothing exists in `folder`: not the
    /// audio and no result, so that what belongs together keeps one name.
    ///
    /// - Parameters:
    ///   - name: the audio's file name.
    ///   - preferred: taken instead where it is free.
    ///   - beside: results of that name must not lie beside the audio either.
    func freeStem(
        for name: String, preferring preferred: String?, in folder: String, beside: Bool,
        files: any FileSystem
    ) throws -> String {
        let (whole, suffix) = Path.split(name)
        let base = Self.shortened(whole, room: Self.nameBytesMax - Self.addedBytesMax)
        let numbered = (1...Self.copiesMax).lazy.map { $0 == 1 ? base : "\(base) (\($0))" }
        let results = [Self.raw, Self.corrected, Self.note, Self.error]
        func isFree(_ stem: String) throws -> Bool {
            var paths = results.map { Path.join(folder, $0(stem)) }
            paths.append(Path.join(folder, stem + suffix))
            if beside { paths += results.map { Path.join(root, $0(stem)) } }
            return try !paths.contains(where: files.exists)
        }
        if let preferred, try isFree(preferred) { return preferred }
        guard let stem = try numbered.first(where: isFree) else {
            throw CommandError.cannotRun("\(folder): \(name) is there \(Self.copiesMax) times")
        }
        return stem
    }

    private static func shortened(_ stem: String, room: Int) -> String {
        var stem = stem
        while stem.utf8.count > room { stem.removeLast() }
        return stem
    }
}
