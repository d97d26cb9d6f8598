// vegas: Tor's congestion control as a plugin. Exactly the built-in's verdicts (proposal 324, TOR_VEGAS).
//
// The host counts cells and measures round trips; here is the window that follows them, one for each hop that a client speaks to.
// Streams are left to the built-in: with congestion control they have no windows.
#include "fanion.h"

FANION_PLUGIN(.name = "org.fanion.vegas", .version = {1, 0, 0}, .roles = FANION_CLIENT | FANION_RELAY,
              .failure = FANION_CLOSED, .memory = 16384, .capabilities = FANION_CAP_FLOW);

// The parameters of the consensus, and what they are unless the bringer's argument says otherwise.
enum {
    CWND_INIT, CWND_MIN, CWND_MAX, CWND_INC, CWND_INC_RATE, CWND_INC_PCT_SS, SS_MAX, EWMA_CWND_PCT, EWMA_MAX, EWMA_SS,
    RTT_RESET_PCT, CWND_FULL_GAP, CWND_FULL_MINPCT, CWND_FULL_PER_CWND, ALPHA, BETA, GAMMA, DELTA, SSCAP, PARAMETERS
};
static const char names[PARAMETERS][16] = {
    "init", "min", "max", "inc", "rate", "pct_ss", "ss_max", "ewma_pct", "ewma_max", "ewma_ss", "reset_pct", "full_gap",
    "full_minpct", "full_per_cwnd", "alpha", "beta", "gamma", "delta", "sscap"};
static __u64 parameter[PARAMETERS] = {124, 124, 0x7FFFFFFF, 1,  31, 100, 5000, 50,  10, 2,
                                      100, 4,   25,         1,  186, 248, 186, 310, 600};

enum { HOPS = 16, FIXED_STEP = 100, FIXED_WINDOW = 1000, JUMP = 5000 };
#define LONGEST_ROUND_TRIP 0xFFFFFFFFull

// What is known of the path to one hop.
struct path {
    __u64 window;
    // The bandwidth-delay product, in cells.
    __u64 product;
    // Microseconds: on average, and the least.
    __u64 average;
    __u64 least;
    // SENDMEs until the window may change, and until a window's worth has come.
    __u64 until_update;
    __u64 until_window;
    __u32 is_begun;
    __u32 is_in_slow_start;
    __u32 is_full;
    __u32 is_blocked;
    __u32 is_clock_broken;
};
static struct path paths[HOPS];
// DATA cells for one SENDME, as the handshake has settled; 100 where it has not, and then at most 1000 cells are under way.
static __u64 increment;

#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

static struct path *path_to(__u32 hop) {
    struct path *path = &paths[hop & (HOPS - 1)];
    if (!path->is_begun) {
        path->is_begun = 1;
        path->is_in_slow_start = 1;
        path->until_update = 1;
        path->window = MIN(parameter[CWND_INIT], parameter[CWND_MAX]);
    }
    return path;
}

// One name=value of the argument.
static int set(const __u8 *text, __u32 length) {
    for (__u32 which = 0; which < PARAMETERS; which++) {
        __u32 at = 0;
        while (at < length && names[which][at] && text[at] == (__u8)names[which][at])
            at++;
        if (names[which][at] || at + 1 >= length || text[at] != '=')
            continue;
        __u64 value = 0;
        for (at++; at < length; at++) {
            if (text[at] < '0' || text[at] > '9' || value > 0x7FFFFFFF)
                return 0;
            value = value * 10 + (text[at] - '0');
        }
        parameter[which] = MIN(value, 0x7FFFFFFF);
        return 1;
    }
    return 0;
}

SEC("init") int begin(struct init_ctx *ctx) {
    const __u8 *text = FANION_BYTES(ctx->argument);
    __u32 start = 0;
    for (__u32 at = 0; at <= ctx->argument_length; at++) {
        if (at < ctx->argument_length && text[at] != ' ')
            continue;
        if (at > start && !set(text + start, at - start))
            return FANION_REFUSE;
        start = at + 1;
    }
    increment = fanion_flow_get(FANION_FLOW_ACK_INTERVAL);
    return increment ? FANION_READY : FANION_REFUSE;
}

static __u64 under_way(__u64 cells, __u64 acknowledgements) {
    return cells - MIN(cells, acknowledgements * increment);
}

SEC("may_send/circuit") __u64 may_send(struct may_send_ctx *ctx) {
    __u64 window = path_to(ctx->hop)->window;
    if (increment == FIXED_STEP)
        window = MIN(window, FIXED_WINDOW);
    return window - MIN(window, under_way(ctx->packaged, ctx->acknowledgements));
}

SEC("ack_due/circuit") __u64 ack_due(struct ack_due_ctx *ctx) {
    __u64 open = under_way(ctx->received, ctx->acknowledgements);
    return open >= increment ? FANION_ACK_YES : FANION_ACK_NO_FOR(increment - open - 1);
}

// How many SENDMEs come for a window.
static __u64 acks_per_window(const struct path *path) { return (path->window + increment / 2) / increment; }

