// AVX-512 with products of bf16 pairs: Zen 4 (2022), Cooper Lake (2020) and later. Only what they do
// better is here; dispatch.c takes the rest from the table of AVX-512.
#if defined(__x86_64__)
#include <immintrin.h>

#include "linear.h"

#define CK_ISA_AVX512
#define CK_ISA_AVX512BF16
#define CK_LANES 16
#define CK_NAME(f) f##_avx512bf16

#define CK_TARGET                                                                              \
    "avx2,fma,f16c,bmi,bmi2,avx512f,avx512cd,avx512bw,avx512dq,avx512vl,avx512vnni,avx512vbmi," \
    "gfni,avx512bf16"
#pragma clang diagnostic ignored "-Wunused-function"  // quantized weights are the business of AVX-512
#pragma clang attribute push(__attribute__((target(CK_TARGET))), apply_to = function)
#include "vector.h"

#include "linear_lanes.inc"
#include "linear_decode.inc"
#include "linear_pack_avx512.inc"
#include "linear_int8_avx512.inc"
#include "linear_bf16.inc"
#include "linear_bf16_avx512.inc"
#include "attention_tiles.inc"
#include "kv_pairs.inc"
#include "attention_bf16.inc"
#include "peak.inc"

double ck_peak_bf16(ck_peak_kind kind, size_t rounds) { return peak(kind, rounds); }
#pragma clang attribute pop

#endif
