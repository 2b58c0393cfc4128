/* masks — which of 64 bytes are of a kind: bit i for byte i. */
#pragma once

#include <stdint.h>

struct masks {
    uint64_t backslash;
    uint64_t quote;
    uint64_t control; /* below 0x20 */
    uint64_t high;    /* 0x80 and above */
};
