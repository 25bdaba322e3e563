import Foundation
import Testing

@testable import Audio

@Suite struct AudioErrorTests {
    private func refusal(_ path: String) -> AudioError? {
        do {
            _ = try AudioFile(path)
            return nil
        } catch { return error }
    }

    @Test func eachKindOfRefusal() throws {
        try Signals.inFolder { folder in
            func file(_ name: String, _ bytes: Data) throws -> String {
                let url = folder.appending(path: name)
                try bytes.write(to: url)
                return url.path
            }
            #expect(refusal(folder.appending(path: "none.wav").path)?.kind == .missing)
            #expect(refusal(folder.path)?.kind == .notAFile)
            #expect(refusal("/dev/null")?.kind == .notAFile)
            #expect(refusal(try file("empty.mp3", Data()))?.kind == .empty)
            #expect(refusal(try file("text.wav", Data("Dear diary".utf8)))?.kind == .notAudio)
            #expect(refusal(try file("riff.wav", Data("RIFF....WAVE".utf8)))?.kind == .notAudio)
            var noise = Signals.Noise()
            let random = Data((0..<20000).map { _ in UInt8(noise.below(256)) })
            #expect(refusal(try file("random.mp3", random))?.kind == .notAudio)
            let picture = Signals.fixtures.appending(path: "picture.mp4").path
            #expect(refusal(picture)?.kind == .noAudioStream)
            let slow = try Wave(channels: [[0.1]], rate: 100)
                .write(to: folder.appending(path: "slow.wav"))
            #expect(refusal(slow)?.kind == .unsupported)
            let crowd = [[Float]](repeating: [0], count: 65)
            let wide = try Wave(channels: crowd, rate: 16000)
                .write(to: folder.appending(path: "wide.wav"))
            #expect(refusal(wide)?.kind == .unsupported)
        }
    }

    @Test func oneLineNamesFileFoundAndWanted() throws {
        try Signals.inFolder { folder in
            let url = folder.appending(path: "cut.m4a")
            let whole = try Data(contentsOf: Signals.fixtures.appending(path: "sweep.m4a"))
            // Without its index, as a recorder that lost power leaves it.
            try whole.prefix(40).write(to: url)
            let text = try #require(refusal(url.path)).description
            #expect(text.hasPrefix(url.path + ": an MP4 without its index"))
            #expect(!text.contains("\n"))
        }
    }

    @Test(.enabled(if: getuid() != 0, "root may read everything")) func permissionDenied() throws {
        try Signals.inFolder { folder in
            let path = try Wave(channels: [[0]], rate: 16000)
                .write(to: folder.appending(path: "secret.wav"))
            chmod(path, 0)
            #expect(refusal(path)?.kind == .unreadable)
        }
    }

    @Test func aPipeIsReadLikeAFile() throws {
        let pipe = Pipe()
        let bytes = Wave(channels: [Signals.sine(300, seconds: 0.2)], rate: 16000).bytes
        let writer = Thread {
            try? pipe.fileHandleForWriting.write(contentsOf: bytes)
            try? pipe.fileHandleForWriting.close()
        }
        writer.start()
        let file = try AudioFile("/dev/fd/\(pipe.fileHandleForReading.fileDescriptor)")
        #expect(Signals.decode(file).count == 3200)
    }
}
