// Attention of the API: the layout's sizes, and the split over key heads and query rows.
#include "table.h"

/// Queries of one work item, those of all heads of a key head: enough to reuse a key block, few enough
/// to balance the cores.
enum { ROWS_OF_ITEM_MIN = 16, QUERIES_OF_ITEM_MAX = 128, ITEMS_WANTED = 8 };

static size_t token_bytes(const ck_kv *kv, size_t dims) {
    if (kv->format == CK_INT8) return dims + sizeof(float);
    return dims * (kv->format == CK_F32 ? 4 : 2);
}

/// Numbers of a row of one of the processor's tiles, which CK_BF16 fills.
enum { TILE_DIMS = 32 };

static size_t padded(size_t dims, size_t step) { return (dims + step - 1) / step * step; }

ck_format ck_kv_half_format(size_t head_dim) {
    // Tiles are worth it where at most a third of what they multiply is zeros.
    const bool fits = 3 * (padded(head_dim, TILE_DIMS) - head_dim) <= padded(head_dim, TILE_DIMS);
    return ck_table_current()->narrows && fits ? CK_BF16 : CK_F16;
}

size_t ck_kv_key_bytes(const ck_kv *kv) {
    const size_t dims = kv->format == CK_BF16 ? padded(kv->head_dim, TILE_DIMS) : kv->head_dim;
    return kv->heads * kv->capacity * token_bytes(kv, dims);
}

size_t ck_kv_value_bytes(const ck_kv *kv) {
    const size_t dims = padded(kv->head_dim, kv->format == CK_BF16 ? TILE_DIMS : 16);
    return kv->heads * kv->capacity * token_bytes(kv, dims);
}

typedef struct {
    const ck_kv *kv;
    const float *keys, *values;
    size_t key_stride, value_stride, first, count;
} store_job;

/// The tokens of one block of the cache: no two threads write to the same cache line.
static void store_item(void *context, size_t item) {
    const store_job *job = context;
    const ck_table *table = ck_table_current();
    const size_t dims = job->kv->head_dim;
    const size_t block = (job->first / CK_KV_BLOCK + item) * CK_KV_BLOCK;
    const size_t begin = block > job->first ? block - job->first : 0;
    size_t end = block + CK_KV_BLOCK - job->first;
    if (end > job->count) end = job->count;
    for (size_t head = 0; head < job->kv->heads; head++)
        table->kv_store(job->kv, head, job->first + begin, end - begin,
                        job->keys + begin * job->key_stride + head * dims, job->key_stride,
                        job->values + begin * job->value_stride + head * dims, job->value_stride);
}

void ck_kv_store(const ck_kv *kv, const float *keys, size_t key_stride, const float *values,
                 size_t value_stride, size_t first, size_t count) {
    if (count == 0) return;
    store_job job = {kv, keys, values, key_stride, value_stride, first, count};
    const size_t blocks = (first + count - 1) / CK_KV_BLOCK - first / CK_KV_BLOCK + 1;
    ck_parallel(blocks, store_item, &job);
}

typedef struct {
    const ck_attention *attention;
    size_t rows_of_item, row_items;
} attend_job;

static void attend_item(void *context, size_t item) {
    const attend_job *job = context;
    const ck_attention *a = job->attention;
    size_t first = item % job->row_items * job->rows_of_item;
    size_t count = a->count - first;
    if (count > job->rows_of_item) count = job->rows_of_item;
    ck_table_current()->attend(a, item / job->row_items, first, count);
}

void ck_attend(const ck_attention *attention) {
    const size_t heads = attention->heads / attention->kv.heads;
    size_t rows = attention->count / ITEMS_WANTED / ROWS_OF_ITEM_MIN * ROWS_OF_ITEM_MIN;
    if (rows > QUERIES_OF_ITEM_MAX / heads) rows = QUERIES_OF_ITEM_MAX / heads;
    if (rows < ROWS_OF_ITEM_MIN) rows = ROWS_OF_ITEM_MIN;
    const size_t row_items = (attention->count + rows - 1) / rows;
    attend_job job = {attention, rows, row_items};
    ck_parallel(attention->kv.heads * row_items, attend_item, &job);
}
