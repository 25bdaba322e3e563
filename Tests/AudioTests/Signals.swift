import Foundation

@testable import Audio

/// Signals and files that the audio tests make for themselves.
enum Signals {
    static let fixtures = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Fixtures/audio")

    /// Uniform noise in [-1, 1) of a linear congruential generator, the same in the golden scripts.
    struct Noise {
        var state: UInt32 = 1

        mutating func next() -> Double {
            state = state &* 1_664_525 &+ 1_013_904_223
            return Double(state) / 2_147_483_648 - 1
        }

        mutating func samples(_ count: Int, level: Double) -> [Float] {
            (0..<count).map { _ in Float(level * next()) }
        }

        /// A whole number in 0..<bound.
        mutating func below(_ bound: Int) -> Int { Int((next() + 1) / 2 * Double(bound)) }
    }

    static func sine(_ hertz: Double, seconds: Double, rate: Int = 16000, level: Double = 0.5)
        -> [Float]
    {
        (0..<Int(seconds * Double(rate))).map {
            Float(level * sin(2 * .pi * hertz * Double($0) / Double(rate)))
        }
    }

    /// Calls `body` with a folder that is removed afterwards.
    static func inFolder(_ body: (URL) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try body(folder)
    }

    /// Everything a file gives, pulled in pieces of `samplesMax`.
    static func decode(_ file: AudioFile, samplesMax: Int = 16000) -> [Float] {
        var all: [Float] = []
        while true {
            let piece = file.next(samplesMax: samplesMax)
            if piece.isEmpty { return all }
            all += piece
        }
    }
}

/// A wav file, byte by byte, so that tests depend on no encoder.
struct Wave {
    enum Encoding: CaseIterable { case u8, s16, s24, s32, f32 }

    /// Channels of equal length, in [-1, 1].
    var channels: [[Float]]
    var rate: Int
    var encoding = Encoding.s16

    var bytes: Data {
        let width = [.u8: 1, .s16: 2, .s24: 3, .s32: 4, .f32: 4][encoding] ?? 0
        let frames = channels.first?.count ?? 0
        let dataBytes = frames * channels.count * width
        var out = Data("RIFF".utf8)
        func put(_ value: Int, _ count: Int) {
            for byte in 0..<count { out.append(UInt8(truncatingIfNeeded: value >> (8 * byte))) }
        }
        put(36 + dataBytes, 4)
        out += Data("WAVEfmt ".utf8)
        put(16, 4)
        put(encoding == .f32 ? 3 : 1, 2)
        put(channels.count, 2)
        put(rate, 4)
        put(rate * channels.count * width, 4)
        put(channels.count * width, 2)
        put(width * 8, 2)
        out += Data("data".utf8)
        put(dataBytes, 4)
        for frame in 0..<frames {
            for channel in channels {
                let value = channel[frame]
                switch encoding {
                case .u8: put(Int((value * 127).rounded()) + 128, 1)
                case .s16: put(Int((value * 32767).rounded()), 2)
                case .s24: put(Int((value * 8_388_607).rounded()), 3)
                case .s32: put(Int((Double(value) * 2_147_483_647).rounded()), 4)
                case .f32: put(Int(value.bitPattern), 4)
                }
            }
        }
        return out
    }

    @discardableResult
    func write(to url: URL) throws -> String {
        try bytes.write(to: url)
        return url.path
    }
}
