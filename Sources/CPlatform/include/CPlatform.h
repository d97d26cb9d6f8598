// The few C lines that Swift cannot write.
#pragma once
#include "ebpf.h"
