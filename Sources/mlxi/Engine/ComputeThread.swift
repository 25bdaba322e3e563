import Dispatch
import Foundation
import Synchronization

/// One thread on which all model work runs, as the executor of `Engine`.
///
/// Decoding is synchronous code that keeps a core busy for minutes; on Swift's cooperative pool,
/// which has one thread a core, it would starve everything else.
final class ComputeThread: SerialExecutor {
    private let jobs = Mutex<[UnownedJob]>([])
    private let ready = DispatchSemaphore(value: 0)

    private static let stackBytes = 16 << 20

    init() {
        let thread = Thread { [weak self] in self?.runForever() }
        thread.name = "mlxi-compute"
        thread.stackSize = Self.stackBytes
        thread.start()
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        jobs.withLock { $0.append(job) }
        ready.signal()
    }

    func asUnownedSerialExecutor() -> UnownedSerialExecutor {
        UnownedSerialExecutor(ordinary: self)
    }

    private func runForever() {
        while true {
            ready.wait()
            let job = jobs.withLock { $0.removeFirst() }
            job.runSynchronously(on: asUnownedSerialExecutor())
        }
    }
}
