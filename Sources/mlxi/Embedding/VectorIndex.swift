import Foundation
import GRDB

/// How the vectors of an index were made: what later runs must do alike.
struct IndexSettings: Codable, Equatable, Sendable {
    /// As the user named it.
    var model: String
    var folder: String
    /// Of the weights' content.
    var fingerprint: String
    var dimensions: Int
    /// What went before every document.
    var prompt: String
    var chunkTokens: Int
    var overlapTokens: Int
}

/// A local index: documents, their chunks and vectors in one SQLite file. A document is replaced
/// or removed in one transaction, so that an interrupted run leaves whole documents.
final class VectorIndex: Sendable {
    /// A chunk of a document that was found.
    struct Passage: Sendable {
        var path: String
        /// UTF-8 offsets in the document.
        var range: Range<Int>
        var text: String
    }

    /// A chunk to be stored.
    struct Chunk: Sendable {
        var range: Range<Int>
        var text: String
        /// Of length 1.
        var vector: [Float]
    }

    /// "mlxi" in ASCII, as SQLite's application_id.
    private static let applicationId = 0x6D6C_7869
    private static let version = 1
    private static let busySecondsMax = 10.0
    /// Vectors read at once by a search.
    private static let blockVectors = 4096

    private let database: DatabaseQueue
    /// How its vectors were made; nil in a new index.
    let settings: IndexSettings?

    /// Opens an index, or makes one.
    ///
    /// - Parameter settings: nil opens an existing one for reading only.
    /// - Throws: `CommandError` naming the file: not an index, broken, or made in another way.
    init(_ path: String, for settings: IndexSettings?) throws {
        if settings == nil, !FileManager.default.fileExists(atPath: path) {
            throw CommandError.cannotRun(
                "\(path): no such index; make it with: mlxi embed index DIR --into \(path)")
        }
        var configuration = Configuration()
        configuration.busyMode = .timeout(Self.busySecondsMax)
        configuration.readonly = settings == nil
        do {
            database = try DatabaseQueue(path: path, configuration: configuration)
            if let settings, try database.read(Self.isEmpty) {
                try database.write { try Self.create($0, settings) }
            }
            self.settings = try database.read { try Self.settings($0, path) }
        } catch let error as DatabaseError {
            throw CommandError.cannotRun(
                "\(path): cannot be used as an index: \(error.message ?? "\(error)")")
        }
    }

    /// The settings of the index at `path`; nil where there is none yet.
    static func settings(at path: String) throws -> IndexSettings? {
        let size = try PosixFileSystem().status(path)?.sizeBytes ?? 0
        return size == 0 ? nil : try VectorIndex(path, for: nil).settings
    }

    private static func isEmpty(_ database: Database) throws -> Bool {
        try Int.fetchOne(database, sql: "SELECT count(*) FROM sqlite_master") == 0
    }

    private static func create(_ database: Database, _ settings: IndexSettings) throws {
        try database.execute(
            sql: """
                PRAGMA application_id = \(applicationId);
                PRAGMA user_version = \(version);
                CREATE TABLE setting (json TEXT NOT NULL);
                CREATE TABLE document (
                    id INTEGER PRIMARY KEY,
                    root TEXT NOT NULL,
                    path TEXT NOT NULL UNIQUE,
                    hash TEXT NOT NULL
                );
                CREATE INDEX document_root ON document (root);
                CREATE TABLE chunk (
                    id INTEGER PRIMARY KEY,
                    document INTEGER NOT NULL REFERENCES document (id) ON DELETE CASCADE,
                    startByte INTEGER NOT NULL,
                    endByte INTEGER NOT NULL,
                    text TEXT NOT NULL,
                    vector BLOB NOT NULL
                );
                CREATE INDEX chunk_document ON chunk (document);
                """)
        let json = String(decoding: try JSONEncoder().encode(settings), as: UTF8.self)
        try database.execute(sql: "INSERT INTO setting (json) VALUES (?)", arguments: [json])
    }

    private static func settings(_ database: Database, _ path: String) throws -> IndexSettings {
        let found = try Int.fetchOne(database, sql: "PRAGMA application_id")
        let version = try Int.fetchOne(database, sql: "PRAGMA user_version")
        guard found == applicationId else {
            throw CommandError.cannotRun("\(path): a database, but not an index of mlxi embed")
        }
        guard version == Self.version else {
            throw CommandError.cannotRun(
                "\(path): an index of version \(version ?? 0), this program reads "
                    + "\(Self.version); delete it and index again")
        }
        let json = try String.fetchOne(database, sql: "SELECT json FROM setting")
        let settings = json.flatMap {
            try? JSONDecoder().decode(IndexSettings.self, from: Data($0.utf8))
        }
        guard let settings, settings.dimensions > 0 else {
            throw CommandError.cannotRun("\(path): the index is broken: its settings are missing")
        }
        return settings
    }

