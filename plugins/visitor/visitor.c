// visitor: what a client brings to a relay to learn how its circuit fares there: cells, and how they bunch.
#include "fanion.h"

enum { FORWARD, BACKWARD, BURSTS, LONGEST_BURST, LONGEST_PAUSE };

FANION_PLUGIN(.name = "org.fanion.visitor", .version = {1, 0, 0}, .roles = FANION_RELAY,
              .capabilities = FANION_CAP_TIME, .memory = 16384,
              .counters = {"forward", "backward", "bursts", "longest_burst", "longest_pause"});

// Cells of one burst are no further apart than this: microseconds.
#define APART 1000

static __u64 last;
static __u64 burst;

static void most(__u64 counter, __u64 value) {
    __u64 was = fanion_counter(counter);
    if (value > was)
        fanion_count(counter, value - was);
}

SEC("cell_received") int received(struct cell_received_ctx *ctx) {
    __u64 now = fanion_now();
    fanion_count(ctx->parameter & 1 ? BACKWARD : FORWARD, 1);
    if (burst == 0 || now - last > APART) {
        if (burst)
            most(LONGEST_PAUSE, now - last);
        fanion_count(BURSTS, 1);
        burst = 0;
    }
    burst++;
    most(LONGEST_BURST, burst);
    last = now;
    return FANION_OBSERVED;
}
