// Attention of the API: the layout's sizes, and the split over key heads and query rows.
#include "table.h"

/// Query rows of one work item: enough to reuse a key block, few enough to balance the cores.
enum { ROWS_OF_ITEM_MIN = 16, ROWS_OF_ITEM_MAX = 64, ITEMS_WANTED = 8 };

static size_t token_bytes(const ck_kv *kv, size_t dims) {
    if (kv->format == CK_INT8) return dims + sizeof(float);
    return dims * (kv->format == CK_F32 ? 4 : 2);
}

size_t ck_kv_key_bytes(const ck_kv *kv) {
    return kv->heads * kv->capacity * token_bytes(kv, kv->head_dim);
}

size_t ck_kv_value_bytes(const ck_kv *kv) {
    return kv->heads * kv->capacity * token_bytes(kv, (kv->head_dim + 15) / 16 * 16);
}

void ck_kv_store(const ck_kv *kv, const float *keys, size_t key_stride, const float *values,
                 size_t value_stride, size_t first, size_t count) {
    const ck_table *table = ck_table_current();
    for (size_t i = 0; i < count; i++)
        for (size_t head = 0; head < kv->heads; head++)
            table->kv_store(kv, head, first + i, keys + i * key_stride + head * kv->head_dim,
                            values + i * value_stride + head * kv->head_dim);
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
    size_t rows = attention->count / ITEMS_WANTED / ROWS_OF_ITEM_MIN * ROWS_OF_ITEM_MIN;
    if (rows < ROWS_OF_ITEM_MIN) rows = ROWS_OF_ITEM_MIN;
    if (rows > ROWS_OF_ITEM_MAX) rows = ROWS_OF_ITEM_MAX;
    const size_t row_items = (attention->count + rows - 1) / rows;
    attend_job job = {attention, rows, row_items};
    ck_parallel(attention->kv.heads * row_items, attend_item, &job);
}
