#include "CPlatform.h"

#include <stddef.h>
#include <sys/mman.h>

void *fanion_ebpf_map(uint64_t size) {
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

int fanion_ebpf_make_executable(void *memory, uint64_t size) { return mprotect(memory, size, PROT_READ | PROT_EXEC); }

void fanion_ebpf_unmap(void *memory, uint64_t size) { munmap(memory, size); }

void fanion_ebpf_forget(void *memory, uint64_t size) { madvise(memory, size, MADV_DONTNEED); }
