// Row operations of the API: split over the pool when there is enough to do, then the table's body.
#include <string.h>

#include "table.h"

/// Below this many elements a fork costs more than the work.
enum { ROWS_SERIAL_ELEMENTS = 16384 };

typedef struct {
    const float *a, *b, *weight, *bias;
    float *out;
    size_t a_stride, b_stride, out_stride, columns, heads, taps;
    float weight_offset, eps;
} row_args;

typedef void (*row_body)(const ck_table *table, const row_args *args, size_t row);

typedef struct {
    const row_args *args;
    row_body body;
    size_t count, rows_per_item;
} row_job;

static void run_rows(void *context, size_t item) {
    const row_job *job = context;
    const ck_table *table = ck_table_current();
    size_t end = (item + 1) * job->rows_per_item;
    if (end > job->count) end = job->count;
    for (size_t row = item * job->rows_per_item; row < end; row++) job->body(table, job->args, row);
}

static void for_rows(size_t count, size_t elements_per_row, row_body body, const row_args *args) {
    row_job job = {args, body, count, count};
    if (count * elements_per_row >= ROWS_SERIAL_ELEMENTS) {
        job.rows_per_item = ROWS_SERIAL_ELEMENTS / 4 / (elements_per_row + 1) + 1;
    }
    if (count == 0) return;
    size_t items = (count + job.rows_per_item - 1) / job.rows_per_item;
    if (items == 1) {
        run_rows(&job, 0);
    } else {
        ck_parallel(items, run_rows, &job);
    }
}

static void rms_norm_row(const ck_table *table, const row_args *r, size_t row) {
    table->rms_norm(r->a + row * r->a_stride, r->columns, r->weight, r->weight_offset, r->eps,
                    r->out + row * r->out_stride);
}

void ck_rms_norm(const float *x, size_t x_stride, size_t count, size_t columns, const float *weight,
                 float weight_offset, float eps, float *y, size_t y_stride) {
    row_args args = {.a = x, .a_stride = x_stride, .columns = columns, .weight = weight,
                     .weight_offset = weight_offset, .eps = eps, .out = y, .out_stride = y_stride};
    for_rows(count, columns, rms_norm_row, &args);
}

static void layer_norm_row(const ck_table *table, const row_args *r, size_t row) {
    table->layer_norm(r->a + row * r->a_stride, r->columns, r->weight, r->bias, r->eps,
                      r->out + row * r->out_stride);
}

void ck_layer_norm(const float *x, size_t x_stride, size_t count, size_t columns,
                   const float *weight, const float *bias, float eps, float *y, size_t y_stride) {
    row_args args = {.a = x, .a_stride = x_stride, .columns = columns, .weight = weight,
                     .bias = bias, .eps = eps, .out = y, .out_stride = y_stride};
    for_rows(count, columns, layer_norm_row, &args);
}

static void rope_row(const ck_table *table, const row_args *r, size_t row) {
    const size_t half = r->columns / 2;
    for (size_t head = 0; head < r->heads; head++) {
        float *x = r->out + row * r->out_stride + head * r->columns;
        if (r->weight) table->rms_norm(x, r->columns, r->weight, r->weight_offset, r->eps, x);
        table->rope(x, r->columns, r->a + row * half, r->b + row * half);
    }
}

void ck_rope(float *x, size_t x_stride, size_t count, size_t heads, size_t head_dim,
             const float *cosines, const float *sines, ck_head_norm norm) {
    row_args args = {.out = x, .out_stride = x_stride, .heads = heads, .columns = head_dim,
                     .a = cosines, .b = sines, .weight = norm.weight,
                     .weight_offset = norm.weight_offset, .eps = norm.eps};
    for_rows(count, heads * head_dim, rope_row, &args);
}

static void silu_mul_row(const ck_table *table, const row_args *r, size_t row) {
    table->silu_mul(r->a + row * r->a_stride, r->b + row * r->b_stride, r->columns,
                    r->out + row * r->out_stride);
}

static void gelu_tanh_mul_row(const ck_table *table, const row_args *r, size_t row) {
    table->gelu_tanh_mul(r->a + row * r->a_stride, r->b + row * r->b_stride, r->columns,
                         r->out + row * r->out_stride);
}

