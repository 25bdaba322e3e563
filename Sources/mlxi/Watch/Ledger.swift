import Foundation
import GRDB

/// One recording's way through a watched folder.
struct LedgerItem: Codable, Equatable, Sendable, FetchableRecord, MutablePersistableRecord {
    /// `seen` -> `running` -> `finishing` -> `done`, or `failing` -> `failed`.
    ///
    /// `finishing` and `failing` mean that the names the files will get are decided and written
    /// down, so that moves cut short by a crash are completed under the same names.
    enum State: String, Codable, Sendable { case seen, running, finishing, done, failing, failed }

    static let databaseTableName = "recording"

    var id: Int64?
    /// The file's name in the watched folder.
    var name: String
    var sizeBytes: Int64
    var modifiedNanoseconds: Int64
    var inode: Int64
    var state: State
    /// SHA-256 of the content; nil until it was first read.
    var hash: String?
    /// Models, language and prompt it was done with: the same content with other settings is new
    /// work.
    var settings: String?
    /// The name of the results beside the audio, without ending; chosen once, before the first is
    /// written, so that a repeated run replaces its own results and nobody else's.
    var stem: String?
    /// The name of audio and results in `done` or `failed`, without ending.
    var target: String?
    /// For a recording already known: the name the earlier one has in `done`.
    var duplicateOf: String?
    var attempts = 0
    /// Why it failed.
    var reason: String?
    var changedAt: Date

    var stamp: FileStamp {
        FileStamp(
            sizeBytes: sizeBytes, modifiedNanoseconds: modifiedNanoseconds,
            inode: UInt64(bitPattern: inode))
    }

    mutating func didInsert(_ inserted: InsertionSuccess) { id = inserted.rowID }
}

/// The daemon's only memory: one SQLite table. Every change is a transaction of its own.
final class Ledger: Sendable {
    private let database: DatabaseQueue

    private static let busySecondsMax = 10.0

    /// - Parameter observer: sees every transaction before it commits; tests make it fail there.
    init(_ path: String, observer: (any TransactionObserver)? = nil) throws {
        do {
            database = try DatabaseQueue(path: path, configuration: Self.configuration)
            try Self.migrator.migrate(database)
        } catch let error as DatabaseError {
            throw CommandError.cannotRun(
                "\(path): cannot be used as the ledger: \(error.message ?? "\(error)")")
        }
        if let observer { database.add(transactionObserver: observer, extent: .databaseLifetime) }
    }

    private static var configuration: Configuration {
        var configuration = Configuration()
        // Somebody may be looking into the ledger with another program.
        configuration.busyMode = .timeout(busySecondsMax)
        configuration.prepareDatabase { database in
            try database.execute(sql: "PRAGMA synchronous = FULL")
        }
        return configuration
    }

    private static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1") { database in
            try database.execute(
                sql: """
                    CREATE TABLE recording (
                        id INTEGER PRIMARY KEY AUTOINCREMENT,
                        name TEXT NOT NULL,
                        sizeBytes INTEGER NOT NULL,
                        modifiedNanoseconds INTEGER NOT NULL,
                        inode INTEGER NOT NULL,
                        state TEXT NOT NULL CHECK (state IN
                            ('seen', 'running', 'finishing', 'done', 'failing', 'failed')),
                        hash TEXT,
                        settings TEXT,
                        stem TEXT,
                        target TEXT,
                        duplicateOf TEXT,
                        attempts INTEGER NOT NULL,
                        reason TEXT,
                        changedAt TEXT NOT NULL
                    );
                    CREATE UNIQUE INDEX open_name ON recording (name)
                        WHERE state NOT IN ('done', 'failed');
                    CREATE INDEX done_hash ON recording (hash) WHERE state = 'done';
                    """)
        }
        return migrator
    }

    /// Notes that a file is complete and waits. A file already waiting gets the new stamp; one
    /// that is being worked on is left as it is.
    func noteSeen(_ name: String, _ stamp: FileStamp, at date: Date) throws {
        try write { database in
            let open = try LedgerItem.fetchOne(
                database,
                sql: "SELECT * FROM recording WHERE name = ? AND state NOT IN ('done', 'failed')",
                arguments: [name])
            var item =
                open
                ?? LedgerItem(
                    name: name, sizeBytes: 0, modifiedNanoseconds: 0, inode: 0, state: .seen,
                    changedAt: date)
            guard item.state == .seen, item.id == nil || item.stamp != stamp else { return }
            if item.stamp.inode != stamp.inode || item.sizeBytes != stamp.sizeBytes {
                item.attempts = 0
            }
            item.sizeBytes = stamp.sizeBytes
            item.modifiedNanoseconds = stamp.modifiedNanoseconds
            item.inode = Int64(bitPattern: stamp.inode)
            item.hash = nil
            item.changedAt = date
            try item.save(database)
        }
    }

    /// The file that has waited longest.
    func nextReady() throws -> LedgerItem? {
        try read { database in
            try LedgerItem.fetchOne(
                database, sql: "SELECT * FROM recording WHERE state = 'seen' ORDER BY id LIMIT 1")
        }
    }

    /// What was in hand when the last process ended.
    func interrupted() throws -> [LedgerItem] {
        try read { database in
            try LedgerItem.fetchAll(
                database,
                sql: """
                    SELECT * FROM recording WHERE state IN ('running', 'finishing', 'failing')
                    ORDER BY id
                    """)
        }
    }

    /// An earlier recording of the same content that was done with the same settings.
    func earlier(hash: String, settings: String) throws -> LedgerItem? {
        try read { database in
            try LedgerItem.fetchOne(
                database,
                sql: """
                    SELECT * FROM recording WHERE state = 'done' AND hash = ? AND settings = ?
                    AND duplicateOf IS NULL ORDER BY id DESC LIMIT 1
                    """, arguments: [hash, settings])
        }
    }

    /// Replaces the item as a whole.
    @discardableResult
    func update(_ item: LedgerItem, to state: LedgerItem.State, at date: Date) throws -> LedgerItem
    {
        var changed = item
        changed.state = state
        changed.changedAt = date
        try write { database in try changed.update(database) }
        return changed
    }

    /// The file went away before it was done; there is nothing left to remember.
    func forget(_ item: LedgerItem) throws {
        _ = try write { database in try item.delete(database) }
    }

    /// Every row, oldest first.
    func all() throws -> [LedgerItem] {
        try read { database in
            try LedgerItem.fetchAll(database, sql: "SELECT * FROM recording ORDER BY id")
        }
    }

    private func read<T>(_ body: (Database) throws -> T) throws -> T {
        try naming { try database.read(body) }
    }

    private func write<T>(_ body: (Database) throws -> T) throws -> T {
        try naming { try database.write(body) }
    }

    private func naming<T>(_ body: () throws -> T) throws -> T {
        do {
            return try body()
        } catch let error as DatabaseError {
            throw LedgerError(path: database.path, message: error.message ?? "\(error)")
        }
    }
}

/// The ledger could not be read or written: the disk is full, or the file was damaged.
struct LedgerError: Error, CustomStringConvertible {
    var path: String
    var message: String
    var description: String { "\(path): the ledger failed: \(message)" }
}
