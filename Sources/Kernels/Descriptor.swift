import Foundation

/// An open file descriptor, closed once: when its owner is gone.
///
/// Owners never close by hand. A class that does so where its `init` fails, and in `deinit` too, closes
/// twice, since `deinit` runs as soon as all properties were set; the second time may hit a file that
/// another thread has opened since.
public struct Descriptor: ~Copyable, Sendable {
    /// What the system calls take; valid as long as the value lives.
    public let number: Int32

    /// Takes over what `open` and its like returned; nil where they failed, `errno` then says why.
    public init?(_ number: Int32) {
        guard number >= 0 else { return nil }
        self.number = number
    }

    /// Another descriptor of the open file `number`, not inherited by programs that are started.
    public init?(copying number: Int32) {
        self.init(fcntl(number, F_DUPFD_CLOEXEC, 0))
    }

    deinit { close(number) }
}
