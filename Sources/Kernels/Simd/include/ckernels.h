// The whole C API of mlxi's kernels.
//
// C receives pointers, sizes and strides and returns numbers. It never opens a file, never prints,
// never fails (Swift checks every precondition first) and never allocates once the pool runs.
// Pointers to weights may have any alignment: safetensors does not pad. Strides count elements.
//
// The law of this runtime: an output row depends on its own input row and on the weights alone.
// Never on how many rows are computed together, on the thread that computes it, or on where a tile
// begins. So cached = uncached, chunked = whole, speculative = plain and one thread = many, bit for
// bit, within one instruction set. Each kernel keeps it by giving every output one fixed order of
// additions.
#ifndef CKERNELS_H
#define CKERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// How the numbers of a matrix are stored.
typedef enum {
    CK_F32 = 0,
    CK_F16 = 1,
    CK_BF16 = 2,
    CK_AFFINE = 3,  // MLX affine: bits 2,3,4,5,6,8; groups of 32, 64, 128; scales and biases
    CK_MXFP4 = 4,   // e2m1 elements, groups of 32, e8m0 scales
    CK_MXFP8 = 5,   // e4m3 elements, groups of 32, e8m0 scales
    CK_NVFP4 = 6,   // e2m1 elements, groups of 16, e4m3 scales
    CK_INT8 = 7,    // keys and values only: a scale for each token of a head
    CK_BF16_PAIRS = 8,  // keys and values only: bf16 in the order of products of pairs
} ck_format;

/// CK_EXACT multiplies f32 activations: the specification. CK_FAST quantizes activations to int8
/// per row and group for quantized weights, and rounds them to bf16 for bf16 weights and those of f16
/// that may be rounded.
typedef enum { CK_EXACT = 0, CK_FAST = 1 } ck_precision;

/// One weight matrix [rows, columns] exactly as it lies in the checkpoint.
typedef struct {
    const void *codes;    // rows * columns * bits / 8 bytes (plain formats: rows * columns elements)
    const void *scales;   // [rows, columns / group]; NULL for plain formats
    const void *biases;   // [rows, columns / group] offsets of the affine format, else NULL
    const float *offset;  // [rows] the linear layer's own bias, or NULL
    size_t rows;
    size_t columns;
    ck_format format;
    ck_format scale_format;  // CK_F32, CK_F16 or CK_BF16 (affine only)
    uint32_t bits;
    uint32_t group;
    bool rounds;  // CK_FAST may round f16 (in convolutions f32 too) to bf16 where that is faster
} ck_matrix;

/// Keys and values of one layer. A key block holds 16 tokens, dimension by dimension, so that one
/// vector holds the same dimension of neighbouring keys; a value row is padded to a multiple of 16.
/// Behind CK_INT8 codes lie their scales, f32 [heads][capacity]. CK_BF16 is what AMX multiplies: keys
/// [heads][capacity][head_dim], values [heads][capacity / 64][head_dim][64]. CK_BF16_PAIRS holds keys
/// [heads][capacity / 16][head_dim / 2][16][2] and values [heads][capacity / 2][padded head_dim][2].
typedef struct {
    void *keys;        // [heads][capacity / 16][head_dim][16]
    void *values;      // [heads][capacity][padded head_dim]
    size_t capacity;   // tokens, a multiple of CK_KV_BLOCK
    size_t heads;
    size_t head_dim;   // at most CK_HEAD_DIM_MAX
    ck_format format;  // CK_F32, CK_F16, CK_INT8, CK_BF16 or CK_BF16_PAIRS
} ck_kv;

/// Keys and values [count, heads, head_dim] of tokens first...first + count - 1.
typedef struct {
    const float *keys, *values;
    size_t key_stride, value_stride;
    size_t first, count;
} ck_kv_rows;

enum { CK_KV_BLOCK = 64, CK_HEAD_DIM_MAX = 256 };

