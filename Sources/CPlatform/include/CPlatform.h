// The few C lines that Swift cannot write.
#pragma once
#include "ebpf.h"

#include <stddef.h>

// Asks the processor to bring the lines of a stretch of memory closer; whatever stands there, nothing is read.
static inline void fanion_prefetch(const void *address, size_t length) {
    for (size_t offset = 0; offset < length; offset += 64) __builtin_prefetch((const char *)address + offset, 1);
}
