/* journal_numbers — finds out which of Docker's numbered entries never came.
 *
 * Docker (24 and later) numbers what it sends to the journal, from 1 at each start of a container.
 * stdout and stderr are sent by two threads, so neighbours may come in the other order: a number is
 * missing when JOURNAL_NUMBERS_WINDOW later ones have come, or when the start has ended.
 */
#pragma once

#include <stdint.h>

enum { JOURNAL_NUMBERS_WINDOW = 64 };

struct journal_numbers { /* all zero: nothing seen */
    uint64_t start;      /* a hash of the start's id */
    uint64_t highest;    /* 0: nothing seen */
    uint64_t unseen;     /* bit i: highest - 1 - i is still awaited */
};

/* Takes note of an entry. Returns how many numbers are missing for certain now. */
uint64_t journal_numbers_take(struct journal_numbers *n, uint64_t start, uint64_t number);
/* Nothing more comes: how many are missing. Forgets all. */
uint64_t journal_numbers_end(struct journal_numbers *n);