/// Attention of `count` query rows over the first `key_count` tokens of a layer's keys and values.
/// Query head h reads key head h / (heads / kv.heads).
typedef struct {
    const float *query;  // [count, heads, head_dim]
    float *out;          // [count, heads, head_dim]
    size_t query_stride, out_stride;  // between tokens
    size_t count, heads;
    size_t key_count;
    size_t first_position;  // position of query row 0 among the keys (causal only)
    size_t window;          // keys a query sees, itself included; 0 = all (causal only)
    bool causal;
    float scale;
    ck_kv kv;
    ck_kv_rows fresh;  // stored before anything is attended to, if there are any
} ck_attention;

/// A convolution over time: y[t] = sum over taps k of W_k x[t - (taps - 1 - k) * dilation] + offset.
typedef struct {
    const ck_matrix *matrix;  // [outputs, taps * inputs] f32, f16 or bf16; a row in the order (tap, input)
    const float *snake;       // [2, inputs]: the input goes through ck_snake first; NULL: as it is
    const void *packed;       // what ck_convolution_pack wrote, or NULL
    size_t inputs, taps, dilation;
} ck_convolution;

/// An image [height, width, channels] whose kernel x kernel patches, zero-padded, are rows in the order
/// (kh, kw, channel). An output has (in + 2 * padding - kernel) / stride + 1 of them along a side.
typedef struct {
    const float *values;
    size_t height, width, channels;
    size_t kernel, stride, padding;
} ck_image;

enum { CK_PATCH_NUMBERS_MAX = 8192 };

/// Triangular mel filters over the 201 bins of a 400-sample frame. Filter f covers bins
/// first[f]..<end[f]; its weights follow those of filter f - 1.
typedef struct {
    const uint32_t *first;
    const uint32_t *end;
    const float *weights;
    size_t filters;
} ck_mel_bank;

/// A low-pass filter: sinc with `zero_crossings` on each side under a Kaiser window, cut off at
/// `cutoff` of the lower Nyquist frequency.
typedef struct {
    double zero_crossings;
    double beta;
    double cutoff;
} ck_sinc;

/// Conversion by up / down in lowest terms. `table` has `phases` rows of `taps`; one row more, for
/// interpolation between rows, when phases != up.
typedef struct {
    const float *table;
    size_t taps;
    size_t phases;
    uint64_t up;
    uint64_t down;
} ck_resampler;

// --- machine -------------------------------------------------------------------------------------

/// Names of the instruction sets this machine can run, best first, NULL-terminated.
const char *const *ck_isa_available(void);
/// Selects one by name ("scalar", "avx2", "avx512", "amx"); false if the machine cannot run it.
/// Call before any work.
bool ck_isa_select(const char *name);
/// The same for the calling thread and the parallel work it starts, for tests; NULL ends it.
bool ck_isa_select_thread(const char *name);
/// The one in use.
const char *ck_isa_name(void);

/// Starts the pool with `threads` workers including the caller (1...64). Calling again changes it.
void ck_pool_start(size_t threads);
size_t ck_pool_threads(void);

// --- ceilings ------------------------------------------------------------------------------------

typedef enum { CK_PEAK_INT8 = 0, CK_PEAK_BF16 = 1, CK_PEAK_F32 = 2 } ck_peak_kind;

/// Runs `rounds` rounds of multiply-adds on registers on every thread of the pool. Returns how many
/// operations that were, 0 if the instruction set in use has none of the kind.
double ck_peak(ck_peak_kind kind, size_t rounds);
typedef struct {
    const void *memory;
    size_t bytes;
} ck_span;

/// Reads every span once, a thread a span at a time; returns a sum, so that they are read indeed.
uint64_t ck_read_spans(const ck_span *spans, size_t count);
/// Bytes that malloc has handed out and not got back, in all arenas.
size_t ck_heap_bytes(void);
/// Fills memory with words (random & keep | set), the same for the same seed on any number of
/// threads.
void ck_fill_noise(void *memory, size_t bytes, size_t seed, uint64_t keep, uint64_t set);

// --- linear layers -------------------------------------------------------------------------------

/// Bytes of scratch that ck_linear needs for `count` input rows of `columns`.
size_t ck_linear_scratch_bytes(size_t count, size_t columns);

