// Stands at the doors of messages and streams, and does there what the first byte of its argument says.
#include "fanion.h"

enum { MESSAGES, PACKAGED, OPENED, CONNECTED, DATA_IN, DATA_OUT, CLOSED, HANDSHAKES, HOPS, HOP_SUM };

FANION_PLUGIN(.name = "org.example.messages", .version = {1, 0, 0}, .roles = FANION_CLIENT | FANION_RELAY,
              .failure = FANION_CLOSED,
              .capabilities = FANION_CAP_READ | FANION_CAP_REWRITE | FANION_CAP_DELIVER | FANION_CAP_CLOSE | FANION_CAP_PADDING,
              .memory = 16384,
              .counters = {"messages", "packaged", "opened", "connected", "data_in", "data_out", "closed", "handshakes", "hops",
                           "hop_sum"});

#define BEGIN 1
#define DATA 2
#define TOR_DATA (FANION_TOR_COMMAND + DATA)

static __u8 mode;

SEC("init") int begin(struct init_ctx *ctx) {
    mode = ctx->argument_length ? FANION_BYTES(ctx->argument)[0] : 0;
    return FANION_READY;
}

SEC("circuit_opened") int opened(struct circuit_opened_ctx *ctx) {
    fanion_count(HOPS, ctx->hops);
    for (int i = 0; i < 8; i++)
        if (ctx->handshake[i])
            fanion_count(HANDSHAKES, 1);
    return FANION_OBSERVED;
}

SEC("relay_message") int message(struct relay_message_ctx *ctx) {
    fanion_count(MESSAGES, 1);
    fanion_count(HOP_SUM, ctx->hop);
    if (ctx->parameter != TOR_DATA)
        return FANION_DEFAULT;
    __u8 *bytes = FANION_BYTES(ctx->payload);
    switch (mode) {
    case 'x': // another text of the same length
        for (__u32 i = 0; i < ctx->payload_length && i < 498; i++)
            bytes[i] ^= 0x55;
        ctx->is_rewritten = 1;
        return FANION_DEFAULT;
    case 'h':
        return FANION_HANDLED;
    case 'd':
        fanion_deliver(ctx->hop, DATA, ctx->stream, bytes, ctx->payload_length);
        return FANION_HANDLED;
    case 'z':
        return FANION_DROP;
    case 'k':
        return FANION_DESTROY_MESSAGE;
    }
    return FANION_DEFAULT;
}

SEC("message_packaging") int packaging(struct message_packaging_ctx *ctx) {
    fanion_count(PACKAGED, 1);
    switch (mode) {
    case 't': // DATA comes back from here
        if (ctx->parameter != TOR_DATA)
            return FANION_DEFAULT;
        return fanion_deliver(ctx->hop, DATA, ctx->stream, FANION_BYTES(ctx->payload), ctx->payload_length) ? FANION_TAKEN
                                                                                                            : FANION_DEFAULT;
    case 'b': // no stream ever gets to the relay
        return ctx->parameter == FANION_TOR_COMMAND + BEGIN ? FANION_TAKEN : FANION_DEFAULT;
    }
    return FANION_DEFAULT;
}

SEC("stream/opened") int stream_opened(struct stream_ctx *ctx) {
    fanion_count(OPENED, 1);
    if (mode == 'p') // to the first hop, and to one that is not there
        fanion_send_padding(0, 3), fanion_send_padding(9, 1);
    if (mode != 's')
        return FANION_DEFAULT;
    // CONNECTED, and nobody there.
    fanion_deliver(ctx->hop, 4, ctx->stream, 0, 0);
    return FANION_HANDLED;
}

SEC("stream/connected") int stream_connected(struct stream_ctx *ctx) {
    (void)ctx;
    fanion_count(CONNECTED, 1);
    return FANION_DEFAULT;
}

SEC("stream/data") int stream_data(struct stream_ctx *ctx) {
    fanion_count(ctx->is_outward ? DATA_OUT : DATA_IN, ctx->payload_length);
    if (mode == 'q') // eats all that comes
        return ctx->is_outward ? FANION_DEFAULT : FANION_HANDLED;
    if (mode == 'e' && !ctx->is_outward) { // delivers itself what it is shown, without end
        fanion_deliver(ctx->hop, DATA, ctx->stream, FANION_BYTES(ctx->payload), ctx->payload_length);
        return FANION_HANDLED;
    }
    if (mode != 's' || !ctx->is_outward)
        return FANION_DEFAULT;
    fanion_deliver(ctx->hop, DATA, ctx->stream, FANION_BYTES(ctx->payload), ctx->payload_length);
    return FANION_HANDLED;
}

SEC("stream/closed") int stream_closed(struct stream_ctx *ctx) {
    fanion_count(CLOSED, 1);
    if (mode == 'c')
        return FANION_DESTROY_STREAM;
    return mode == 's' && ctx->is_outward ? FANION_HANDLED : FANION_DEFAULT;
}
