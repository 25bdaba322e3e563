// Attention of the API: the layout's sizes, and the split over key heads and query rows.
#include "table.h"

/// Queries of one work item, those of all heads of a key head: enough to reuse a key block, few enough
/// to balance the cores.
enum { ROWS_OF_ITEM_MIN = 16, QUERIES_OF_ITEM_MAX = 128, ITEMS_WANTED = 8 };

static size_t token_bytes(const ck_kv *kv, size_t dims) {
    if (kv->format == CK_INT8) return dims + sizeof(float);
    return dims * (kv->format == CK_F32 ? 4 : 2);
}

/// Numbers of a row of one of the processor's tiles, which CK_BF16 fills, and of other formats' vectors.
enum { TILE_DIMS = 32, VECTOR_DIMS = 16, PAIR_DIMS = 2 };

/// Tokens from which keys and values of one byte are the faster ones for an encoder.
enum { BYTES_TOKENS_MIN = 256 };

static size_t padded(size_t dims, size_t step) { return (dims + step - 1) / step * step; }

/// Dimensions of a value as they are stored.
static size_t value_dims(size_t head_dim, ck_format format) {
    return padded(head_dim, format == CK_BF16 ? TILE_DIMS : VECTOR_DIMS);
}

ck_format ck_kv_half_format(size_t head_dim) {
    // Tiles are worth it where at most a third of what they multiply is zeros. Pairs without tiles
    // keep to the same heads, so that a model's numbers are rounded alike with and without them.
    const size_t dims = padded(head_dim, TILE_DIMS);
    return 3 * (dims - head_dim) <= dims ? ck_table_current()->half : CK_F16;
}

ck_format ck_kv_quantized_format(size_t head_dim, size_t tokens) {
    // Rounding is work for each token, the gain for each pair of them.
    return ck_table_current()->attends_bytes && tokens >= BYTES_TOKENS_MIN
               ? CK_INT8
               : ck_kv_half_format(head_dim);
}

size_t ck_kv_key_bytes(const ck_kv *kv) {
    const size_t step = kv->format == CK_BF16         ? TILE_DIMS
                        : kv->format == CK_BF16_PAIRS ? PAIR_DIMS
                                                      : 1;
    return kv->heads * kv->capacity * token_bytes(kv, padded(kv->head_dim, step));
}

size_t ck_kv_value_bytes(const ck_kv *kv) {
    return kv->heads * kv->capacity * token_bytes(kv, value_dims(kv->head_dim, kv->format));
}

/// The rows of one head that belong to one block of the cache.
static void store_block(const ck_kv *kv, const ck_kv_rows *rows, size_t block, size_t head) {
    const size_t start = block * CK_KV_BLOCK, end = start + CK_KV_BLOCK;
    const size_t begin = start > rows->first ? start - rows->first : 0;
    const size_t left = rows->count - begin, room = end - rows->first - begin;
    ck_table_current()->kv_store(
        kv, head, rows->first + begin, left < room ? left : room,
        rows->keys + begin * rows->key_stride + head * kv->head_dim, rows->key_stride,
        rows->values + begin * rows->value_stride + head * kv->head_dim, rows->value_stride);
}

static size_t first_block(const ck_kv_rows *rows) { return rows->first / CK_KV_BLOCK; }

static size_t block_count(const ck_kv_rows *rows) {
    return (rows->first + rows->count - 1) / CK_KV_BLOCK - first_block(rows) + 1;
}

typedef struct {
    const ck_kv *kv;
    const ck_kv_rows *rows;
} store_job;

/// The tokens of one block of the cache: no two threads write to the same cache line.
static void store_item(void *context, size_t item) {
    const store_job *job = context;
    for (size_t head = 0; head < job->kv->heads; head++)
        store_block(job->kv, job->rows, first_block(job->rows) + item, head);
}

void ck_kv_store(const ck_kv *kv, const ck_kv_rows *rows) {
    if (rows->count == 0) return;
    store_job job = {kv, rows};
    ck_parallel(block_count(rows), store_item, &job);
}

typedef struct {
    const ck_attention *attentions;
    size_t rows_of_item, row_items;
} attend_job;

/// Some queries of a key head. Where they are all, their fresh rows are stored by the way, which
/// saves waiting for each other once more.
static void attend_item(void *context, size_t item) {
    const attend_job *job = context;
    const size_t items = job->attentions->kv.heads * job->row_items;
    const ck_attention *a = job->attentions + item / items;
    const size_t head = item % items / job->row_items;
    if (job->row_items == 1 && a->fresh.count > 0)
        for (size_t i = 0; i < block_count(&a->fresh); i++)
            store_block(&a->kv, &a->fresh, first_block(&a->fresh) + i, head);
    const size_t first = item % job->row_items * job->rows_of_item, left = a->count - first;
    ck_table_current()->attend(a, head, first,
                               left < job->rows_of_item ? left : job->rows_of_item);
}

void ck_attend(const ck_attention *attentions, size_t attention_count) {
    const size_t count = attentions->count, heads = attentions->heads / attentions->kv.heads;
    size_t rows = count / ITEMS_WANTED / ROWS_OF_ITEM_MIN * ROWS_OF_ITEM_MIN;
    if (rows > QUERIES_OF_ITEM_MAX / heads) rows = QUERIES_OF_ITEM_MAX / heads;
    if (rows < ROWS_OF_ITEM_MIN) rows = ROWS_OF_ITEM_MIN;
    attend_job job = {attentions, rows, (count + rows - 1) / rows};
    if (job.row_items != 1)
        for (size_t i = 0; i < attention_count; i++)
            ck_kv_store(&attentions[i].kv, &attentions[i].fresh);
    ck_parallel(attention_count * attentions->kv.heads * job.row_items, attend_item, &job);
}
