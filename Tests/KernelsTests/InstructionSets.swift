import CKernels

/// The kernels of one instruction set after the other, without disturbing tests that run beside.
enum InstructionSets {
    /// Names of those this machine can run, best first.
    static var available: [String] {
        var names: [String] = []
        guard let list = ck_isa_available() else { return names }
        while let name = list[names.count] { names.append(String(cString: name)) }
        return names
    }

    /// Whether fast arithmetic of this one rounds to bf16 where weights or caches are.
    static func hasBF16(_ name: String) -> Bool { ["amx", "avx512bf16"].contains(name) }

    /// Runs `body` with the kernels of `name` on this thread and the pool's threads that help it.
    static func with<Result>(_ name: String, _ body: () throws -> Result) rethrows -> Result {
        precondition(ck_isa_select_thread(name))
        defer { _ = ck_isa_select_thread(nil) }
        return try body()
    }

    /// Runs `body` once with each.
    static func forEach(_ body: (String) throws -> Void) rethrows {
        for name in available { try with(name) { try body(name) } }
    }
}
