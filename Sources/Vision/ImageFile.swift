internal import CImage
public import Foundation
import Kernels

/// An image file that cannot be used; one line.
public struct ImageError: Error, CustomStringConvertible, Equatable {
    /// What the caller called the file, and what is wrong with it.
    public let description: String

    init(_ label: String, _ reason: String) { description = "\(label): \(reason)" }
}

/// PNG and JPEG files, told apart by their content.
public enum ImageFile {
    /// Larger images are refused before any memory is taken for them.
    static let pixelsMax = 200_000_000

    private enum Format: CaseIterable {
        case png, jpeg

        var magic: [UInt8] {
            switch self {
            case .png: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
            case .jpeg: [0xFF, 0xD8, 0xFF]
            }
        }

        func exif(_ file: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
            switch self {
            case .png: Exif.block(ofPNG: file)
            case .jpeg: Exif.block(ofJPEG: file)
            }
        }
    }

    /// The image, upright, without transparency.
    ///
    /// - Parameter label: what errors call the file.
    /// - Throws: `ImageError` for what is no PNG or JPEG, too large, damaged or cut short.
    public static func decode(_ data: Data, label: String) throws -> Bitmap {
        guard let format = Format.allCases.first(where: { data.starts(with: $0.magic) }) else {
            throw ImageError(label, "neither a PNG nor a JPEG file")
        }
        return try data.withUnsafeBytes { bytes in
            let file = bytes.bindMemory(to: UInt8.self)
            var header = ci_header()
            let readHeader = format == .png ? ci_png_header : ci_jpeg_header
            try check(label) { readHeader(file.baseAddress, file.count, &header, $0) }
            let (width, height) = (Int(header.width), Int(header.height))
            guard width > 0, height > 0, width <= pixelsMax / height else {
                throw ImageError(
                    label, "\(width) x \(height) pixels; at most \(pixelsMax) can be read")
            }
            let channels = Int(header.channels)
            var pixels = [UInt8](repeating: 0, count: width * height * channels)
            let readPixels = format == .png ? ci_png_decode : ci_jpeg_decode
            try pixels.withUnsafeMutableBufferPointer { out in
                try check(label) { readPixels(file.baseAddress, file.count, out.baseAddress, $0) }
            }
            if channels != Bitmap.channels {
                pixels = pixels.withUnsafeBufferPointer {
                    format == .png ? onWhite($0) : inkToLight($0, isInverted: header.inverted)
                }
            }
            return Bitmap(width: width, height: height, pixels: pixels)
                .oriented(format.exif(bytes).map { Exif.orientation($0) } ?? 1)
        }
    }

    /// Runs a C function that leaves a line behind when it fails.
    private static func check(
        _ label: String, _ body: (UnsafeMutablePointer<CChar>?) -> Bool
    ) throws {
        var message = [CChar](repeating: 0, count: Int(CI_MESSAGE_BYTES))
        guard message.withUnsafeMutableBufferPointer({ body($0.baseAddress) }) else {
            let bytes = message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
            throw ImageError(label, "cannot be decoded: " + String(decoding: bytes, as: UTF8.self))
        }
    }

    /// (c · a + 255 · (255 - a)) / 255, rounded.
    private static func onWhite(_ pixels: UnsafeBufferPointer<UInt8>) -> [UInt8] {
        toLight(pixels) { pixel, channel in
            let alpha = Int(pixel[3])
            return UInt8((Int(pixel[channel]) * alpha + 255 * (255 - alpha) + 127) / 255)
        }
    }

    /// Cyan, magenta, yellow and black to red, green and blue, without a colour profile, as Pillow.
    private static func inkToLight(
        _ pixels: UnsafeBufferPointer<UInt8>, isInverted: Bool
    ) -> [UInt8] {
        let flip: UInt8 = isInverted ? 255 : 0
        return toLight(pixels) { pixel, channel in
            let paper = 255 - Int(pixel[3] ^ flip)
            let product = Int(pixel[channel] ^ flip) * paper + 128
            return UInt8(clamping: paper - ((product >> 8) + product) >> 8)
        }
    }

    /// Four bytes of each pixel to three.
    private static func toLight(
        _ pixels: UnsafeBufferPointer<UInt8>, _ level: (UnsafePointer<UInt8>, Int) -> UInt8
    ) -> [UInt8] {
        let count = pixels.count / 4
        return [UInt8](unsafeUninitializedCapacity: count * Bitmap.channels) { out, written in
            guard let base = pixels.baseAddress else { return }
            for index in 0..<count {
                for channel in 0..<Bitmap.channels {
                    out[index * Bitmap.channels + channel] = level(base + index * 4, channel)
                }
            }
            written = count * Bitmap.channels
        }
    }
}
