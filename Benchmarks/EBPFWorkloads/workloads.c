#include "workloads.h"

#define NOINLINE __attribute__((noinline))

/// Arithmetic in loops, hardly any memory.
u64 loops(u8 *memory, u64 length) {
    u64 total = 0, state = memory[0] | 1;
    for (u64 i = 0; i < length; i++) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        if (state & 0x100)
            total += state;
        else
            total ^= i;
    }
    return total;
}

/// A plain sum of bytes.
u64 sum(u8 *memory, u64 length) {
    u64 total = 0;
    for (u64 i = 0; i < length; i++) total += memory[i];
    return total;
}

/// Copies one half over the other, byte by byte.
u64 copy(u8 *memory, u64 length) {
    u64 half = length / 2;
    volatile u8 *barrier = memory;
    u8 first = *barrier;
    for (u64 i = 0; i < half; i++) {
        memory[half + i] = memory[i];
        __asm__ volatile("" ::: "memory");
    }
    return memory[length - 1] + first;
}

/// The checksum of IP: 16-bit words, end-around carry.
u64 checksum(u8 *memory, u64 length) {
    u32 total = 0;
    const u16 *words = (const u16 *)memory;
    for (u64 i = 0; i < length / 2; i++) {
        total += words[i];
        total = (total & 0xffff) + (total >> 16);
    }
    return (u16)~total;
}

/// FNV-1a, which waits for its multiplication.
u64 hash(u8 *memory, u64 length) {
    u64 state = 14695981039346656037ull;
    for (u64 i = 0; i < length; i++) state = (state ^ memory[i]) * 1099511628211ull;
    return state;
}

/// Multiply-accumulate in GF(256) by a table, as erasure codes do.
u64 gf256(u8 *memory, u64 length) {
    u8 row[256];
    u64 quarter = length / 4;
    for (u32 x = 0; x < 256; x++) {
        u32 product = 0, factor = 0x53, value = x;
        while (value) {
            if (value & 1) product ^= factor;
            factor = factor << 1 ^ (factor & 0x80 ? 0x11d : 0);
            value >>= 1;
        }
        row[x] = product;
    }
    for (u32 round = 1; round < 4; round++)
        for (u64 i = 0; i < quarter; i++) memory[i] ^= row[memory[round * quarter + i]];
    return memory[0] | memory[quarter - 1] << 8;
}

/// Shell sort of 32-bit numbers, other ones each time, so that no processor learns them by heart.
u64 sort(u8 *memory, u64 length) {
    u32 *numbers = (u32 *)memory;
    u64 count = length / 8;
    u32 state = numbers[2 * count - 1] += 0x9e3779b9;
    for (u64 i = 0; i < count; i++) numbers[i] = state = state * 1664525 + 1013904223;
    for (u64 gap = count / 2; gap > 0; gap /= 2)
        for (u64 i = gap; i < count; i++) {
            u32 value = numbers[i];
            u64 j = i;
            for (; j >= gap && numbers[j - gap] > value; j -= gap) numbers[j] = numbers[j - gap];
            numbers[j] = value;
        }
    return numbers[0] + ((u64)numbers[count - 1] << 32);
}

/// Follows indices from one place to the next.
u64 chase(u8 *memory, u64 length) {
    u16 *next = (u16 *)memory;
    u64 count = length / 2;
    for (u64 i = 0; i < count; i++) next[i] = (u16)((i * 5 + 3) % count);
    u64 at = 0, total = 0;
    for (u64 i = 0; i < count * 4; i++) {
        at = next[at];
        total += at;
    }
    return total;
}

struct machine {
    u64 random[2];
    u32 tokens[32];
    u32 edges[32];
    u32 total;
    u32 state;
    u64 due;
};

static u64 draw(struct machine *machine) {
    u64 a = machine->random[0], b = machine->random[1];
    machine->random[0] = b;
    a ^= a << 23;
    machine->random[1] = a ^ b ^ a >> 18 ^ b >> 5;
    return machine->random[1] + b;
}

