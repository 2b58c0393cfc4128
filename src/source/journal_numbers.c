// SPDX-License-Identifier: Apache-2.0
#include "source/journal_numbers.h"

static uint64_t count_bits(uint64_t bits)
{
    return (uint64_t)__builtin_popcountll(bits);
}

uint64_t journal_numbers_end(struct journal_numbers *n)
{
    uint64_t missing = count_bits(n->unseen);
    *n = (struct journal_numbers){0};
    return missing;
}

/* `number` is the highest now; those between are awaited. */
static uint64_t go_up(struct journal_numbers *n, uint64_t number)
{
    uint64_t step = number - n->highest, missing;
    if (step > JOURNAL_NUMBERS_WINDOW) {
        missing = count_bits(n->unseen) + (step - 1 - JOURNAL_NUMBERS_WINDOW);
        n->unseen = UINT64_MAX;
    } else if (step == JOURNAL_NUMBERS_WINDOW) {
        missing = count_bits(n->unseen);
        n->unseen = UINT64_MAX >> 1;
    } else {
        missing = count_bits(n->unseen >> (JOURNAL_NUMBERS_WINDOW - step));
        n->unseen = n->unseen << step | ((UINT64_C(1) << (step - 1)) - 1);
    }
    n->highest = number;
    return missing;
}

uint64_t journal_numbers_take(struct journal_numbers *n, uint64_t start, uint64_t number)
{
    uint64_t missing = 0;
    if (n->highest == 0) {
        *n = (struct journal_numbers){.start = start, .highest = number};
        return 0;
    }
    if (n->start != start) {
        missing = journal_numbers_end(n);
        n->start = start;
    }
    if (number > n->highest)
        return missing + go_up(n, number);
    uint64_t below = n->highest - number;
    if (below >= 1 && below <= JOURNAL_NUMBERS_WINDOW)
        n->unseen &= ~(UINT64_C(1) << (below - 1));
    return missing;
}
