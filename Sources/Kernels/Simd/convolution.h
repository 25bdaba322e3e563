// Convolutions over time: what ops_convolution.c prepares and what the bodies receive.
//
// Packed weights are pieces of 16 output features x 32 columns in bf16, [strips][steps][taps].
//
// Nothing is gathered into patches. The input rows, with those before them, are prepared once (the snake
// applied, rounded to bf16 where the tiles want that), and a product takes the row of each tap where it
// lies: (tap * dilation) rows further on.
#ifndef CK_CONVOLUTION_H
#define CK_CONVOLUTION_H

#include "table.h"

enum {
    /// Output features that are packed together, and computed together on tiles.
    CK_CONVOLUTION_STRIP = 16,
    /// Columns of one product on tiles.
    CK_CONVOLUTION_STEP = 32,
    /// Rows of a block at most, so that what they read stays in the second cache.
    CK_CONVOLUTION_TOKENS = 480,
    CK_CONVOLUTION_ROWS = 64,
};

/// One ck_convolve call. Output row t reads operand rows t, t + dilation, ...
struct ck_convolving {
    const ck_convolution *convolution;
    const float *past;  // [past_count, inputs], or NULL: zeros
    size_t past_count;
    const float *x;
    size_t x_stride;
    size_t count;
    float *y;
    size_t y_stride;
    bool accumulate;
    bool narrow;        // operands are rounded to bf16, weights are packed
    void *rows;         // [past_count + count, row_stride] f32; bf16 with zeros to a whole step
    size_t row_stride;  // elements
};

/// Output features [first_row, +row_count) of rows [first_token, +token_count). panel: CK_PANEL_BYTES.
struct ck_convolution_block {
    const ck_convolving *job;
    size_t first_row, row_count;
    size_t first_token, token_count;
    void *panel;
};

/// Row `index` of past and input, NULL where it is zeros.
static inline const float *ck_convolving_row(const ck_convolving *job, size_t index) {
    if (index >= job->past_count) return job->x + (index - job->past_count) * job->x_stride;
    return job->past ? job->past + index * job->convolution->inputs : NULL;
}

static inline size_t ck_convolution_steps(const ck_convolution *c) {
    return (c->inputs + CK_CONVOLUTION_STEP - 1) / CK_CONVOLUTION_STEP;
}

#endif