/// A padding machine: draws delays from a histogram, takes the token, refills, changes states.
u64 padding(u8 *memory, u64 length) {
    struct machine *machine = (struct machine *)memory;
    machine->random[0] = 0x9e3779b97f4a7c15ull;
    machine->random[1] = length;
    machine->state = 0;
    machine->due = 0;
    machine->total = 0;
    for (u32 i = 0; i < 32; i++) {
        machine->tokens[i] = 0;
        machine->edges[i] = i * i * 10 + 1;
    }
    for (u32 step = 0; step < 512; step++) {
        if (machine->total == 0)
            for (u32 i = 0; i < 32; i++) {
                machine->tokens[i] = 1 + (i * 7 & 15);
                machine->total += machine->tokens[i];
            }
        u32 pick = draw(machine) % machine->total, bin = 0;
        while (bin < 31 && pick >= machine->tokens[bin]) pick -= machine->tokens[bin++];
        u32 low = machine->edges[bin], width = bin < 31 ? machine->edges[bin + 1] - low : 100;
        u64 delay = low + draw(machine) % width;
        machine->tokens[bin]--;
        machine->total--;
        machine->due += delay;
        machine->state = machine->state == 0 ? delay > 500 : delay > 4000 ? 0 : 1;
    }
    return machine->due + machine->state;
}

#define ROTATE(x, n) ((x) << (n) | (x) >> (32 - (n)))
#define QUARTER(a, b, c, d)                                                                                            \
    a += b, d = ROTATE(d ^ a, 16), c += d, b = ROTATE(b ^ c, 12), a += b, d = ROTATE(d ^ a, 8), c += d,                \
        b = ROTATE(b ^ c, 7)

/// ChaCha20 over the memory, 64 bytes at a time.
u64 chacha(u8 *memory, u64 length) {
    u32 input[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
    for (u32 i = 4; i < 16; i++) input[i] = i * 0x01010101;
    for (u64 at = 0; at + 64 <= length; at += 64) {
        u32 x[16];
        for (u32 i = 0; i < 16; i++) x[i] = input[i];
        for (u32 round = 0; round < 10; round++) {
            QUARTER(x[0], x[4], x[8], x[12]);
            QUARTER(x[1], x[5], x[9], x[13]);
            QUARTER(x[2], x[6], x[10], x[14]);
            QUARTER(x[3], x[7], x[11], x[15]);
            QUARTER(x[0], x[5], x[10], x[15]);
            QUARTER(x[1], x[6], x[11], x[12]);
            QUARTER(x[2], x[7], x[8], x[13]);
            QUARTER(x[3], x[4], x[9], x[14]);
        }
        u32 *out = (u32 *)(memory + at);
        for (u32 i = 0; i < 16; i++) out[i] ^= x[i] + input[i];
        input[12]++;
    }
    return memory[0] | (u64)memory[length - 1] << 8;
}

static NOINLINE u64 mix(u64 a, u64 b, u64 c) {
    a ^= b + c;
    return a << 7 | a >> 57;
}

static NOINLINE u64 tree(u64 depth, u64 seed) {
    if (depth == 0) return mix(seed, depth, 1);
    return tree(depth - 1, seed + 1) + mix(tree(depth - 1, seed * 3), seed, depth);
}

/// Functions that call functions.
u64 calls(u8 *memory, u64 length) {
    u64 total = memory[0];
    for (u64 i = 0; i < length / 16; i++) total = mix(total, i, length);
    return total + tree(7, memory[1]);
}

#ifdef __bpf__
/// Nothing.
u64 empty(u8 *memory, u64 length) { return 0; }

static u64 (*const identity)(u64) = (u64(*)(u64))5;

/// Calls the host over and over.
u64 helpers(u8 *memory, u64 length) {
    u64 total = 0;
    for (u64 i = 0; i < length; i++) total += identity(i);
    return total;
}
#endif
