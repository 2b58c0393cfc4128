/* cursor — where a route stands in a source: all it needs to find the place again.
 *
 * Plain data, copied by value, stored by the ledger column by column. A segment is named by
 * everything that may help to find it after a restart; which of it decides is source/relocate.h's.
 *
 * The fields are named after files. A place in the journal is kept in the same ones:
 * source/journal_place.h says how.
 */
#pragma once

#include "model/entry.h"

#include <stdbool.h>
#include <stdint.h>

/* xxh3-128 of a segment's first whole record. {0, 0}: not known (yet). */
struct fingerprint {
    uint64_t high, low;
};

static inline bool fingerprint_known(struct fingerprint f)
{
    return f.high != 0 || f.low != 0;
}

static inline bool fingerprint_equal(struct fingerprint a, struct fingerprint b)
{
    return a.high == b.high && a.low == b.low;
}

/* Device, inode and birth of a file; inode 0: not known. */
struct file_id {
    uint64_t device, inode;
    int64_t birth_ns;
};

static inline bool file_id_equal(struct file_id a, struct file_id b)
{
    return a.inode && a.device == b.device && a.inode == b.inode && a.birth_ns == b.birth_ns;
}

struct segment_ref {
    uint64_t serial; /* from 1, in the order of writing within a source; 0: none */
    struct fingerprint fingerprint;
    struct file_id file;
};

enum cursor_kind {
    CURSOR_BEGINNING, /* nothing consumed: starts at the oldest segment there is */
    CURSOR_AT,        /* at `offset` of `segment` */
    CURSOR_DONE,      /* `segment` is consumed whole, its successor not yet entered */
    CURSOR_ENDED,     /* the source is: nothing will ever follow `segment` */
};

enum open_kind {
    OPEN_NONE,
    OPEN_LINE, /* an unfinished line, not delivered: its first chunk stands at (segment, offset) */
    OPEN_CUT,  /* flushed at the cap: the next chunk of this time, or with the next number where
                * those are counted, is its continuation */
};

/* A line of one stream that has not ended yet. */
struct open_line {
    enum open_kind kind;
    bool continued;             /* OPEN_LINE: an earlier part of it was flushed already */
    struct segment_ref segment; /* OPEN_LINE: of its first chunk, possibly an earlier segment */
    uint64_t offset;            /* OPEN_LINE: bytes */
    int64_t time_ns;            /* of its first chunk: of all, where they are not counted */
};

struct cursor {
    enum cursor_kind kind;
    bool skipping; /* inside a record that is too long */
    struct segment_ref segment;
    uint64_t offset;    /* bytes (of plain text, also in a .gz) consumed in `segment` */
    int64_t last_ns;    /* time of the last consumed record; CURSOR_NO_TIME if none */
    uint64_t last_hash; /* xxh3-64 of the bytes right before `offset`, as they were read … */
    uint64_t last_size; /* … so many of them; 0: nothing to hold the file against */
    struct open_line open[STREAM_COUNT];
};

#define CURSOR_NO_TIME INT64_MIN
#define CURSOR_INIT    ((struct cursor){.kind = CURSOR_BEGINNING, .last_ns = CURSOR_NO_TIME})
