/// The one thing that is read of a photograph's metadata: which way up it is. Blocks are found and read
/// here, byte by byte with bounds, because cameras write them in every shape.
enum Exif {
    private static let orientationTag = 0x0112
    private static let upright = 1

    /// The TIFF structure in the eXIf chunk of a PNG file.
    static func block(ofPNG file: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        var offset = 8  // behind the magic
        // Length, name, content, checksum.
        while let length = file.number(at: offset, bytes: 4, bigEndian: true) {
            let content = offset + 8
            guard length <= file.count - content, let name = file.slice(at: offset + 4, count: 4)
            else { return nil }
            if name.elementsEqual("eXIf".utf8) { return file.slice(at: content, count: length) }
            offset = content + length + 4
        }
        return nil
    }

    /// The TIFF structure in the APP1 segment of a JPEG file.
    static func block(ofJPEG file: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        let (marker, application1, scan) = (0xFF, 0xE1, 0xDA)
        let title = Array("Exif\0\0".utf8)
        var offset = 2  // behind the start of the image
        while file.number(at: offset, bytes: 1, bigEndian: true) == marker,
            let kind = file.number(at: offset + 1, bytes: 1, bigEndian: true), kind != scan
        {
            if kind == marker {  // fill bytes
                offset += 1
                continue
            }
            // The length counts itself.
            guard let length = file.number(at: offset + 2, bytes: 2, bigEndian: true), length >= 2,
                let content = file.slice(at: offset + 4, count: length - 2)
            else { return nil }
            if kind == application1, content.starts(with: title) {
                return UnsafeRawBufferPointer(rebasing: content.dropFirst(title.count))
            }
            offset += 2 + length
        }
        return nil
    }

    /// The orientation that a TIFF structure states in its first directory; 1 where it states none.
    static func orientation(_ tiff: UnsafeRawBufferPointer) -> Int {
        guard let order = tiff.slice(at: 0, count: 2) else { return upright }
        let bigEndian = order.elementsEqual("MM".utf8)
        guard bigEndian || order.elementsEqual("II".utf8),
            let directory = tiff.number(at: 4, bytes: 4, bigEndian: bigEndian),
            let entries = tiff.number(at: directory, bytes: 2, bigEndian: bigEndian)
        else { return upright }
        for index in 0..<entries {
            let entry = directory + 2 + 12 * index  // tag, type, count, value
            guard let tag = tiff.number(at: entry, bytes: 2, bigEndian: bigEndian) else {
                return upright
            }
            guard tag == orientationTag else { continue }
            return tiff.number(at: entry + 8, bytes: 2, bigEndian: bigEndian) ?? upright
        }
        return upright
    }
}

extension UnsafeRawBufferPointer {
    fileprivate func slice(at offset: Int, count length: Int) -> UnsafeRawBufferPointer? {
        guard offset >= 0, length >= 0, offset <= count, length <= count - offset else {
            return nil
        }
        return UnsafeRawBufferPointer(rebasing: self[offset..<offset + length])
    }

    /// An unsigned number of up to four bytes.
    fileprivate func number(at offset: Int, bytes: Int, bigEndian: Bool) -> Int? {
        guard let found = slice(at: offset, count: bytes) else { return nil }
        let ordered = bigEndian ? Array(found) : found.reversed()
        return ordered.reduce(0) { $0 << 8 | Int($1) }
    }
}
