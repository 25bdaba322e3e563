// Convolutions over the pool: operand rows are prepared once a call, then blocks of output features and rows
// may be taken in any order.
#include "convolution.h"
#include "linear.h"

enum {
    CACHE_LINE_BYTES = 64,
    ROWS_OF_ITEM = 32,       // operand rows that are prepared together
    NARROW_ROWS = 2 * CK_CONVOLUTION_STRIP,
    NARROW_TOKENS = 512,
};

static size_t divide_up(size_t value, size_t divisor) { return (value + divisor - 1) / divisor; }

static size_t round_up(size_t value, size_t multiple) {
    return divide_up(value, multiple) * multiple;
}

static size_t past_rows(const ck_convolution *c) { return (c->taps - 1) * c->dilation; }

static bool narrows(const ck_convolution *c, ck_precision precision) {
    return precision == CK_FAST && c->packed && ck_table_current()->convolve_pack;
}

/// Numbers from one narrow row to the next: an odd number of cache lines, so that the same columns of
/// neighbouring rows lie in different sets of the cache.
static size_t narrow_stride(const ck_convolution *c) {
    return (ck_convolution_steps(c) | 1) * CK_CONVOLUTION_STEP;
}

static size_t strips(const ck_convolution *c) {
    return divide_up(c->matrix->rows, CK_CONVOLUTION_STRIP);
}

size_t ck_convolution_packed_bytes(const ck_convolution *c, ck_precision precision) {
    const bool fits = c->matrix->format == CK_BF16 || c->matrix->rounds;
    if (precision == CK_EXACT || !fits || !ck_table_current()->convolve_pack) return 0;
    const size_t piece = CK_CONVOLUTION_STRIP * CK_CONVOLUTION_STEP * sizeof(uint16_t);
    return strips(c) * ck_convolution_steps(c) * c->taps * piece;
}

typedef struct {
    const ck_convolution *convolution;
    void *packed;
} pack_job;

static void pack_item(void *context, size_t strip) {
    const pack_job *job = context;
    ck_table_current()->convolve_pack(job->convolution, strip, job->packed);
}

void ck_convolution_pack(const ck_convolution *convolution, void *packed) {
    pack_job job = {convolution, packed};
    ck_parallel(strips(convolution), pack_item, &job);
}

/// The rows of the last tile are read, whether there or not.
static size_t narrow_bytes(const ck_convolution *c, size_t count) {
    const size_t rows = past_rows(c) + round_up(count, CK_TILE_TOKENS);
    return rows * narrow_stride(c) * sizeof(uint16_t);
}

size_t ck_convolution_scratch_bytes(const ck_convolution *c, size_t count,
                                    ck_precision precision) {
    if (narrows(c, precision)) return narrow_bytes(c, count) + CACHE_LINE_BYTES;
    return (past_rows(c) + count) * c->inputs * sizeof(float) + CACHE_LINE_BYTES;
}

typedef struct {
    ck_convolving convolving;
    const ck_table *table;
    size_t rows_of_block, row_blocks, tokens_of_block;
} convolution_job;

static void prepare_item(void *context, size_t item) {
    const convolution_job *job = context;
    const size_t first = item * ROWS_OF_ITEM;
    const size_t left = job->convolving.past_count + job->convolving.count - first;
    job->table->convolve_prepare(&job->convolving, first,
                                 left < ROWS_OF_ITEM ? left : ROWS_OF_ITEM);
}

/// Neighbouring items read the same rows.
static void block_item(void *context, size_t item) {
    const convolution_job *job = context;
    _Alignas(CACHE_LINE_BYTES) char panel[CK_PANEL_BYTES];
    ck_convolution_block block = {
        .job = &job->convolving,
        .first_row = item % job->row_blocks * job->rows_of_block,
        .first_token = item / job->row_blocks * job->tokens_of_block,
        .panel = panel,
    };
    const size_t rows_left = job->convolving.convolution->matrix->rows - block.first_row;
    const size_t tokens_left = job->convolving.count - block.first_token;
    block.row_count = rows_left < job->rows_of_block ? rows_left : job->rows_of_block;
    block.token_count = tokens_left < job->tokens_of_block ? tokens_left : job->tokens_of_block;
    job->table->convolve_block(&block);
}

static void *aligned(void *pointer) {
    return (void *)round_up((uintptr_t)pointer, CACHE_LINE_BYTES);
}

void ck_convolve(const ck_convolution *c, const float *past, const float *x, size_t x_stride,
                 size_t count, float *y, size_t y_stride, bool accumulate, ck_precision precision,
                 void *scratch) {
    if (count == 0) return;
    const bool narrow = narrows(c, precision);
    convolution_job job = {
        .convolving = {.convolution = c, .past = past, .past_count = past_rows(c), .x = x,
                       .x_stride = x_stride, .count = count, .y = y, .y_stride = y_stride,
                       .accumulate = accumulate, .narrow = narrow, .rows = aligned(scratch),
                       .row_stride = narrow ? narrow_stride(c) : c->inputs},
        .table = ck_table_current(),
        .rows_of_block = narrow ? NARROW_ROWS : CK_CONVOLUTION_ROWS,
        .tokens_of_block = narrow ? NARROW_TOKENS : CK_CONVOLUTION_TOKENS,
    };
    job.row_blocks = divide_up(c->matrix->rows, job.rows_of_block);
    ck_parallel(divide_up(past_rows(c) + count, ROWS_OF_ITEM), prepare_item, &job);
    ck_parallel(job.row_blocks * divide_up(count, job.tokens_of_block), block_item, &job);
}
