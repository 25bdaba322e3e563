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

    /// libav prints to stderr by itself; its errors reach the user through return codes instead.
    private static let silenceLog: Void = av_log_set_level(AV_LOG_QUIET)

    /// Opens the first audio stream that has a decoder.
    init(_ source: AudioSource, containers: String) throws(AudioError) {
        _ = Self.silenceLog
        var options: OpaquePointer?
        av_dict_set(&options, "protocol_whitelist", "file", 0)
        av_dict_set(&options, "format_whitelist", containers, 0)
        defer { av_dict_free(&options) }
        var opened: UnsafeMutablePointer<AVFormatContext>?
        let status = avformat_open_input(&opened, "file:\(source.path)", nil, &options)
        guard status >= 0, let context = opened else { throw Self.notAudio(source, status) }
        do throws(AudioError) {
            guard context.pointee.probe_score > clibav_probe_score_unsure() else {
                throw Self.notAudio(source, 0)
            }
            stream = try Self.firstAudioStream(context, source)
            codec = try Self.decoder(for: stream, source)
        } catch {
            avformat_close_input(&opened)
            throw error
        }
        container = context
        packet = av_packet_alloc()
        frame = av_frame_alloc()
    }

    deinit {
        av_frame_free(&frame)
        av_packet_free(&packet)
        avcodec_free_context(&codec)
        avformat_close_input(&container)
    }

    var containerName: String {
        container.map { String(cString: $0.pointee.iformat.pointee.name) } ?? ""
    }

    var formatName: String {
        let codecName = String(cString: avcodec_get_name(stream.pointee.codecpar.pointee.codec_id))
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
            av_packet_unref(packet)
            let status = av_read_frame(container, packet)
            if status == clibav_error_eof() { return .end }
            guard status >= 0, let packet else { return .failed(status) }
            guard packet.pointee.stream_index == stream.pointee.index else { continue }
            return .packet(isCorrupt: packet.pointee.flags & AV_PKT_FLAG_CORRUPT != 0)
        }
    }

    /// Gives the packet that was read to the codec; the error code if it refuses it.
    func sendPacket() -> Int32? {
        let status = avcodec_send_packet(codec, packet)
        return status < 0 ? status : nil
    }

    /// Tells the codec that no packet will follow.
    func sendEnd() {
        avcodec_send_packet(codec, nil)
    }

    func receive() -> Received {
        let status = avcodec_receive_frame(codec, frame)
        if status == clibav_error_again() { return .needsPacket }
        if status == clibav_error_eof() { return .end }
        guard status >= 0, let frame else { return .failed(status) }
        guard var chunk = Self.chunk(frame.pointee) else { return .failed(clibav_error_invalid()) }
        let (time, base) = (frame.pointee.best_effort_timestamp, stream.pointee.time_base)
        if time != clibav_no_timestamp() {
            chunk.startSeconds = Double(time) * Double(base.num) / Double(max(base.den, 1))
        }
        return .frame(chunk)
    }

    /// libav's words for an error code.
    static func message(_ code: Int32) -> String {
        var text = [CChar](repeating: 0, count: Int(AV_ERROR_MAX_STRING_SIZE))
        av_strerror(code, &text, text.count)
        return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
            .lowercased()
    }

    private static func firstAudioStream(
        _ context: UnsafeMutablePointer<AVFormatContext>, _ source: AudioSource
    ) throws(AudioError) -> UnsafeMutablePointer<AVStream> {
        avformat_find_stream_info(context, nil)
        var chosen: UnsafeMutablePointer<AVStream>?
        var found: [String] = []
        for index in 0..<Int(context.pointee.nb_streams) {
            guard let stream = context.pointee.streams[index] else { continue }
            let parameters = stream.pointee.codecpar.pointee
            let kind = av_get_media_type_string(parameters.codec_type).map { String(cString: $0) }
            found.append(
                "\(kind ?? "data") (\(String(cString: avcodec_get_name(parameters.codec_id))))")
            let isUsable =
                parameters.codec_type == AVMEDIA_TYPE_AUDIO
                && avcodec_find_decoder(parameters.codec_id) != nil
            if isUsable && chosen == nil {
                chosen = stream
            } else {
                stream.pointee.discard = AVDISCARD_ALL
            }
        }
        if found.isEmpty { throw notAudio(source, 0) }
        guard let chosen else {
            throw AudioError(
                kind: .noAudioStream, file: source.name,
                found: "only " + found.joined(separator: ", "), wanted: "an audio stream")
        }
        return chosen
    }

    private static func decoder(
        for stream: UnsafeMutablePointer<AVStream>, _ source: AudioSource
    ) throws(AudioError) -> UnsafeMutablePointer<AVCodecContext> {
        let parameters = stream.pointee.codecpar
        var context = avcodec_alloc_context3(
            avcodec_find_decoder(stream.pointee.codecpar.pointee.codec_id))
        var status = avcodec_parameters_to_context(context, parameters)
        if status >= 0 {
            context?.pointee.pkt_timebase = stream.pointee.time_base
            context?.pointee.err_recognition = AV_EF_CRCCHECK
            status = avcodec_open2(context, nil, nil)
        }
        guard status >= 0, let context else {
            avcodec_free_context(&context)
            throw notAudio(source, status)
        }
        return context
    }

    private static func notAudio(_ source: AudioSource, _ status: Int32) -> AudioError {
        let isMP4 = source.bytes(at: 4, count: 4).elementsEqual("ftyp".utf8)
        let found =
            isMP4
            ? "an MP4 without its index, as an unfinished recording or copy leaves it"
            : "no audio container that is known here"
        return AudioError(
            kind: .notAudio, file: source.name,
            found: status < 0 ? "\(found) (\(message(status)))" : found,
            wanted: "wav, mp3, m4a, flac, ogg, opus, webm or another recording")
    }

    /// Interleaved floats in [-1, 1] of one decoded frame.
    private static func chunk(_ frame: AVFrame) -> DecodedChunk? {
        let channels = Int(frame.ch_layout.nb_channels)
        let count = Int(frame.nb_samples)
        guard channels > 0, count > 0, let planes = frame.extended_data else { return nil }
        let stored = AVSampleFormat(frame.format)
        let isPlanar = av_sample_fmt_is_planar(stored) != 0
        var samples = [Float](repeating: 0, count: channels * count)

        func fill<Sample>(_ type: Sample.Type, _ value: (Sample) -> Float) {
            let stride = isPlanar ? 1 : channels
            samples.withUnsafeMutableBufferPointer { samples in
                for channel in 0..<channels {
                    guard let plane = planes[isPlanar ? channel : 0] else { continue }
                    plane.withMemoryRebound(to: type, capacity: count * stride) { plane in
                        let first = isPlanar ? 0 : channel
                        for i in 0..<count {
                            samples[i * channels + channel] = value(plane[first + i * stride])
                        }
                    }
                }
            }
        }

        switch av_get_packed_sample_fmt(stored) {
        case AV_SAMPLE_FMT_U8: fill(UInt8.self) { (Float($0) - 128) / 128 }
        case AV_SAMPLE_FMT_S16: fill(Int16.self) { Float($0) / 32768 }
        case AV_SAMPLE_FMT_S32: fill(Int32.self) { Float($0) / 2_147_483_648 }
        case AV_SAMPLE_FMT_FLT: fill(Float.self) { $0 }
        case AV_SAMPLE_FMT_DBL: fill(Double.self) { Float($0) }
        default: return nil
        }
        return DecodedChunk(
            samples: samples, channels: channels, sampleRate: Int(frame.sample_rate))
    }
}
