internal import CKernels
import Foundation

/// A vector of f32 parameters (norm weights, biases), converted once when the model opens.
public final class Vector {
    let base: UnsafeMutablePointer<Float>
    /// Number of elements.
    public let count: Int

    /// Copies `values`.
    public init(_ values: [Float]) {
        count = values.count
        base = .allocate(capacity: max(count, 1))
        base.initialize(from: values, count: count)
    }

    deinit { base.deallocate() }

    /// The elements.
    public var array: [Float] { Array(UnsafeBufferPointer(start: base, count: count)) }
}

/// One weight matrix [rows, columns] (row = output feature) where it lies in its checkpoint: no copy,
/// no repacking. Keeps what it points to alive.
public struct Weight {
    /// Module path in the checkpoint, without ".weight".
    public let name: String
    /// How the numbers are stored.
    public let format: WeightFormat
    private(set) var matrix: ck_matrix
    /// The mapped files or the buffer behind the pointers, and the bias.
    private let owners: [AnyObject]

    /// Output features.
    public var rows: Int { matrix.rows }
    /// Input features.
    public var columns: Int { matrix.columns }
    /// Bytes of codes, scales and biases: what one pass over the matrix reads.
    public var byteCount: Int { parts.reduce(0) { $0 + $1.count } }

    /// Codes, scales and biases where they lie.
    var parts: [UnsafeRawBufferPointer] {
        let codes = UnsafeRawBufferPointer(
            start: matrix.codes, count: rows * columns * format.bits / 8)
        guard format.group > 0 else { return [codes] }
        let groups = rows * (columns / format.group)
        guard case .affine = format else {
            return [codes, UnsafeRawBufferPointer(start: matrix.scales, count: groups)]
        }
        let bytes = groups * (matrix.scale_format == CK_F32 ? 4 : 2)
        return [codes] + [matrix.scales, matrix.biases].map { .init(start: $0, count: bytes) }
    }

    /// A plain matrix over stored elements that are f32, f16 or bf16.
    init(name: String, format: WeightFormat, rows: Int, columns: Int, codes: StoredTensor) {
        self.init(
            name: name, format: format, rows: rows, columns: columns,
            codes: codes.bytes.baseAddress, owners: [codes.file])
    }

    /// A quantized matrix; shapes were checked by `ModelFolder`.
    init(
        name: String, format: WeightFormat, rows: Int, columns: Int, codes: StoredTensor,
        scales: StoredTensor, biases: StoredTensor?
    ) {
        self.init(
            name: name, format: format, rows: rows, columns: columns,
            codes: codes.bytes.baseAddress, scales: scales.bytes.baseAddress,
            biases: biases?.bytes.baseAddress,
            scaleFormat: WeightFormat(plain: scales.type)?.code ?? CK_F32,
            owners: [codes.file, scales.file] + (biases.map { [$0.file] } ?? []))
    }

    /// A matrix in memory that no file holds: codes at its start, scales and biases of bf16 (or
    /// microscaling bytes) at the given offsets.
    init(
        name: String, format: WeightFormat, rows: Int, columns: Int, memory: AnonymousMemory,
        scalesAt: Int?, biasesAt: Int?
    ) {
        self.init(
            name: name, format: format, rows: rows, columns: columns,
            codes: UnsafeRawPointer(memory.base),
            scales: scalesAt.map { UnsafeRawPointer(memory.base + $0) },
            biases: biasesAt.map { UnsafeRawPointer(memory.base + $0) },
            scaleFormat: CK_BF16, owners: [memory])
    }

    /// A matrix of f32 values made in memory (a reordered convolution, a test).
    public init(name: String, rows: Int, columns: Int, values: [Float]) {
        require(values.count == rows * columns, "\(name): \(values.count) values")
        let storage = Vector(values)
        self.init(
            name: name, format: .f32, rows: rows, columns: columns,
            codes: UnsafeRawPointer(storage.base), owners: [storage])
    }

    private init(
        name: String, format: WeightFormat, rows: Int, columns: Int, codes: UnsafeRawPointer?,
        scales: UnsafeRawPointer? = nil, biases: UnsafeRawPointer? = nil,
        scaleFormat: ck_format = CK_F32, offset: UnsafePointer<Float>? = nil, owners: [AnyObject]
    ) {
        self.name = name
        self.format = format
        self.owners = owners
        matrix = ck_matrix(
            codes: codes, scales: scales, biases: biases, offset: offset, rows: rows,
            columns: columns, format: format.code, scale_format: scaleFormat,
            bits: UInt32(format.bits), group: UInt32(format.group), rounds: false)
    }

    /// The same matrix with the bias of its linear layer, [rows].
    public func adding(bias: Vector) -> Weight {
        require(bias.count == rows, "\(name): bias of \(bias.count) for \(rows) rows")
        var weight = Weight(
            name: name, format: format, rows: rows, columns: columns, codes: matrix.codes,
            scales: matrix.scales, biases: matrix.biases, scaleFormat: matrix.scale_format,
            offset: UnsafePointer(bias.base), owners: owners + [bias])
        weight.matrix.rounds = matrix.rounds
        return weight
    }

    /// Whether `rounding` was asked for.
    public var rounds: Bool { matrix.rounds }

    /// The same matrix, whose f16 (in a `CausalConvolution` also f32) numbers fast arithmetic may round to
    /// bf16. An encoder, whose outputs a
    /// decoder weighs again, loses nothing by it and gains several times its speed; logits lose digits.
    public func rounding() -> Weight {
        var weight = self
        weight.matrix.rounds = true
        return weight
    }

    /// Writes row `row` as f32 to `out` (embedding look-up).
    public func row(_ row: Int, into out: UnsafeMutableBufferPointer<Float>) {
        require(row >= 0 && row < rows && out.count == columns, "\(name): row \(row)")
        withUnsafePointer(to: matrix) { ck_row($0, row, out.baseAddress) }
    }
}
