// Counts allocations of the calling thread, by standing in for the C library's allocator. For tests only.
#pragma once
#include <stdbool.h>

/// Whether allocations can be counted here: with glibc, and without a sanitizer, which has an allocator of its own.
bool allocation_counter_works(void);

/// Starts to count this thread's allocations from zero.
void allocation_counter_start(void);

/// Stops, and says how many there were since the start.
long allocation_counter_stop(void);
