internal import CLibAV

/// libav's functions, and what is done with them before there is a session.
extension clibav_functions {
    /// Loads libav if that has not been done.
    static func load(for source: AudioSource) throws(AudioError) -> clibav_functions {
        guard let functions = clibav_load() else {
            throw AudioError(
                kind: .unsupported, file: source.name,
                found: "no library to read it with (\(String(cString: clibav_problem())))",
                wanted: "libavformat \(LIBAVFORMAT_VERSION_MAJOR), or an uncompressed recording")
        }
        return functions.pointee
    }

    /// libav's name of a codec.
    func name(of codec: AVCodecID) -> String {
        avcodec_get_name(codec).map { String(cString: $0) } ?? "unknown"
    }

    /// libav's words for an error code.
    func message(_ code: Int32) -> String {
        var text = [CChar](repeating: 0, count: Int(AV_ERROR_MAX_STRING_SIZE))
        _ = av_strerror(code, &text, text.count)
        return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
            .lowercased()
    }

    /// The first audio stream that has a decoder; the others are not read.
    func firstAudioStream(
        _ context: UnsafeMutablePointer<AVFormatContext>, _ source: AudioSource
    ) throws(AudioError) -> UnsafeMutablePointer<AVStream> {
        _ = avformat_find_stream_info(context, nil)
        var chosen: UnsafeMutablePointer<AVStream>?
        var found: [String] = []
        for index in 0..<Int(context.pointee.nb_streams) {
            guard let stream = context.pointee.streams[index] else { continue }
            let parameters = stream.pointee.codecpar.pointee
            let kind = av_get_media_type_string(parameters.codec_type).map { String(cString: $0) }
            found.append(
                "\(kind ?? "data") (\(name(of: parameters.codec_id)))")
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

    /// An open decoder of the stream.
    func decoder(
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

    /// What to say of a file that is no recording.
    func notAudio(_ source: AudioSource, _ status: Int32) -> AudioError {
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
    func chunk(_ frame: AVFrame) -> DecodedChunk? {
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
