// Linear layers over the pool: quantize the input rows once, then multiply them by blocks of output
// rows that any thread may take in any order. No output depends on how the blocks are cut.
#include "linear.h"

enum {
    CACHE_LINE_BYTES = 64,
    GROUP_MIN = 16,            // smallest group of any format
    ROWS_OF_QUANTIZE_ITEM = CK_TILE_TOKENS,
    ROW_ALIGNMENT = 64,        // blocks of output rows are cut at multiples of this
    GATED_ALIGNMENT = CK_GATED_ROWS,
    ROWS_OF_BLOCK_MAX = 256,
    ITEMS_PER_THREAD = 8,      // enough to even out threads that are not scheduled
};

static size_t round_up(size_t value, size_t multiple) {
    return (value + multiple - 1) / multiple * multiple;
}

static size_t divide_up(size_t value, size_t divisor) { return (value + divisor - 1) / divisor; }

/// Bytes from one row of codes to the next: an odd number of cache lines, so that the same columns
/// of neighbouring rows lie in different sets of the cache.
static size_t code_stride(size_t columns) {
    return round_up(columns, CK_CODE_PADDING) + CACHE_LINE_BYTES;
}

/// Rows of whole tiles, if there is one.
static size_t tiled(size_t count) {
    return count < CK_TILE_TOKENS_MIN ? count : round_up(count, CK_TILE_TOKENS);
}

/// Bytes of whole tiles of activations in bf16.
static size_t narrow_bytes(size_t count, size_t columns) {
    const size_t rows = round_up(count, 2 * CK_TILE_TOKENS);
    return rows * round_up(columns, CK_TILE_COLUMNS) * sizeof(uint16_t);
}

size_t ck_linear_scratch_bytes(size_t count, size_t columns) {
    const size_t groups = divide_up(columns, GROUP_MIN), rows = tiled(count);
    const size_t codes = rows * code_stride(columns);
    const size_t values = rows * groups * sizeof(float) + CACHE_LINE_BYTES;
    const size_t quantized = codes + 3 * values + 2 * CACHE_LINE_BYTES;
    const size_t narrow = narrow_bytes(count, columns) + CACHE_LINE_BYTES;
    return quantized > narrow ? quantized : narrow;
}

/// The group activations are quantized in for this matrix, 0 if they stay f32.
static size_t quantization_group(const ck_matrix *matrix, ck_precision precision) {
    if (precision == CK_EXACT) return 0;
    const bool integer = matrix->format == CK_AFFINE || matrix->format == CK_MXFP4 ||
                         matrix->format == CK_NVFP4;
    return integer ? matrix->group : 0;
}

/// Whether this matrix meets activations rounded to bf16. The tiles want rows enough to fill one.
static bool narrows(const ck_matrix *matrix, ck_precision precision) {
    const bool fits =
        matrix->format == CK_BF16 || (matrix->format == CK_F16 && matrix->rounds);
    return precision == CK_FAST && fits && ck_table_current()->narrows &&
           matrix->rows >= CK_TILE_TOKENS;
}

/// One ck_linear call over parts that want the same activations.
typedef struct {
    const ck_table *table;
    const ck_matrix *parts;
    size_t part_count;
    ck_activations activations;
    const ck_image *image;  // whose patches are the rows, instead of those of the activations
    size_t count;
    float *y;
    size_t y_stride;
    bool accumulate;
    // See ck_block.
    uint16_t *narrow;
    const ck_matrix *up;
    ck_gate function;
    ck_activations *next;
    size_t rows_of_block;
    size_t tokens_of_block;
    size_t token_blocks;
    size_t items;
    size_t threads;  // of the pool when the work was cut: another thread may resize it meanwhile
} linear_job;

static void *carve(char **scratch, size_t bytes) {
    char *start = *scratch + (CACHE_LINE_BYTES - (uintptr_t)*scratch % CACHE_LINE_BYTES);
    *scratch = start + bytes;
    return start;
}

