// Works on memory that the host passes: r1 its address, r2 its length.
#include "fixture.h"

SEC("memory/sum") u64 sum(u8 *bytes, u64 count) {
    u64 total = 0;
    for (u64 i = 0; i < count; i++) total += bytes[i];
    return total;
}

SEC("memory/signed") s64 signed_sum(const u8 *bytes, u64 count) {
    s64 total = 0;
    for (u64 i = 0; i + 8 <= count; i += 8) {
        total += *(const s8 *)(bytes + i);
        total += *(const s16 *)(bytes + i + 2);
        total += *(const s32 *)(bytes + i + 4);
        total ^= total >> 3;
    }
    return total;
}

SEC("memory/reverse") u64 reverse(u8 *bytes, u64 count) {
    for (u64 i = 0; i < count / 2; i++) {
        u8 kept = bytes[i];
        bytes[i] = bytes[count - 1 - i];
        bytes[count - 1 - i] = kept;
    }
    return bytes[0];
}

SEC("memory/divide") s64 divide(const s32 *numbers, u64 count) {
    s64 total = 0;
    for (u64 i = 0; i + 1 < count / 4; i++) {
        u32 divisor = (u32)numbers[i + 1] | 1;
        total += (u32)numbers[i] / divisor + (u32)numbers[i] % divisor;
    }
    return total;
}

SEC("memory/swap") u64 swap(const u64 *words, u64 count) {
    u64 total = 0;
    for (u64 i = 0; i < count / 8; i++) {
        total ^= SWAP64(words[i]) + SWAP32(words[i]) + SWAP16(words[i]);
        total = total << 7 | total >> 57;
    }
    return total;
}

SEC("memory/atomic") u64 atomic(u64 *words, u64 count) {
    for (u64 i = 0; i + 1 < count / 8; i++) __sync_fetch_and_add(&words[i], words[i + 1]);
    return words[0];
}