    // MARK: writing

    /// Hashes of the documents that came from `root`, by path.
    func documents(under root: String) throws -> [String: String] {
        try naming {
            try database.read { database in
                let rows = try Row.fetchAll(
                    database, sql: "SELECT path, hash FROM document WHERE root = ?",
                    arguments: [root])
                return Dictionary(uniqueKeysWithValues: rows.map { ($0["path"], $0["hash"]) })
            }
        }
    }

    /// Stores a document in place of what the index knows by its path.
    func replace(_ path: String, root: String, hash: String, chunks: [Chunk]) throws {
        try naming {
            try database.write { database in
                try database.execute(
                    sql: "DELETE FROM document WHERE path = ?", arguments: [path])
                try database.execute(
                    sql: "INSERT INTO document (root, path, hash) VALUES (?, ?, ?)",
                    arguments: [root, path, hash])
                let document = database.lastInsertedRowID
                for chunk in chunks {
                    try database.execute(
                        sql: """
                            INSERT INTO chunk (document, startByte, endByte, text, vector)
                            VALUES (?, ?, ?, ?, ?)
                            """,
                        arguments: [
                            document, chunk.range.lowerBound, chunk.range.upperBound, chunk.text,
                            Data(VectorOutput.littleEndian(chunk.vector)),
                        ])
                }
            }
        }
    }

    /// Removes documents.
    func remove(_ paths: [String]) throws {
        try naming {
            try database.write { database in
                for path in paths {
                    try database.execute(
                        sql: "DELETE FROM document WHERE path = ?", arguments: [path])
                }
            }
        }
    }

    // MARK: reading

    /// Documents and chunks in the index.
    func counts() throws -> (documents: Int, chunks: Int) {
        try naming {
            try database.read { database in
                (
                    try Int.fetchOne(database, sql: "SELECT count(*) FROM document") ?? 0,
                    try Int.fetchOne(database, sql: "SELECT count(*) FROM chunk") ?? 0
                )
            }
        }
    }

    /// Hands out all vectors in blocks: ids, and values [ids.count, dimensions].
    ///
    /// - Throws: `CommandError` for a vector of another width.
    func forEachBlock(_ body: ([Int64], [Float]) throws -> Void) throws {
        let columns = settings?.dimensions ?? 0
        let path = database.path
        try naming {
            try database.read { database in
                let rows = try Row.fetchCursor(database, sql: "SELECT id, vector FROM chunk")
                var ids: [Int64] = []
                var values: [Float] = []
                while let row = try rows.next() {
                    let bytes: Data = row["vector"]
                    guard bytes.count == columns * MemoryLayout<Float>.size else {
                        throw CommandError.cannotRun(
                            "\(path): the index is broken: a vector of "
                                + "\(bytes.count) bytes, want \(columns) numbers")
                    }
                    ids.append(row["id"])
                    bytes.withUnsafeBytes { raw in
                        for column in 0..<columns {
                            let bits = raw.loadUnaligned(
                                fromByteOffset: column * 4, as: UInt32.self)
                            values.append(Float(bitPattern: UInt32(littleEndian: bits)))
                        }
                    }
                    if ids.count == Self.blockVectors {
                        try body(ids, values)
                        ids.removeAll(keepingCapacity: true)
                        values.removeAll(keepingCapacity: true)
                    }
                }
                try body(ids, values)
            }
        }
    }

    /// The chunk of an id.
    func passage(_ id: Int64) throws -> Passage? {
        try naming {
            try database.read { database in
                try Row.fetchOne(
                    database,
                    sql: """
                        SELECT path, startByte, endByte, text FROM chunk
                        JOIN document ON document.id = chunk.document WHERE chunk.id = ?
                        """, arguments: [id]
                ).map { row in
                    let (start, end): (Int, Int) = (row["startByte"], row["endByte"])
                    return Passage(
                        path: row["path"], range: start..<max(start, end), text: row["text"])
                }
            }
        }
    }

    private func naming<T>(_ body: () throws -> T) throws -> T {
        do {
            return try body()
        } catch let error as DatabaseError {
            throw CommandError.cannotRun(
                "\(database.path): the index failed: \(error.message ?? "\(error)")")
        }
    }
}