static void place_activations(ck_activations *a, size_t count, size_t tile, char *scratch) {
    a->groups = a->columns / a->group;
    a->code_stride = code_stride(a->columns);
    a->tile = count < CK_TILE_TOKENS_MIN ? 1 : tile;
    const bool alone = a->tile == 1;
    a->code_step = alone ? a->code_stride : a->group;
    a->code_group_step = a->tile * a->group;
    a->value_step = alone ? a->groups : 1;
    a->value_group_step = a->tile;
    const size_t rows = tiled(count), values = rows * a->groups;
    a->codes = carve(&scratch, rows * a->code_stride);
    a->scales = carve(&scratch, values * sizeof(float));
    a->sums = carve(&scratch, values * sizeof(float));
    a->code_sums = carve(&scratch, values * sizeof(int32_t));
}

/// Patches are gathered where they stay in the second cache until they are quantized.
static void quantize_patches(const linear_job *job, size_t first, size_t count) {
    _Alignas(CACHE_LINE_BYTES) float rows[ROWS_OF_QUANTIZE_ITEM * CK_PATCH_NUMBERS_MAX];
    ck_activations activations = job->activations;
    activations.x = rows;
    activations.x_first = first;
    activations.x_stride = activations.columns;
    ck_patch_rows(job->image, first, count, rows);
    job->table->quantize(&activations, first, count);
}

static void quantize_item(void *context, size_t item) {
    const linear_job *job = context;
    const size_t first = item * ROWS_OF_QUANTIZE_ITEM, left = job->count - first;
    const size_t count = left < ROWS_OF_QUANTIZE_ITEM ? left : ROWS_OF_QUANTIZE_ITEM;
    if (job->image)
        quantize_patches(job, first, count);
    else
        job->table->quantize(&job->activations, first, count);
}

/// Items of one part: blocks of rows, each cut into blocks of tokens.
static size_t part_items(const linear_job *job, const ck_matrix *part) {
    return divide_up(part->rows, job->rows_of_block) * job->token_blocks;
}

/// The item that is done as the `turn`-th. Threads take turns, so with one token each of them goes
/// through neighbouring rows, and what it fetches ahead is for itself.
static size_t item_of_turn(const linear_job *job, size_t turn) {
    if (job->token_blocks != 1) return turn;
    const size_t each = job->items / job->threads, more = job->items % job->threads;
    const size_t lane = turn % job->threads;
    return lane * each + (lane < more ? lane : more) + turn / job->threads;
}

static void block_item(void *context, size_t turn) {
    const linear_job *job = context;
    const ck_matrix *part = job->parts;
    float *y = job->y;
    size_t item = item_of_turn(job, turn);
    for (size_t items; item >= (items = part_items(job, part)); part++) {
        item -= items;
        y += part->rows;
    }
    _Alignas(CACHE_LINE_BYTES) char panel[CK_PANEL_BYTES];
    ck_block block = {
        .matrix = part,
        .activations = &job->activations,
        .first_row = item / job->token_blocks * job->rows_of_block,
        .first_token = item % job->token_blocks * job->tokens_of_block,
        .y = y,
        .y_stride = job->y_stride,
        .accumulate = job->accumulate,
        .narrow = job->narrow,
        .up = job->up,
        .function = job->function,
        .next = job->next,
        .panel = panel,
    };
    const size_t rows_left = part->rows - block.first_row;
    const size_t tokens_left = job->count - block.first_token;
    block.row_count = rows_left < job->rows_of_block ? rows_left : job->rows_of_block;
    block.token_count = tokens_left < job->tokens_of_block ? tokens_left : job->tokens_of_block;
    job->table->linear_block(&block);
}

/// Cuts the work so that every thread gets several items.
static void cut_blocks(linear_job *job) {
    size_t rows = 0;
    for (size_t i = 0; i < job->part_count; i++) rows += job->parts[i].rows;
    const size_t tile = job->activations.many ? 2 * CK_TILE_TOKENS : CK_TILE_TOKENS;
    job->token_blocks = divide_up(job->count, CK_BLOCK_TOKENS);
    job->tokens_of_block = round_up(divide_up(job->count, job->token_blocks), tile);
    job->token_blocks = divide_up(job->count, job->tokens_of_block);
    job->threads = ck_pool_threads();
    const size_t items = job->threads * ITEMS_PER_THREAD;
    const size_t wanted = round_up(divide_up(rows * job->token_blocks, items),
                                   job->next ? GATED_ALIGNMENT : ROW_ALIGNMENT);
    const size_t most = job->activations.many ? CK_MANY_ROWS : ROWS_OF_BLOCK_MAX;
    job->rows_of_block = wanted < most ? wanted : most;
}

