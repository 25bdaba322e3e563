import Foundation
import Kernels

/// Memory as Linux accounts for it.
enum ProcessMemory {
    /// The most memory this process had at once since `resetPeak`, mapped files included.
    static var peakBytes: Int { kilobytes("VmHWM", in: "/proc/self/status") << 10 }

    /// What a new program can use without swapping.
    static var availableBytes: Int { kilobytes("MemAvailable", in: "/proc/meminfo") << 10 }

    /// Lets the peak begin anew where the kernel allows it.
    static func resetPeak() {
        let peakOnly = "5"
        try? peakOnly.write(toFile: "/proc/self/clear_refs", atomically: false, encoding: .utf8)
    }

    /// Drops the pages of a file from the page cache, as far as nobody maps them.
    static func forget(file path: String) {
        guard let file = Descriptor(open(path, O_RDONLY | O_CLOEXEC)) else { return }
        posix_fadvise(file.number, 0, 0, POSIX_FADV_DONTNEED)
    }

    private static func kilobytes(_ key: String, in path: String) -> Int {
        let data = FileManager.default.contents(atPath: path) ?? Data()
        let lines = String(decoding: data, as: UTF8.self).split(separator: "\n")
        let line = lines.first { $0.hasPrefix("\(key):") } ?? ""
        return Int(line.filter(\.isNumber)) ?? 0
    }
}
