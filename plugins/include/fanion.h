/* fanion.h: all that a Fanion plugin is written against. ABI version 1.
 *
 * A plugin is one C file, built by any clang with the BPF target:
 *
 *     clang --target=bpf -mcpu=v3 -O2 -I include -c my.c -o my.o        (or: fanion plugin build my.c)
 *
 * Each program stands at a door: the section says which, and with which parameter. It gets a context and answers with a verdict.
 * Everything that it can touch (context, payload, its variables, heap, stack) is its instance's own memory, 64 KiB by default;
 * an address outside wraps around into it. docs/plugin-guide.md begins at the beginning.
 */
#ifndef FANION_H
#define FANION_H

typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef signed int __s32;
typedef signed long long __s64;

/* The version of everything below. A host refuses a plugin with a higher one. */
#define FANION_ABI 1

/* Puts a program at a door:
 *
 *     SEC("cell_sent/backward") int on_cell(struct cell_sent_ctx *ctx)
 *
 * Every spelling; where there is a choice, leaving it out means all:
 *
 *     init  exit  timer                                       (circuit and host)
 *     circuit_opened  circuit_closed                          (circuit)
 *     cell_received/forward|backward                          (circuit)
 *     cell_sent/forward|backward                              (circuit)
 *     relay_message/N         N: your local command 0-65535   (circuit)
 *     relay_message/tor/N     N: a relay command of Tor's     (circuit; DATA is 2)
 *     message_packaging/tor/N                                 (circuit)
 *     may_send  ack_due  on_ack /circuit|stream               (circuit)
 *     departure/forward|backward                              (circuit)
 *     padding/forward|backward                                (circuit)
 *     stream/opened|connected|data|closed                     (circuit)
 *     rank/ready|sent|tick                                    (host)
 *     choose_path/guard|middle|exit                           (host)
 *     consensus_changed                                       (host)
 */
#define SEC(name) __attribute__((section(name), used))

/* An arena address out of a context as a pointer: const __u8 *p = FANION_BYTES(ctx->payload); */
#define FANION_BYTES(address) ((__u8 *)(unsigned long)(address))

/* What a newer version of the plugin may read after an upgrade: one variable, of up to a few hundred bytes.
 *
 *     FANION_STATE struct { __u64 cells; } state;
 */
#define FANION_STATE __attribute__((section(".fanion_state"), used))

/* ---- The plugin's description ---------------------------------------------------------------------------------------- */

#define FANION_CIRCUIT 0 /* scope: an instance for each circuit */
#define FANION_HOST 1    /* scope: an instance for each event loop */

#define FANION_CLIENT 1 /* role: where circuits start */
#define FANION_RELAY 2  /* role: at their hops */

#define FANION_OPEN 0   /* failure: the plugin goes, the built-in carries on */
#define FANION_CLOSED 1 /* failure: the circuit is destroyed */

/* Capabilities: what the plugin asks for. The operator's policy says what it gets. */
#define FANION_CAP_LOG (1ULL << 0)      /* log */
#define FANION_CAP_TIME (1ULL << 1)     /* now */
#define FANION_CAP_RANDOM (1ULL << 2)   /* random */
#define FANION_CAP_HEAP (1ULL << 3)     /* alloc, free */
#define FANION_CAP_TIMERS (1ULL << 4)   /* timer_set, timer_clear */
#define FANION_CAP_READ (1ULL << 5)     /* payloads are shown (circuit scope only) */
#define FANION_CAP_REWRITE (1ULL << 6)  /* payloads are taken back (circuit scope only; failure must be closed) */
#define FANION_CAP_MESSAGES (1ULL << 7) /* send_message (circuit scope only; failure must be closed) */
#define FANION_CAP_PADDING (1ULL << 8)  /* send_padding, and padding at `departure` and `padding` */
#define FANION_CAP_DELIVER (1ULL << 9)  /* deliver (circuit scope only; failure must be closed) */
#define FANION_CAP_CLOSE (1ULL << 10)   /* close_circuit, and `destroy` as a verdict */
#define FANION_CAP_CLASS (1ULL << 11)   /* suggest_class */
#define FANION_CAP_FLOW (1ULL << 12)    /* flow_get, flow_set */
#define FANION_CAP_PATH (1ULL << 13)    /* choose_path and consensus_changed (host scope only) */

