// The element-wise parts of a Qwen3 block and their derivatives, each in one pass over memory.
// Activations are bfloat16 (as uint16_t), sums float; `rows` are tokens or heads of tokens.
#include <math.h>
#include <stdint.h>
#include <string.h>

typedef uint16_t bf16;

static inline float wide(bf16 v) {
    uint32_t bits = (uint32_t)v << 16;
    float f;
    memcpy(&f, &bits, 4);
    return f;
}

static inline bf16 narrow(float f) {
    uint32_t bits;
    memcpy(&bits, &f, 4);
    return (bf16)((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

static float inverse_rms(const float *x, int size, float eps) {
    float sum = 0;
    for (int i = 0; i < size; i++) sum += x[i] * x[i];
    return 1 / sqrtf(sum / size + eps);
}

// y = x / rms(x) * weight
void norm_forward(const float *x, const float *weight, bf16 *y, long rows, int size, float eps) {
    for (long row = 0; row < rows; row++, x += size, y += size) {
        float scale = inverse_rms(x, size, eps);
        for (int i = 0; i < size; i++) y[i] = narrow(x[i] * scale * weight[i]);
    }
}

static void norm_row_backward(const float *x, const float *weight, const float *dy, float *dx,
                              float *dweight, int size, float eps) {
    float scale = inverse_rms(x, size, eps), dot = 0;
    for (int i = 0; i < size; i++) {
        dot += dy[i] * weight[i] * x[i];
        dweight[i] += dy[i] * x[i] * scale;
    }
    float pull = dot * scale * scale * scale / size;
    for (int i = 0; i < size; i++) dx[i] = dy[i] * weight[i] * scale - x[i] * pull;
}

void norm_backward(const float *x, const float *weight, const bf16 *dy, float *dx, float *dweight,
                   long rows, int size, float eps) {
    float gradient[4096];
    for (long row = 0; row < rows; row++, x += size, dy += size, dx += size) {
        for (int i = 0; i < size; i++) gradient[i] = wide(dy[i]);
        norm_row_backward(x, weight, gradient, dx, dweight, size, eps);
    }
}

// Norm of each head and its turn by the angles of the token's place: x [rows / heads, heads, size];
// place = token % length; cosines and sines [length, size], the second half equal to the first.
void head_forward(const bf16 *x, const float *weight, const float *cosine, const float *sine,
                  bf16 *y, long rows, int heads, int length, int size, float eps) {
    float in[256];
    int half = size / 2;
    for (long row = 0; row < rows; row++, x += size, y += size) {
        long place = (row / heads) % length * size;
        for (int i = 0; i < size; i++) in[i] = wide(x[i]);
        float scale = inverse_rms(in, size, eps);
        for (int i = 0; i < size; i++) in[i] *= scale * weight[i];
        for (int i = 0; i < half; i++) {
            float c = cosine[place + i], s = sine[place + i];
            y[i] = narrow(in[i] * c - in[i + half] * s);
            y[i + half] = narrow(in[i + half] * c + in[i] * s);
        }
    }
}

void head_backward(const bf16 *x, const float *weight, const float *cosine, const float *sine,
                   const bf16 *dy, bf16 *dx, float *dweight, long rows, int heads, int length,
                   int size, float eps) {
    float in[256], gradient[256], out[256];
    int half = size / 2;
    for (long row = 0; row < rows; row++, x += size, dy += size, dx += size) {
        long place = (row / heads) % length * size;
        for (int i = 0; i < size; i++) in[i] = wide(x[i]);
        for (int i = 0; i < half; i++) {
            float c = cosine[place + i], s = sine[place + i];
            float a = wide(dy[i]), b = wide(dy[i + half]);
            gradient[i] = a * c + b * s;
            gradient[i + half] = b * c - a * s;
        }
        norm_row_backward(in, weight, gradient, out, dweight, size, eps);
        for (int i = 0; i < size; i++) dx[i] = narrow(out[i]);
    }
}

// e^-x for the logistic function, good to 1e-6 and vectorised by the compiler.
static inline float exponential(float x) {
    x = x < -87 ? -87 : x > 87 ? 87 : x;
    float n = floorf(x * 1.44269504f + 0.5f), r = x - n * 0.693359375f + n * 2.12194440e-4f;
    float p = 1 + r * (1 + r * (0.5f + r * (0.166666667f + r * (0.0416666667f + r * (0.00833333f + r * 0.00138889f)))));
    int32_t bits = ((int32_t)n + 127) << 23;
    float power;
    memcpy(&power, &bits, 4);
    return p * power;
}

// y = gate * logistic(gate) * up
void gate_forward(const bf16 *gate, const bf16 *up, bf16 *y, long count) {
    for (long i = 0; i < count; i++) {
        float g = wide(gate[i]);
        y[i] = narrow(g / (1 + exponential(-g)) * wide(up[i]));
    }
}

void gate_backward(const bf16 *gate, const bf16 *up, const bf16 *dy, bf16 *dgate, bf16 *dup,
                   long count) {
    for (long i = 0; i < count; i++) {
        float g = wide(gate[i]), u = wide(up[i]), d = wide(dy[i]);
        float s = 1 / (1 + exponential(-g));
        dup[i] = narrow(d * g * s);
        dgate[i] = narrow(d * u * s * (1 + g * (1 - s)));
    }
}