// How many SENDMEs lie between two changes of the window.
static __u64 acks_per_update(const struct path *path) {
    if (path->is_in_slow_start)
        return 1;
    __u64 rate = parameter[CWND_INC_RATE] * increment;
    return (path->window + rate / 2) / rate;
}

// A clock that stands still, or jumps, measures nothing.
static int is_clock_off(struct path *path, __u64 round_trip) {
    if (!round_trip) {
        path->is_clock_broken = 1;
        return 1;
    }
    if (path->is_in_slow_start || !path->average)
        return 0;
    if (path->average > round_trip * JUMP)
        return path->is_clock_broken;
    if (round_trip > path->average * JUMP)
        return 1;
    path->is_clock_broken = 0;
    return 0;
}

static int note_round_trip(struct path *path, __u64 round_trip) {
    if (is_clock_off(path, round_trip))
        return 0;
    __u64 count = path->is_in_slow_start
                      ? parameter[EWMA_SS]
                      : MIN(acks_per_update(path) * parameter[EWMA_CWND_PCT] / 100, parameter[EWMA_MAX]);
    count = MAX(count, 2);
    path->average = path->average ? (2 * round_trip + (count - 1) * path->average) / (count + 1) : round_trip;
    if (!path->least) {
        path->least = path->average;
    } else if (path->window == parameter[CWND_MIN] && !path->is_in_slow_start) {
        // A least round trip that was too low would keep the window down for ever.
        __u64 percent = MIN(parameter[RTT_RESET_PCT], 100);
        path->least = percent * MAX(path->average, path->least) / 100
                      + (100 - percent) * MIN(path->average, path->least) / 100;
    } else if (path->average < path->least) {
        path->least = path->average;
    }
    return 1;
}

static int note_product(struct path *path, int is_measured, __u32 is_blocked, __u64 queue) {
    if (!path->average) {
        __u64 rest = path->window - MIN(path->window, queue);
        path->product = is_blocked ? MAX(rest, parameter[CWND_MIN]) : path->window;
        path->is_blocked = is_blocked;
        return is_blocked;
    }
    path->product = path->window * path->least / path->average;
    if (is_blocked != path->is_blocked) {
        path->is_blocked = is_blocked;
        path->until_update = 0;
    }
    return is_blocked || is_measured;
}

// Slow start, limited as RFC 3742 has it.
static void start_slowly(struct path *path, __u64 queued) {
    if (queued < parameter[GAMMA] && !path->is_blocked) {
        if (path->is_full) {
            __u64 step = path->window <= parameter[SSCAP]
                             ? (parameter[CWND_INC_PCT_SS] * increment + 50) / 100
                             : MAX((increment * parameter[SSCAP] + path->window) / (2 * path->window), 1);
            path->window += step;
            if (step * acks_per_window(path) <= parameter[CWND_INC] * parameter[CWND_INC_RATE])
                path->is_in_slow_start = 0;
        }
    } else {
        path->window = path->product + parameter[GAMMA];
        path->is_in_slow_start = 0;
    }
    if (path->window >= parameter[SS_MAX]) {
        path->window = parameter[SS_MAX];
        path->is_in_slow_start = 0;
    }
}

// After slow start: once a window's worth of SENDMEs.
static void follow(struct path *path, __u64 queued) {
    __u64 step = parameter[CWND_INC];
    if (queued > parameter[DELTA]) {
        __u64 target = path->product + parameter[DELTA];
        path->window = target - MIN(target, step);
    } else if (queued > parameter[BETA] || path->is_blocked) {
        path->window -= MIN(path->window, step);
    } else if (path->is_full && queued < parameter[ALPHA]) {
        path->window += step;
    }
    path->window = MAX(path->window, parameter[CWND_MIN]);
}

SEC("on_ack/circuit") int on_ack(struct on_ack_ctx *ctx) {
    struct path *path = path_to(ctx->hop);
    __u64 cells = under_way(ctx->packaged, ctx->acknowledgements);
    if (cells < increment)
        return FANION_ON_ACK_VIOLATION;
    if (path->until_update)
        path->until_update--;
    if (path->until_window)
        path->until_window--;
    int is_measured = note_round_trip(path, MIN(ctx->round_trip, LONGEST_ROUND_TRIP));
    if (!note_product(path, is_measured, ctx->is_blocked, ctx->queue))
        return FANION_ACCEPTED;
    __u64 queued = path->window - MIN(path->window, path->product);
    if (cells + parameter[CWND_FULL_GAP] * increment >= path->window)
        path->is_full = 1;
    else if (100 * cells < parameter[CWND_FULL_MINPCT] * path->window)
        path->is_full = 0;
    if (path->is_in_slow_start)
        start_slowly(path, queued);
    else if (!path->until_update)
        follow(path, queued);
    if (!path->until_window)
        path->until_window = acks_per_window(path);
    if (!path->until_update)
        path->until_update = acks_per_update(path);
    // A window must have been full once a round to grow in the next.
    int is_new_round = parameter[CWND_FULL_PER_CWND] ? path->until_window == acks_per_window(path)
                                                     : path->until_update == acks_per_update(path);
    if (is_new_round)
        path->is_full = 0;
    path->window = MIN(path->window, parameter[CWND_MAX]);
    return FANION_ACCEPTED;
}
