// Calls within a section and across sections, deep calls, many arguments, and helpers.
#include "fixture.h"

static NOINLINE u64 five(u64 a, u64 b, u64 c, u64 d, u64 e) { return a + 2 * b + 3 * c + 4 * d + 5 * e; }

NOINLINE u64 fibonacci(u64 n) { return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2); }

SEC("calls/other") NOINLINE u64 other(u64 a) { return five(a, a + 1, a + 2, a + 3, a + 4) ^ 0x55; }
SEC("calls/other") NOINLINE u64 another(u64 a) { return other(a) + other(a + 1); }

SEC("calls/main") u64 calls(u64 a) { return another(a) * 3 + five(1, 2, 3, 4, a); }

SEC("calls/fibonacci") u64 deep(u64 n) { return fibonacci(n % 12); }

SEC("calls/helper") u64 helper(u64 a) { return identity(a) + identity(a * 2); }

static NOINLINE void fill(u8 *out, u64 count, u8 start) {
    for (u64 i = 0; i < count; i++) out[i] = start + i;
}

SEC("calls/stack") u64 stack(u64 a) {
    u8 buffer[64];
    fill(buffer, sizeof buffer, a);
    u64 sum = 0;
    for (u32 i = 0; i < sizeof buffer; i++) sum = sum * 31 + buffer[i];
    return sum;
}
