// monitor: counts and times what a circuit does, without touching it.
#include "fanion.h"

enum { CIRCUITS, OPEN_MILLISECONDS, RECEIVED_FORWARD, RECEIVED_BACKWARD, SENT_FORWARD, SENT_BACKWARD, OURS, PADDING,
       WAITED_MILLISECONDS, WAITED_LONG };

FANION_PLUGIN(.name = "org.fanion.monitor", .version = {1, 0, 0}, .roles = FANION_CLIENT | FANION_RELAY,
              .capabilities = FANION_CAP_TIME, .memory = 16384,
              .counters = {"circuits", "open_milliseconds", "received_forward", "received_backward", "sent_forward",
                           "sent_backward", "ours", "padding", "waited_milliseconds", "waited_long"});

static __u64 opened;
static __u64 waited;

SEC("init") int begin(struct init_ctx *ctx) {
    (void)ctx;
    opened = fanion_now();
    fanion_count(CIRCUITS, 1);
    return FANION_READY;
}

SEC("cell_received") int received(struct cell_received_ctx *ctx) {
    fanion_count(RECEIVED_FORWARD + (ctx->parameter & 1), 1);
    return FANION_OBSERVED;
}

SEC("cell_sent") int sent(struct cell_sent_ctx *ctx) {
    fanion_count(SENT_FORWARD + (ctx->parameter & 1), 1);
    if (ctx->kind)
        fanion_count(ctx->kind == 2 ? PADDING : OURS, 1);
    if (ctx->waited) {
        waited += ctx->waited;
        if (ctx->waited >= 100000)
            fanion_count(WAITED_LONG, 1);
    }
    return FANION_OBSERVED;
}

SEC("exit") int end(struct exit_ctx *ctx) {
    (void)ctx;
    fanion_count(OPEN_MILLISECONDS, (fanion_now() - opened) / 1000);
    fanion_count(WAITED_MILLISECONDS, waited / 1000);
    return 0;
}
