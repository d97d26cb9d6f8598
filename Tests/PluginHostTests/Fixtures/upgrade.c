// Two versions of one plugin: the second takes over what the first has counted.
#include "fanion.h"

FANION_PLUGIN(.name = "org.example.upgrade", .version = {1, VERSION, 0}, .roles = FANION_CLIENT | FANION_RELAY,
              .memory = 16384, .counters = {"cells", "taken_over", "exits"});

#if VERSION == 2
static __u64 shift[9]; // so that the state is somewhere else
#endif
FANION_STATE struct { __u64 cells; } state;

SEC("init") int begin(struct init_ctx *ctx) {
    const __u8 *text = FANION_BYTES(ctx->argument);
    if (ctx->argument_length && text[0] == 'n')
        return FANION_REFUSE;
#if VERSION == 2
    shift[ctx->argument_length & 7] = 1;
    if (ctx->is_upgrade) {
        if (ctx->old_state_length != sizeof(state) || ctx->old_version != (1ULL << 32 | 1ULL << 16))
            return FANION_REFUSE;
        if (fanion_old_read(ctx->old_state, &state, sizeof(state)))
            return FANION_REFUSE;
        // Only as far as it goes.
        if (fanion_old_read(16384 - 4, &shift[0], 8) != ~0ULL || fanion_old_read(~0ULL, &shift[0], 8) != ~0ULL)
            return FANION_REFUSE;
        fanion_count(1, state.cells);
    }
#endif
    return FANION_READY;
}

SEC("cell_received") int received(struct cell_received_ctx *ctx) {
    (void)ctx;
    __u64 byte = 0;
    // Nothing to read outside `init`.
    if (fanion_old_read(16, &byte, 1) != ~0ULL)
        return 99;
    state.cells++;
    fanion_count(0, 1);
    return FANION_OBSERVED;
}

SEC("exit") int end(struct exit_ctx *ctx) {
    fanion_count(2, ctx->reason == 2 ? 1 : 100);
    return 0;
}
