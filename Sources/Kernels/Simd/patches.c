// Images as rows of patches, for convolutions that are linear layers over them.
#include <string.h>

#include "linear.h"

static size_t out_size(const ck_image *image, size_t size) {
    return (size + 2 * image->padding - image->kernel) / image->stride + 1;
}

size_t ck_image_rows(const ck_image *image) {
    return out_size(image, image->height) * out_size(image, image->width);
}

size_t ck_image_columns(const ck_image *image) {
    return image->kernel * image->kernel * image->channels;
}

/// One patch: whole (kernel width x channels) runs are copied where they lie inside.
static void patch(const ck_image *image, size_t out_y, size_t out_x, float *row) {
    const size_t channels = image->channels;
    for (size_t ky = 0; ky < image->kernel; ky++)
        for (size_t kx = 0; kx < image->kernel; kx++, row += channels) {
            // Wraps to a huge number when the padding is read on the near side.
            const size_t y = out_y * image->stride + ky - image->padding;
            const size_t x = out_x * image->stride + kx - image->padding;
            if (y < image->height && x < image->width)
                memcpy(row, image->values + (y * image->width + x) * channels,
                       channels * sizeof(float));
            else
                memset(row, 0, channels * sizeof(float));
        }
}

void ck_patch_rows(const ck_image *image, size_t first, size_t count, float *rows) {
    const size_t width = out_size(image, image->width), columns = ck_image_columns(image);
    for (size_t i = first; i < first + count; i++, rows += columns)
        patch(image, i / width, i % width, rows);
}
