// Which instruction sets this machine and its operating system can run, and the one in use.
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "linear.h"

#if defined(__x86_64__)
#include <cpuid.h>

typedef struct {
    unsigned eax, ebx, ecx, edx;
} cpu_leaf;

static cpu_leaf subleaf(unsigned number, unsigned sub) {
    cpu_leaf out = {0, 0, 0, 0};
    if (!__get_cpuid_count(number, sub, &out.eax, &out.ebx, &out.ecx, &out.edx))
        out = (cpu_leaf){0, 0, 0, 0};
    return out;
}

/// The vendor's name begins with "Auth" (AuthenticAMD).
static bool is_amd(void) { return subleaf(0, 0).ebx == 0x68747541; }

static cpu_leaf leaf(unsigned number) { return subleaf(number, 0); }

static bool has(unsigned flags, unsigned wanted) { return (flags & wanted) == wanted; }

/// Register files the operating system saves: bits of XCR0, 0 if it saves none.
static unsigned saved_registers(void) {
    if (!has(leaf(1).ecx, bit_OSXSAVE)) return 0;
    unsigned low, high;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

static bool can_avx2(void) {
    const unsigned ymm_state = 0x6;
    return has(saved_registers(), ymm_state) && has(leaf(1).ecx, bit_AVX | bit_FMA | bit_F16C) &&
           has(leaf(7).ebx, bit_AVX2 | bit_BMI | bit_BMI2);
}

static bool can_avx512(void) {
    const unsigned zmm_state = 0xe6;
    return can_avx2() && has(saved_registers(), zmm_state) &&
           has(leaf(7).ebx,
               bit_AVX512F | bit_AVX512CD | bit_AVX512BW | bit_AVX512DQ | bit_AVX512VL) &&
           has(leaf(7).ecx, bit_AVX512VBMI | bit_AVX512VNNI | bit_GFNI);
}

static bool can_bf16(void) {
    const unsigned avx512_bf16 = 1u << 5;
    return can_avx512() && has(subleaf(7, 1).eax, avx512_bf16);
}

/// Tiles are large, so Linux wants to be asked before a process uses them; threads inherit the
/// permission.
static bool can_amx(void) {
    const unsigned tile_state = 0x60000;
    const unsigned amx_bf16 = 1u << 22, amx_tile = 1u << 24, amx_int8 = 1u << 25;
    const long request_permission = 0x1023, tile_data = 18;
    return can_bf16() && has(saved_registers(), tile_state) &&
           has(leaf(7).edx, amx_bf16 | amx_tile | amx_int8) &&
           syscall(SYS_arch_prctl, request_permission, tile_data) == 0;
}
#endif

enum { TABLES_MAX = 5 };

static const ck_table *tables[TABLES_MAX];
#if defined(__x86_64__)
static ck_table table_amx, table_bf16;
#endif
static const char *names[TABLES_MAX + 1];
static _Atomic(const ck_table *) current;
bool ck_reads_in_order;
static _Thread_local const ck_table *own;

/// Before main: the list never changes afterwards, so reading it needs no lock.
__attribute__((constructor)) static void list_tables(void) {
    size_t count = 0;
#if defined(__x86_64__)
    ck_reads_in_order = is_amd();
    if (can_amx()) {
        table_amx = ck_table_avx512;
        table_amx.name = "amx";
        table_amx.narrows = true;
        table_amx.half = CK_BF16;
        table_amx.attends_bytes = false;
        table_amx.tile = CK_TILE_TOKENS;
        table_amx.quantize = ck_quantize_amx;
        table_amx.linear_block = ck_linear_block_amx;
        table_amx.convolve_prepare = ck_convolve_prepare_amx;
        table_amx.convolve_pack = ck_convolve_pack_amx;
        table_amx.convolve_block = ck_convolve_block_amx;
        table_amx.kv_store = ck_kv_store_amx;
        table_amx.attend = ck_attend_amx;
        table_amx.peak = ck_peak_amx;
        tables[count++] = &table_amx;
    }
    if (can_bf16()) {
        table_bf16 = ck_table_avx512;
        table_bf16.name = "avx512bf16";
        table_bf16.narrows = true;
        table_bf16.quantize = ck_quantize_bf16;
        table_bf16.linear_block = ck_linear_block_bf16;
        table_bf16.half = CK_BF16_PAIRS;
        table_bf16.kv_store = ck_kv_store_bf16;
        table_bf16.attend = ck_attend_bf16;
        table_bf16.peak = ck_peak_bf16;
        tables[count++] = &table_bf16;
    }
    if (can_avx512()) tables[count++] = &ck_table_avx512;
    if (can_avx2()) tables[count++] = &ck_table_avx2;
#endif
    tables[count++] = &ck_table_scalar;
    for (size_t i = 0; i < count; i++) names[i] = tables[i]->name;
    atomic_store(&current, tables[0]);
}

const char *const *ck_isa_available(void) { return names; }

static const ck_table *table_named(const char *name) {
    for (size_t i = 0; names[i]; i++)
        if (strcmp(names[i], name) == 0) return tables[i];
    return NULL;
}

bool ck_isa_select(const char *name) {
    const ck_table *table = table_named(name);
    if (table) atomic_store(&current, table);
    return table != NULL;
}

bool ck_isa_select_thread(const char *name) {
    const ck_table *table = name ? table_named(name) : NULL;
    if (table || !name) own = table;
    return table || !name;
}

void ck_table_use(const ck_table *table) { own = table; }

const ck_table *ck_table_current(void) {
    return own ? own : atomic_load_explicit(&current, memory_order_relaxed);
}

const char *ck_isa_name(void) { return ck_table_current()->name; }
