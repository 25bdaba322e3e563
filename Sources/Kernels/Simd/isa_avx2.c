// AVX2 with FMA and F16C: Haswell (2013), Zen (2017) and later.
#if defined(__x86_64__)
#include <immintrin.h>

#include "convolution.h"
#include "linear.h"

#define CK_ISA_AVX2
#define CK_ISA_NAME "avx2"
#define CK_LANES 8
#define CK_NAME(f) f##_avx2

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c,bmi,bmi2"))), apply_to = function)
#include "bodies.inc"
#pragma clang attribute pop

#endif
