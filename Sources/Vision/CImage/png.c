// PNG by libpng, low-level interface: the simplified one would apply gamma.
#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include "cimage.h"

/// Larger ancillary chunks are not ours to read.
enum { CHUNK_BYTES_MAX = 8 << 20 };

typedef struct {
    const uint8_t *next;
    size_t left;
    char *message;
} source;

static void read_bytes(png_structp png, png_bytep to, size_t count) {
    source *from = png_get_io_ptr(png);
    if (count > from->left) png_error(png, "the file is cut short");
    memcpy(to, from->next, count);
    from->next += count;
    from->left -= count;
}

static void fail(png_structp png, png_const_charp text) {
    source *from = png_get_error_ptr(png);
    snprintf(from->message, CI_MESSAGE_BYTES, "%s", text);
    png_longjmp(png, 1);
}

static void ignore(png_structp png, png_const_charp text) {
    (void)png;
    (void)text;
}

static png_structp begin(source *from) {
    png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, from, fail, ignore);
    if (png == NULL) {
        snprintf(from->message, CI_MESSAGE_BYTES, "no memory");
        return NULL;
    }
    png_set_read_fn(png, from, read_bytes);
    png_set_chunk_malloc_max(png, CHUNK_BYTES_MAX);
    return png;
}

bool ci_png_header(const uint8_t *file, size_t bytes, ci_header *header, char *message) {
    source from = {file, bytes, message};
    png_structp png = begin(&from);
    if (png == NULL) return false;
    png_infop info = png_create_info_struct(png);
    if (info == NULL || setjmp(png_jmpbuf(png))) {
        png_destroy_read_struct(&png, &info, NULL);
        return false;
    }
    png_read_info(png, info);
    *header = (ci_header){.width = png_get_image_width(png, info),
                          .height = png_get_image_height(png, info),
                          .channels = 4};
    png_destroy_read_struct(&png, &info, NULL);
    return true;
}

bool ci_png_decode(const uint8_t *file, size_t bytes, uint8_t *out, char *message) {
    source from = {file, bytes, message};
    png_structp png = begin(&from);
    if (png == NULL) return false;
    png_infop info = png_create_info_struct(png);
    if (info == NULL || setjmp(png_jmpbuf(png))) {
        png_destroy_read_struct(&png, &info, NULL);
        return false;
    }
    png_read_info(png, info);
    png_set_expand(png);
    png_set_strip_16(png);
    png_set_gray_to_rgb(png);
    png_set_add_alpha(png, 0xff, PNG_FILLER_AFTER);
    const int passes = png_set_interlace_handling(png);
    png_read_update_info(png, info);
    const size_t row_bytes = png_get_rowbytes(png, info);
    const uint32_t height = png_get_image_height(png, info);
    if (row_bytes != (size_t)png_get_image_width(png, info) * 4)
        png_error(png, "rows of another size than announced");
    for (int pass = 0; pass < passes; pass++)
        for (uint32_t row = 0; row < height; row++)
            png_read_row(png, out + row * row_bytes, NULL);
    png_read_end(png, NULL);
    png_destroy_read_struct(&png, &info, NULL);
    return true;
}
