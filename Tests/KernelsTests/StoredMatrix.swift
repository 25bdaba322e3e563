import CKernels
import Foundation

/// How the numbers of a test matrix are stored.
struct StoredFormat: Sendable, CustomStringConvertible {
    let name: String
    let format: ck_format
    let bits: Int
    let group: Int
    let scaleFormat: ck_format

    init(
        _ name: String, _ format: ck_format, bits: Int, group: Int = 0,
        scales: ck_format = CK_F32
    ) {
        self.name = name
        self.format = format
        self.bits = bits
        self.group = group
        scaleFormat = scales
    }

    var description: String { name }
    var isPlain: Bool { group == 0 }
    /// Whether CK_FAST multiplies integers.
    var isInteger: Bool { !isPlain && format != CK_MXFP8 }

    static let plain = [
        StoredFormat("f32", CK_F32, bits: 32),
        StoredFormat("f16", CK_F16, bits: 16),
        StoredFormat("bf16", CK_BF16, bits: 16),
    ]

    static let grouped: [StoredFormat] =
        [2, 3, 4, 5, 6, 8].flatMap { bits in
            [32, 64, 128].map { group in
                let scales = group == 32 ? CK_F32 : group == 64 ? CK_BF16 : CK_F16
                return StoredFormat(
                    "affine \(bits) bit, group \(group)", CK_AFFINE, bits: bits, group: group,
                    scales: scales)
            }
        } + [
            StoredFormat("mxfp4", CK_MXFP4, bits: 4, group: 32),
            StoredFormat("mxfp8", CK_MXFP8, bits: 8, group: 32),
            StoredFormat("nvfp4", CK_NVFP4, bits: 4, group: 16),
            StoredFormat(
                "affine 4 bit, group 32, bf16", CK_AFFINE, bits: 4, group: 32, scales: CK_BF16),
            StoredFormat(
                "affine 4 bit, group 128, bf16", CK_AFFINE, bits: 4, group: 128, scales: CK_BF16),
            StoredFormat(
                "affine 4 bit, group 64, f16", CK_AFFINE, bits: 4, group: 64, scales: CK_F16),
            StoredFormat(
                "affine 8 bit, group 32, bf16", CK_AFFINE, bits: 8, group: 32, scales: CK_BF16),
            StoredFormat(
                "affine 5 bit, group 128, bf16", CK_AFFINE, bits: 5, group: 128, scales: CK_BF16),
        ]

    static let all = plain + grouped
}

/// A repeatable sequence of numbers (Knuth's linear congruential generator).
struct Sequence64 {
    private var state: UInt64

    init(_ seed: Int) { state = UInt64(truncatingIfNeeded: seed) &* 2 &+ 1 }

    mutating func bits() -> UInt32 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return UInt32(truncatingIfNeeded: state >> 32)
    }

    /// -1..<1
    mutating func float() -> Float { Float(bits() >> 8) / Float(1 << 23) - 1 }
}

/// A matrix of random stored numbers with its values decoded independently in double precision.
/// Its memory is misaligned on purpose, and must not be read behind its end: checkpoints do not pad.
final class StoredMatrix {
    let rows: Int
    let columns: Int
    private(set) var matrix: ck_matrix
    private(set) var values: [Double]
    private let memory: [GuardedMemory]

    private static let e2m1: [Double] = [0, 0.5, 1, 1.5, 2, 3, 4, 6]

    /// - Parameters:
    ///   - offset: whether the layer has its own bias.
    ///   - extreme: all codes have the largest value, which overflows narrow sums first.
    init(
        _ format: StoredFormat, rows: Int, columns: Int, seed: Int, offset: Bool = false,
        extreme: Bool = false
    ) {
        self.rows = rows
        self.columns = columns
        var random = Sequence64(seed)
        let groups = format.isPlain ? 0 : columns / format.group
        let codeBytes = rows * columns * format.bits / 8
        let scaleBytes = rows * groups * (format.scaleFormat == CK_F32 ? 4 : 2)
        memory =
            [codeBytes, scaleBytes, scaleBytes].map { GuardedMemory(byteCount: $0, slackBytes: 1) }
            + [GuardedMemory(byteCount: rows * 4, slackBytes: 0)]
        let codes = memory[0].base
        let largest: UInt8 = format.format == CK_AFFINE ? 0xff : 0x77
        for index in 0..<codeBytes {
            let byte = extreme ? largest : UInt8(truncatingIfNeeded: random.bits())
            codes.storeBytes(of: byte, toByteOffset: index, as: UInt8.self)
        }
        matrix = ck_matrix()
        matrix.codes = UnsafeRawPointer(codes)
        matrix.rows = rows
        matrix.columns = columns
        matrix.format = format.format
        matrix.scale_format = format.scaleFormat
        matrix.bits = UInt32(format.bits)
        matrix.group = UInt32(format.group)
        values = []
        if format.isPlain {
            values = (0..<rows * columns).map { index in
                Self.storePlain(random.float(), format.format, at: index, in: codes)
            }
        } else {
            matrix.scales = UnsafeRawPointer(memory[1].base)
            if format.format == CK_AFFINE { matrix.biases = UnsafeRawPointer(memory[2].base) }
            if format.format == CK_MXFP8 { Self.removeNaN(codes, count: codeBytes) }
            storeGroups(format, random: &random)
        }
        if offset {
            for row in 0..<rows {
                memory[3].base.storeBytes(of: random.float(), toByteOffset: row * 4, as: Float.self)
            }
            matrix.offset = UnsafePointer(memory[3].base.assumingMemoryBound(to: Float.self))
        }
    }

