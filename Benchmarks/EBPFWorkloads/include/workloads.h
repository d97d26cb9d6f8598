// Workloads that are compiled twice, for this machine and for eBPF, and timed side by side.
#pragma once
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

/// All take the address and the length of some memory, and answer a number that depends on all they did.
typedef u64 (*workload)(u8 *memory, u64 length);

u64 loops(u8 *memory, u64 length);
u64 sum(u8 *memory, u64 length);
u64 copy(u8 *memory, u64 length);
u64 checksum(u8 *memory, u64 length);
u64 hash(u8 *memory, u64 length);
u64 gf256(u8 *memory, u64 length);
u64 sort(u8 *memory, u64 length);
u64 chase(u8 *memory, u64 length);
u64 padding(u8 *memory, u64 length);
u64 chacha(u8 *memory, u64 length);
u64 calls(u8 *memory, u64 length);