#define FANION_COUNTERS 16
#define FANION_MAGIC 0x4e414e46u /* "FNAN" */

/* The layout of the section `.plugin`. Written by FANION_PLUGIN; whatever is left out is zero. */
struct fanion_plugin {
    __u32 magic;
    __u32 abi;
    __u32 size;
    /* FANION_CIRCUIT or FANION_HOST. */
    __u32 scope;
    /* FANION_CLIENT, FANION_RELAY or both. */
    __u32 roles;
    /* FANION_OPEN or FANION_CLOSED; a plugin at may_send, ack_due, on_ack, relay_message or message_packaging must say closed. */
    __u32 failure;
    /* FANION_CAP_... */
    __u64 capabilities;
    /* Bytes of an instance: a power of two from 16384 to 1048576; 0 is 65536. */
    __u32 memory;
    /* Padding: cells a second at most, and per hundred real cells over ten seconds; 0 is the default (100 and 100). */
    __u32 padding_per_second;
    __u32 padding_percent;
    /* Major, minor, patch; each below 65536. */
    __u32 version[3];
    /* A reverse-DNS name of small letters, digits and hyphens: "org.example.monitor". */
    char name[64];
    /* Names of counters that `count` adds to, by their place here: small letters, digits and underscores. */
    char counters[FANION_COUNTERS][24];
};

/* Describes the plugin, once per file:
 *
 *     FANION_PLUGIN(.name = "org.example.monitor", .version = {1, 0, 0}, .roles = FANION_RELAY, .counters = {"cells"});
 */
#define FANION_PLUGIN(...)                                                                                                  \
    SEC(".plugin")                                                                                                          \
    const struct fanion_plugin fanion_plugin = {                                                                            \
        .magic = FANION_MAGIC, .abi = FANION_ABI, .size = sizeof(struct fanion_plugin), __VA_ARGS__}

/* ---- Helpers ---------------------------------------------------------------------------------------------------------- */

/* Functions of the host, by number. A helper whose capability was not granted is refused when the plugin is loaded. */
#if defined(__BPF__) || defined(__bpf__)
#if defined(__clang__)
#define FANION_HELPER(number, result, name, ...)                                                                            \
    static result (*const name)(__VA_ARGS__) __attribute__((unused)) = (result (*)(__VA_ARGS__))number
#else
#define FANION_HELPER(number, result, name, ...) extern result name(__VA_ARGS__) __attribute__((kernel_helper(number)))
#endif

/* Adds to a counter; the other way round with a negative delta. 0, or -1 if there is no such counter. Always granted. */
FANION_HELPER(1, __u64, fanion_count, __u64 counter, __u64 delta);
/* A counter's value on this event loop: all instances of the plugin count together. Always granted. */
FANION_HELPER(2, __u64, fanion_counter, __u64 counter);
/* Asks to be detached when this call is over. Always granted. */
FANION_HELPER(3, __u64, fanion_detach, void);
/* In `init` of an upgrade: copies `length` bytes of the older version's memory; 0, or -1 outside it or at any other time. */
FANION_HELPER(4, __u64, fanion_old_read, __u64 address, void *out, __u64 length);
/* CAP_TIME: microseconds on the event loop's clock, read once a batch. */
FANION_HELPER(5, __u64, fanion_now, void);
/* CAP_LOG: a line for the log, at most 200 bytes of printable ASCII and ten lines a second; 0, or -1 if it was not taken. */
FANION_HELPER(6, __u64, fanion_log, const void *text, __u64 length);
/* CAP_RANDOM: 64 random bits. */
FANION_HELPER(7, __u64, fanion_random, void);
/* CAP_HEAP: the address of `size` bytes, or 0. They hold zeros, or what they held when they were given back. */
FANION_HELPER(8, __u64, fanion_alloc, __u64 size);
/* CAP_HEAP: gives them back; 0, or -1 if `address` is nothing that `alloc` gave. */
FANION_HELPER(9, __u64, fanion_free, __u64 address);
/* CAP_TIMERS: `timer` will be called for timer 0-7 in so many microseconds, once; 0, or -1. */
FANION_HELPER(10, __u64, fanion_timer_set, __u64 timer, __u64 microseconds);
/* CAP_TIMERS: it will not; 0, or -1. */
FANION_HELPER(11, __u64, fanion_timer_clear, __u64 timer);
/* CAP_MESSAGES: sends a message to this plugin's other half at a hop (0 at a relay): at most 475 bytes; 1, or 0 if the queue of 64
 * is full. */
