// Linear layers: what ops_linear.c prepares and what the bodies of each instruction set receive.
#ifndef CK_LINEAR_H
#define CK_LINEAR_H

#include "table.h"

enum {
    /// Tokens of one block at most, so that its accumulators fit the panel.
    CK_BLOCK_TOKENS = 512,
    /// Working memory of one block, on the stack of the thread that runs it.
    CK_PANEL_BYTES = 592 * 1024,
    /// Quantized rows are padded with zeros to a multiple of this many codes.
    CK_CODE_PADDING = 128,
    /// Input rows of one tile: what the widest bodies take together; and from how many on they take
    /// a part of a tile.
    CK_TILE_TOKENS = 16,
    CK_TILE_TOKENS_MIN = 8,
    /// Columns of one tile of bf16 numbers.
    CK_TILE_COLUMNS = 32,
    /// From here on rows rounded to bf16 are many, and meet at most so many output rows in a block.
    CK_MANY_TOKENS = 32,
    CK_MANY_ROWS = 128,
    /// Outputs that are quantized together for the next product: the largest group.
    CK_GATED_ROWS = 128,
    /// A doubled e2m1 value, -12...12, is stored as an unsigned code by adding this.
    CK_E2M1_OFFSET = 12,
};

/// Input rows of one ck_linear call. `x` is always there; `narrow` or, if group != 0, the rest besides.
///
/// Quantized: x[t, k] ~ scales[t, g] * codes[t, k] with g = k / group, codes in -127...127, and
/// sums[t, g] = scales[t, g] * sum of the group's codes: the weights' bias multiplies the same
/// rounded x as their codes do, else the rounding errors of a group would not cancel.
/// The order of the codes within each eight is the business of the instruction set.
///
/// Rows lie one after the other (tile = 1), or in tiles of CK_TILE_TOKENS: then a tile has the codes
/// of its first group row by row, then those of the second, and so on, and likewise the values of a
/// group side by side. ck_codes_of and ck_value_of know; the steps lead on from there.
struct ck_activations {
    const float *x;  // row x_first and those after it
    size_t x_first;
    size_t x_stride;
    size_t columns;
    uint16_t *narrow;  // x rounded to bf16 in the order of linear_amx_bf16.inc, or NULL
    bool many;         // of the two orders, that for many tokens
    size_t group;   // quantization group, 0 if the activations stay f32
    size_t groups;  // columns / group
    size_t tile;
    size_t code_stride;
    size_t code_step, code_group_step;    // to the next row of a tile, to the next group
    size_t value_step, value_group_step;  // the same for scales and sums
    int8_t *codes;       // [count, code_stride]
    float *scales;       // [count, groups]
    float *sums;         // [count, groups]
    int32_t *code_sums;  // [count, groups]
};

/// Row t as it came.
static inline const float *ck_row_of(const ck_activations *a, size_t t) {
    return a->x + (t - a->x_first) * a->x_stride;
}

/// Where the codes of group g of row t begin.
static inline int8_t *ck_codes_of(const ck_activations *a, size_t t, size_t g) {
    const size_t first = t / a->tile * a->tile;
    return a->codes + first * a->code_stride + (t - first) * a->code_step + g * a->code_group_step;
}

/// Index of the scale and the sums of group g of row t.
static inline size_t ck_value_of(const ck_activations *a, size_t t, size_t g) {
    const size_t first = t / a->tile * a->tile;
    return first * a->groups + (t - first) * a->value_step + g * a->value_group_step;
}

/// Output rows [first_row, +row_count) for tokens [first_token, +token_count), written to
/// y[token * y_stride + row]. token_count <= CK_BLOCK_TOKENS; panel: CK_PANEL_BYTES, 64-aligned.
struct ck_block {
    const ck_matrix *matrix;
    const ck_activations *activations;
    size_t first_row, row_count;
    size_t first_token, token_count;
    float *y;
    size_t y_stride;
    bool accumulate;
    uint16_t *narrow;  // instead of y: gelu of the outputs as the next product's many narrow rows
    // Instead of y: gelu of the outputs, or with `up` f(outputs) * (outputs of `up`), as the next
    // product's quantized activations. Rows come in whole groups of those.
    const ck_matrix *up;
    ck_gate function;
    ck_activations *next;
    void *panel;
};

/// Whether this machine's cores read memory fastest in the order of its addresses (AMD's do), rather than in
/// several pages at once (Intel's).
extern bool ck_reads_in_order;

/// Patches [first, first + count) of an image to rows that lie one behind the other.
void ck_patch_rows(const ck_image *image, size_t first, size_t count, float *rows);

#endif
