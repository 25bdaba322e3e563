// Vectors of CK_LANES floats for the bodies in *.inc. The including file sets CK_LANES and one of
// CK_ISA_SCALAR, CK_ISA_AVX2, CK_ISA_AVX512, and the target attribute.
#ifndef CK_VECTOR_H
#define CK_VECTOR_H

#include <math.h>
#include <string.h>

#if !defined(CK_ISA_SCALAR)
#include <immintrin.h>
#endif

#define CK_INLINE static inline __attribute__((always_inline, unused))

typedef float vf __attribute__((ext_vector_type(CK_LANES)));
typedef int32_t vi __attribute__((ext_vector_type(CK_LANES)));

CK_INLINE vf v_load(const float *p) {
    vf v;
    memcpy(&v, p, sizeof v);
    return v;
}

CK_INLINE void v_store(float *p, vf v) { memcpy(p, &v, sizeof v); }

/// The first `count` < CK_LANES elements, the rest zero.
CK_INLINE vf v_load_part(const float *p, size_t count) {
    vf v = 0;
    memcpy(&v, p, count * sizeof(float));
    return v;
}

CK_INLINE void v_store_part(float *p, vf v, size_t count) { memcpy(p, &v, count * sizeof(float)); }

CK_INLINE vf v_fma(vf a, vf b, vf c) {
#if defined(CK_ISA_SCALAR)
    return a * b + c;  // without an FMA unit fmaf() is a slow library call
#else
    return __builtin_elementwise_fma(a, b, c);
#endif
}

/// Sum of the lanes, always in the same pairwise order.
CK_INLINE float v_sum(vf v) {
    float lanes[CK_LANES];
    memcpy(lanes, &v, sizeof v);
    for (int half = CK_LANES / 2; half > 0; half /= 2)
        for (int i = 0; i < half; i++) lanes[i] += lanes[i + half];
    return lanes[0];
}

CK_INLINE float v_max(vf v) {
    float lanes[CK_LANES];
    memcpy(lanes, &v, sizeof v);
    for (int half = CK_LANES / 2; half > 0; half /= 2)
        for (int i = 0; i < half; i++)
            lanes[i] = lanes[i] > lanes[i + half] ? lanes[i] : lanes[i + half];
    return lanes[0];
}

/// exp(x) within 2 ulp; 0 below -87.3, and exactly 1 at 0. Range reduction to [-ln2/2, ln2/2] and a
/// degree-6 polynomial (coefficients: Cephes expf).
CK_INLINE vf v_exp(vf x) {
#if defined(CK_ISA_SCALAR)
    return (vf)(x[0] < -87.3f ? 0.0f : expf(x[0]));
#else
    const vf low = -87.3f, high = 88.3f;
    vi tiny = x < low;
    x = __builtin_elementwise_min(__builtin_elementwise_max(x, low), high);
    vf n = __builtin_elementwise_roundeven(x * (vf)1.44269504088896341f);
    vf r = v_fma(n, (vf)-0.693359375f, x);
    r = v_fma(n, (vf)2.12194440e-4f, r);
    vf p = 1.9875691500e-4f;
    p = v_fma(p, r, (vf)1.3981999507e-3f);
    p = v_fma(p, r, (vf)8.3334519073e-3f);
    p = v_fma(p, r, (vf)4.1665795894e-2f);
    p = v_fma(p, r, (vf)1.6666665459e-1f);
    p = v_fma(p, r, (vf)5.0000001201e-1f);
    p = v_fma(p, r * r, r + (vf)1.0f);
    vi exponent = (__builtin_convertvector(n, vi) + 127) << 23;
    vf scale;
    memcpy(&scale, &exponent, sizeof scale);
    return tiny ? (vf)0.0f : p * scale;
#endif
}

/// 1 / x within an ulp or two, for x from 1 on; a division takes as long as an exponential.
CK_INLINE vf v_reciprocal(vf x) {
#if defined(CK_ISA_AVX512)
    const vf r = (vf)_mm512_rcp14_ps((__m512)x);
    return r * v_fma(-x, r, (vf)2.0f);
#else
    return (vf)1.0f / x;
#endif
}