FANION_HELPER(12, __u64, fanion_send_message, __u64 hop, __u64 command, const void *bytes, __u64 length);
/* CAP_PADDING: sends padding cells to a hop (0 at a relay); how many were taken, at most 16 a call. */
FANION_HELPER(13, __u64, fanion_send_padding, __u64 hop, __u64 cells);
/* CAP_DELIVER: has a message of Tor's treated as if it had come from a hop: before anything else that comes; 1, or 0. */
FANION_HELPER(14, __u64, fanion_deliver, __u64 hop, __u64 command, __u64 stream, const void *bytes, __u64 length);
/* CAP_CLOSE: the circuit is destroyed when this call is over. */
FANION_HELPER(15, __u64, fanion_close_circuit, void);
/* CAP_CLASS: suggests a scheduling class, 0-3, to whoever ranks circuits; 0, or -1. */
FANION_HELPER(16, __u64, fanion_suggest_class, __u64 class_number);
/* CAP_FLOW: a variable of the circuit's flow control, or -1. */
FANION_HELPER(17, __u64, fanion_flow_get, __u64 variable);
/* CAP_FLOW: sets one; 0, or -1 if that cannot be set, or not to this. */
FANION_HELPER(18, __u64, fanion_flow_set, __u64 variable, __u64 value);
#endif

/* Variables of flow_get and flow_set. */
#define FANION_FLOW_DATA_LIMIT 0     /* bytes packaged into one DATA, 1-498; can be set */
#define FANION_FLOW_ACK_INTERVAL 1   /* DATA cells for one SENDME, 1-1000; can be set in init, before the first DATA */
#define FANION_FLOW_QUEUE_FORWARD 2  /* cells that wait */
#define FANION_FLOW_QUEUE_BACKWARD 3 /* cells that wait */
#define FANION_FLOW_MESSAGE_ROOM 4   /* messages that send_message would take now */

/* ---- Contexts ---------------------------------------------------------------------------------------------------------- */

/* What every context begins with: its length, the door's number, the value of its parameter (direction: 0 forward, 1 backward; scope:
 * 0 circuit, 1 stream; else the place in the list of spellings above, or the command, Tor's with 0x10000 added), and the hop, at a
 * client. */
#define FANION_CONTEXT_HEAD                                                                                                 \
    __u32 size;                                                                                                             \
    __u32 hook;                                                                                                             \
    __u32 parameter;                                                                                                        \
    __u32 hop

#define FANION_TOR_COMMAND 0x10000u

/* The instance begins. */
struct init_ctx {
    FANION_CONTEXT_HEAD;
    /* Where the bringer's argument bytes are. */
    __u32 argument;
    /* How many there are. */
    __u32 argument_length;
    /* Where up to 64 bytes for the bringer may be put. */
    __u32 answer;
    /* How many have been put there; read back. */
    __u32 answer_length;
    /* 0: this end is the client; 1: a relay. */
    __u32 role;
    /* 1 if the instance takes over from an older version, whose memory `old_read` reads. */
    __u32 is_upgrade;
    /* Where the older version had its `FANION_STATE`; 0 if it had none. */
    __u32 old_state;
    /* How long that was. */
    __u32 old_state_length;
    /* Major, minor and patch of the older version, 16 bits each, the patch lowest. */
    __u64 old_version;
};

