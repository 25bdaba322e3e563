import Foundation
import Glibc
import Synchronization
import Testing

@testable import mlxi

/// The real binary, as a user runs it.
final class Program: Sendable {
    struct Result: Sendable {
        var status: Int32
        var out: String
        var err: String
        /// How the process ended if not by itself.
        var signal: Int32?
    }

    /// Beside the test bundle.
    static let path: String = {
        let bundle = Path.directory(of: ModelStore.currentExecutable)
        return Path.join(bundle, "mlxi")
    }()

    /// Random models of the real architectures, two layers small.
    static let speechModel = fixture("qwen3asr-q4")
    static let languageModel = fixture("qwen3-q4")
    static let pageModel = fixture("paddleocrvl-q6")

    static func fixture(_ name: String) -> String {
        let tests = Path.directory(of: Path.directory(of: Path.directory(of: #filePath)))
        return Path.join(tests, "Fixtures/\(name)")
    }

    /// Models by environment, so that tests can say only what they are about.
    static let environment = [
        "MLXI_TRANSCRIBE_MODEL": speechModel, "MLXI_PROOFREAD_MODEL": languageModel,
        "MLXI_CHAT_MODEL": languageModel, "HOME": "/nonexistent", "MLXI_THREADS": "1",
    ]

    private let process: Mutex<Process>
    private let out: Task<String, Never>
    private let err: Task<String, Never>

    /// Starts the program. `input` nil gives it an empty stdin.
    init(
        _ arguments: [String], input: Data? = nil, environment extra: [String: String] = [:],
        folder: String? = nil
    ) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: Self.path)
        process.arguments = arguments
        process.environment = Self.environment.merging(extra) { $1 }
        if let folder { process.currentDirectoryURL = URL(fileURLWithPath: folder) }
        let (outPipe, errPipe, inPipe) = (Pipe(), Pipe(), Pipe())
        process.standardOutput = outPipe
        process.standardError = errPipe
        process.standardInput = inPipe
        let (outHandle, errHandle) = (outPipe.fileHandleForReading, errPipe.fileHandleForReading)
        try process.run()
        out = Self.reading(outHandle)
        err = Self.reading(errHandle)
        if let input { try inPipe.fileHandleForWriting.write(contentsOf: input) }
        try inPipe.fileHandleForWriting.close()
        self.process = Mutex(process)
    }

    /// Runs the program to its end.
    static func run(
        _ arguments: String..., input: Data? = nil, environment: [String: String] = [:],
        folder: String? = nil
    ) async throws -> Result {
        try await Program(arguments, input: input, environment: environment, folder: folder)
            .result()
    }

    var pid: pid_t { process.withLock { $0.processIdentifier } }
    var isRunning: Bool { process.withLock { $0.isRunning } }

    func send(_ signal: Int32) { kill(pid, signal) }

    /// Waits for the end.
    func result() async throws -> Result {
        let (output, story) = (await out.value, await err.value)
        while isRunning { try await Task.sleep(for: .milliseconds(5)) }
        return process.withLock { process in
            let isSignal = process.terminationReason == .uncaughtSignal
            return Result(
                status: process.terminationStatus, out: output, err: story,
                signal: isSignal ? process.terminationStatus : nil)
        }
    }

    private static func reading(_ handle: FileHandle) -> Task<String, Never> {
        let box = Mutex(handle)
        let (texts, text) = AsyncStream.makeStream(of: String.self)
        Thread.detachNewThread {
            let data = box.withLock { $0.readDataToEndOfFile() }
            text.yield(String(decoding: data, as: UTF8.self))
            text.finish()
        }
        return Task { await texts.first { _ in true } ?? "" }
    }
}

/// Waits for something that a busy machine may take long to do. Blocks its thread: what comes
/// next must follow at once, and other tests keep the pool busy.
func wait(until condition: () -> Bool) throws {
    let clock = ContinuousClock()
    let start = clock.now
    while !condition() {
        try #require(clock.now - start < .seconds(240), "nothing happened for four minutes")
        usleep(5000)
    }
}

/// Test recordings.
enum Recording {
    /// 16-bit mono at 16 kHz: bursts of noise shaped like syllables, so that it counts as speech.
    /// The same seed gives the same samples. `times` repeats them.
    static func wav(
        seconds: Double, seed: UInt64 = 1, silent: Bool = false, times: Int = 1
    ) -> Data {
        let rate = 16_000
        let count = Int(seconds * Double(rate))
        var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
        var samples = Data(capacity: count * 2)
        for index in 0..<count {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            let noise = Double(Int64(bitPattern: state) >> 40) / Double(1 << 23)
            let time = Double(index) / Double(rate)
            let syllable = max(0, sin(2 * .pi * 4 * time)) * 0.3
            let tone = sin(2 * .pi * (180 + 40 * sin(time)) * time)
            let value = silent ? 0 : (0.3 * noise + 0.7 * tone) * syllable
            let sample = Int16(max(-1, min(1, value)) * 32_000)
            withUnsafeBytes(of: sample.littleEndian) { samples.append(contentsOf: $0) }
        }
        var recording = header(bytes: samples.count * times, rate: rate)
        for _ in 0..<times { recording.append(samples) }
        return recording
    }

    private static func header(bytes: Int, rate: Int) -> Data {
        var header = Data("RIFF".utf8)
        func put<Number: FixedWidthInteger>(_ number: Number) {
            withUnsafeBytes(of: number.littleEndian) { header.append(contentsOf: $0) }
        }
        put(UInt32(36 + bytes))
        header += Data("WAVEfmt ".utf8)
        put(UInt32(16))
        put(UInt16(1))
        put(UInt16(1))
        put(UInt32(rate))
        put(UInt32(rate * 2))
        put(UInt16(2))
        put(UInt16(16))
        header += Data("data".utf8)
        put(UInt32(bytes))
        return header
    }
}

extension TestFolder {
    func write(_ name: String, _ data: Data) throws {
        let target = path(name)
        try FileManager.default.createDirectory(
            atPath: Path.directory(of: target), withIntermediateDirectories: true)
        try data.write(to: URL(fileURLWithPath: target))
    }
}
