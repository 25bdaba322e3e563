// AVX-512 with VNNI, VBMI and GFNI: Ice Lake (2019), Zen 4 (2022) and later.
#if defined(__x86_64__)
#include <immintrin.h>

#include "convolution.h"
#include "linear.h"

#define CK_ISA_AVX512
#define CK_ISA_NAME "avx512"
#define CK_LANES 16
#define CK_NAME(f) f##_avx512

#define CK_TARGET                                                                             \
    "avx2,fma,f16c,bmi,bmi2,avx512f,avx512cd,avx512bw,avx512dq,avx512vl,avx512vnni,avx512vbmi,gfni"
#pragma clang attribute push(__attribute__((target(CK_TARGET))), apply_to = function)
#include "bodies.inc"
#pragma clang attribute pop

#endif