/* The instance ends. */
struct exit_ctx {
    FANION_CONTEXT_HEAD;
    /* 0: the circuit is gone; 1: detached; 2: upgraded. */
    __u32 reason;
    /* Zero. */
    __u32 reserved;
};

/* A timer of the instance has run out. */
struct timer_ctx {
    FANION_CONTEXT_HEAD;
    /* Which, 0-7. */
    __u32 timer;
    /* Zero. */
    __u32 reserved;
    /* Microseconds that the call is late. */
    __u64 late;
};

/* The circuit can be used. */
struct circuit_opened_ctx {
    FANION_CONTEXT_HEAD;
    /* 0: this end is the client; 1: a relay. */
    __u32 role;
    /* Hops, at a client; else 0. */
    __u32 hops;
    /* Microseconds that the first hop's handshake took, at a client. */
    __u32 handshake[8];
};

/* The circuit is gone. */
struct circuit_closed_ctx {
    FANION_CONTEXT_HEAD;
    /* The DESTROY's reason. */
    __u32 reason;
    /* 1 if the other side began it. */
    __u32 is_remote;
};

/* A cell has come in; the parameter is its direction. */
struct cell_received_ctx {
    FANION_CONTEXT_HEAD;
    /* The cell's command: 3 for RELAY, 9 for RELAY_EARLY. */
    __u32 command;
    /* 0: passing through; 1: a message for us; 2: padding for us. */
    __u32 kind;
    /* Cells of this circuit that wait in that direction. */
    __u32 queue;
    /* Where the body is; 0 without the capability. */
    __u32 payload;
    /* Its length. */
    __u32 payload_length;
    /* Zero. */
    __u32 reserved;
};

/* A cell leaves; the parameter is its direction. */
struct cell_sent_ctx {
    FANION_CONTEXT_HEAD;
    /* The cell's command. */
    __u32 command;
    /* 0: passing through; 1: a message of ours; 2: padding of ours. */
    __u32 kind;
    /* Cells of this circuit that still wait in that direction. */
    __u32 queue;
    /* Where the body is, before our layer; 0 without the capability. */
    __u32 payload;
    /* Its length. */
    __u32 payload_length;
    /* Zero. */
    __u32 reserved;
    /* Microseconds that it waited, to the millisecond. */
    __u64 waited;
};

/* A message was recognised here; the parameter is its command. */
struct relay_message_ctx {
    FANION_CONTEXT_HEAD;
    /* The stream, or 0. */
    __u32 stream;
    /* 1 if it came in RELAY_EARLY. */
    __u32 is_early;
    /* Where its data is; 0 without the capability. */
    __u32 payload;
    /* How long that is; read back where it was rewritten. */
    __u32 payload_length;
    /* Set to 1, with the capability, to have the host take the data back from the payload window. */
    __u32 is_rewritten;
    /* Zero. */
    __u32 reserved;
};

/* A message is about to be packaged; the parameter is its command. */
struct message_packaging_ctx {
    FANION_CONTEXT_HEAD;
    /* The stream, or 0. */
    __u32 stream;
    /* Where its data is; 0 without the capability. */
    __u32 payload;
    /* How long that is. */
    __u32 payload_length;
    /* Zero. */
    __u32 reserved;
};

/* A stream changes, or has data; the parameter says which. */
struct stream_ctx {
    FANION_CONTEXT_HEAD;
    /* The stream. */
    __u32 stream;
    /* 1 if the data goes to the other end of the circuit, 0 if it came from there. */
    __u32 is_outward;
    /* Where the data is; 0 without the capability, or where there is none. */
    __u32 payload;
    /* Its length. */
    __u32 payload_length;
    /* When it closes: the END's reason. */
    __u32 reason;
    /* Zero. */
    __u32 reserved;
};

