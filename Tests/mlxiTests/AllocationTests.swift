import Foundation
import Testing

@testable import mlxi

/// Decoding takes its memory when the session opens: counted, not believed.
@Suite struct AllocationTests {
    /// Counts the process's requests for memory and says so at its end.
    private static let counter = """
        #include <stdatomic.h>
        #include <stdio.h>
        #include <stddef.h>
        extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t);
        extern void *__libc_realloc(void *, size_t), *__libc_memalign(size_t, size_t);
        static atomic_long calls;
        void *malloc(size_t n) { calls++; return __libc_malloc(n); }
        void *calloc(size_t n, size_t size) { calls++; return __libc_calloc(n, size); }
        void *realloc(void *p, size_t n) { calls++; return __libc_realloc(p, n); }
        int posix_memalign(void **p, size_t alignment, size_t n) {
            calls++;
            *p = __libc_memalign(alignment, n);
            return *p ? 0 : 12;
        }
        __attribute__((destructor)) static void say(void) {
            dprintf(2, "allocations %ld\\n", (long)calls);
        }
        """
    /// Without optimisation every generic iterator of the standard library is a box: two of the
    /// layers, four of the tokens.
    #if DEBUG
        private static let perTokenMax = 7.0
    #else
        private static let perTokenMax = 0.25
    #endif
    /// The address sanitizer has a malloc of its own.
    private static let canCount = !Program.path.contains("/asan/")

    @Test(.enabled(if: canCount)) func decodingAllocatesNothing() async throws {
        let folder = try TestFolder()
        let preload = try Preload(Self.counter, in: folder)
        func allocations(tokens: Int) async throws -> Int {
            let run = try await Program.run(
                "bench", Program.languageModel, "-p", "3", "-n", "\(tokens)", "-r", "1", "--json",
                environment: preload.environment)
            return try #require(Preload.number("allocations", in: run.err))
        }
        let (few, many) = (try await allocations(tokens: 50), try await allocations(tokens: 450))
        #expect(Double(many - few) / 400 < Self.perTokenMax)
    }
}