/// y[i, :] = x[i, :] . W^T + offset, for one or more matrices that share the input; their outputs lie
/// side by side in y (row stride y_stride >= sum of rows). `accumulate` adds to y instead.
void ck_linear(const ck_matrix *parts, size_t part_count, const float *x, size_t x_stride,
               size_t count, float *y, size_t y_stride, bool accumulate, ck_precision precision,
               void *scratch);

/// y = gelu(x . inner^T + offset) . outer^T + offset, or y += with `accumulate`: two ck_linear with
/// ck_gelu between them, to the bit. `between` has room for [count, inner->rows] and a cache line.
void ck_gelu_pair(const ck_matrix *inner, const ck_matrix *outer, const float *x, size_t x_stride,
                  size_t count, float *between, float *y, size_t y_stride, bool accumulate,
                  ck_precision precision, void *scratch);

/// What a gate goes through.
typedef enum { CK_SILU = 0, CK_GELU_TANH = 1 } ck_gate;

/// y = (f(x . gate^T) * (x . up^T)) . down^T, or y += with `accumulate`: ck_linear, ck_gated and
/// ck_linear, to the bit. gate_up: two matrices [inner, columns]. `between` has room for
/// [count, 3 * inner] and a cache line, `scratch` for count rows of the wider of x and inner.
void ck_gated_pair(const ck_matrix *gate_up, const ck_matrix *down, ck_gate function,
                   const float *x, size_t x_stride, size_t count, float *between, float *y,
                   size_t y_stride, bool accumulate, ck_precision precision, void *scratch);

/// out[0..<columns] = row `row` of the matrix as f32 (embedding look-up).
void ck_row(const ck_matrix *matrix, size_t row, float *out);

// --- rows ----------------------------------------------------------------------------------------

/// y = x / sqrt(mean(x^2) + eps) * (weight + weight_offset), per row of `columns`.
void ck_rms_norm(const float *x, size_t x_stride, size_t count, size_t columns, const float *weight,
                 float weight_offset, float eps, float *y, size_t y_stride);
/// y = (x - mean) / sqrt(var + eps) * weight + bias; biased variance.
void ck_layer_norm(const float *x, size_t x_stride, size_t count, size_t columns,
                   const float *weight, const float *bias, float eps, float *y, size_t y_stride);
/// A norm over each head; `weight` [head_dim], NULL: none.
typedef struct {
    const float *weight;
    float weight_offset, eps;
} ck_head_norm;

/// Normalises each head and rotates its pairs (j, j + head_dim / 2) in place. Row i uses row i of the
/// tables [count, head_dim / 2] (the caller offsets them to the first position).
void ck_rope(float *x, size_t x_stride, size_t count, size_t heads, size_t head_dim,
             const float *cosines, const float *sines, ck_head_norm norm);
/// out = f(gate) * up
void ck_gated(ck_gate function, const float *gate, const float *up, size_t in_stride, size_t count,
              size_t columns, float *out, size_t out_stride);
/// x = gelu(x), the exact erf form, in place.
void ck_gelu(float *x, size_t x_stride, size_t count, size_t columns);
/// x = gelu(x), the tanh form, in place.
void ck_gelu_tanh(float *x, size_t x_stride, size_t count, size_t columns);
/// y += x
void ck_add(const float *x, size_t x_stride, size_t count, size_t columns, float *y,
            size_t y_stride);
/// x = x * sigmoid(x), in place.
void ck_silu(float *x, size_t x_stride, size_t count, size_t columns);
/// y += scale * x with a scale for each column.
void ck_add_scaled(const float *x, size_t x_stride, size_t count, size_t columns,
                   const float *scale, float *y, size_t y_stride);
/// y = x + amplitude * sin(frequency * x)^2; parameters [2, columns] hold frequencies, then amplitudes.
void ck_snake(const float *x, size_t x_stride, size_t count, size_t columns,
              const float *parameters, float *y, size_t y_stride);
/// y[t] = sum over taps k of weight[k] * x[t + k] + bias, column by column; x [count + taps - 1,
/// columns], weight [taps, columns].
void ck_depthwise(const float *x, size_t x_stride, size_t count, size_t columns, size_t taps,
                  const float *weight, const float *bias, float *y, size_t y_stride);
