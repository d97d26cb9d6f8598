// constant-rate: one cell each tick, real or padding, so that who watches the link learns nothing from when cells pass.
//
// A client does it towards the exit, a relay towards the client: those are the ways in which each can make padding. All cells are held;
// the padding timer, which goes through the hold and which a waiting cell replaces, is the only way out.
#include "fanion.h"

enum { REAL, PADDED, HELD };

FANION_PLUGIN(.name = "org.fanion.constant-rate", .version = {1, 0, 0}, .roles = FANION_CLIENT | FANION_RELAY,
              .failure = FANION_CLOSED, .capabilities = FANION_CAP_TIME | FANION_CAP_PADDING, .memory = 16384,
              .padding_per_second = 1000, .padding_percent = 10000, .counters = {"real", "padding", "held"});

#define SECOND 1000000ULL

static __u64 interval = 20000; // microseconds
static __u64 next;
static __u32 direction;

SEC("init") int begin(struct init_ctx *ctx) {
    const __u8 *text = FANION_BYTES(ctx->argument);
    __u64 value = 0;
    for (__u32 i = 0; i < ctx->argument_length && i < 8; i++) {
        if (text[i] < '0' || text[i] > '9')
            return FANION_REFUSE;
        value = value * 10 + (text[i] - '0');
    }
    if (value)
        interval = value;
    // Faster than its padding budget, or slower than a hold may be.
    if (interval < 1000 || interval > 2 * SECOND)
        return FANION_REFUSE;
    direction = ctx->role;
    next = fanion_now() + interval;
    return FANION_READY;
}

SEC("padding") __u64 tick(struct padding_ctx *ctx) {
    if (ctx->parameter != direction)
        return FANION_NOTHING;
    __u64 now = fanion_now();
    switch (ctx->event) {
    case FANION_PADDING_OPENED:
        break;
    case FANION_PADDING_SENT:
        fanion_count(PADDED, 1);
        next += interval;
        break;
    case FANION_PADDING_REPLACED:
        fanion_count(REAL, 1);
        next += interval;
        break;
    default:
        return FANION_NOTHING;
    }
    // After a pause of the host go on from here, rather than send what was missed at once.
    if (next + interval < now)
        next = now + interval;
    return FANION_PAD(0, next > now ? next - now : 0, FANION_BYPASSING | FANION_REPLACING);
}

SEC("departure") __u64 hold(struct departure_ctx *ctx) {
    if (ctx->parameter != direction)
        return FANION_GO;
    if (ctx->event == 0)
        fanion_count(HELD, 1);
    __u64 now = fanion_now();
    return FANION_HOLD(next > now ? next - now : interval);
}
