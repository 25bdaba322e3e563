internal import CSndfile

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Decodes uncompressed containers (wav, aiff, au, caf, w64, rf64, ...) with libsndfile.
///
/// Compressed ones are left to libav, which goes on after a damaged packet and knows the length
/// that their headers promise.
final class SndfileDecoder: AudioDecoder {
    private static let chunkFrames = 4096
    /// mp3 and ADPCM inside wav end with a padded block.
    private static let paddingSecondsMax = 0.05
    /// First bytes of wav (and its 64-bit forms), aiff, caf and au. Nothing else is shown to
    /// libsndfile: its mp3 and Ogg readers print to stderr.
    private static let marks = ["RIFF", "RIFX", "RF64", "riff", "FORM", "caff", ".snd"]

    let format: AudioFormat
    private(set) var problem: String?
    private let file: OpaquePointer

    /// Nil if libsndfile does not know the file or it is better left to libav.
    init?(_ source: AudioSource) {
        let start = source.bytes(at: 0, count: 4)
        guard Self.marks.contains(where: { start.elementsEqual($0.utf8) }) else { return nil }
        var info = SF_INFO()
        lseek(source.descriptor, 0, SEEK_SET)
        // The copy is libsndfile's: it closes it in every case, failure included.
        let copy = fcntl(source.descriptor, F_DUPFD_CLOEXEC, 0)
        guard let file = sf_open_fd(copy, Int32(SFM_READ), &info, Int32(SF_TRUE)) else {
            return nil
        }
        let container = Int(info.format) & SF_FORMAT_TYPEMASK
        guard info.samplerate > 0, info.channels > 0 else {
            sf_close(file)
            return nil
        }
        self.file = file
        let frames = Double(info.frames) * Self.declaredShare(file)
        format = AudioFormat(
            name: Self.name(container), channels: Int(info.channels),
            sampleRate: Int(info.samplerate),
            declaredSeconds: frames / Double(info.samplerate),
            toleranceSeconds: Self.paddingSecondsMax)
    }

    deinit { sf_close(file) }

    func read() -> DecodedChunk? {
        let capacity = Self.chunkFrames * format.channels
        let samples = [Float](unsafeUninitializedCapacity: capacity) { buffer, count in
            let frames = sf_readf_float(file, buffer.baseAddress, sf_count_t(Self.chunkFrames))
            count = max(0, Int(frames)) * format.channels
        }
        if sf_error(file) != 0 { problem = String(cString: sf_strerror(file)) }
        guard !samples.isEmpty else { return nil }
        return DecodedChunk(
            samples: samples, channels: format.channels, sampleRate: format.sampleRate)
    }

    private static func name(_ container: Int) -> String {
        var info = SF_FORMAT_INFO()
        info.format = Int32(container)
        let size = Int32(MemoryLayout<SF_FORMAT_INFO>.size)
        sf_command(nil, Int32(SFC_GET_FORMAT_INFO), &info, size)
        return info.name.map { String(cString: $0) } ?? "audio"
    }

    /// Declared bytes of sample data over those that are there. libsndfile corrects the header's
    /// figure silently and keeps both in its log: `data : 529200 (should be 199956)`.
    private static func declaredShare(_ file: OpaquePointer) -> Double {
        var log = [CChar](repeating: 0, count: 1 << 14)
        sf_command(file, Int32(SFC_GET_LOG_INFO), &log, Int32(log.count))
        let text = String(
            decoding: log.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        for line in text.split(separator: "\n") {
            let key = line.prefix { $0 != ":" }.filter { $0 != " " }
            guard ["data", "SSND", "DataSize"].contains(String(key)) else { continue }
            let numbers = line.split { !$0.isASCII || !$0.isNumber }.compactMap { Double($0) }
            // Writers to a pipe put the largest number they can, because they do not know better.
            let isPlaceholder = numbers.first.map { $0 >= Double(0x7FFF_0000) } ?? true
            guard line.contains("should be"), numbers.count == 2, !isPlaceholder, numbers[1] > 0
            else { continue }
            return max(1, numbers[0] / numbers[1])
        }
        return 1
    }
}
