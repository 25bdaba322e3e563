// One table of kernel bodies per instruction set. Bodies compute a slice of rows on the calling
// thread; splitting work over the pool is done once, above the table, in ops_*.c.
#ifndef CK_TABLE_H
#define CK_TABLE_H

#include "ckernels.h"

/// Activations of one ck_linear call, quantized when the weights want it, and the piece of the
/// product one call of `linear_block` computes: see linear.h.
typedef struct ck_activations ck_activations;
typedef struct ck_block ck_block;

/// One ck_convolve call and a piece of it: see convolution.h.
typedef struct ck_convolving ck_convolving;
typedef struct ck_convolution_block ck_convolution_block;

typedef struct {
    const char *name;

    // linear: see linear.h for the activation layout and the meaning of a block
    bool narrows;  // whether bf16 weights meet activations rounded to bf16
    ck_format half;  // of keys and values of two bytes
    bool attends_bytes;  // whether attention is fastest over keys and values of one byte
    size_t tile;   // rows of activations that lie together where there are as many, else 1
    bool hands_on;  // whether blocks of whole tiles can quantize their outputs for the next product
    void (*quantize)(const ck_activations *activations, size_t first, size_t count);
    void (*linear_block)(const ck_block *block);
    void (*row)(const ck_matrix *matrix, size_t row, float *out);

    // rows
    void (*rms_norm)(const float *x, size_t columns, const float *weight, float weight_offset,
                     float eps, float *y);
    void (*layer_norm)(const float *x, size_t columns, const float *weight, const float *bias,
                       float eps, float *y);
    void (*rope)(float *head, size_t head_dim, const float *cosines, const float *sines);
    void (*silu_mul)(const float *gate, const float *up, size_t columns, float *out);
    void (*gelu_tanh_mul)(const float *gate, const float *up, size_t columns, float *out);
    void (*gelu)(float *x, size_t columns);
    void (*gelu_tanh)(float *x, size_t columns);
    void (*add)(const float *x, size_t columns, float *y);
    void (*silu)(float *x, size_t columns);
    void (*add_scaled)(const float *x, const float *scale, size_t columns, float *y);
    void (*snake)(const float *x, const float *parameters, size_t columns, float *y);
    void (*depthwise)(const float *x, size_t x_stride, size_t taps, const float *weight,
                      const float *bias, size_t columns, float *y);

    // convolutions: operand rows, a strip of packed weights (NULL: as they are), a block of outputs
    void (*convolve_prepare)(const ck_convolving *job, size_t first, size_t count);
    void (*convolve_pack)(const ck_convolution *convolution, size_t strip, void *packed);
    void (*convolve_block)(const ck_convolution_block *block);

    // keys and values of one head for `count` tokens from `token`, all of one block
    void (*kv_store)(const ck_kv *kv, size_t head, size_t token, size_t count, const float *keys,
                     size_t key_stride, const float *values, size_t value_stride);
    // attention of query rows [first, first + count) for the query heads of one key head
    void (*attend)(const ck_attention *attention, size_t kv_head, size_t first, size_t count);

    size_t (*argmax)(const float *x, size_t count);
    float (*log_sum_exp)(const float *x, size_t count);

    // ceilings: operations of `rounds` rounds on the calling thread (0: no such instruction), and the
    // sum of what was read
    double (*peak)(ck_peak_kind kind, size_t rounds);
    uint64_t (*read_all)(const void *memory, size_t bytes);
} ck_table;

extern const ck_table ck_table_scalar;
#if defined(__x86_64__)
extern const ck_table ck_table_avx2;
extern const ck_table ck_table_avx512;
/// What AVX-512 does better with products of bf16 pairs.
void ck_quantize_bf16(const ck_activations *activations, size_t first, size_t count);
void ck_linear_block_bf16(const ck_block *block);
void ck_kv_store_bf16(const ck_kv *kv, size_t head, size_t token, size_t count, const float *keys,
                      size_t key_stride, const float *values, size_t value_stride);
void ck_attend_bf16(const ck_attention *attention, size_t kv_head, size_t first, size_t count);
double ck_peak_bf16(ck_peak_kind kind, size_t rounds);
/// What AMX does better than AVX-512; the thread's use of tiles must have been permitted.
void ck_quantize_amx(const ck_activations *activations, size_t first, size_t count);
void ck_linear_block_amx(const ck_block *block);
void ck_kv_store_amx(const ck_kv *kv, size_t head, size_t token, size_t count, const float *keys,
                     size_t key_stride, const float *values, size_t value_stride);
void ck_attend_amx(const ck_attention *attention, size_t kv_head, size_t first, size_t count);
void ck_convolve_prepare_amx(const ck_convolving *job, size_t first, size_t count);
void ck_convolve_pack_amx(const ck_convolution *convolution, size_t strip, void *packed);
void ck_convolve_block_amx(const ck_convolution_block *block);
double ck_peak_amx(ck_peak_kind kind, size_t rounds);
#endif

/// The table in use on the calling thread.
const ck_table *ck_table_current(void);
/// Makes the calling thread use `table`; NULL: the one of the process.
void ck_table_use(const ck_table *table);

/// Runs body(context, item) for item in 0..<items over the pool and the caller; returns when all
/// items are finished. Every item uses the caller's table. Nested calls run inline.
void ck_parallel(size_t items, void (*body)(void *context, size_t item), void *context);

#endif
