// Sorts the times between two cells by how far they are from the one that its argument says, in microseconds.
#include "fanion.h"

enum { CELLS, WITHIN_250, WITHIN_500, WITHIN_1000, FARTHER };

FANION_PLUGIN(.name = "org.example.pace", .version = {1, 0, 0}, .roles = FANION_RELAY, .capabilities = FANION_CAP_TIME,
              .memory = 16384, .counters = {"cells", "within_250", "within_500", "within_1000", "farther"});

static __u64 interval;
static __u64 last;

SEC("init") int begin(struct init_ctx *ctx) {
    const __u8 *text = FANION_BYTES(ctx->argument);
    for (__u32 i = 0; i < ctx->argument_length && i < 8; i++)
        interval = interval * 10 + (text[i] - '0');
    return FANION_READY;
}

SEC("cell_sent/backward") int sent(struct cell_sent_ctx *ctx) {
    (void)ctx;
    __u64 now = fanion_now();
    __u64 passed = now - last;
    __u64 off = passed > interval ? passed - interval : interval - passed;
    if (last) {
        fanion_count(CELLS, 1);
        fanion_count(off <= 250 ? WITHIN_250 : off <= 500 ? WITHIN_500 : off <= 1000 ? WITHIN_1000 : FARTHER, 1);
    }
    last = now;
    return FANION_OBSERVED;
}
