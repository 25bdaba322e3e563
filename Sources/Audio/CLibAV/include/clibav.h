// libav, loaded when the first file needs it. Linked, it and the 115 libraries behind it cost every
// start of the program 60 ms and 23 MB, whatever it was started for.
#ifndef CLIBAV_H
#define CLIBAV_H

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <stddef.h>

/// What is used of each library, by the library.
#define CLIBAV_FORMAT(f)         \
    f(avformat_version)          \
    f(avformat_open_input)       \
    f(avformat_close_input)      \
    f(avformat_find_stream_info) \
    f(av_read_frame)
#define CLIBAV_CODEC(f)              \
    f(avcodec_version)               \
    f(avcodec_get_name)              \
    f(avcodec_find_decoder)          \
    f(avcodec_alloc_context3)        \
    f(avcodec_free_context)          \
    f(avcodec_parameters_to_context) \
    f(avcodec_open2)                 \
    f(avcodec_send_packet)           \
    f(avcodec_receive_frame)         \
    f(av_packet_alloc)               \
    f(av_packet_free)                \
    f(av_packet_unref)
#define CLIBAV_UTIL(f)          \
    f(avutil_version)           \
    f(av_log_set_level)         \
    f(av_dict_set)              \
    f(av_dict_free)             \
    f(av_frame_alloc)           \
    f(av_frame_free)            \
    f(av_get_media_type_string) \
    f(av_sample_fmt_is_planar)  \
    f(av_get_packed_sample_fmt) \
    f(av_strerror)

/// The functions, under their own names.
typedef struct {
#define CLIBAV_FIELD(name) __typeof__(name) *_Nonnull name;
    CLIBAV_FORMAT(CLIBAV_FIELD)
    CLIBAV_CODEC(CLIBAV_FIELD)
    CLIBAV_UTIL(CLIBAV_FIELD)
#undef CLIBAV_FIELD
} clibav_functions;

/// The functions of the versions that this was compiled for, or NULL if they are not there: then
/// clibav_problem() says why. Loads them at the first call; any thread may call.
const clibav_functions *_Nullable clibav_load(void);

/// Why libav cannot be loaded, in the words of the system.
const char *_Nonnull clibav_problem(void);

/// Macros that the Swift importer drops.
static inline int clibav_error_again(void) { return AVERROR(EAGAIN); }
static inline int clibav_error_eof(void) { return AVERROR_EOF; }
static inline int64_t clibav_no_timestamp(void) { return AV_NOPTS_VALUE; }
static inline int clibav_error_invalid(void) { return AVERROR_INVALIDDATA; }
static inline int clibav_probe_score_unsure(void) { return AVPROBE_SCORE_RETRY; }

#endif
