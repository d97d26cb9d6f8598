// EBPF