CK_INLINE vf v_sigmoid(vf x) { return v_reciprocal((vf)1.0f + v_exp(-x)); }

CK_INLINE vf v_tanh(vf x) { return (vf)1.0f - (vf)2.0f * v_reciprocal(v_exp(x + x) + (vf)1.0f); }

CK_INLINE vf v_silu(vf x) { return x * v_sigmoid(x); }

/// The tanh form of GELU.
CK_INLINE vf v_gelu_tanh(vf x) {
    vf inner = (vf)0.7978845608028654f * v_fma((vf)0.044715f * x * x, x, x);
    return x * (vf)0.5f * ((vf)1.0f + v_tanh(inner));
}

/// erf(x) within 2e-7 (Abramowitz and Stegun 7.1.26).
CK_INLINE vf v_erf(vf x) {
#if defined(CK_ISA_SCALAR)
    return (vf)erff(x[0]);
#else
    vf a = __builtin_elementwise_abs(x);
    vf t = v_reciprocal(v_fma((vf)0.3275911f, a, (vf)1.0f));
    vf p = 1.061405429f;
    p = v_fma(p, t, (vf)-1.453152027f);
    p = v_fma(p, t, (vf)1.421413741f);
    p = v_fma(p, t, (vf)-0.284496736f);
    p = v_fma(p, t, (vf)0.254829592f);
    vf y = (vf)1.0f - p * t * v_exp(-a * a);
    return x < (vf)0.0f ? -y : y;
#endif
}

/// The exact form of GELU (Hendrycks and Gimpel 2016).
CK_INLINE vf v_gelu(vf x) {
    return x * (vf)0.5f * ((vf)1.0f + v_erf(x * (vf)0.70710678118654752f));
}

CK_INLINE float half_to_float(uint16_t h) {
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, exponent = (h >> 10) & 31, mantissa = h & 0x3ff;
    uint32_t bits;
    if (exponent == 31) {
        bits = sign | 0x7f800000 | mantissa << 13;
    } else if (exponent != 0) {
        bits = sign | (exponent + 112) << 23 | mantissa << 13;
    } else {
        float tiny = (float)mantissa * 0x1p-24f;  // subnormal or zero
        memcpy(&bits, &tiny, sizeof bits);
        bits |= sign;
    }
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

/// Round to nearest even; overflow becomes infinity.
CK_INLINE uint16_t float_to_half(float f) {
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    uint32_t sign = (bits >> 16) & 0x8000;
    bits &= 0x7fffffff;
    if (bits > 0x7f800000) return (uint16_t)(sign | 0x7e00);
    if (bits >= 0x47800000) return (uint16_t)(sign | 0x7c00);
    if (bits < 0x38800000) {  // below 2^-14: the unit is 2^-24
        float magnitude;
        memcpy(&magnitude, &bits, sizeof magnitude);
        return (uint16_t)(sign | (uint32_t)nearbyintf(magnitude * 0x1p24f));
    }
    uint32_t rounded = bits + 0xfff + ((bits >> 13) & 1);
    uint32_t half = (rounded - 0x38000000) >> 13;
    return (uint16_t)(sign | half);
}

CK_INLINE vf v_load_half(const uint16_t *p) {
#if defined(CK_ISA_AVX512)
    return (vf)_mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)p));
#elif defined(CK_ISA_AVX2)
    return (vf)_mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p));
#else
    return (vf)half_to_float(*p);
#endif
}

CK_INLINE vf v_load_int8(const int8_t *p) {
#if defined(CK_ISA_AVX512)
    return (vf)_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)p)));
#elif defined(CK_ISA_AVX2)
    return (vf)_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)p)));
#else
    return (vf)(float)*p;
#endif
}

CK_INLINE void v_store_half(uint16_t *p, vf v) {
#if defined(CK_ISA_AVX512)
    _mm256_storeu_si256((__m256i *)p,
                        _mm512_cvtps_ph((__m512)v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
#elif defined(CK_ISA_AVX2)
    _mm_storeu_si128((__m128i *)p,
                     _mm256_cvtps_ph((__m256)v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
#else
    *p = float_to_half(v[0]);
#endif
}

#endif