void ck_gated(ck_gate function, const float *gate, const float *up, size_t in_stride, size_t count,
              size_t columns, float *out, size_t out_stride) {
    row_args args = {.a = gate, .b = up, .a_stride = in_stride, .b_stride = in_stride,
                     .columns = columns, .out = out, .out_stride = out_stride};
    for_rows(count, columns * 4, function == CK_SILU ? silu_mul_row : gelu_tanh_mul_row, &args);
}

static void gelu_row(const ck_table *table, const row_args *r, size_t row) {
    table->gelu(r->out + row * r->out_stride, r->columns);
}

void ck_gelu(float *x, size_t x_stride, size_t count, size_t columns) {
    row_args args = {.out = x, .out_stride = x_stride, .columns = columns};
    for_rows(count, columns * 4, gelu_row, &args);
}

static void gelu_tanh_row(const ck_table *table, const row_args *r, size_t row) {
    table->gelu_tanh(r->out + row * r->out_stride, r->columns);
}

void ck_gelu_tanh(float *x, size_t x_stride, size_t count, size_t columns) {
    row_args args = {.out = x, .out_stride = x_stride, .columns = columns};
    for_rows(count, columns * 4, gelu_tanh_row, &args);
}

static void add_row(const ck_table *table, const row_args *r, size_t row) {
    table->add(r->a + row * r->a_stride, r->columns, r->out + row * r->out_stride);
}

void ck_add(const float *x, size_t x_stride, size_t count, size_t columns, float *y,
            size_t y_stride) {
    row_args args = {.a = x, .a_stride = x_stride, .columns = columns, .out = y,
                     .out_stride = y_stride};
    for_rows(count, columns, add_row, &args);
}

static void silu_row(const ck_table *table, const row_args *r, size_t row) {
    table->silu(r->out + row * r->out_stride, r->columns);
}

void ck_silu(float *x, size_t x_stride, size_t count, size_t columns) {
    row_args args = {.out = x, .out_stride = x_stride, .columns = columns};
    for_rows(count, columns * 4, silu_row, &args);
}

static void add_scaled_row(const ck_table *table, const row_args *r, size_t row) {
    table->add_scaled(r->a + row * r->a_stride, r->weight, r->columns,
                      r->out + row * r->out_stride);
}

void ck_add_scaled(const float *x, size_t x_stride, size_t count, size_t columns,
                   const float *scale, float *y, size_t y_stride) {
    row_args args = {.a = x, .a_stride = x_stride, .columns = columns, .weight = scale, .out = y,
                     .out_stride = y_stride};
    for_rows(count, columns, add_scaled_row, &args);
}

static void snake_row(const ck_table *table, const row_args *r, size_t row) {
    table->snake(r->a + row * r->a_stride, r->weight, r->columns, r->out + row * r->out_stride);
}

void ck_snake(const float *x, size_t x_stride, size_t count, size_t columns,
              const float *parameters, float *y, size_t y_stride) {
    row_args args = {.a = x, .a_stride = x_stride, .columns = columns, .weight = parameters,
                     .out = y, .out_stride = y_stride};
    for_rows(count, columns * 4, snake_row, &args);
}

static void depthwise_row(const ck_table *table, const row_args *r, size_t row) {
    table->depthwise(r->a + row * r->a_stride, r->a_stride, r->taps, r->weight, r->bias,
                     r->columns, r->out + row * r->out_stride);
}

void ck_depthwise(const float *x, size_t x_stride, size_t count, size_t columns, size_t taps,
                  const float *weight, const float *bias, float *y, size_t y_stride) {
    row_args args = {.a = x, .a_stride = x_stride, .columns = columns, .taps = taps,
                     .weight = weight, .bias = bias, .out = y, .out_stride = y_stride};
    for_rows(count, columns * taps, depthwise_row, &args);
}

size_t ck_argmax(const float *x, size_t count) { return ck_table_current()->argmax(x, count); }

float ck_log_sum_exp(const float *x, size_t count) {
    return ck_table_current()->log_sum_exp(x, count);
}
