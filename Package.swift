// swift-tools-version: 6.2
import PackageDescription

/// The rules every target of ours is held to.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableExperimentalFeature("Lifetimes"),
]

/// For targets on the path of a cell: exclusivity is proved by the debug build's tests and not paid for in release.
let hot: [SwiftSetting] = strict + [.unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release))]

let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let nioLocks: Target.Dependency = .product(name: "NIOConcurrencyHelpers", package: "swift-nio")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let deque: Target.Dependency = .product(name: "DequeModule", package: "swift-collections")

let package = Package(
    name: "fanion",
    products: [
        .executable(name: "fanion", targets: ["fanion"]),
        .library(name: "EBPF", targets: ["EBPF"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        // Floor 0: the system's libraries.
        .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CSodium", pkgConfig: "libsodium", providers: [.apt(["libsodium-dev"])]),
        .systemLibrary(name: "CELF", pkgConfig: "libelf", providers: [.apt(["libelf-dev"])]),
        .systemLibrary(name: "CAres", pkgConfig: "libcares", providers: [.apt(["libc-ares-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
        .systemLibrary(name: "CLZMA", pkgConfig: "liblzma", providers: [.apt(["liblzma-dev"])]),
        .target(name: "CPlatform"),
        .target(name: "CPluginSDK"),

        // Floor 1: the eBPF machine, and all cryptography.
        .target(name: "EBPF", dependencies: ["CELF", "CPlatform"], swiftSettings: strict),
        .target(name: "OnionCrypto", dependencies: ["COpenSSL", "CSodium"], swiftSettings: hot),

        // Floor 2: wire formats, whom to trust, and settings.
        .target(name: "Cells", dependencies: ["CPlatform"], swiftSettings: hot),
        .target(name: "Trust", dependencies: ["Cells", "OnionCrypto"], swiftSettings: strict),
        .target(name: "Configuration", dependencies: ["Cells", "OnionCrypto", "Trust"], swiftSettings: strict),

        // Floor 3: documents, and the link handshake.
        .target(name: "Directory", dependencies: ["Cells", "OnionCrypto"], swiftSettings: strict),
        .target(name: "Channels", dependencies: ["Cells", "OnionCrypto"], swiftSettings: hot),
        .target(name: "Hooks", dependencies: ["Cells"], swiftSettings: hot),

        // Floor 4: circuits, and the choice of paths.
        .target(name: "Circuits", dependencies: ["Cells", "OnionCrypto", "Hooks"], swiftSettings: hot),
        .target(name: "Paths", dependencies: ["Directory", "Hooks"], swiftSettings: strict),

        // Floor 5: sockets and TLS; plugins.
        .target(
            name: "Transport", dependencies: ["Cells", "COpenSSL", "CPlatform", nioCore, nioPosix, logging, deque],
            swiftSettings: hot),

        .target(
            name: "PluginHost", dependencies: ["Hooks", "Cells", "OnionCrypto", "EBPF", "Directory"], swiftSettings: hot
        ),

        // Floor 6: the corridor a cell walks through.
        .target(
            name: "CellPath",
            dependencies: [
                "CPlatform", "Cells", "OnionCrypto", "Directory", "Channels", "Circuits", "Hooks", "PluginHost",
                "Transport",
                nioCore,
                nioPosix, logging, deque,
            ],
            swiftSettings: hot),

        // Floor 7: what every node has.
        .target(
            name: "Node",
            dependencies: [
                "CellPath", "Configuration", "Paths", "Hooks", "PluginHost", "Trust", "CZlib", "CZstd", "CLZMA",
                nioCore,
                nioPosix, logging,
            ], swiftSettings: strict),

        // Floor 8: the roles.
        .target(
            name: "Relay", dependencies: ["Node", "CAres", nioCore, nioPosix, nioLocks, logging], swiftSettings: strict),
        .target(
            name: "Client", dependencies: ["Node", "Configuration", nioCore, nioPosix, logging], swiftSettings: strict),

        // Floor 9: authorities, and the control port.
        .target(name: "Authority", dependencies: ["Node", "Relay", nioCore, logging], swiftSettings: strict),
        .target(
            name: "Control", dependencies: ["Node", "Relay", "Client", nioCore, nioPosix, logging],
            swiftSettings: strict),

        // Floor 10: one executable.
        .executableTarget(
            name: "fanion",
            dependencies: [
                "EBPF", "Relay", "Client", "Authority", "Control", "PluginHost", "CPluginSDK", "Hooks", "Trust",
                "Configuration", "Node",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ], swiftSettings: strict),

        // Benchmarks. Native code is scalar, as that of eBPF is.
        .target(
            name: "EBPFWorkloads", path: "Benchmarks/EBPFWorkloads",
            cSettings: [.unsafeFlags(["-O2", "-fno-vectorize", "-fno-slp-vectorize"])]),
        .executableTarget(
            name: "ebpf-benchmark", dependencies: ["EBPF", "EBPFWorkloads"], path: "Benchmarks/EBPFBenchmark",
            swiftSettings: strict),
        .executableTarget(
            name: "cell-trace-benchmark",
            dependencies: [
                "CellPath", "PluginHost", nioCore, nioLocks, logging,
                .product(name: "NIOEmbedded", package: "swift-nio"),
            ], path: "Benchmarks/CellTrace", swiftSettings: strict),

        // Tests.
        .target(name: "CAllocationCounter", path: "Tests/CAllocationCounter"),
        .target(
            name: "ProtocolTestKit", dependencies: ["Cells", "OnionCrypto", "Directory", "Channels", "Circuits"],
            path: "Tests/ProtocolTestKit", swiftSettings: strict),
        .target(name: "EBPFFuzzKit", dependencies: ["EBPF"], path: "Tests/EBPFFuzzKit", swiftSettings: strict),
        .executableTarget(
            name: "fanion-fuzz", dependencies: ["EBPF", "EBPFFuzzKit", "Trust", "Cells", "OnionCrypto"],
            path: "Tests/Fuzz", swiftSettings: strict),
        .testTarget(
            name: "EBPFTests", dependencies: ["EBPF", "EBPFFuzzKit"], exclude: ["Cases", "Fixtures"],
            swiftSettings: strict),
        .testTarget(name: "OnionCryptoTests", dependencies: ["OnionCrypto"], swiftSettings: strict),
        .testTarget(name: "CellsTests", dependencies: ["Cells", "ProtocolTestKit"], swiftSettings: strict),
        .testTarget(name: "TrustTests", dependencies: ["Trust", "Cells", "OnionCrypto"], swiftSettings: strict),
        .testTarget(
            name: "ConfigurationTests", dependencies: ["Configuration", "Cells", "Trust"], swiftSettings: strict),
        .testTarget(
            name: "DirectoryTests", dependencies: ["Directory", "ProtocolTestKit"], exclude: ["Fixtures"],
            swiftSettings: strict),
        .testTarget(name: "ChannelsTests", dependencies: ["Channels", "ProtocolTestKit"], swiftSettings: strict),
        .testTarget(
            name: "CircuitsTests", dependencies: ["Circuits", "Hooks", "ProtocolTestKit"], swiftSettings: strict),
        .testTarget(name: "HooksTests", dependencies: ["Hooks"], swiftSettings: strict),
        .testTarget(
            name: "PluginHostTests", dependencies: ["PluginHost", "Circuits", "ProtocolTestKit"], exclude: ["Fixtures"],
            swiftSettings: strict),
        .testTarget(name: "PathsTests", dependencies: ["Paths", "ProtocolTestKit"], swiftSettings: strict),
        .testTarget(name: "TransportTests", dependencies: ["Transport", "ProtocolTestKit"], swiftSettings: strict),
        .testTarget(
            name: "CellPathTests",
            dependencies: ["CellPath", "Hooks", "PluginHost", "ProtocolTestKit", "CAllocationCounter"],
            swiftSettings: strict),
        .testTarget(
            name: "NodeTests",
            dependencies: [
                "Node", "ProtocolTestKit", "Configuration", "Trust", "PluginHost", "Hooks", "OnionCrypto", logging,
            ],
            swiftSettings: strict),
        .testTarget(name: "RelayTests", dependencies: ["Relay", "ProtocolTestKit"], swiftSettings: strict),
        .testTarget(name: "ClientTests", dependencies: ["Client", "ProtocolTestKit"], swiftSettings: strict),
        .testTarget(
            name: "AuthorityTests",
            dependencies: [
                "Authority", "Node", "CellPath", "ProtocolTestKit", nioCore, nioPosix, logging,
                .product(name: "NIOEmbedded", package: "swift-nio"),
            ], swiftSettings: strict),
        .testTarget(name: "ControlTests", dependencies: ["Control", "ProtocolTestKit"], swiftSettings: strict),
        .testTarget(
            name: "FanionTests", dependencies: ["fanion", "PluginHost", "Trust", "OnionCrypto"], swiftSettings: strict),
        .testTarget(name: "EndToEndTests", dependencies: ["fanion"], swiftSettings: strict),
    ]
)