/* How many DATA cells may be packaged now? The parameter is circuit or stream. */
struct may_send_ctx {
    FANION_CONTEXT_HEAD;
    /* The stream, or 0. */
    __u32 stream;
    /* Cells of this circuit that wait. */
    __u32 queue;
    /* 1 if the channel takes no cells now. */
    __u32 is_blocked;
    /* Zero. */
    __u32 reserved;
    /* DATA cells packaged so far. */
    __u64 packaged;
    /* SENDMEs that have come for them. */
    __u64 acknowledgements;
    /* Scratch of this circuit and hop, or stream: zero at first, kept by the host. */
    __u64 state[2];
};

/* Shall we acknowledge? The parameter is circuit or stream. */
struct ack_due_ctx {
    FANION_CONTEXT_HEAD;
    /* The stream, or 0. */
    __u32 stream;
    /* 0: a DATA cell has come in; 1: its stream's owner has taken all that came. */
    __u32 event;
    /* DATA cells that have come, this one included. */
    __u64 received;
    /* SENDMEs that we have sent for them. */
    __u64 acknowledgements;
    /* Scratch of this circuit and hop, or stream, the same as at `may_send`. */
    __u64 state[2];
};

/* A valid acknowledgement has come. The parameter is circuit or stream. */
struct on_ack_ctx {
    FANION_CONTEXT_HEAD;
    /* The stream, or 0. */
    __u32 stream;
    /* Cells of this circuit that wait. */
    __u32 queue;
    /* 1 if the channel takes no cells now. */
    __u32 is_blocked;
    /* Zero. */
    __u32 reserved;
    /* DATA cells packaged so far. */
    __u64 packaged;
    /* SENDMEs that have come before this one. */
    __u64 acknowledgements;
    /* Microseconds since the cell that it acknowledges left; 0 if that is not known. */
    __u64 round_trip;
    /* Scratch of this circuit and hop, or stream, the same as at `may_send`. */
    __u64 state[2];
};

/* The circuit's next cell could leave; the parameter is the direction. */
struct departure_ctx {
    FANION_CONTEXT_HEAD;
    /* 0: a cell has come to the front; 1: a hold is over. */
    __u32 event;
    /* Cells that wait, this one included. */
    __u32 queue;
    /* Microseconds that the first has waited, to the millisecond. */
    __u64 waited;
};

/* Something that padding may follow; the parameter is the direction. */
struct padding_ctx {
    FANION_CONTEXT_HEAD;
    /* 0 opened, 1 cell sent, 2 cell received, 3 padding sent, 4 padding received, 5 replaced, 6 hold begins, 7 hold ends. */
    __u32 event;
    /* With padding sent and replaced: the timer that ran out; else 0. */
    __u32 timer;
    /* Cells that wait in that direction. */
    __u32 queue;
    /* 1 while the circuit's cells are held. */
    __u32 is_held;
};

/* A circuit's place on its channel; the parameter is the event. */
struct rank_ctx {
    FANION_CONTEXT_HEAD;
    /* Cells of this circuit that left in the burst. */
    __u32 sent;
    /* Cells that wait, at most. */
    __u32 queue;
    /* 0-3, as the circuit's own plugin suggests. */
    __u32 suggested_class;
    /* Zero. */
    __u32 reserved;
    /* A number for the circuit and direction, for as long as it lives. */
    __u64 circuit;
    /* Scratch of this circuit and direction: zero at first, kept by the host. */
    __u64 state[2];
    /* Smallest first; read back. It comes in as it was. */
    __u64 key;
};

/* Weigh or veto a relay; the parameter is the position. */
struct choose_path_ctx {
    FANION_CONTEXT_HEAD;
    /* Of the consensus: Fast. */
    __u32 is_fast;
    /* Stable. */
    __u32 is_stable;
    /* Guard. */
    __u32 is_guard;
    /* Exit. */
    __u32 is_exit;
    /* A number for the relay, the same in every consensus, that says nothing else. */
    __u64 candidate;
    /* Its bandwidth in the consensus, kilobytes a second. */
    __u64 bandwidth;
    /* What the built-in gives it. */
    __u64 weight;
};

