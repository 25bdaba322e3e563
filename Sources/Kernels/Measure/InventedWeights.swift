internal import CKernels
import Foundation

/// Weights that no file holds: whatever tensor a family asks for is made with the name and shape it
/// asks for, in the layout that MLX writes. So a model's speed can be measured from its
/// configuration alone. Matrices are reserved when asked for and filled by `fill`, so that their
/// total can be compared with the memory at hand before any of it is used.
public final class InventedWeights {
    /// How matrices are stored; f32 vectors stay as they are.
    public let format: WeightFormat
    /// Optional tensors that the checkpoint would have: names or beginnings of names.
    private let present: [String]
    /// Beginnings of the names of matrices that stay bf16.
    private let plain: [String]
    private var blocks: [Block] = []

    /// One matrix: codes, then scales, then biases.
    private struct Block {
        let memory: AnonymousMemory
        let codeBytes: Int
        let scaleBytes: Int
        let pattern: Pattern
    }

    /// Random bits that are kept, and bits that are set, of each eight bytes of codes; and the eight
    /// bytes that repeat in scales and biases.
    private struct Pattern {
        var keep = UInt64.max
        var set: UInt64 = 0
        var scale: UInt64 = 0
        var bias: UInt64 = 0
    }

    /// - Parameters:
    ///   - present: names, or beginnings of names, of optional tensors to which the answer is yes.
    ///   - plain: beginnings of the names of matrices that stay bf16.
    public init(format: WeightFormat, present: [String] = [], plain: [String] = []) {
        self.format = format
        self.present = present
        self.plain = plain
    }

    /// Bytes reserved so far: what `fill` will use.
    public var byteCount: Int { blocks.reduce(0) { $0 + $1.memory.byteCount } }

    func has(_ name: String) -> Bool { present.contains { name.hasPrefix($0) } }

    /// A matrix, all zeros until `fill`.
    func matrix(_ name: String, rows: Int, columns: Int) throws -> Weight {
        var format = self.format
        let isPlain = plain.contains { name.hasPrefix($0) }
        if format.group > 0, isPlain || columns % format.group != 0 { format = .bf16 }
        let codeBytes = rows * columns * format.bits / 8
        let groups = format.group > 0 ? rows * (columns / format.group) : 0
        let isAffine = format.code == CK_AFFINE
        let scaleBytes = groups * (isAffine ? MemoryLayout<UInt16>.stride : 1)
        let memory = try AnonymousMemory(
            byteCount: codeBytes + scaleBytes * (isAffine ? 2 : 1), purpose: name)
        blocks.append(
            Block(
                memory: memory, codeBytes: codeBytes, scaleBytes: scaleBytes,
                pattern: Self.pattern(format)))
        return Weight(
            name: name, format: format, rows: rows, columns: columns, memory: memory,
            scalesAt: groups > 0 ? codeBytes : nil,
            biasesAt: isAffine ? codeBytes + scaleBytes : nil)
    }

    /// The values of a vector: zeros for biases, ones for the rest.
    func values(_ name: String, count: Int) -> [Float] {
        [Float](repeating: name.hasSuffix("bias") ? 0 : 1, count: count)
    }

    /// Fills all matrices with random codes.
    public func fill() {
        for (index, block) in blocks.enumerated() {
            let base = block.memory.base
            let scales = base + block.codeBytes
            let pattern = block.pattern
            ck_fill_noise(base, block.codeBytes, index, pattern.keep, pattern.set)
            ck_fill_noise(scales, block.scaleBytes, 0, 0, pattern.scale)
            let biasBytes = block.memory.byteCount - block.codeBytes - block.scaleBytes
            ck_fill_noise(scales + block.scaleBytes, biasBytes, 0, 0, pattern.bias)
        }
    }

    /// Weights near ±2^-6, as language models have them at the start of training.
    private static func pattern(_ format: WeightFormat) -> Pattern {
        let small: Float = 0x1p-6
        func halves(_ bits: UInt16) -> UInt64 { UInt64(bits) * 0x0001_0001_0001_0001 }
        func bytes(_ bits: UInt8) -> UInt64 { UInt64(bits) * 0x0101_0101_0101_0101 }
        func bf16(_ value: Float) -> UInt64 { halves(UInt16(value.bitPattern >> 16)) }
        switch format {
        case .f32:
            let exponent = UInt64(small.bitPattern)
            return Pattern(keep: 0x807f_ffff_807f_ffff, set: exponent << 32 | exponent)
        case .f16: return Pattern(keep: halves(0x83ff), set: halves(Float16(small).bitPattern))
        case .bf16: return Pattern(keep: halves(0x807f), set: bf16(small))
        case .affine(let bits, _):
            let scale = 4 * small / Float(1 << bits)
            return Pattern(scale: bf16(scale), bias: bf16(-2 * small))
        case .mxfp4: return Pattern(scale: bytes(120))  // e8m0: 2^(code - 127)
        case .mxfp8: return Pattern(keep: bytes(0xbf), scale: bytes(120))  // no NaN
        case .nvfp4: return Pattern(scale: bytes(0x08))  // e4m3: 2^-6
        }
    }
}
