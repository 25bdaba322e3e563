internal import CKernels
import Foundation

/// The processor as the kernels see it. The only reader of `MLXI_ISA` and `MLXI_THREADS`.
public enum Machine {
    /// Most threads the pool takes.
    public static let threadsMax = 64

    /// Instruction sets that this machine can run, best first: "avx512", "avx2", "scalar".
    public static var instructionSets: [String] {
        guard let list = ck_isa_available() else { return [] }
        var names: [String] = []
        var index = 0
        while let name = list[index] {
            names.append(String(cString: name))
            index += 1
        }
        return names
    }

    /// The instruction set in use.
    public static var instructionSet: String { String(cString: ck_isa_name()) }

    /// Bytes that `malloc` has handed out and not got back.
    public static var heapBytes: Int { ck_heap_bytes() }

    /// Threads that the kernels use, the caller included.
    public static var threads: Int { ck_pool_threads() }

    /// Chooses the kernels and starts the thread pool; call once, before any model is opened.
    ///
    /// - Parameter threads: 1...`threadsMax`; nil means `MLXI_THREADS` or one per processor.
    /// - Throws: `KernelError.setting` when `MLXI_ISA` or a thread count makes no sense here.
    public static func start(threads: Int? = nil) throws {
        let environment = ProcessInfo.processInfo.environment
        if let name = environment["MLXI_ISA"], !ck_isa_select(name) {
            let known = instructionSets.joined(separator: ", ")
            throw KernelError.setting("MLXI_ISA is \"\(name)\", this machine runs: \(known)")
        }
        var count = threads ?? min(ProcessInfo.processInfo.activeProcessorCount, threadsMax)
        if threads == nil, let text = environment["MLXI_THREADS"] {
            guard let number = Int(text) else {
                throw KernelError.setting("MLXI_THREADS is \"\(text)\", want a number")
            }
            count = number
        }
        guard (1...threadsMax).contains(count) else {
            throw KernelError.setting("\(count) threads asked for, want 1 to \(threadsMax)")
        }
        ck_pool_start(count)
    }
}
