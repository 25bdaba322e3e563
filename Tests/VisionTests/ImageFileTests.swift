import Foundation
import Kernels
import TestSupport
import Testing

@testable import Vision

/// PNG and JPEG files of every kind (Tools/golden/make_images.py): PNG against the pixels that were
/// written, JPEG and resampling against Pillow 12.3.
@Suite struct ImageFileTests {
    /// Decoders round differently.
    private static let jpegTolerance = 2

    private static func pixels(_ record: JSONValue, _ key: String) throws -> [UInt8] {
        try #require(Data(base64Encoded: try record.string(key)).map { [UInt8]($0) })
    }

    private static func golden() throws -> JSONValue {
        try JSONValue.read(file: "\(Fixtures.path("images"))/golden.json")
    }

    private static func file(_ name: String) throws -> Data {
        try Data(contentsOf: URL(filePath: "\(Fixtures.path("images"))/\(name)"))
    }

    @Test func pixelsAreThoseOfTheReference() throws {
        for record in try Self.golden().array("images") {
            let name = try record.string("file")
            let image = try ImageFile.decode(try Self.file(name), label: name)
            #expect(image.width == (try record.int("width")), "\(name)")
            #expect(image.height == (try record.int("height")), "\(name)")
            let wanted = try Self.pixels(record, "pixels")
            let worst = zip(image.pixels, wanted).map { abs(Int($0) - Int($1)) }.max() ?? 0
            #expect(image.pixels.count == wanted.count, "\(name)")
            #expect(worst <= (name.hasSuffix("png") ? 0 : Self.jpegTolerance), "\(name): \(worst)")
        }
    }

    @Test func resamplingEqualsReference() throws {
        for record in try Self.golden().array("resampled") {
            let image = Bitmap(
                width: try record.int("width"), height: try record.int("height"),
                pixels: try Self.pixels(record, "pixels"))
            let out = image.resized(
                width: try record.int("out_width"), height: try record.int("out_height"))
            #expect(out.pixels == (try Self.pixels(record, "out")), "\(image.width) wide")
        }
    }

    /// Cut short anywhere, every file is refused with one line; none decodes to something else.
    @Test func truncatedFilesAreRefused() throws {
        for name in ["rgba8.png", "palette4.png", "gray8-interlaced.png", "420.jpg", "cmyk.jpg"] {
            let whole = try Self.file(name)
            for count in stride(from: 0, to: whole.count - 20, by: 13) {
                let error = #expect(throws: ImageError.self, "\(name), \(count) bytes") {
                    try ImageFile.decode(whole.prefix(count), label: name)
                }
                let text = error?.description ?? ""
                #expect(text.hasPrefix("\(name): ") && !text.contains("\n"), "\(text)")
            }
        }
    }

    /// Bytes changed anywhere: an image or an error, never a crash.
    @Test func damagedFilesAreSurvived() throws {
        var state: UInt32 = 7
        for record in try Self.golden().array("images") {
            let whole = try Self.file(try record.string("file"))
            for _ in 0..<20 {
                var damaged = whole
                for _ in 0..<3 {
                    state = state &* 1_664_525 &+ 1_013_904_223
                    damaged[2 + Int(state >> 8) % (whole.count - 2)] = UInt8(state >> 24)
                }
                _ = try? ImageFile.decode(damaged, label: "damaged")
            }
        }
    }

    @Test func otherFilesAndHugeOnesAreRefused() throws {
        #expect(throws: ImageError("x", "neither a PNG nor a JPEG file")) {
            try ImageFile.decode(Data("GIF89a".utf8), label: "x")
        }
        #expect(throws: ImageError("x", "neither a PNG nor a JPEG file")) {
            try ImageFile.decode(Data(), label: "x")
        }
        // Width and height, behind the magic and the chunk's length and name; its checksum follows.
        var huge = try Self.file("rgb8.png")
        huge.replaceSubrange(16..<24, with: [0, 0, 0x80, 0, 0, 0, 0x80, 0])
        huge.replaceSubrange(29..<33, with: Self.checksum(huge[12..<29]))
        #expect(throws: ImageError("x", "32768 x 32768 pixels; at most 200000000 can be read")) {
            try ImageFile.decode(huge, label: "x")
        }
    }

    /// CRC-32 of a PNG chunk's name and content.
    private static func checksum(_ bytes: Data) -> [UInt8] {
        var crc = UInt32.max
        for byte in bytes {
            crc ^= UInt32(byte)
            for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
        }
        return withUnsafeBytes(of: (~crc).bigEndian) { Array($0) }
    }

    @Test func pixelsBecomePatches() {
        let side = 2
        let image = Bitmap(width: 4, height: 2, pixels: (0..<24).map { UInt8($0 * 10) })
        let patches = image.patches(
            side: side, normalization: Normalization(mean: [0.5, 0, 0.25], deviation: [0.5, 1, 2]))
        #expect(patches.grid == PatchGrid(rows: 1, columns: 2))
        let first = [0, 10, 20, 30, 40, 50, 120, 130, 140, 150, 160, 170]
        let wanted = (first + first.map { $0 + 60 }).enumerated().map { index, level in
            let mean = [0.5, 0, 0.25][index % 3]
            return Float((Double(level) / 255 - mean) / [0.5, 1, 2][index % 3])
        }
        #expect(patches.values == wanted)
    }
}
