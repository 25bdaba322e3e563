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
    products: [.executable(name: "mlxi", targets: ["mlxi"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    ],
    targets: [
        .target(
            name: "CKernels", path: "Sources/Kernels/Simd", publicHeadersPath: "include",
            cSettings: kernelFlags),
        .target(
            name: "Kernels", dependencies: ["CKernels"], path: "Sources/Kernels",
            exclude: ["Simd"], swiftSettings: strict),
        .target(name: "Text", dependencies: ["Kernels"], swiftSettings: strict),
        .systemLibrary(name: "CSndfile", path: "Sources/Audio/CSndfile", pkgConfig: "sndfile"),
        .target(
            name: "CLibAV", path: "Sources/Audio/CLibAV", publicHeadersPath: "include",
            cSettings: [.unsafeFlags(["-Wall", "-Wextra", "-Werror"])]),
        .target(
            name: "Audio", dependencies: ["Kernels", "Text", "CSndfile", "CLibAV"],
            exclude: ["CSndfile", "CLibAV"], swiftSettings: strict),
        .target(
            name: "CImage", path: "Sources/Vision/CImage", publicHeadersPath: "include",
            cSettings: [.unsafeFlags(["-Wall", "-Wextra", "-Werror"])],
            linkerSettings: [.linkedLibrary("png"), .linkedLibrary("jpeg")]),
        .target(
            name: "Vision", dependencies: ["Kernels", "CImage"], exclude: ["CImage"],
            swiftSettings: strict),
        .systemLibrary(
            name: "CEdit", path: "Sources/mlxi/Conversation/CEdit", pkgConfig: "libedit"),
        .executableTarget(
            name: "mlxi",
            dependencies: [
                "Kernels", "Text", "Audio", "Vision", "CEdit",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "GRDB", package: "GRDB.swift"),
            ],
            exclude: ["Conversation/CEdit"], swiftSettings: strict),
        .target(
            name: "TestSupport", dependencies: ["Kernels"], path: "Tests/Support",
            swiftSettings: strict),
        .testTarget(
            name: "KernelsTests", dependencies: ["Kernels", "CKernels", "TestSupport"],
            swiftSettings: strict),
        .testTarget(
            name: "TextTests", dependencies: ["Text", "Kernels", "TestSupport"],
            swiftSettings: strict),
        .testTarget(
            name: "AudioTests", dependencies: ["Audio", "Text", "Kernels", "TestSupport"],
            swiftSettings: strict),
        .testTarget(
            name: "VisionTests", dependencies: ["Vision", "Text", "Kernels", "TestSupport"],
            swiftSettings: strict),
        .testTarget(name: "mlxiTests", dependencies: ["mlxi"], swiftSettings: strict),
        .testTarget(name: "TidyTests", swiftSettings: strict),
    ]
)
