// sendme: Tor's first flow control as a plugin. Exactly the built-in's verdicts: 1000 cells under way per circuit and 500 per stream,
// a SENDME for every 100 and 50 (tor-spec, sections 7.3 and 7.4).
//
// The host counts; so a window is a difference, and there is nothing to remember.
#include "fanion.h"

FANION_PLUGIN(.name = "org.fanion.sendme", .version = {1, 0, 0}, .roles = FANION_CLIENT | FANION_RELAY,
              .failure = FANION_CLOSED, .memory = 16384);

enum { CIRCUIT_START = 1000, CIRCUIT_STEP = 100, STREAM_START = 500, STREAM_STEP = 50 };

// What the consensus parameter circwindow says, which the bringer may pass on in decimal.
static __s64 first_window = CIRCUIT_START;

SEC("init") int begin(struct init_ctx *ctx) {
    const __u8 *text = FANION_BYTES(ctx->argument);
    __s64 value = 0;
    for (__u32 i = 0; i < ctx->argument_length && i < 5; i++) {
        if (text[i] < '0' || text[i] > '9')
            return FANION_REFUSE;
        value = value * 10 + (text[i] - '0');
    }
    if (ctx->argument_length)
        first_window = value < CIRCUIT_STEP ? CIRCUIT_STEP : value > CIRCUIT_START ? CIRCUIT_START : value;
    return FANION_READY;
}

SEC("may_send/circuit") __u64 may_send(struct may_send_ctx *ctx) {
    __s64 window = first_window - (__s64)ctx->packaged + (__s64)ctx->acknowledgements * CIRCUIT_STEP;
    return window > 0 ? window : FANION_WAIT;
}

SEC("may_send/stream") __u64 may_send_stream(struct may_send_ctx *ctx) {
    __s64 window = STREAM_START - (__s64)ctx->packaged + (__s64)ctx->acknowledgements * STREAM_STEP;
    return window > 0 ? window : FANION_WAIT;
}

SEC("on_ack/circuit") int on_ack(struct on_ack_ctx *ctx) {
    __s64 window = first_window - (__s64)ctx->packaged + (__s64)ctx->acknowledgements * CIRCUIT_STEP;
    return window + CIRCUIT_STEP > CIRCUIT_START ? FANION_ON_ACK_VIOLATION : FANION_ACCEPTED;
}

SEC("on_ack/stream") int on_ack_stream(struct on_ack_ctx *ctx) {
    __s64 window = STREAM_START - (__s64)ctx->packaged + (__s64)ctx->acknowledgements * STREAM_STEP;
    return window + STREAM_STEP > STREAM_START ? FANION_ON_ACK_VIOLATION : FANION_ACCEPTED;
}

// With `no` goes how many more cells may come before there is anything to ask: one call for a hundred cells.
SEC("ack_due/circuit") __u64 ack_due(struct ack_due_ctx *ctx) {
    __s64 window = CIRCUIT_START - (__s64)ctx->received + (__s64)ctx->acknowledgements * CIRCUIT_STEP;
    if (window < 0)
        return FANION_ACK_VIOLATION;
    __s64 missing = window - (CIRCUIT_START - CIRCUIT_STEP);
    return missing <= 0 ? FANION_ACK_YES : FANION_ACK_NO_FOR(missing - 1);
}

// A stream is acknowledged when its owner has taken what came, so that a slow reader slows the sender down.
SEC("ack_due/stream") __u64 ack_due_stream(struct ack_due_ctx *ctx) {
    __s64 window = STREAM_START - (__s64)ctx->received + (__s64)ctx->acknowledgements * STREAM_STEP;
    if (window < 0)
        return FANION_ACK_VIOLATION;
    if (ctx->event == FANION_ACK_CAME)
        return FANION_ACK_NO_FOR(window);
    __s64 missing = window - (STREAM_START - STREAM_STEP);
    return missing <= 0 ? FANION_ACK_YES : FANION_ACK_NO_FOR(missing - 1);
}
