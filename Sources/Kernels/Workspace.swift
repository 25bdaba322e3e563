import Foundation

/// A view of `count` rows of f32 activations, row by row. It lives in a `Workspace` scope and must
/// not outlive it.
public struct Rows {
    /// First element of row 0.
    public let base: UnsafeMutablePointer<Float>
    /// Number of rows.
    public let count: Int
    /// Elements of a row.
    public let columns: Int
    /// Elements from one row to the next.
    public let stride: Int

    /// A view of memory that the caller keeps alive.
    public init(base: UnsafeMutablePointer<Float>, count: Int, columns: Int, stride: Int) {
        self.base = base
        self.count = count
        self.columns = columns
        self.stride = stride
    }

    /// Row `index` as a buffer.
    public subscript(index: Int) -> UnsafeMutableBufferPointer<Float> {
        UnsafeMutableBufferPointer(start: base + index * stride, count: columns)
    }

    /// The rows in `range`.
    public func rows(_ range: Range<Int>) -> Rows {
        require(range.lowerBound >= 0 && range.upperBound <= count, "rows \(range) of \(count)")
        return Rows(
            base: base + range.lowerBound * stride, count: range.count, columns: columns,
            stride: stride)
    }

    /// The last `count` rows.
    public func last(_ count: Int) -> Rows { rows(self.count - count..<self.count) }

    /// The columns in `range` of every row.
    public func columns(_ range: Range<Int>) -> Rows {
        require(range.lowerBound >= 0 && range.upperBound <= columns, "columns \(range)")
        return Rows(
            base: base + range.lowerBound, count: count, columns: range.count, stride: stride)
    }

    /// Copies `source`, which has the same shape, into this view.
    public func copy(from source: Rows) {
        require(source.count == count && source.columns == columns, "copy of another shape")
        for row in 0..<count {
            (base + row * stride).update(from: source.base + row * source.stride, count: columns)
        }
    }

    /// The elements, row by row.
    public var array: [Float] { (0..<count).flatMap { Array(self[$0]) } }
}

/// The arena of one session: activations and scratch are taken from it in scopes and given back at
/// their end, so a decoded token allocates nothing. Address space is reserved once; the system
/// provides pages as they are first touched.
public final class Workspace {
    /// Address space that a workspace reserves unless told otherwise.
    public static let capacityBytesDefault = 16 << 30
    /// Alignment of everything taken from the arena: a cache line, and a vector.
    private static let alignmentBytes = 64

    private let base: UnsafeMutableRawPointer
    private let capacityBytes: Int
    private var usedBytes = 0
    /// The most bytes that were in use at once.
    public private(set) var peakBytes = 0

    /// Reserves `capacityBytes` of address space.
    ///
    /// - Throws: `KernelError.setting` when the system refuses (for example under `ulimit -v`).
    public init(capacityBytes: Int = Workspace.capacityBytesDefault) throws {
        let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
        let address = mmap(nil, capacityBytes, PROT_READ | PROT_WRITE, flags, -1, 0)
        guard let address, address != MAP_FAILED else {
            let reason = String(cString: strerror(errno))
            throw KernelError.setting("cannot reserve \(capacityBytes) bytes: \(reason)")
        }
        // Activations are written in strides: fewer pages to translate; a hint that may be ignored.
        madvise(address, capacityBytes, Int32(MADV_HUGEPAGE))
        base = address
        self.capacityBytes = capacityBytes
    }

    deinit { munmap(base, capacityBytes) }

    /// Runs `body`; what it takes from the arena is given back when it returns.
    public func scope<Result>(_ body: () throws -> Result) rethrows -> Result {
        let mark = usedBytes
        defer { usedBytes = mark }
        return try body()
    }

    /// Rows of f32 with undefined contents, valid until the enclosing scope ends.
    public func rows(_ count: Int, _ columns: Int) -> Rows {
        let pointer = bytes(count * columns * MemoryLayout<Float>.stride)
        return Rows(
            base: pointer.assumingMemoryBound(to: Float.self), count: count, columns: columns,
            stride: columns)
    }

    /// Raw scratch with undefined contents, valid until the enclosing scope ends.
    public func bytes(_ count: Int) -> UnsafeMutableRawPointer {
        let pointer = base + usedBytes
        let rounded = (count + Self.alignmentBytes - 1) / Self.alignmentBytes * Self.alignmentBytes
        require(usedBytes + rounded <= capacityBytes, "workspace of \(capacityBytes) bytes is full")
        usedBytes += rounded
        peakBytes = max(peakBytes, usedBytes)
        return pointer
    }
}

/// Stops the program on a mistake of ours, with its message in release builds too, where
/// `precondition` would be silent.
@inlinable
public func require(_ condition: Bool, _ message: @autoclosure () -> String) {
    if !condition { fatalError("mlxi: internal error: \(message())") }
}
