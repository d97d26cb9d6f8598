// A plugin that leaves, fails or does not begin, as its argument says; without it its circuit goes on.
#include "fanion.h"

FANION_PLUGIN(.name = "org.example.leaver", .version = {1, 0, 0}, .roles = FANION_CLIENT | FANION_RELAY, .memory = 16384,
              .counters = {"cells"});

static __u8 mode;
static __u32 cells;
static volatile __u64 nowhere = 0x123456789abcULL;

SEC("init") int begin(struct init_ctx *ctx) {
    const __u8 *argument = FANION_BYTES(ctx->argument);
    mode = ctx->argument_length ? argument[0] : 0;
    return mode == 'r' ? FANION_REFUSE : FANION_READY;
}

SEC("cell_received") int received(struct cell_received_ctx *ctx) {
    (void)ctx;
    fanion_count(0, 1);
    if (++cells == 10) {
        if (mode == 'd')
            fanion_detach();
        if (mode == 'f')
            ((void (*)(void))nowhere)();
    }
    return FANION_OBSERVED;
}