/* There is a new consensus. */
struct consensus_changed_ctx {
    FANION_CONTEXT_HEAD;
    /* Relays in it. */
    __u32 relays;
    /* Zero. */
    __u32 reserved;
    /* Seconds since 1970. */
    __u64 valid_after;
};

/* ---- Verdicts ----------------------------------------------------------------------------------------------------------- */

/* What programs return. Anything else is a fault. Programs at exit, timer, circuit_opened, circuit_closed and consensus_changed return 0.
 * Where a verdict has a delay or flags, make the program's result __u64. */

/* init */
#define FANION_READY 0
#define FANION_REFUSE 1
/* cell_received, cell_sent; DESTROY_CELL needs CAP_CLOSE */
#define FANION_OBSERVED 0
#define FANION_DESTROY_CELL 1
/* relay_message; DESTROY_MESSAGE needs CAP_CLOSE */
#define FANION_DEFAULT 0
#define FANION_HANDLED 1
#define FANION_DROP 2
#define FANION_DESTROY_MESSAGE 3
/* message_packaging: FANION_DEFAULT or */
#define FANION_TAKEN 1
/* stream: FANION_DEFAULT, FANION_HANDLED or, with CAP_CLOSE, */
#define FANION_DESTROY_STREAM 2
/* may_send: the number of cells that may be packaged until the next acknowledgement; FANION_WAIT is none. Asked again when they are
 * used up, after each acknowledgement, and after a timer of the plugin's has run. */
#define FANION_WAIT 0
/* ack_due; ACK_NO_FOR(n): not now, nor for n further DATA cells, about which nobody is asked: what makes this door cheap.
 * ACK_VIOLATION: more has come than was allowed. A stream's SENDMEs leave when its owner has taken what came. */
#define FANION_ACK_NO 0
#define FANION_ACK_NO_FOR(cells) ((__u64)(cells) << 2)
#define FANION_ACK_YES 1
#define FANION_ACK_VIOLATION 2
/* on_ack; ON_ACK_VIOLATION: more was acknowledged than was sent */
#define FANION_ACCEPTED 0
#define FANION_ON_ACK_VIOLATION 1
/* departure: go; hold for 1 to 2,000,000 microseconds and ask again; a padding cell first (CAP_PADDING), and ask again */
#define FANION_GO 0ULL
#define FANION_HOLD(microseconds) (1ULL | (__u64)(microseconds) << 32)
#define FANION_PADDING_FIRST 2ULL
/* padding: nothing; padding in so many microseconds (at most 600,000,000) on timer 0-3; that timer stops. PAD needs CAP_PADDING. */
#define FANION_NOTHING 0ULL
#define FANION_PAD(timer, microseconds, flags) (1ULL | (__u64)(timer) << 8 | (__u64)(flags) << 16 | (__u64)(microseconds) << 32)
#define FANION_CANCEL(timer) (2ULL | (__u64)(timer) << 8)
#define FANION_BYPASSING 1 /* it leaves although cells are held */
#define FANION_REPLACING 2 /* a waiting cell leaves in its place, if there is one */
/* rank: the quantum, 1-31 cells; the place is ctx->key, smallest first */
/* choose_path: what to multiply the weight with, in units of 1/65536, at most 256; 0 is a veto */
#define FANION_WEIGHT_SAME 65536
#define FANION_VETO 0

/* Events of the contexts' `event` and `parameter`. */
#define FANION_PADDING_OPENED 0
#define FANION_PADDING_CELL_SENT 1
#define FANION_PADDING_CELL_RECEIVED 2
#define FANION_PADDING_SENT 3
#define FANION_PADDING_RECEIVED 4
#define FANION_PADDING_REPLACED 5
#define FANION_PADDING_HOLD_BEGINS 6
#define FANION_PADDING_HOLD_ENDS 7
#define FANION_RANK_READY 0
#define FANION_RANK_SENT 1
#define FANION_RANK_TICK 2
#define FANION_ACK_CAME 0
#define FANION_ACK_TAKEN 1

#endif