// --- attention -----------------------------------------------------------------------------------

/// The format of two bytes a number that attention of the instruction set in use wants.
ck_format ck_kv_half_format(size_t head_dim);
/// The format for attention between products of quantized weights, which may round as they do:
/// CK_INT8 where that is fastest for queries of `tokens` tokens over each other, else as above.
ck_format ck_kv_quantized_format(size_t head_dim, size_t tokens);
/// Bytes of `keys` and of `values` of a layer with room for `capacity` tokens.
size_t ck_kv_key_bytes(const ck_kv *kv);
size_t ck_kv_value_bytes(const ck_kv *kv);

void ck_kv_store(const ck_kv *kv, const ck_kv_rows *rows);

/// softmax(query . keys * scale) . values, online over blocks of CK_KV_BLOCK keys: of one sequence or
/// of several, which have equal shapes and counts and caches of their own.
void ck_attend(const ck_attention *attentions, size_t attention_count);

// --- convolution ---------------------------------------------------------------------------------

/// Rows of the patches of an image, outputs from top to bottom and from left to right, and numbers of
/// each.
size_t ck_image_rows(const ck_image *image);
size_t ck_image_columns(const ck_image *image);
/// Bytes of scratch that ck_convolve_2d needs.
size_t ck_convolve_2d_scratch_bytes(const ck_matrix *matrix, const ck_image *image,
                                    ck_precision precision);
/// y [ck_image_rows, matrix rows] = patches . matrix^T + offset. A patch has at most
/// CK_PATCH_NUMBERS_MAX numbers.
void ck_convolve_2d(const ck_matrix *matrix, const ck_image *image, float *y, size_t y_stride,
                    ck_precision precision, void *scratch);

/// Bytes of the weights rounded to bf16 in the order that the tiles of CK_FAST want, 0 if they may not be
/// rounded or if the instruction set in use has no such tiles. Without them ck_convolve works in f32.
size_t ck_convolution_packed_bytes(const ck_convolution *convolution, ck_precision precision);
/// Writes them, 64-aligned.
void ck_convolution_pack(const ck_convolution *convolution, void *packed);
/// Bytes of scratch that ck_convolve needs for `count` rows.
size_t ck_convolution_scratch_bytes(const ck_convolution *convolution, size_t count,
                                    ck_precision precision);
/// y [count, outputs] of x [count, inputs], or y += with `accumulate`. `past` holds the (taps - 1) *
/// dilation rows before x, one behind the other; NULL: zeros. CK_FAST multiplies
/// packed weights, where there are, with inputs rounded to bf16.
void ck_convolve(const ck_convolution *convolution, const float *past, const float *x,
                 size_t x_stride, size_t count, float *y, size_t y_stride, bool accumulate,
                 ck_precision precision, void *scratch);

// --- signals -------------------------------------------------------------------------------------

/// log10(max(mel power, 1e-10)) of frames of 400 samples (periodic Hann) every 160: out [frames,
/// filters]. `signal` holds (frames - 1) * 160 + 400 samples, padding included.
void ck_log_mel_power(const float *signal, size_t frames, const ck_mel_bank *bank, float *out);
/// x = (max(x, max(all x) - 8) + 4) / 4, in place.
void ck_log_mel_scale(float *values, size_t count);

/// Fills table [rows, taps]: row r filters at r / phases of an input sample after the tap at
/// taps / 2 - 1; `scale` = min(1, up / down).
void ck_resample_table(const ck_sinc *sinc, double scale, size_t phases, size_t rows, size_t taps,
                       float *table);
/// Output samples first..<first + count. `x` begins at input sample x_start of a signal that was
/// given taps / 2 - 1 zeros in front, and reaches taps samples past the last one needed.
void ck_resample(const ck_resampler *plan, const float *x, uint64_t x_start, uint64_t first,
                 size_t count, float *out);

// --- logits --------------------------------------------------------------------------------------

/// Index of the largest value, the lowest index on ties; `count` > 0.
size_t ck_argmax(const float *x, size_t count);
/// log(sum(exp(x)))
float ck_log_sum_exp(const float *x, size_t count);

#endif