    /// The offset of a row, 0 without one.
    func offset(_ row: Int) -> Double { matrix.offset.map { Double($0[row]) } ?? 0 }

    /// Stores a number in a plain format and returns what is stored.
    private static func storePlain(
        _ value: Float, _ format: ck_format, at index: Int, in memory: UnsafeMutableRawPointer
    ) -> Double {
        if format == CK_F32 {
            memory.storeBytes(of: value, toByteOffset: index * 4, as: Float.self)
            return Double(value)
        }
        if format == CK_F16 {
            let half = Float16(value)
            memory.storeBytes(of: half.bitPattern, toByteOffset: index * 2, as: UInt16.self)
            return Double(half)
        }
        let high = UInt16(value.bitPattern >> 16)
        memory.storeBytes(of: high, toByteOffset: index * 2, as: UInt16.self)
        return Double(Float(bitPattern: UInt32(high) << 16))
    }

    private static func removeNaN(_ codes: UnsafeMutableRawPointer, count: Int) {
        for index in 0..<count {
            let byte = codes.load(fromByteOffset: index, as: UInt8.self)
            guard byte & 0x7f == 0x7f else { continue }
            codes.storeBytes(of: byte & 0x80, toByteOffset: index, as: UInt8.self)
        }
    }

    private static func e4m3(_ byte: UInt8) -> Double {
        let exponent = Int(byte >> 3 & 15)
        let mantissa = Double(byte & 7)
        let magnitude =
            exponent == 0
            ? mantissa * pow(2, -9) : (1 + mantissa / 8) * pow(2, Double(exponent - 7))
        return byte & 0x80 == 0 ? magnitude : -magnitude
    }

    /// Draws scales and biases and decodes every weight bit by bit.
    private func storeGroups(_ format: StoredFormat, random: inout Sequence64) {
        let scales = memory[1].base
        let biases = memory[2].base
        values.reserveCapacity(rows * columns)
        for group in 0..<rows * columns / format.group {
            var scale = 0.0
            var bias = 0.0
            switch format.format {
            case CK_AFFINE:
                let kind = format.scaleFormat
                scale = Self.storePlain(random.float() * 0.1, kind, at: group, in: scales)
                bias = Self.storePlain(random.float(), kind, at: group, in: biases)
            case CK_NVFP4:
                let byte = UInt8(random.bits() % 120)
                scales.storeBytes(of: byte, toByteOffset: group, as: UInt8.self)
                scale = Self.e4m3(byte)
            default:
                let byte = UInt8(120 + random.bits() % 10)
                scales.storeBytes(of: byte, toByteOffset: group, as: UInt8.self)
                scale = pow(2, Double(byte) - 127)
            }
            for element in group * format.group..<(group + 1) * format.group {
                values.append(decode(element, format) * scale + bias)
            }
        }
    }

    private func decode(_ element: Int, _ format: StoredFormat) -> Double {
        let codes = memory[0].base
        var code = 0
        for bit in 0..<format.bits {
            let position = element * format.bits + bit
            let byte = codes.load(fromByteOffset: position / 8, as: UInt8.self)
            code |= Int(byte >> UInt8(position % 8) & 1) << bit
        }
        switch format.format {
        case CK_AFFINE: return Double(code)
        case CK_MXFP8: return Self.e4m3(UInt8(code))
        default: return code < 8 ? Self.e2m1[code] : -Self.e2m1[code - 8]
        }
    }
}
