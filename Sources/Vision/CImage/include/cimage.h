// PNG and JPEG files in memory to rows of bytes, by libpng and libjpeg, whose errors jump over frames
// that Swift could not survive. Nothing here allocates what it returns: the caller asks for the size,
// checks it, and provides the memory.
#ifndef CIMAGE_H
#define CIMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CI_MESSAGE_BYTES = 256 };

/// What a file says about itself.
typedef struct {
    uint32_t width, height;
    /// Bytes of a pixel that `decode` writes: PNG 4 (red, green, blue, alpha); JPEG 3 (red, green,
    /// blue) or 4 (cyan, magenta, yellow, black).
    uint32_t channels;
    /// JPEG of four channels: an Adobe marker says that ink is stored inverted.
    bool inverted;
} ci_header;

/// Reads the header. False with one line in `message` when the file is none that can be read.
bool ci_png_header(const uint8_t *file, size_t bytes, ci_header *header, char *message);
bool ci_jpeg_header(const uint8_t *file, size_t bytes, ci_header *header, char *message);

/// Writes [height, width, channels] to `out`. False with one line in `message` when the file is
/// damaged or cut short; then `out` is undefined.
bool ci_png_decode(const uint8_t *file, size_t bytes, uint8_t *out, char *message);
bool ci_jpeg_decode(const uint8_t *file, size_t bytes, uint8_t *out, char *message);

#endif
