// Every kind of data section, strings, and tables of functions.
#include "fixture.h"

u32 counter = 7;
static u64 zeroed[4];
static const u16 primes[8] = {2, 3, 5, 7, 11, 13, 17, 19};
static const char *const words[3] = {"onion", "cell", "circuit"};
static volatile u32 hidden = 0x01020304;

static NOINLINE u64 twice(u64 x) { return x * 2; }
static NOINLINE u64 square(u64 x) { return x * x; }
u64 negate(u64 x) { return -x; }

typedef u64 (*function)(u64);
static const function table[3] = {twice, square, negate};
function chosen = square;
static u32 *pointer = &counter;

SEC("data/globals") u64 globals(u64 a) {
    counter += a;
    zeroed[a & 3] += counter;
    *pointer += 1;
    return counter + zeroed[a & 3] + hidden;
}

SEC("data/constants") u64 constants(u64 a) { return primes[a & 7] * 1000 + primes[(a + 3) & 7]; }

SEC("data/strings") u64 strings(u64 a) {
    const char *word = words[a % 3];
    u64 hash = 5381;
    while (*word) hash = hash * 33 + (u8)*word++;
    return hash;
}

SEC("data/table") u64 functions(u64 a, u64 b) { return table[a % 3](b) + 1; }

SEC("data/chosen") u64 through_variable(u64 a) {
    function old = chosen;
    chosen = a & 1 ? twice : negate;
    return old(a) ^ chosen(a);
}

SEC("data/same") u64 same(u64 a) { return chosen == square ? a : 0; }

char terms[] SEC("license") = "none";
