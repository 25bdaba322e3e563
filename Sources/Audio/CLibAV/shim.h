#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/channel_layout.h>
#include <libavutil/error.h>
#include <libavutil/log.h>

/// Macros that the Swift importer drops.
static inline int clibav_error_again(void) { return AVERROR(EAGAIN); }
static inline int clibav_error_eof(void) { return AVERROR_EOF; }
static inline int64_t clibav_no_timestamp(void) { return AV_NOPTS_VALUE; }
static inline int clibav_error_invalid(void) { return AVERROR_INVALIDDATA; }
static inline int clibav_probe_score_unsure(void) { return AVPROBE_SCORE_RETRY; }
