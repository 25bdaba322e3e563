internal import CKernels

/// How a matrix is stored: the only place that decides between formats.
public enum WeightFormat: Equatable, Sendable, CustomStringConvertible {
    case f32
    case f16
    case bf16
    /// MLX affine quantization: `bits` per code, `group` codes to a scale and a bias.
    case affine(bits: Int, group: Int)
    case mxfp4
    case mxfp8
    case nvfp4

    /// Widths and group sizes that MLX writes.
    static let affineBits = [2, 3, 4, 5, 6, 8]
    static let affineGroups = [32, 64, 128]

    /// Bits of one code.
    public var bits: Int {
        switch self {
        case .f32: 32
        case .f16, .bf16: 16
        case .affine(let bits, _): bits
        case .mxfp8: 8
        case .mxfp4, .nvfp4: 4
        }
    }

    /// Codes that share a scale; 0 for plain numbers.
    public var group: Int {
        switch self {
        case .f32, .f16, .bf16: 0
        case .affine(_, let group): group
        case .mxfp4, .mxfp8: 32
        case .nvfp4: 16
        }
    }

    /// "affine 4-bit/64", "bf16", ...
    public var description: String {
        switch self {
        case .f32: "f32"
        case .f16: "f16"
        case .bf16: "bf16"
        case .affine(let bits, let group): "affine \(bits)-bit/\(group)"
        case .mxfp4: "mxfp4"
        case .mxfp8: "mxfp8"
        case .nvfp4: "nvfp4"
        }
    }

    var code: ck_format {
        switch self {
        case .f32: CK_F32
        case .f16: CK_F16
        case .bf16: CK_BF16
        case .affine: CK_AFFINE
        case .mxfp4: CK_MXFP4
        case .mxfp8: CK_MXFP8
        case .nvfp4: CK_NVFP4
        }
    }

    /// The format of plain elements, nil for types that are not weights.
    init?(plain type: ElementType) {
        switch type {
        case .f32: self = .f32
        case .f16: self = .f16
        case .bf16: self = .bf16
        default: return nil
        }
    }

    /// The format that the shapes of a quantized matrix imply; nil when there is none.
    ///
    /// - Parameters:
    ///   - columns: elements of a row of the original matrix.
    ///   - words: u32 words of a row of codes.
    ///   - groups: scales of a row.
    ///   - scaleType: element type of the scales; u8 means one of the microscaling formats.
    init?(columns: Int, words: Int, groups: Int, scaleType: ElementType) {
        guard words > 0, groups > 0, columns % groups == 0, words * 32 % columns == 0 else {
            return nil
        }
        let bits = words * 32 / columns
        let group = columns / groups
        switch (scaleType, bits, group) {
        case (.u8, 4, 32): self = .mxfp4
        case (.u8, 8, 32): self = .mxfp8
        case (.u8, 4, 16): self = .nvfp4
        case (.f32, _, _), (.f16, _, _), (.bf16, _, _):
            guard Self.affineBits.contains(bits), Self.affineGroups.contains(group) else {
                return nil
            }
            self = .affine(bits: bits, group: group)
        default: return nil
        }
    }
}
