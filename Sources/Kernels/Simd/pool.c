// Fork-join over items. The join waits for items, not for workers: a worker the system does not
// schedule costs nothing, because the caller takes the items itself.
//
// One job at a time lies in a static slot. Its `ticket` packs the job's generation (high half) and
// the next free item (low half). A worker reads the slot, then claims an item by compare-exchange
// on the whole ticket. Success proves that the slot it read belongs to that generation, and that
// the job cannot end before the worker reports the item: a worker that wakes late claims nothing,
// and no one touches the caller's memory after the join.
#define _GNU_SOURCE
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "table.h"

enum {
    THREADS_MAX = 64,
    SPIN_ROUNDS = 64,         // of a worker that waits for a job, before it parks
    SPIN_PAUSES_MAX = 16,     // pauses in one round, doubling up to here
    JOIN_SPIN_ROUNDS = 1024,  // of the caller that waits for the last items, before it parks
    ITEM_BITS = 32,
};

typedef void (*item_body)(void *context, size_t item);

static struct {
    _Alignas(64) _Atomic uint64_t ticket;
    _Alignas(64) _Atomic uint32_t finished;  // items of the current job; futex of the caller
    _Atomic uint32_t caller_parked;
    _Alignas(64) _Atomic uint32_t generation;  // futex of the workers
    _Atomic uint32_t parked;
    _Alignas(64) _Atomic(item_body) body;
    _Atomic(void *) context;
    _Atomic(const ck_table *) table;  // the caller's
    _Atomic uint32_t items;
    atomic_bool stopping;
    atomic_bool busy;  // held by the one thread that runs a job or resizes the pool
    _Atomic size_t threads;
    pthread_t workers[THREADS_MAX];
} pool = {.threads = 1};

/// Set on a thread that is inside an item: its own parallel calls run inline.
static _Thread_local bool inside;

static inline void relax(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static void futex_wait(_Atomic uint32_t *word, uint32_t seen) {
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
}

static void futex_wake(_Atomic uint32_t *word, uint32_t count) {
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);
}

/// Claims and runs items of the job in the slot until none is free.
static void run_items(bool worker) {
    uint64_t ticket = atomic_load(&pool.ticket);
    for (;;) {
        const item_body body = atomic_load_explicit(&pool.body, memory_order_relaxed);
        void *context = atomic_load_explicit(&pool.context, memory_order_relaxed);
        const ck_table *table = atomic_load_explicit(&pool.table, memory_order_relaxed);
        const uint32_t items = atomic_load_explicit(&pool.items, memory_order_relaxed);
        const uint32_t item = (uint32_t)ticket;
        atomic_thread_fence(memory_order_acquire);
        if (item >= items) return;
        if (!atomic_compare_exchange_strong(&pool.ticket, &ticket, ticket + 1)) continue;
        if (worker) ck_table_use(table);
        body(context, item);
        if (atomic_fetch_add(&pool.finished, 1) + 1 == items && atomic_load(&pool.caller_parked))
            futex_wake(&pool.finished, 1);
        ticket = atomic_load(&pool.ticket);
    }
}

static void wait_for_job(uint32_t seen) {
    uint32_t pauses = 1;
    for (int round = 0; round < SPIN_ROUNDS; round++) {
        if (atomic_load(&pool.generation) != seen) return;
        for (uint32_t i = 0; i < pauses; i++) relax();
        if (pauses < SPIN_PAUSES_MAX) pauses *= 2;
    }
    atomic_fetch_add(&pool.parked, 1);
    futex_wait(&pool.generation, seen);
    atomic_fetch_sub(&pool.parked, 1);
}

static void *work(void *unused) {
    inside = true;
    while (!atomic_load(&pool.stopping)) {
        const uint32_t seen = atomic_load(&pool.generation);
        run_items(true);
        if (atomic_load(&pool.stopping)) break;
        wait_for_job(seen);
    }
    return unused;
}

static void announce(uint32_t generation, uint32_t workers_wanted) {
    atomic_store(&pool.generation, generation);
    if (atomic_load(&pool.parked) > 0) futex_wake(&pool.generation, workers_wanted);
}

/// Puts a job into the slot. Until its ticket is out, the slot shows a generation without items.
static void publish(size_t items, item_body body, void *context) {
    const uint32_t generation = atomic_load(&pool.generation) + 1;
    const uint64_t first = (uint64_t)generation << ITEM_BITS;
    atomic_store(&pool.ticket, first | UINT32_MAX);
    atomic_store(&pool.body, body);
    atomic_store(&pool.context, context);
    atomic_store(&pool.table, ck_table_current());
    atomic_store(&pool.items, (uint32_t)items);
    atomic_store(&pool.finished, 0);
    atomic_store(&pool.caller_parked, 0);
    atomic_store(&pool.ticket, first);
    announce(generation, items < THREADS_MAX ? (uint32_t)items - 1 : THREADS_MAX);
}

static void join(uint32_t items) {
    for (int round = 0; round < JOIN_SPIN_ROUNDS; round++) {
        if (atomic_load(&pool.finished) == items) return;
        relax();
    }
    atomic_store(&pool.caller_parked, 1);
    for (;;) {
        const uint32_t finished = atomic_load(&pool.finished);
        if (finished == items) return;
        futex_wait(&pool.finished, finished);
    }
}

void ck_parallel(size_t items, void (*body)(void *context, size_t item), void *context) {
    bool free = false;
    const bool alone = items < 2 || items >= UINT32_MAX || inside ||
                       atomic_load_explicit(&pool.threads, memory_order_relaxed) == 1 ||
                       !atomic_compare_exchange_strong(&pool.busy, &free, true);
    if (alone) {
        for (size_t item = 0; item < items; item++) body(context, item);
        return;
    }
    inside = true;
    publish(items, body, context);
    run_items(false);
    join((uint32_t)items);
    inside = false;
    atomic_store(&pool.busy, false);
}

// Never from inside an item: it waits until no job runs.
void ck_pool_start(size_t threads) {
    const size_t wanted = threads < 1 ? 1 : threads > THREADS_MAX ? THREADS_MAX : threads;
    bool free = false;
    while (!atomic_compare_exchange_strong(&pool.busy, &free, true)) {
        free = false;
        relax();
    }
    atomic_store(&pool.stopping, true);
    announce(atomic_load(&pool.generation) + 1, THREADS_MAX);
    const size_t before = atomic_load(&pool.threads);
    for (size_t i = 1; i < before; i++) pthread_join(pool.workers[i], NULL);
    atomic_store(&pool.stopping, false);
    size_t started = 1;
    while (started < wanted && pthread_create(&pool.workers[started], NULL, work, NULL) == 0)
        started++;
    atomic_store(&pool.threads, started);
    atomic_store(&pool.busy, false);
}

size_t ck_pool_threads(void) { return atomic_load(&pool.threads); }
