// ewma: the built-in scheduler as a plugin of the host. The circuit that has sent least of late comes first.
//
// A cell's weight doubles each half-life, instead of all sums shrinking. Sums are 32 bits of exponent and 32 of mantissa after the
// leading one, so they compare as integers; see Sources/Hooks/Policies/EWMABurden.swift.
#include "fanion.h"

FANION_PLUGIN(.name = "org.fanion.ewma", .version = {1, 0, 0}, .scope = FANION_HOST, .roles = FANION_CLIENT | FANION_RELAY,
              .capabilities = FANION_CAP_TIME, .memory = 16384);

#define MASK 0xffffffffULL
#define ONE 0x100000000ULL

enum { QUANTUM = 8, FIRST_EXPONENT = 64 };

static __u64 half_life = 30000; // milliseconds
static __u64 milliseconds = ~0ULL;
static __u64 weight;

static __u64 weight_at(__u64 time) {
    __u64 whole = time / half_life;
    __u64 rest = time % half_life;
    __u64 fraction = (((rest < MASK ? rest : MASK) << 32) / half_life) & MASK;
    __u64 slope = 2821166650ULL + ((1473800646ULL * fraction) >> 32);
    __u64 mantissa = (slope * fraction) >> 32;
    __u64 exponent = (whole < MASK - FIRST_EXPONENT ? whole : MASK - FIRST_EXPONENT) + FIRST_EXPONENT;
    return exponent << 32 | (mantissa < MASK ? mantissa : MASK);
}

static __u64 sum(__u64 first, __u64 second) {
    __u64 large = first > second ? first : second;
    __u64 small = first > second ? second : first;
    __u64 distance = (large >> 32) - (small >> 32);
    if (distance > 32)
        return large;
    __u64 mantissa = ((large & MASK) | ONE) + (((small & MASK) | ONE) >> distance);
    __u64 carry = mantissa >> 33;
    return ((large >> 32) + carry) << 32 | ((mantissa >> carry) & MASK);
}

SEC("init") int begin(struct init_ctx *ctx) {
    const __u8 *text = FANION_BYTES(ctx->argument);
    __u64 value = 0;
    for (__u32 i = 0; i < ctx->argument_length && i < 10; i++) {
        if (text[i] < '0' || text[i] > '9')
            return FANION_REFUSE;
        value = value * 10 + (text[i] - '0');
    }
    if (value)
        half_life = value;
    return FANION_READY;
}

SEC("rank/ready") int ready(struct rank_ctx *ctx) {
    ctx->key = ctx->state[0];
    return QUANTUM;
}

SEC("rank/sent") int sent(struct rank_ctx *ctx) {
    __u64 now = fanion_now() / 1000;
    if (now != milliseconds) {
        milliseconds = now;
        weight = weight_at(now);
    }
    __u64 burden = ctx->state[0];
    for (__u32 i = 0; i < ctx->sent; i++)
        burden = sum(burden, weight);
    ctx->state[0] = burden;
    ctx->key = burden;
    return QUANTUM;
}
