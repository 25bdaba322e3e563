/// Seconds as people and subtitle players write them.
enum Timestamp {
    static func milliseconds(_ seconds: Double) -> Int {
        guard seconds.isFinite, seconds > 0 else { return 0 }
        return Int((seconds * 1000).rounded())
    }

    /// `00:01:02,345` for SRT, with `.` for WebVTT. Hours grow beyond two digits where needed.
    static func subtitle(_ seconds: Double, mark: String) -> String {
        let total = milliseconds(seconds)
        return padded(total / 3_600_000) + ":" + padded(total / 60_000 % 60) + ":"
            + padded(total / 1000 % 60) + mark + padded(total % 1000, width: 3)
    }

    /// `1:02:03` or `2:03`: a place in a recording.
    static func clock(_ seconds: Double) -> String {
        let total = milliseconds(seconds) / 1000
        let tail = padded(total % 60)
        guard total >= 3600 else { return "\(total / 60):\(tail)" }
        return "\(total / 3600):\(padded(total / 60 % 60)):\(tail)"
    }

    /// `0.8 s`, `12.4 s`, `3 min 07 s`, `2 h 05 min`: a length.
    static func length(_ seconds: Double) -> String {
        let whole = Int(seconds.rounded())
        if seconds < 60 { return fixed(seconds, places: 1) + " s" }
        if whole < 3600 { return "\(whole / 60) min \(padded(whole % 60)) s" }
        return "\(whole / 3600) h \(padded(whole / 60 % 60)) min"
    }

    /// A number with a fixed count of decimals, rounded half up.
    static func fixed(_ value: Double, places: Int) -> String {
        guard value.isFinite else { return "\(value)" }
        var scale = 1
        for _ in 0..<places { scale *= 10 }
        let scaled = Int((abs(value) * Double(scale)).rounded())
        let sign = value < 0 && scaled > 0 ? "-" : ""
        guard places > 0 else { return "\(sign)\(scaled)" }
        return "\(sign)\(scaled / scale)." + padded(scaled % scale, width: places)
    }

    private static func padded(_ value: Int, width: Int = 2) -> String {
        let digits = String(value)
        return String(repeating: "0", count: max(width - digits.count, 0)) + digits
    }
}
