import Glibc
import Kernels

/// SHA-256 (FIPS 180-4) of a file: how the same recording is known again under another name.
///
/// Sixty lines here instead of a cryptography package, which would add more than a minute to every
/// fresh build: nothing secret depends on it, the published test vectors pin it, and `sha256sum`
/// gives a user the same digits.
struct ContentHash: Sendable {
    private static let roundConstants: [UInt32] = makeConstants(count: 64, power: 1.0 / 3.0)
    private static let chunkBytes = 1 << 20
    private static let blockBytes = 64

    private var state = makeConstants(count: 8, power: 1.0 / 2.0)
    private var pending: [UInt8] = []
    private var totalBytes = 0

    /// The lowercase hexadecimal digest of a file's content.
    static func file(_ path: String) throws -> String {
        guard let file = Descriptor(open(path, O_RDONLY | O_CLOEXEC)) else {
            throw FileError(operation: "open", path: path, code: errno)
        }
        var hash = ContentHash()
        var chunk = [UInt8](repeating: 0, count: chunkBytes)
        while true {
            let count = read(file.number, &chunk, chunkBytes)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw FileError(operation: "read", path: path, code: errno) }
            if count == 0 { return hash.finish() }
            hash.update(chunk[..<count])
        }
    }

    static func bytes(_ bytes: [UInt8]) -> String {
        var hash = ContentHash()
        hash.update(bytes[...])
        return hash.finish()
    }

    private mutating func update(_ bytes: ArraySlice<UInt8>) {
        totalBytes += bytes.count
        let input = pending + bytes
        let whole = input.count / Self.blockBytes * Self.blockBytes
        input.withUnsafeBytes { raw in
            for offset in stride(from: 0, to: whole, by: Self.blockBytes) {
                compress(raw, at: offset)
            }
        }
        pending = Array(input[whole...])
    }

    private mutating func finish() -> String {
        let bitCount = UInt64(totalBytes) * 8
        var tail: [UInt8] = [0x80]
        while (pending.count + tail.count) % Self.blockBytes != 56 { tail.append(0) }
        tail += (0..<8).map { UInt8(truncatingIfNeeded: bitCount >> (56 - 8 * $0)) }
        update(tail[...])
        return state.map { word in
            let digits = String(word, radix: 16)
            return String(repeating: "0", count: 8 - digits.count) + digits
        }.joined()
    }

    private mutating func compress(_ raw: UnsafeRawBufferPointer, at offset: Int) {
        // A scratch of the call: bounds are checked once here and not 500 times a block.
        withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 64) { schedule in
            for index in 0..<16 {
                let word = raw.loadUnaligned(fromByteOffset: offset + 4 * index, as: UInt32.self)
                schedule.initializeElement(at: index, to: UInt32(bigEndian: word))
            }
            for index in 16..<64 {
                let early = schedule[index - 15], late = schedule[index - 2]
                let mixEarly = rotate(early, 7) ^ rotate(early, 18) ^ (early >> 3)
                let mixLate = rotate(late, 17) ^ rotate(late, 19) ^ (late >> 10)
                schedule.initializeElement(
                    at: index,
                    to: schedule[index - 16] &+ mixEarly &+ schedule[index - 7] &+ mixLate)
            }
            mix(UnsafeBufferPointer(schedule))
        }
    }

    /// The 64 rounds.
    private mutating func mix(_ schedule: UnsafeBufferPointer<UInt32>) {
        var (a, b, c, d) = (state[0], state[1], state[2], state[3])
        var (e, f, g, h) = (state[4], state[5], state[6], state[7])
        Self.roundConstants.withUnsafeBufferPointer { constants in
            for index in 0..<64 {
                let choice = (e & f) ^ (~e & g)
                let majority = (a & b) ^ (a & c) ^ (b & c)
                let first =
                    h &+ (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) &+ choice
                    &+ constants[index] &+ schedule[index]
                let second = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) &+ majority
                (h, g, f, e, d, c, b, a) = (g, f, e, d &+ first, c, b, a, first &+ second)
            }
        }
        for (index, word) in [a, b, c, d, e, f, g, h].enumerated() { state[index] &+= word }
    }

    private func rotate(_ word: UInt32, _ bits: UInt32) -> UInt32 {
        (word >> bits) | (word << (32 - bits))
    }

    /// The standard's constants: fractional parts of the roots of the first primes. Doubles hold
    /// 53 bits, the roots need 5 for the integer part and 32 for the fraction.
    private static func makeConstants(count: Int, power: Double) -> [UInt32] {
        var primes: [Int] = []
        var candidate = 2
        while primes.count < count {
            if !primes.contains(where: { candidate % $0 == 0 }) { primes.append(candidate) }
            candidate += 1
        }
        return primes.map { prime in
            let root = power == 0.5 ? Double(prime).squareRoot() : cbrt(Double(prime))
            return UInt32((root - root.rounded(.down)) * 4_294_967_296)
        }
    }
}
