// JPEG by libjpeg.
#include <setjmp.h>
#include <stdio.h>

#include <jpeglib.h>

#include <jerror.h>

#include "cimage.h"

/// Passes of a progressive file; files that keep a decoder busy for hours have thousands.
enum { SCANS_MAX = 500 };

typedef struct {
    struct jpeg_error_mgr base;  // first, so that libjpeg's pointer is ours
    jmp_buf back;
    char *message;
} error_manager;

static void fail(j_common_ptr info) {
    error_manager *errors = (error_manager *)info->err;
    char text[JMSG_LENGTH_MAX];
    errors->base.format_message(info, text);
    snprintf(errors->message, CI_MESSAGE_BYTES, "%s", text);
    longjmp(errors->back, 1);
}

/// Warnings that mean lost pixels are errors; the rest is passed over.
static void warn(j_common_ptr info, int level) {
    if (level >= 0) return;
    switch (info->err->msg_code) {
        case JWRN_JPEG_EOF:
        case JWRN_HIT_MARKER:
        case JWRN_HUFF_BAD_CODE:
        case JWRN_BOGUS_PROGRESSION:
        case JWRN_MUST_RESYNC:
            fail(info);
    }
}

static void count_scans(j_common_ptr info) {
    error_manager *errors = (error_manager *)info->err;
    if (((j_decompress_ptr)info)->input_scan_number <= SCANS_MAX) return;
    snprintf(errors->message, CI_MESSAGE_BYTES, "more than %d scans", SCANS_MAX);
    longjmp(errors->back, 1);
}

static void begin(j_decompress_ptr info, error_manager *errors, char *message) {
    info->err = jpeg_std_error(&errors->base);
    errors->base.error_exit = fail;
    errors->base.emit_message = warn;
    errors->message = message;
}

static void open_file(j_decompress_ptr info, const uint8_t *file, size_t bytes) {
    jpeg_create_decompress(info);
    jpeg_mem_src(info, file, bytes);
    jpeg_read_header(info, TRUE);
    const bool has_ink = info->jpeg_color_space == JCS_CMYK || info->jpeg_color_space == JCS_YCCK;
    info->out_color_space = has_ink ? JCS_CMYK : JCS_RGB;
}

bool ci_jpeg_header(const uint8_t *file, size_t bytes, ci_header *header, char *message) {
    struct jpeg_decompress_struct info = {0};
    error_manager errors;
    begin(&info, &errors, message);
    if (setjmp(errors.back)) {
        jpeg_destroy_decompress(&info);
        return false;
    }
    open_file(&info, file, bytes);
    *header = (ci_header){.width = info.image_width,
                          .height = info.image_height,
                          .channels = info.out_color_space == JCS_CMYK ? 4 : 3,
                          .inverted = info.saw_Adobe_marker};
    jpeg_destroy_decompress(&info);
    return true;
}

bool ci_jpeg_decode(const uint8_t *file, size_t bytes, uint8_t *out, char *message) {
    struct jpeg_decompress_struct info = {0};
    struct jpeg_progress_mgr progress = {.progress_monitor = count_scans};
    error_manager errors;
    begin(&info, &errors, message);
    if (setjmp(errors.back)) {
        jpeg_destroy_decompress(&info);
        return false;
    }
    open_file(&info, file, bytes);
    info.progress = &progress;
    jpeg_start_decompress(&info);
    const size_t row_bytes = (size_t)info.output_width * info.output_components;
    while (info.output_scanline < info.output_height) {
        JSAMPROW row = out + info.output_scanline * row_bytes;
        jpeg_read_scanlines(&info, &row, 1);
    }
    jpeg_finish_decompress(&info);
    jpeg_destroy_decompress(&info);
    return true;
}
