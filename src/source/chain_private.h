/* chain_private — the chain's inside, for chain.c (life, letting go), chain_sync.c (looking) and
 * chain_copy.c (what stands in the live file's place). */
#pragma once

#include "source/chain.h"
#include "source/scan.h"

enum { CHAIN_IGNORED_MAX = 16 };

struct chain_element {
    struct segment *segment;
    struct file_id compressed; /* of the .gz that Docker made of it, once seen */
    bool live;                 /* Docker's name for it is the live one */
    bool read;                 /* no route needs it, as of the last release */
    bool ambiguous;    /* another element had the same fingerprint, and its place told nothing */
    bool dirty;        /* the ledger does not have it as it is */
    uint64_t size;     /* bytes, when last seen */
    int64_t let_go_ns; /* wall clock: when Docker's last name for it was seen to be gone */
};

/* There may be ten thousand at rest: fields of one size lie together. */
struct chain {
    struct home *home;
    const struct chain_tools *tools;
    struct segment *copy; /* of no serial yet: in the place of the newest file; or NULL */

    struct chain_element *elements; /* by serial, ascending */
    uint64_t next_serial;
    int64_t rotation_bytes;
    uint64_t *dropped;       /* serials the ledger should forget */
    struct file_id *ignored; /* files that are nobody's generation: CHAIN_IGNORED_MAX, or NULL */
    uint32_t count, capacity;
    uint32_t dropped_count, dropped_capacity;
    int seen_minus_created; /* generations seen whose creation was not reported yet */
    int created_owed;       /* created before a look that failed before it counted them */
    uint32_t ignored_next;
    enum record_format format : 8;
    uint8_t skip_looks; /* in a row that have found a number missing */
    bool looked : 1;    /* at the directory, once at least */
    bool gone : 1;
    bool known : 1;
};

/* Docker's directory still has a name for it. */
static inline bool chain_is_named(const struct chain_element *e)
{
    return atomic_load_explicit(&e->segment->named, memory_order_relaxed);
}

/* Makes a hole of an element that can be read no more. */
int chain_lose(struct chain *c, struct chain_element *element, enum gap_reason reason,
               int64_t bytes) MUST_CHECK;

/* Should the .gz of so many bytes be read, and pinned, in place of the element's own file, which we
 * hold open? Only where that was removed before it could be linked, so that it never will be, and
 * the .gz surely holds all of it. */
bool chain_gzip_is_better(const struct chain_element *element, int gzip_fd, uint64_t gzip_bytes);

/* Adds an element behind all others (or, with a serial below the first, before them). */
int chain_add(struct chain *c, const struct segment_options *options, struct chain_element **ret)
    MUST_CHECK;

/* Holds a file that begins as the newest element does, in the place of the one before. Takes the
 * descriptor on success. */
int chain_hold_copy(struct chain *c, struct file_id file, struct fingerprint fingerprint, int fd)
    MUST_CHECK;

/* 1 where the copy holds a record that is later than all of the chain: Docker writes into it, and
 * into nothing else. 0 where it does not, or -errno. */
int chain_copy_goes_on(struct chain *c) MUST_CHECK;

/* Makes an element of the copy, behind all others. */
int chain_take_copy(struct chain *c, struct chain_element **ret) MUST_CHECK;
