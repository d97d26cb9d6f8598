// What the fixtures share. They are built by every compiler that `build` knows and must behave alike.
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef signed char s8;
typedef short s16;
typedef int s32;
typedef long long s64;

#define SEC(name) __attribute__((section(name), used))
#define NOINLINE __attribute__((noinline))

#if defined(__clang__)
static u64 (*const identity)(u64) = (u64(*)(u64))5;
#define SWAP16 __builtin_bswap16
#define SWAP32 __builtin_bswap32
#define SWAP64 __builtin_bswap64
#else
extern u64 identity(u64) __attribute__((kernel_helper(5)));
// GCC calls a library for these.
#define SWAP16(x) ((u16)((u16)(x) << 8 | (u16)(x) >> 8))
#define SWAP32(x) ((u32)SWAP16(x) << 16 | SWAP16((u32)(x) >> 16))
#define SWAP64(x) ((u64)SWAP32(x) << 32 | SWAP32((u64)(x) >> 32))
#endif
