// The host's side of one running eBPF instance, and the jump into compiled code.
#pragma once
#include <stdint.h>

struct fanion_ebpf_state;

/// Runs a helper: `which` is an index into the module's table, or a number where a program calls through a register.
typedef uint64_t (*fanion_ebpf_helper)(struct fanion_ebpf_state *state, uint64_t which);

/// Lies directly before an instance's arena, where no masked address reaches. Compiled code knows these offsets.
typedef struct fanion_ebpf_state {
    uint64_t registers[11]; ///< Arguments of a helper; all registers after a fault.
    uint64_t fuel;          ///< Left when the call ended; in step with the compiled code during a helper.
    uint64_t fault;         ///< Zero, or the kind of fault.
    uint64_t slot;          ///< The instruction that faulted or called a helper.
    uint64_t detail;        ///< What the fault was about: an address, a handle, an argument's number, a code.
    const void *entry;      ///< Where the trampoline goes.
    void *stack;            ///< The host's stack pointer to return to on a fault.
    fanion_ebpf_helper helper;
    fanion_ebpf_helper helper_by_number;
    const uint64_t *functions; ///< Native addresses of address-taken functions.
    const void *helpers;       ///< The module's helper table.
    uint64_t helper_count;
    void *host;                ///< Whatever the embedder attached to this call.
    uint64_t lengths[5];       ///< Checked lengths of the helper's memory arguments.
    uint64_t arena_size;
} fanion_ebpf_state;

/// Bytes reserved for the state before each arena.
#define FANION_EBPF_STATE_SIZE 256
_Static_assert(__builtin_offsetof(fanion_ebpf_state, registers) == 0, "helpers find the state by its registers");
_Static_assert(sizeof(fanion_ebpf_state) <= FANION_EBPF_STATE_SIZE, "the state must fit before the arena");

typedef uint64_t (*fanion_ebpf_trampoline)(
    fanion_ebpf_state *state, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e);

/// Calls compiled code.
static inline uint64_t fanion_ebpf_enter(
    const void *trampoline, fanion_ebpf_state *state, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e) {
    return ((fanion_ebpf_trampoline)trampoline)(state, a, b, c, d, e);
}

static inline uint64_t *fanion_ebpf_registers(fanion_ebpf_state *state) { return state->registers; }
static inline uint64_t *fanion_ebpf_lengths(fanion_ebpf_state *state) { return state->lengths; }

/// A writable, not executable, private mapping; null when the system refuses.
void *fanion_ebpf_map(uint64_t size);
/// Makes a mapping executable and no longer writable; nonzero when the system refuses.
int fanion_ebpf_make_executable(void *memory, uint64_t size);
/// Gives a mapping back.
void fanion_ebpf_unmap(void *memory, uint64_t size);
/// Gives the pages back to the system; the next read sees zeros.
void fanion_ebpf_forget(void *memory, uint64_t size);
