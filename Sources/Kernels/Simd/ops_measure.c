// What this machine can do at most, measured with the instructions of the set in use. The caller
// takes the time; here is only the work, on every thread of the pool.
#include <malloc.h>
#include <stdatomic.h>

#include "table.h"

enum { NOISE_PIECE_BYTES = 1 << 20 };

typedef struct {
    const ck_table *table;
    ck_peak_kind kind;
    size_t rounds;
    const char *memory;
    size_t bytes;
    uint64_t keep, set;
    _Atomic double operations;
} measure_job;

static void peak_item(void *context, size_t item) {
    (void)item;
    measure_job *job = context;
    const double done = job->table->peak(job->kind, job->rounds);
    double before = atomic_load(&job->operations);
    while (!atomic_compare_exchange_weak(&job->operations, &before, before + done)) {
    }
}

double ck_peak(ck_peak_kind kind, size_t rounds) {
    measure_job job = {.table = ck_table_current(), .kind = kind, .rounds = rounds};
    ck_parallel(ck_pool_threads(), peak_item, &job);
    return atomic_load(&job.operations);
}

typedef struct {
    const ck_table *table;
    const ck_span *spans;
    _Atomic uint64_t sum;
} spans_job;

static void span_item(void *context, size_t item) {
    spans_job *job = context;
    const ck_span *span = job->spans + item;
    atomic_fetch_add(&job->sum, job->table->read_all(span->memory, span->bytes));
}

uint64_t ck_read_spans(const ck_span *spans, size_t count) {
    spans_job job = {.table = ck_table_current(), .spans = spans};
    ck_parallel(count, span_item, &job);
    return atomic_load(&job.sum);
}

size_t ck_heap_bytes(void) {
    const struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

/// Sequences of splitmix64 (Steele, Lea and Flood 2014), one a piece: the same on any thread.
static void noise_item(void *context, size_t item) {
    const measure_job *job = context;
    const size_t first = item * NOISE_PIECE_BYTES, left = job->bytes - first;
    const size_t bytes = left < NOISE_PIECE_BYTES ? left : NOISE_PIECE_BYTES;
    char *to = (char *)job->memory + first;
    uint64_t state = (job->rounds + 1) * 0x9e3779b97f4a7c15u + item;
    for (size_t i = 0; i < bytes; i += sizeof state) {
        state += 0x9e3779b97f4a7c15u;
        uint64_t z = state;
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
        z = (z ^ z >> 27) * 0x94d049bb133111ebu;
        z = ((z ^ z >> 31) & job->keep) | job->set;
        __builtin_memcpy(to + i, &z, bytes - i < sizeof z ? bytes - i : sizeof z);
    }
}

void ck_fill_noise(void *memory, size_t bytes, size_t seed, uint64_t keep, uint64_t set) {
    measure_job job = {
        .memory = memory, .bytes = bytes, .rounds = seed, .keep = keep, .set = set};
    ck_parallel((bytes + NOISE_PIECE_BYTES - 1) / NOISE_PIECE_BYTES, noise_item, &job);
}
