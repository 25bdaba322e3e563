// Log-mel spectrum of speech: frames of 400 samples every 160, at 16 kHz.
//
// The transform of 400 real samples is one complex transform of 200 (even samples real, odd ones
// imaginary) in four Stockham passes of radix 4, 2, 5, 5. LANES frames travel side by side, so the
// inner loops are over independent frames and a frame's sums never depend on its neighbours.
// Doubles, because a bin 80 dB below its frame's loudest one still counts: f32 rounding would move
// it by more than the tolerance of the goldens.
#include <math.h>
#include <string.h>

#include "ckernels.h"

enum { WINDOW = 400, HOP = 160, HALF = WINDOW / 2, BINS = HALF + 1 };
enum { LANES = 4, PASSES = 4, RADIX_MAX = 5 };

static const size_t pass_radix[PASSES] = {4, 2, 5, 5};
static const double two_pi = 6.283185307179586476925286766559;

typedef struct {
    double re[HALF][LANES];
    double im[HALF][LANES];
} spectrum;

typedef struct {
    double cosines[WINDOW];  // cos(2 pi i / 400)
    double sines[WINDOW];    // sin(2 pi i / 400)
} circle;

// One Stockham pass: `length` is the size of the sub-transforms that are left, `stride` how many of
// them lie interleaved.
static void pass(const spectrum *in, spectrum *out, size_t radix, size_t length, size_t stride,
                 const circle *circle) {
    const size_t part = length / radix;
    const size_t turn = WINDOW / length;
    for (size_t p = 0; p < part; p++) {
        for (size_t k = 0; k < radix; k++) {
            double cosines[RADIX_MAX], sines[RADIX_MAX];
            for (size_t j = 0; j < radix; j++) {
                // exp(-2 pi i (j k / radix + p k / length))
                const size_t angle = (j * k * part + p * k) * turn % WINDOW;
                cosines[j] = circle->cosines[angle];
                sines[j] = circle->sines[angle];
            }
            for (size_t q = 0; q < stride; q++) {
                double re[LANES] = {0}, im[LANES] = {0};
                for (size_t j = 0; j < radix; j++) {
                    const double *a = in->re[q + stride * (p + part * j)];
                    const double *b = in->im[q + stride * (p + part * j)];
                    for (size_t lane = 0; lane < LANES; lane++) {
                        re[lane] += a[lane] * cosines[j] + b[lane] * sines[j];
                        im[lane] += b[lane] * cosines[j] - a[lane] * sines[j];
                    }
                }
                memcpy(out->re[q + stride * (radix * p + k)], re, sizeof re);
                memcpy(out->im[q + stride * (radix * p + k)], im, sizeof im);
            }
        }
    }
}

// Power of bins 0...200 of LANES windowed frames.
static void power_spectrum(spectrum *z, spectrum *scratch, const circle *circle,
                           double power[BINS][LANES]) {
    spectrum *in = z, *out = scratch;
    for (size_t i = 0, length = HALF, stride = 1; i < PASSES; i++) {
        pass(in, out, pass_radix[i], length, stride, circle);
        length /= pass_radix[i];
        stride *= pass_radix[i];
        spectrum *swap = in;
        in = out;
        out = swap;
    }
    for (size_t k = 0; k < BINS; k++) {
        const size_t a = k % HALF, b = (HALF - k) % HALF;
        const double c = circle->cosines[k], s = circle->sines[k];
        for (size_t lane = 0; lane < LANES; lane++) {
            const double even_re = 0.5 * (in->re[a][lane] + in->re[b][lane]);
            const double even_im = 0.5 * (in->im[a][lane] - in->im[b][lane]);
            const double odd_re = 0.5 * (in->im[a][lane] + in->im[b][lane]);
            const double odd_im = 0.5 * (in->re[b][lane] - in->re[a][lane]);
            const double re = even_re + odd_re * c + odd_im * s;
            const double im = even_im + odd_im * c - odd_re * s;
            power[k][lane] = re * re + im * im;
        }
    }
}

void ck_log_mel_power(const float *signal, size_t frames, const ck_mel_bank *bank, float *out) {
    circle circle;
    double window[WINDOW];
    for (size_t i = 0; i < WINDOW; i++) {
        circle.cosines[i] = cos(two_pi * (double)i / WINDOW);
        circle.sines[i] = sin(two_pi * (double)i / WINDOW);
        window[i] = 0.5 - 0.5 * circle.cosines[i];
    }
    spectrum z, scratch;
    double power[BINS][LANES];
    for (size_t first = 0; first < frames; first += LANES) {
        const size_t count = frames - first < LANES ? frames - first : LANES;
        memset(&z, 0, sizeof z);
        for (size_t lane = 0; lane < count; lane++) {
            const float *frame = signal + (first + lane) * HOP;
            for (size_t i = 0; i < HALF; i++) {
                z.re[i][lane] = frame[2 * i] * window[2 * i];
                z.im[i][lane] = frame[2 * i + 1] * window[2 * i + 1];
            }
        }
        power_spectrum(&z, &scratch, &circle, power);
        for (size_t lane = 0; lane < count; lane++) {
            const float *weights = bank->weights;
            for (size_t filter = 0; filter < bank->filters; filter++) {
                double sum = 0;
                for (size_t k = bank->first[filter]; k < bank->end[filter]; k++) {
                    sum += power[k][lane] * (double)*weights++;
                }
                out[(first + lane) * bank->filters + filter] = (float)log10(fmax(sum, 1e-10));
            }
        }
    }
}

void ck_log_mel_scale(float *values, size_t count) {
    float top = -10.0F;  // log10 of the floor above
    for (size_t i = 0; i < count; i++) {
        top = values[i] > top ? values[i] : top;
    }
    const float floor = top - 8.0F;
    for (size_t i = 0; i < count; i++) {
        const float value = values[i] > floor ? values[i] : floor;
        values[i] = (value + 4.0F) / 4.0F;
    }
}
