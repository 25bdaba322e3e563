import Dispatch
import Glibc
import Synchronization

/// Ctrl-C and SIGTERM. The first one asks the work to end in order; the next one ends the process
/// at once, which every writer here survives.
final class Interrupts {
    /// The first signal, shared with the queue that receives it.
    private final class Record: Sendable {
        let first = Mutex<Int32?>(nil)

        /// True for the first signal.
        func note(_ number: Int32) -> Bool {
            first.withLock { first in
                guard first == nil else { return false }
                first = number
                return true
            }
        }
    }

    private let record = Record()
    private let sources: [any DispatchSourceSignal]

    /// The signal that asked for the end, if one did.
    var signal: Int32? { record.first.withLock { $0 } }

    /// - Parameter onFirst: called once, on a queue of its own.
    init(onFirst: @escaping @Sendable (Int32) -> Void) {
        let queue = DispatchQueue(label: "mlxi-signals")
        sources = [SIGINT, SIGTERM].map { [record] number in
            Glibc.signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
            source.setEventHandler {
                guard record.note(number) else { _exit(ExitStatus.interrupted.rawValue) }
                onFirst(number)
            }
            source.resume()
            return source
        }
    }

    deinit { sources.forEach { $0.cancel() } }
}
