// SPDX-License-Identifier: Apache-2.0
#include "model/gap.h"

#include <string.h>

static const char *const words[] = {
#define X(name, word, help) word,
    GAP_REASONS(X)
#undef X
};

const char *gap_reason_word(enum gap_reason reason)
{
    return (unsigned)reason < GAP_REASON_COUNT ? words[reason] : "unknown";
}

int gap_reason_from_word(const char *word)
{
    for (int i = 0; i < GAP_REASON_COUNT; i++)
        if (strcmp(words[i], word) == 0)
            return i;
    return -1;
}
