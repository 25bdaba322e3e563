internal import CLibAV
internal import CSndfile

/// Versions of the audio libraries, for `doctor`.
public enum AudioLibraries {
    /// Name and version of each that is there.
    public static var versions: [(name: String, version: String)] {
        let sndfile = String(cString: sf_version_string())
        var versions = [("libsndfile", String(sndfile.drop { !$0.isNumber }))]
        if let libav = clibav_load()?.pointee {
            versions += [
                ("libavformat", dotted(libav.avformat_version())),
                ("libavcodec", dotted(libav.avcodec_version())),
                ("libavutil", dotted(libav.avutil_version())),
            ]
        }
        return versions
    }

    /// Why compressed recordings cannot be read, or nil if they can.
    public static var problem: String? {
        clibav_load() == nil
            ? "compressed recordings cannot be read: \(String(cString: clibav_problem()))" : nil
    }

    /// FFmpeg packs a version as major, minor and micro of 16, 8 and 8 bits.
    private static func dotted(_ version: UInt32) -> String {
        "\(version >> 16).\(version >> 8 & 255).\(version & 255)"
    }
}
