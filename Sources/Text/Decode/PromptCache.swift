import Kernels

/// A prompt cache on disk that cannot be used; one line.
public struct PromptCacheError: Error, CustomStringConvertible, Equatable {
    /// The file, what was found and what was wanted.
    public let description: String
}

/// What a session has computed, in a file: token ids, keys and values, so that the next process
/// need not compute the prompt again.
///
/// Layout, little-endian: magic (8 bytes), length of the identity (8), identity (UTF-8), number of
/// tokens (8), token ids (4 each), the parts of `KVCache.forEachPart`, checksum of everything
/// before it (8).
public enum PromptCache {
    private static let magic = Array("MLXIKV01".utf8)

    /// What must be equal for a cache to be used: keys and values depend on all of it, to the bit.
    ///
    /// - Parameter model: of the weights.
    private static func identity(_ session: Session, model: String) -> String {
        let precision = session.compute.precision == .exact ? "exact" : "fast"
        return "\(session.cacheShape), \(precision), \(Machine.instructionSet), model \(model)"
    }

    /// Writes what `session` holds, in pieces.
    public static func write(
        _ session: Session, model: String, to put: (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        var checksum = Checksum()
        func add(_ bytes: UnsafeRawBufferPointer) throws {
            checksum.add(bytes)
            try put(bytes)
        }
        func add(_ number: Int) throws {
            try withUnsafeBytes(of: UInt64(number).littleEndian) { try add($0) }
        }
        let identity = Array(identity(session, model: model).utf8)
        try magic.withUnsafeBytes { try add($0) }
        try add(identity.count)
        try identity.withUnsafeBytes { try add($0) }
        try add(session.tokens.count)
        try session.tokens.map(\.littleEndian).withUnsafeBytes { try add($0) }
        try session.forEachCachedPart(ofTokens: session.tokens.count) {
            try add(UnsafeRawBufferPointer($0))
        }
        try withUnsafeBytes(of: checksum.value.littleEndian) { try put($0) }
    }

    /// Fills an empty session from a file. Nothing is changed before all of it was checked.
    ///
    /// - Returns: how many tokens it held.
    /// - Throws: `PromptCacheError` for a file that is broken or was made by something else,
    ///   `KernelError` where it cannot be read.
    @discardableResult
    public static func read(
        _ path: String, into session: Session, model: String
    ) throws -> Int {
        let file = try MappedFile(path: path)
        func broken(_ why: String) -> PromptCacheError {
            PromptCacheError(description: "\(path): not a usable prompt cache: \(why)")
        }
        var reader = Reader(bytes: file.bytes)
        guard let start = reader.take(magic.count), start.elementsEqual(magic) else {
            throw broken("it does not begin with \(String(decoding: magic, as: UTF8.self))")
        }
        guard let length = reader.number(), let found = reader.take(length) else {
            throw broken("it is cut short")
        }
        let wanted = identity(session, model: model)
        guard found.elementsEqual(wanted.utf8) else {
            let text = String(decoding: found, as: UTF8.self)
            throw broken("made for \(text); want \(wanted)")
        }
        guard let count = reader.number(), let ids = reader.take(count.scaled(by: 4)) else {
            throw broken("it is cut short")
        }
        guard count < session.capacity else {
            throw broken("it has \(count) tokens, the context holds \(session.capacity)")
        }
        var partBytes = 0
        session.forEachCachedPart(ofTokens: count) { partBytes += $0.count }
        guard let parts = reader.take(partBytes), let stated = reader.take(8), reader.isAtEnd else {
            throw broken("\(file.bytes.count) bytes are not what \(count) tokens take")
        }
        var checksum = Checksum()
        checksum.add(UnsafeRawBufferPointer(rebasing: file.bytes.dropLast(8)))
        guard stated.loadUnaligned(as: UInt64.self).littleEndian == checksum.value else {
            throw broken("its checksum is wrong")
        }
        let tokens = (0..<count).map {
            Int32(littleEndian: ids.loadUnaligned(fromByteOffset: $0 * 4, as: Int32.self))
        }
        var offset = 0
        try session.restore(tokens) { part in
            part.copyMemory(
                from: UnsafeRawBufferPointer(rebasing: parts[offset..<offset + part.count]))
            offset += part.count
        }
        return count
    }

    private struct Reader {
        let bytes: UnsafeRawBufferPointer
        private var offset = 0

        init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

        var isAtEnd: Bool { offset == bytes.count }

        mutating func take(_ count: Int) -> UnsafeRawBufferPointer? {
            guard count >= 0, count <= bytes.count - offset else { return nil }
            defer { offset += count }
            return UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + count])
        }

        mutating func number() -> Int? {
            take(8).flatMap { Int(exactly: $0.loadUnaligned(as: UInt64.self).littleEndian) }
        }
    }

    /// FNV-1a over words of eight bytes. Finds damage, not malice.
    private struct Checksum {
        private var state: UInt64 = 0xCBF2_9CE4_8422_2325
        private static let prime: UInt64 = 0x100_0000_01B3
        /// Bytes of an unfinished word, so that pieces do not matter.
        private var pending: UInt64 = 0
        private var pendingBytes = 0

        var value: UInt64 { (state ^ pending) &* Self.prime }

        mutating func add(_ bytes: UnsafeRawBufferPointer) {
            var index = 0
            while index < bytes.count {
                if pendingBytes == 0, bytes.count - index >= 8 {
                    let word = bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)
                    state = (state ^ word.littleEndian) &* Self.prime
                    index += 8
                    continue
                }
                pending |= UInt64(bytes[index]) << (8 * UInt64(pendingBytes))
                pendingBytes += 1
                index += 1
                if pendingBytes == 8 {
                    state = (state ^ pending) &* Self.prime
                    (pending, pendingBytes) = (0, 0)
                }
            }
        }
    }
}

extension Int {
    /// The product; -1 where it is too large to be a size.
    fileprivate func scaled(by factor: Int) -> Int {
        let (product, overflow) = multipliedReportingOverflow(by: factor)
        return overflow ? -1 : product
    }
}
