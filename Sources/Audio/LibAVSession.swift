internal import CLibAV

/// The libav objects of one open stream, freed together; C types end here.
final class LibAVSession {
    enum Received {
        case frame(DecodedChunk)
        case needsPacket
        case end
        case failed(Int32)
    }

    enum Packet {
        case packet(isCorrupt: Bool)
        case end
        case failed(Int32)
    }

    private var container: UnsafeMutablePointer<AVFormatContext>?
    private var codec: UnsafeMutablePointer<AVCodecContext>?
    private var packet: UnsafeMutablePointer<AVPacket>?
    private var frame: UnsafeMutablePointer<AVFrame>?
    private let stream: UnsafeMutablePointer<AVStream>
    private let libav: clibav_functions

    /// Opens the first audio stream that has a decoder.
    init(_ source: AudioSource, containers: String) throws(AudioError) {
        let libav = try clibav_functions.load(for: source)
        self.libav = libav
        var options: OpaquePointer?
        _ = libav.av_dict_set(&options, "protocol_whitelist", "file", 0)
        _ = libav.av_dict_set(&options, "format_whitelist", containers, 0)
        defer { libav.av_dict_free(&options) }
        var opened: UnsafeMutablePointer<AVFormatContext>?
        let status = libav.avformat_open_input(&opened, "file:\(source.path)", nil, &options)
        guard status >= 0, let context = opened else { throw libav.notAudio(source, status) }
        do throws(AudioError) {
            guard context.pointee.probe_score > clibav_probe_score_unsure() else {
                throw libav.notAudio(source, 0)
            }
            stream = try libav.firstAudioStream(context, source)
            codec = try libav.decoder(for: stream, source)
        } catch {
            libav.avformat_close_input(&opened)
            throw error
        }
        container = context
        packet = libav.av_packet_alloc()
        frame = libav.av_frame_alloc()
    }

    deinit {
        libav.av_frame_free(&frame)
        libav.av_packet_free(&packet)
        libav.avcodec_free_context(&codec)
        libav.avformat_close_input(&container)
    }

    var containerName: String {
        container.map { String(cString: $0.pointee.iformat.pointee.name) } ?? ""
    }

    var formatName: String {
        let codecName = libav.name(of: stream.pointee.codecpar.pointee.codec_id)
        let name = containerName
        return name == codecName ? name : "\(name) (\(codecName))"
    }

    var channels: Int { Int(stream.pointee.codecpar.pointee.ch_layout.nb_channels) }
    var sampleRate: Int { Int(stream.pointee.codecpar.pointee.sample_rate) }

    /// The stream's length, or that of the whole container where it holds nothing else.
    func declaredLength() -> (seconds: Double, isGuess: Bool)? {
        guard let container else { return nil }
        let isGuess =
            container.pointee.duration_estimation_method == AVFMT_DURATION_FROM_BITRATE
        let (ticks, base) = (stream.pointee.duration, stream.pointee.time_base)
        if ticks != clibav_no_timestamp(), ticks > 0, base.den > 0 {
            return (Double(ticks) * Double(base.num) / Double(base.den), isGuess)
        }
        let duration = container.pointee.duration
        guard duration != clibav_no_timestamp(), duration > 0 else { return nil }
        return (
            Double(duration) / Double(AV_TIME_BASE), isGuess || container.pointee.nb_streams > 1
        )
    }

    /// The next packet of our stream.
    func readPacket() -> Packet {
        while true {
            libav.av_packet_unref(packet)
            let status = libav.av_read_frame(container, packet)
            if status == clibav_error_eof() { return .end }
            guard status >= 0, let packet else { return .failed(status) }
            guard packet.pointee.stream_index == stream.pointee.index else { continue }
            return .packet(isCorrupt: packet.pointee.flags & AV_PKT_FLAG_CORRUPT != 0)
        }
    }

    /// Gives the packet that was read to the codec; the error code if it refuses it.
    func sendPacket() -> Int32? {
        let status = libav.avcodec_send_packet(codec, packet)
        return status < 0 ? status : nil
    }

    /// Tells the codec that no packet will follow.
    func sendEnd() {
        _ = libav.avcodec_send_packet(codec, nil)
    }

    func receive() -> Received {
        let status = libav.avcodec_receive_frame(codec, frame)
        if status == clibav_error_again() { return .needsPacket }
        if status == clibav_error_eof() { return .end }
        guard status >= 0, let frame else { return .failed(status) }
        guard var chunk = libav.chunk(frame.pointee) else { return .failed(clibav_error_invalid()) }
        let (time, base) = (frame.pointee.best_effort_timestamp, stream.pointee.time_base)
        if time != clibav_no_timestamp() {
            chunk.startSeconds = Double(time) * Double(base.num) / Double(max(base.den, 1))
        }
        return .frame(chunk)
    }

    /// libav's words for an error code.
    func message(_ code: Int32) -> String { libav.message(code) }
}
