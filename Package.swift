// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]

// The kernels are the program's speed, so they are optimised in debug builds too; each function
// names its own instruction set, and the table in dispatch.c picks one at start.
let kernelFlags: [CSetting] = [
    .unsafeFlags(["-O3", "-fno-math-errno", "-ffp-contract=off", "-Wall", "-Wextra", "-Werror"])
]

let package = Package(
    name: "mlxi",
    targets: [
        .target(
            name: "CKernels", path: "Sources/Kernels/Simd", publicHeadersPath: "include",
            cSettings: kernelFlags),
        .target(
            name: "Kernels", dependencies: ["CKernels"], path: "Sources/Kernels",
            exclude: ["Simd"], swiftSettings: strict),
        .target(name: "Text", dependencies: ["Kernels"], swiftSettings: strict),
        .systemLibrary(name: "CSndfile", path: "Sources/Audio/CSndfile", pkgConfig: "sndfile"),
        .systemLibrary(name: "CLibAV", path: "Sources/Audio/CLibAV", pkgConfig: "libavformat"),
        .target(
            name: "Audio", dependencies: ["Kernels", "Text", "CSndfile", "CLibAV"],
            exclude: ["CSndfile", "CLibAV"], swiftSettings: strict),
        .target(
            name: "TestSupport", dependencies: ["Kernels"], path: "Tests/Support",
            swiftSettings: strict),
        .testTarget(
            name: "KernelsTests", dependencies: ["Kernels", "CKernels", "TestSupport"],
            swiftSettings: strict),
        .testTarget(
            name: "TextTests", dependencies: ["Text", "Kernels", "TestSupport"],
            swiftSettings: strict),
    ]
)
