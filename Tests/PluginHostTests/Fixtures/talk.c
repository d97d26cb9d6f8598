// Two halves of one plugin that talk: the client's asks with every cell that comes, up to so many times, the hop's answers.
#include "fanion.h"

enum { HEARD, SAID, WRONG, LENGTH };

FANION_PLUGIN(.name = "org.example.talk", .version = {1, 0, 0}, .roles = FANION_CLIENT | FANION_RELAY,
              .failure = FANION_CLOSED, .capabilities = FANION_CAP_MESSAGES, .memory = 16384,
              .counters = {"heard", "said", "wrong", "length"});

static __u32 role;
static __u32 hop;
static __u32 questions;
static __u8 text[475];

SEC("init") int begin(struct init_ctx *ctx) {
    const __u8 *argument = FANION_BYTES(ctx->argument);
    role = ctx->role;
    hop = ctx->argument_length ? argument[0] - '0' : 0;
    __u8 *answer = FANION_BYTES(ctx->answer);
    answer[0] = 'o';
    answer[1] = 'k';
    ctx->answer_length = 2;
    return FANION_READY;
}

SEC("cell_received") int received(struct cell_received_ctx *ctx) {
    (void)ctx;
    if (role == 0 && questions < 20) {
        for (int i = 0; i < 475; i++)
            text[i] = (__u8)(questions + i);
        if (fanion_send_message(hop, 1, text, 475 - questions)) {
            questions++;
            fanion_count(SAID, 1);
        }
    }
    return FANION_OBSERVED;
}

SEC("relay_message/1") int asked(struct relay_message_ctx *ctx) {
    fanion_count(HEARD, 1);
    fanion_count(LENGTH, ctx->payload_length);
    if (role != 1 || ctx->payload_length > 475)
        fanion_count(WRONG, 1);
    else if (fanion_send_message(0, 2, FANION_BYTES(ctx->payload), ctx->payload_length))
        fanion_count(SAID, 1);
    return FANION_HANDLED;
}

SEC("relay_message/2") int answered(struct relay_message_ctx *ctx) {
    fanion_count(HEARD, 1);
    fanion_count(LENGTH, ctx->payload_length);
    const __u8 *bytes = FANION_BYTES(ctx->payload);
    if (role != 0 || ctx->hop != hop || (__u8)(bytes[1] - bytes[0]) != 1)
        fanion_count(WRONG, 1);
    return FANION_HANDLED;
}
