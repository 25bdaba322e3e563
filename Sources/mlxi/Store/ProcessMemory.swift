import Glibc

/// What this process uses.
enum ProcessMemory {
    private static let kibibyte = 1024

    /// The most memory that was resident at once, mapped weights included.
    static var peakBytes: Int {
        var usage = rusage()
        return getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0
            ? usage.ru_maxrss * kibibyte : 0
    }
}
