internal import CLibAV

/// Decodes the first audio stream of anything that libavformat and libavcodec know.
final class LibAVDecoder: AudioDecoder {
    /// Containers that recordings come in. Others are refused: playlists and scripts, because they
    /// open further files, and pictures and texts, because they are not audio.
    private static let containers = """
        aac,ac3,aiff,amr,amrnb,amrwb,ape,asf,au,avi,caf,dts,eac3,flac,flv,gsm,matroska,webm,\
        mov,mp4,m4a,3gp,3g2,mj2,mp3,mpc,mpc8,mpeg,mpegts,ogg,rm,tta,voc,w64,wav,wv
        """
    /// Failed reads in a row after which the rest of the file is given up.
    private static let readErrorsMax = 256
    /// Encoder delay and padding, which containers count and decoders remove.
    private static let paddingSecondsMax = 0.25

    let format: AudioFormat
    private let session: LibAVSession
    private var isDraining = false
    private var readErrors = 0
    private var decodedFrames = 0
    private var damagedPackets = 0
    private var firstDamage: String?
    private var framesAtDamage = 0
    private var clock: Double?
    private var missingSeconds = 0.0
    private let missingLastPage: Bool

    /// Throws `AudioError` if there is no audio stream that can be decoded.
    init(_ source: AudioSource) throws(AudioError) {
        session = try LibAVSession(source, containers: Self.containers)
        let declared = session.declaredLength()
        format = AudioFormat(
            name: session.formatName, channels: session.channels, sampleRate: session.sampleRate,
            declaredSeconds: declared?.seconds,
            toleranceSeconds: declared?.isGuess == false ? Self.paddingSecondsMax : .infinity)
        missingLastPage = session.containerName == "ogg" && !Self.endsWithLastPage(source)
    }

    /// A single damaged packet at the very start or end is how cut-out but healthy mp3 files look.
    var problem: String? {
        var parts: [String] = []
        let isInside = framesAtDamage > 0 && framesAtDamage < decodedFrames
        if let firstDamage, damagedPackets > 1 || isInside {
            let plural = damagedPackets == 1 ? "" : "s"
            parts.append("\(damagedPackets) damaged packet\(plural), \(firstDamage)")
        }
        if missingSeconds > 0 { parts.append("\(seconds(missingSeconds)) missing inside") }
        if missingLastPage { parts.append("the end of the file is missing") }
        return parts.isEmpty ? nil : parts.joined(separator: "; ")
    }

    func read() -> DecodedChunk? {
        while true {
            switch session.receive() {
            case .frame(let chunk):
                note(chunk)
                return chunk
            case .end: return nil
            case .needsPacket: break
            case .failed(let code): noteDamage(code)
            }
            guard !isDraining else { return nil }
            feed()
        }
    }

    /// Sends one packet of our stream to the codec, or the end.
    private func feed() {
        while true {
            switch session.readPacket() {
            case .packet(let isCorrupt):
                readErrors = 0
                if isCorrupt { noteDamage(nil) }
                if let code = session.sendPacket() { noteDamage(code) }
                return
            case .failed(let code):
                noteDamage(code)
                readErrors += 1
                guard readErrors < Self.readErrorsMax else { return drain() }
            case .end:
                return drain()
            }
        }
    }

    /// Compares the container's clock with what was decoded, to see holes that no error announces.
    private func note(_ chunk: DecodedChunk) {
        let frames = chunk.samples.count / chunk.channels
        decodedFrames += frames
        let start = chunk.startSeconds ?? clock
        if let start, let clock, start - clock > Self.paddingSecondsMax {
            missingSeconds += start - clock
        }
        clock = start.map { $0 + Double(frames) / Double(max(chunk.sampleRate, 1)) }
    }

    private func drain() {
        isDraining = true
        session.sendEnd()
    }

    private func noteDamage(_ code: Int32?) {
        damagedPackets += 1
        guard firstDamage == nil else { return }
        framesAtDamage = decodedFrames
        let seconds = seconds(Double(decodedFrames) / Double(max(format.sampleRate, 1)))
        let reason = code.map { ": \(session.message($0))" } ?? ""
        firstDamage = "the first at \(seconds)\(reason)"
    }

    /// The last page of a complete Ogg stream says so.
    private static func endsWithLastPage(_ source: AudioSource) -> Bool {
        let pageBytesMax = 65_307
        let endOfStream: UInt8 = 4
        let tail = source.bytes(at: -min(pageBytesMax, source.byteCount), count: pageBytesMax)
        let mark = Array("OggS".utf8)
        let flagOffset = 5
        let page = tail.indices.last { index in
            index + flagOffset < tail.count
                && tail[index..<(index + mark.count)].elementsEqual(mark)
        }
        return page.map { tail[$0 + flagOffset] & endOfStream != 0 } ?? true
    }
}
