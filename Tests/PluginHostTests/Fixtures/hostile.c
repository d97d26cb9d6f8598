// A plugin that stands at every door and does, from its first cell on, what the first byte of its argument says.
#include "fanion.h"

#ifdef OPEN
FANION_PLUGIN(.name = "org.example.hostile-open", .version = {1, 0, 0}, .roles = FANION_CLIENT | FANION_RELAY,
              .failure = FANION_OPEN, .capabilities = FANION_CAP_PADDING | FANION_CAP_HEAP | FANION_CAP_TIMERS | FANION_CAP_LOG,
              .memory = 16384);
#elif defined(HOST)
FANION_PLUGIN(.name = "org.example.hostile-host", .version = {1, 0, 0}, .roles = FANION_CLIENT | FANION_RELAY,
              .scope = FANION_HOST, .capabilities = FANION_CAP_PATH, .memory = 16384);
#elif defined(MEEK)
// Asks for little, so that what it does is more than it may.
FANION_PLUGIN(.name = "org.example.hostile-meek", .version = {1, 0, 0}, .roles = FANION_CLIENT | FANION_RELAY,
              .failure = FANION_CLOSED, .memory = 16384);
#else
FANION_PLUGIN(.name = "org.example.hostile", .version = {1, 0, 0}, .roles = FANION_CLIENT | FANION_RELAY,
              .failure = FANION_CLOSED,
              .capabilities = FANION_CAP_PADDING | FANION_CAP_HEAP | FANION_CAP_TIMERS | FANION_CAP_LOG | FANION_CAP_MESSAGES |
                              FANION_CAP_DELIVER | FANION_CAP_CLOSE | FANION_CAP_READ | FANION_CAP_REWRITE | FANION_CAP_FLOW,
              .memory = 65536, .counters = {"seen"});
#endif

static __u8 mode;
static __u64 verdict;
static __u64 calls;
static volatile __u64 sink;
static volatile __u64 nowhere = 0x123456789abcULL;

static __attribute__((noinline)) __u64 deeper(__u64 depth) {
    sink += depth;
    __u64 below = depth == ~0ULL ? 0 : deeper(depth + 1);
    return below + sink;
}

static __u64 act(__u64 good, void *context) {
    calls++;
    switch (mode) {
    case 'b': // a bad verdict at one door, whose number is the test's choice
        return ((struct exit_ctx *)context)->hook == verdict ? ~0ULL : good;
    case 'v': // a verdict of the test's choice
        return verdict;
    case 'l': // for ever
        for (;;)
            sink++;
    case 'n': // a fault on the thousandth cell
        if (calls == 1000)
            ((void (*)(void))nowhere)();
        return good;
    case 'r': // endless recursion
        return deeper(0);
    case 's': // a slow one: within its fuel, but every time
        for (int i = 0; i < 2000; i++)
            sink += i;
        return good;
    case 'd':
        fanion_detach();
        return good;
    case 'w': // all over its memory, and beyond
        for (__u64 i = 0; i < 2000; i++)
            *(volatile __u64 *)(calls * 4096 + i * 64 + 32) = ~0ULL;
        return good;
#ifndef HOST
#ifndef MEEK
    case 'p':
        fanion_send_padding(0, 16);
        return good;
    case 'h': // all the memory it can get
        while (fanion_alloc(64))
            ;
        return good;
    case 'g': // nonsense for every helper
        sink += fanion_count(~0ULL, 1) + fanion_counter(99) + fanion_free(12345) + fanion_timer_set(8, 1) +
                fanion_timer_set(0, ~0ULL) + fanion_timer_clear(~0ULL) + fanion_alloc(~0ULL) + fanion_alloc(0) +
                fanion_log("\x01", 1);
        return good;
    case 'a': // memory that is not its own, for a helper
        fanion_log((const void *)0xfffffff0ULL, 200);
        return good;
    case 't':
        fanion_timer_set(0, 0);
        return good;
#endif
#if !defined(OPEN) && !defined(MEEK)
    case 'm':
        for (int i = 0; i < 64; i++)
            fanion_send_message(0, 1, "abc", 3);
        return good;
    case 'c':
        fanion_close_circuit();
        return good;
    case 'k': // whatever it can find in its memory goes into messages and counters
        for (__u64 i = 16; i < 65536 - 470; i += 470)
            if (fanion_send_message(0, 2, (const void *)i, 470) == 0)
                break;
        return good;
#endif
#endif
    default:
        return good;
    }
}

SEC("init") int begin(struct init_ctx *ctx) {
    const __u8 *text = FANION_BYTES(ctx->argument);
    mode = ctx->argument_length ? text[0] : 0;
    for (__u32 i = 1; i < ctx->argument_length && i < 9; i++)
        verdict |= (__u64)text[i] << (8 * (i - 1));
    switch (mode) {
    case 'I': // refuses
        return FANION_REFUSE;
    case 'V': // a bad verdict at once
        return 77;
    case 'L': // never gets ready
        for (;;)
            sink++;
    case 'A': // more answer than there is
        ctx->answer_length = 65;
        return FANION_READY;
    case 'B':
        for (int i = 0; i < 64; i++)
            FANION_BYTES(ctx->answer)[i] = i;
        ctx->answer_length = 64;
        return FANION_READY;
    }
    return FANION_READY;
}

#define DOOR(name, good)                                                                                                    \
    SEC(#name) __u64 at_##name(struct name##_ctx *ctx) { return act(good, ctx); }

#ifdef HOST
DOOR(rank, 1)
DOOR(choose_path, 65536)
DOOR(consensus_changed, 0)
#else
DOOR(circuit_opened, 0)
DOOR(circuit_closed, 0)
DOOR(cell_received, 0)
DOOR(cell_sent, 0)
DOOR(departure, 0)
DOOR(padding, 0)
#ifndef OPEN
DOOR(stream, 0)
DOOR(message_packaging, 0)
DOOR(may_send, 1000)
DOOR(ack_due, 0)
DOOR(on_ack, 0)
#ifdef MEEK
DOOR(relay_message, 0)
#else
SEC("relay_message") __u64 on_message(struct relay_message_ctx *ctx) {
    if (mode == 'R') { // rewrites: two bytes
        FANION_BYTES(ctx->payload)[0] = 'o';
        FANION_BYTES(ctx->payload)[1] = 'k';
        ctx->payload_length = 2;
        ctx->is_rewritten = 1;
        return FANION_DEFAULT;
    }
    if (mode == 'Q') { // rewrites: too much
        ctx->payload_length = 499;
        ctx->is_rewritten = 1;
        return FANION_DEFAULT;
    }
    if (mode == 'D') {
        fanion_deliver(0, 2, 7, FANION_BYTES(ctx->payload), ctx->payload_length);
        return FANION_HANDLED;
    }
    return act(0, ctx);
}
#endif
#endif
#ifndef MEEK
SEC("timer") __u64 at_timer(struct timer_ctx *ctx) {
    // Once more, at once.
    fanion_timer_set(ctx->timer, 0);
    return 0;
}
#endif
SEC("exit") int end(struct exit_ctx *ctx) {
    (void)ctx;
    // For ever, if it is left to.
    if (mode == 'E')
        for (;;)
            sink++;
    return 0;
}
#endif
