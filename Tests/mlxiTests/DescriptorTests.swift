import Foundation
import Testing

@testable import mlxi

/// What is opened is closed once, where opening fails half way too: a second time would close a file
/// that another thread has opened since, the ledger for example.
@Suite struct DescriptorTests {
    private static let counter = """
        #include <errno.h>
        #include <stdatomic.h>
        #include <stdio.h>
        #include <sys/syscall.h>
        #include <unistd.h>
        static atomic_long calls;
        int close(int number) {
            int result = syscall(SYS_close, number);
            if (result < 0 && errno == EBADF) calls++;
            return result;
        }
        __attribute__((destructor)) static void say(void) {
            dprintf(2, "closed twice %ld\\n", (long)calls);
        }
        """

    @Test func nothingIsClosedTwice() async throws {
        let folder = try TestFolder()
        let preload = try Preload(Self.counter, in: folder)
        try folder.write("empty.wav", "")
        try folder.write("noise.wav", "RIFF, but no more than that")
        try folder.write("watched/talk.txt", "not a recording")
        let first = try Program(["watch", folder.path("watched")])
        defer { first.send(SIGKILL) }
        try wait { folder.exists("watched/.mlxi/ledger.sqlite") }
        for (arguments, input) in [
            (["transcribe", folder.path("empty.wav"), folder.path("noise.wav")], nil),
            (["transcribe", folder.path("absent.wav"), folder.path], nil),
            (["transcribe", "-"], Data()), (["embed"], Data()),
            (["watch", folder.path("watched")], nil), (["watch", "/proc/1/absent"], nil),
        ] as [([String], Data?)] {
            let run = try await Program(
                arguments, input: input, environment: preload.environment
            ).result()
            #expect(run.status != 0, "\(arguments)")
            #expect(Preload.number("closed twice", in: run.err) == 0, "\(arguments): \(run)")
        }
    }
}
