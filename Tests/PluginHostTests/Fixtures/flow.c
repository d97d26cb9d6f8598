// Flow control as sendme has it, but for one door, where from its second call on the answer is nothing that can be answered. The
// argument names the door: m, a or o for a circuit, M, A or O for a stream.
#include "fanion.h"

FANION_PLUGIN(.name = "org.example.flow", .version = {1, 0, 0}, .roles = FANION_CLIENT | FANION_RELAY,
              .failure = FANION_CLOSED, .memory = 16384);

enum { CIRCUIT_START = 1000, CIRCUIT_STEP = 100, STREAM_START = 500, STREAM_STEP = 50 };

static __u8 door;
static __u64 calls;

SEC("init") int begin(struct init_ctx *ctx) {
    door = ctx->argument_length ? *FANION_BYTES(ctx->argument) : 0;
    return FANION_READY;
}

static __u64 answer(__u8 here, __u64 otherwise) {
    if (here != door || ++calls < 2)
        return otherwise;
    return 0xDEADBEEF12345ull;
}

SEC("may_send/circuit") __u64 may_send(struct may_send_ctx *ctx) {
    return answer('m', CIRCUIT_START - ctx->packaged + ctx->acknowledgements * CIRCUIT_STEP);
}

SEC("may_send/stream") __u64 may_send_stream(struct may_send_ctx *ctx) {
    return answer('M', STREAM_START - ctx->packaged + ctx->acknowledgements * STREAM_STEP);
}

SEC("on_ack/circuit") __u64 on_ack(struct on_ack_ctx *ctx) { return answer('o', ctx->parameter ? 7 : FANION_ACCEPTED); }

SEC("on_ack/stream") __u64 on_ack_stream(struct on_ack_ctx *ctx) { return answer('O', ctx->parameter ? FANION_ACCEPTED : 7); }

SEC("ack_due/circuit") __u64 ack_due(struct ack_due_ctx *ctx) {
    return answer('a', ctx->received - ctx->acknowledgements * CIRCUIT_STEP >= CIRCUIT_STEP);
}

SEC("ack_due/stream") __u64 ack_due_stream(struct ack_due_ctx *ctx) {
    return answer('A', ctx->event == FANION_ACK_TAKEN
                           && ctx->received - ctx->acknowledgements * STREAM_STEP >= STREAM_STEP);
}