/// Multiplies activations that are prepared.
static void run_blocks(linear_job *job) {
    cut_blocks(job);
    for (size_t i = 0; i < job->part_count; i++) job->items += part_items(job, job->parts + i);
    ck_parallel(job->items, block_item, job);
}

static void run_job(linear_job *job, bool narrow, void *scratch) {
    char *place = scratch;
    job->activations.many = narrow && job->count >= CK_MANY_TOKENS;
    if (narrow)
        job->activations.narrow = carve(&place, narrow_bytes(job->count, job->activations.columns));
    else if (job->activations.group != 0)
        place_activations(&job->activations, job->count, job->table->tile, place);
    if (narrow || job->activations.group != 0) {
        ck_parallel(divide_up(job->count, ROWS_OF_QUANTIZE_ITEM), quantize_item, job);
    }
    run_blocks(job);
}

void ck_linear(const ck_matrix *parts, size_t part_count, const float *x, size_t x_stride,
               size_t count, float *y, size_t y_stride, bool accumulate, ck_precision precision,
               void *scratch) {
    if (count == 0) return;
    for (size_t first = 0, next; first < part_count; first = next) {
        const size_t group = quantization_group(parts + first, precision);
        const bool narrow = narrows(parts + first, precision);
        size_t rows = parts[first].rows;
        for (next = first + 1; next < part_count; next++) {
            if (quantization_group(parts + next, precision) != group ||
                narrows(parts + next, precision) != narrow)
                break;
            rows += parts[next].rows;
        }
        linear_job job = {
            .table = ck_table_current(),
            .parts = parts + first,
            .part_count = next - first,
            .activations = {.x = x,
                            .x_stride = x_stride,
                            .columns = parts[first].columns,
                            .group = group},
            .count = count,
            .y = y,
            .y_stride = y_stride,
            .accumulate = accumulate,
        };
        run_job(&job, narrow, scratch);
        y += rows;
    }
}

typedef struct {
    const ck_image *image;
    size_t count, columns;
    float *rows;
} patch_job;

static void patch_item(void *context, size_t item) {
    const patch_job *job = context;
    const size_t first = item * ROWS_OF_QUANTIZE_ITEM, left = job->count - first;
    ck_patch_rows(job->image, first, left < ROWS_OF_QUANTIZE_ITEM ? left : ROWS_OF_QUANTIZE_ITEM,
                  job->rows + first * job->columns);
}

/// Whether the product reads rows as they are, which must then exist.
static bool wants_rows(const ck_matrix *matrix, ck_precision precision) {
    return !narrows(matrix, precision) && quantization_group(matrix, precision) == 0;
}

size_t ck_convolve_2d_scratch_bytes(const ck_matrix *matrix, const ck_image *image,
                                    ck_precision precision) {
    const size_t count = ck_image_rows(image), columns = matrix->columns;
    return wants_rows(matrix, precision) ? count * columns * sizeof(float) + CACHE_LINE_BYTES
                                         : ck_linear_scratch_bytes(count, columns);
}

void ck_convolve_2d(const ck_matrix *matrix, const ck_image *image, float *y, size_t y_stride,
                    ck_precision precision, void *scratch) {
    const size_t count = ck_image_rows(image), columns = matrix->columns;
    linear_job job = {
        .table = ck_table_current(),
        .parts = matrix,
        .part_count = 1,
        .activations = {.columns = columns,
                        .x_stride = columns,
                        .group = quantization_group(matrix, precision)},
        .count = count,
        .y = y,
        .y_stride = y_stride,
    };
    if (wants_rows(matrix, precision)) {
        char *place = scratch;
        patch_job patches = {image, count, columns, carve(&place, count * columns * sizeof(float))};
        ck_parallel(divide_up(count, ROWS_OF_QUANTIZE_ITEM), patch_item, &patches);
        job.activations.x = patches.rows;
    } else {
        job.image = image;
    }
    run_job(&job, narrows(matrix, precision), scratch);
}

/// Whether the product with `inner` can hand its results to that with `outer` in bf16.
static bool hands_on_narrow(const ck_matrix *inner, const ck_matrix *outer, size_t count,
                            ck_precision precision) {
    return narrows(inner, precision) && narrows(outer, precision) && count >= CK_MANY_TOKENS &&
           inner->rows % CK_TILE_COLUMNS == 0;
}

