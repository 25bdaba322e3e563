internal import CLibAV
internal import CSndfile

/// Versions of the audio libraries that are linked, for `doctor`.
public enum AudioLibraries {
    /// Name and version of each.
    public static var versions: [(name: String, version: String)] {
        let sndfile = String(cString: sf_version_string())
        return [
            ("libsndfile", String(sndfile.drop { !$0.isNumber })),
            ("libavformat", dotted(avformat_version())),
            ("libavcodec", dotted(avcodec_version())),
            ("libavutil", dotted(avutil_version())),
        ]
    }

    /// FFmpeg packs a version as major, minor and micro of 16, 8 and 8 bits.
    private static func dotted(_ version: UInt32) -> String {
        "\(version >> 16).\(version >> 8 & 255).\(version & 255)"
    }
}
