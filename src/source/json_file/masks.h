/* masks — which of 64 bytes are of a kind: bit i for byte i. */
#pragma once

#include <stdint.h>

struct masks {
    uint64_t backslash;
    uint64_t quote;
    uint64_t odd; /* not printable ASCII: below 0x20, 0x80 and above */
};