/// Whether the products with the `part_count` matrices can hand their results to that with `outer`
/// quantized.
static bool hands_on_quantized(const ck_matrix *parts, size_t part_count, const ck_matrix *outer,
                               size_t count, ck_precision precision) {
    const size_t group = quantization_group(parts, precision);
    return ck_table_current()->hands_on && count >= CK_TILE_TOKENS && group != 0 &&
           quantization_group(outer, precision) != 0 &&
           quantization_group(parts + part_count - 1, precision) == group &&
           parts->rows % CK_GATED_ROWS == 0;
}

/// Both products, the results of `first` quantized in `between` for that with `outer`, which goes
/// where `second` says.
static void run_handing_on(linear_job *first, linear_job *second, const ck_matrix *outer,
                           ck_precision precision, float *between, void *scratch) {
    first->activations.group = quantization_group(first->parts, precision);
    first->next = &second->activations;
    second->activations.columns = outer->columns;
    second->activations.group = quantization_group(outer, precision);
    place_activations(&second->activations, first->count, first->table->tile, (char *)between);
    run_job(first, false, scratch);
    run_blocks(second);
}

/// The product of a pair that reads x.
static linear_job inner_job(const ck_matrix *parts, const float *x, size_t x_stride,
                            size_t count) {
    return (linear_job){
        .table = ck_table_current(),
        .parts = parts,
        .part_count = 1,
        .activations = {.x = x, .x_stride = x_stride, .columns = parts->columns},
        .count = count};
}

/// The product of a pair that writes y.
static linear_job outer_job(const ck_matrix *matrix, size_t count, float *y, size_t y_stride,
                            bool accumulate) {
    return (linear_job){.table = ck_table_current(),
                        .parts = matrix,
                        .part_count = 1,
                        .count = count,
                        .y = y,
                        .y_stride = y_stride,
                        .accumulate = accumulate};
}

void ck_gelu_pair(const ck_matrix *inner, const ck_matrix *outer, const float *x, size_t x_stride,
                  size_t count, float *between, float *y, size_t y_stride, bool accumulate,
                  ck_precision precision, void *scratch) {
    if (count == 0) return;
    linear_job first = inner_job(inner, x, x_stride, count);
    linear_job second = outer_job(outer, count, y, y_stride, accumulate);
    if (hands_on_narrow(inner, outer, count, precision)) {
        char *place = (char *)between;
        first.narrow = carve(&place, narrow_bytes(count, inner->rows));
        run_job(&first, true, scratch);
        second.activations =
            (ck_activations){.columns = outer->columns, .narrow = first.narrow, .many = true};
        run_blocks(&second);
    } else if (hands_on_quantized(inner, 1, outer, count, precision)) {
        run_handing_on(&first, &second, outer, precision, between, scratch);
    } else {
        ck_linear(inner, 1, x, x_stride, count, between, inner->rows, false, precision, scratch);
        ck_gelu(between, inner->rows, count, inner->rows);
        ck_linear(outer, 1, between, inner->rows, count, y, y_stride, accumulate, precision,
                  scratch);
    }
}

void ck_gated_pair(const ck_matrix *gate_up, const ck_matrix *down, ck_gate function,
                   const float *x, size_t x_stride, size_t count, float *between, float *y,
                   size_t y_stride, bool accumulate, ck_precision precision, void *scratch) {
    if (count == 0) return;
    if (!hands_on_quantized(gate_up, 2, down, count, precision)) {
        const size_t inner = gate_up->rows;
        float *product = between + count * 2 * inner;
        ck_linear(gate_up, 2, x, x_stride, count, between, 2 * inner, false, precision, scratch);
        ck_gated(function, between, between + inner, 2 * inner, count, inner, product, inner);
        ck_linear(down, 1, product, inner, count, y, y_stride, accumulate, precision, scratch);
        return;
    }
    linear_job first = inner_job(gate_up, x, x_stride, count);
    first.up = gate_up + 1;
    first.function = function;
    linear_job second = outer_job(down, count, y, y_stride, accumulate);
    run_handing_on(&first, &second, down, precision, between, scratch);
}

void ck_row(const ck_matrix *matrix, size_t row, float *out) {
    ck_table_current()->row(matrix, row, out);
}
