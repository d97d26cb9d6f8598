// Weighs relays by what its argument says, and counts what it is asked.
#include "fanion.h"

enum { GUARDS, MIDDLES, EXITS, CONSENSUSES, RELAYS };

FANION_PLUGIN(.name = "org.example.paths", .version = {1, 0, 0}, .scope = FANION_HOST, .roles = FANION_CLIENT | FANION_RELAY,
              .capabilities = FANION_CAP_PATH, .memory = 16384,
              .counters = {"guards", "middles", "exits", "consensuses", "relays"});

static __u8 mode;
static __u64 favourite;

SEC("init") int begin(struct init_ctx *ctx) {
    const __u8 *text = FANION_BYTES(ctx->argument);
    mode = ctx->argument_length ? text[0] : 0;
    for (__u32 i = 1; i < ctx->argument_length && i < 8; i++)
        favourite = favourite * 10 + (text[i] - '0');
    return FANION_READY;
}

SEC("choose_path") int choose(struct choose_path_ctx *ctx) {
    fanion_count(GUARDS + (ctx->parameter < 3 ? ctx->parameter : 0), 1);
    switch (mode) {
    case 'o': // only middles with this bandwidth
        return ctx->parameter != 1 || ctx->bandwidth == favourite ? FANION_WEIGHT_SAME : FANION_VETO;
    case 'v': // nobody
        return FANION_VETO;
    case 'g': // no guard but with this bandwidth
        return ctx->parameter != 0 || ctx->bandwidth == favourite ? FANION_WEIGHT_SAME : FANION_VETO;
    case 'w': // 256 times as much
        return ctx->bandwidth == favourite ? 256 * FANION_WEIGHT_SAME : FANION_WEIGHT_SAME;
    case 'l':
        for (;;)
            favourite++;
    }
    return FANION_WEIGHT_SAME;
}

SEC("consensus_changed") int changed(struct consensus_changed_ctx *ctx) {
    fanion_count(CONSENSUSES, 1);
    fanion_count(RELAYS, ctx->relays);
    return FANION_OBSERVED;
}
