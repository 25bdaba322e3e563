// AMX with int8 and bf16 tiles, on top of AVX-512: Sapphire Rapids (2023) and later. Only what the
// tiles do better is here; dispatch.c takes the rest from the table of AVX-512.
#if defined(__x86_64__)
#include <immintrin.h>

#include "convolution.h"
#include "linear.h"

#define CK_ISA_AVX512
#define CK_LANES 16
#define CK_NAME(f) f##_amx

#define CK_TARGET                                                                              \
    "avx2,fma,f16c,bmi,bmi2,avx512f,avx512cd,avx512bw,avx512dq,avx512vl,avx512vnni,avx512vbmi," \
    "gfni,avx512bf16,amx-tile,amx-int8,amx-bf16"
#pragma clang diagnostic ignored "-Wunused-function"  // few tokens are the business of AVX-512
#pragma clang attribute push(__attribute__((target(CK_TARGET))), apply_to = function)
#include "vector.h"

#include "attention.inc"
#include "linear_lanes.inc"
#include "linear_decode.inc"
#include "linear_quantize.inc"
#include "linear_pack_avx512.inc"
#include "linear_int8_avx512.inc"
#include "linear_int8_few_avx512.inc"
#include "linear_int8_run_avx512.inc"
#include "linear_int8_next_avx512.inc"
#include "linear_int8_block_avx512.inc"
#include "linear_amx.inc"
#include "linear_bf16.inc"
#include "linear_amx_bf16.inc"
#include "linear_amx_many.inc"
#include "channels.inc"
#include "convolution_amx.inc"
#include "attention_amx.inc"
#include "attention_amx_sequence.inc"
#pragma clang attribute pop

#endif
