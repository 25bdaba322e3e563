// Sampling-rate conversion by a Kaiser-windowed sinc in polyphase form.
#include <math.h>

#include "ckernels.h"

enum { LANES = 16 };

static const double pi = 3.14159265358979323846;

// Modified Bessel function of the first kind, order 0, by its power series.
static double bessel_i0(double x) {
    double sum = 1, term = 1;
    for (int k = 1; term > sum * 1e-17; k++) {
        term *= (x / (2 * k)) * (x / (2 * k));
        sum += term;
    }
    return sum;
}

void ck_resample_table(const ck_sinc *sinc, double scale, size_t phases, size_t rows, size_t taps,
                       float *table) {
    const double half = (double)(taps / 2);
    const double window_scale = 1 / bessel_i0(sinc->beta);
    for (size_t row = 0; row < rows; row++) {
        const double fraction = (double)row / (double)phases;
        for (size_t k = 0; k < taps; k++) {
            const double t = ((double)k - half + 1 - fraction) * scale;
            const double position = t / sinc->zero_crossings;
            double value = 0;
            if (position > -1 && position < 1) {
                const double x = pi * sinc->cutoff * t;
                const double lobe = fabs(x) < 1e-9 ? 1 : sin(x) / x;
                const double window = bessel_i0(sinc->beta * sqrt(1 - position * position));
                value = scale * sinc->cutoff * lobe * window * window_scale;
            }
            table[row * taps + k] = (float)value;
        }
    }
}

// Fixed order: LANES partial sums, then pairwise.
static float dot(const float *a, const float *b, size_t count) {
    float sums[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= count; i += LANES) {
        for (size_t lane = 0; lane < LANES; lane++) {
            sums[lane] += a[i + lane] * b[i + lane];
        }
    }
    for (size_t lane = 0; i < count; i++, lane++) {
        sums[lane] += a[i] * b[i];
    }
    for (size_t width = LANES / 2; width > 0; width /= 2) {
        for (size_t lane = 0; lane < width; lane++) {
            sums[lane] += sums[lane + width];
        }
    }
    return sums[0];
}

void ck_resample(const ck_resampler *plan, const float *x, uint64_t x_start, uint64_t first,
                 size_t count, float *out) {
    for (size_t i = 0; i < count; i++) {
        const uint64_t position = (first + i) * plan->down;
        const float *input = x + (position / plan->up - x_start);
        const uint64_t phase = position % plan->up;
        if (plan->phases == plan->up) {
            out[i] = dot(plan->table + phase * plan->taps, input, plan->taps);
        } else {
            const double exact = (double)phase / (double)plan->up * (double)plan->phases;
            const size_t row = (size_t)exact;
            const float blend = (float)(exact - (double)row);
            const float *filter = plan->table + row * plan->taps;
            const float low = dot(filter, input, plan->taps);
            const float high = dot(filter + plan->taps, input, plan->taps);
            out[i] = low + (high - low) * blend;
        }
    }
}
