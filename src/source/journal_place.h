/* journal_place — one place in the journal, as a cursor of ours and as journald's own text.
 *
 * Source of the format: sd_journal_get_cursor(3), `s=…;i=…;b=…;m=…;t=…;x=…` in hex.
 *
 * A journald source has no segments. Its struct cursor names the last consumed entry in the fields
 * that files use, so that the ledger stores both alike:
 *
 *     segment.serial        1
 *     segment.fingerprint   the id of the numbering (`s`)
 *     segment.file.device, inode   the boot's id (`b`), high and low half
 *     segment.file.birth_ns        microseconds since that boot (`m`)
 *     offset                the entry's number (`i`)
 *     last_ns               its time of reception (`t`), in nanoseconds
 *     last_hash             the xor of its fields' hashes (`x`)
 *     last_size             Docker's number of it, hashed: journal_record_mark
 *
 * An open line names its first chunk likewise, without `t` and `x`. A CURSOR_AT without a numbering
 * stands before the first entry that was received at or after last_ns.
 */
#pragma once

#include "base/cleanup.h"
#include "base/span.h"
#include "model/cursor.h"

enum { JOURNAL_PLACE_TEXT_SIZE = 160 /* bytes, with the NUL */ };

struct journal_place {
    struct fingerprint numbering; /* not known: only realtime_us counts */
    uint64_t number;
    uint64_t boot_high, boot_low;
    uint64_t monotonic_us;
    uint64_t realtime_us; /* 0: not known */
    uint64_t fields_xor;
};

static inline bool journal_place_is_entry(const struct journal_place *p)
{
    return fingerprint_known(p->numbering);
}

/* Below, at or above 0, in the journal's own order: by number; of another numbering by the time
 * since boot; of another boot by the time of reception. */
int journal_place_compare(const struct journal_place *a, const struct journal_place *b);

/* What sd_journal_seek_cursor takes. `place` is an entry's. */
void journal_place_print(const struct journal_place *place, char to[JOURNAL_PLACE_TEXT_SIZE]);
/* 0, or -EINVAL where a part is missing or is no number. */
int journal_place_parse(struct journal_place *ret, const char *text) MUST_CHECK;

/* False for CURSOR_BEGINNING, which has no place. */
bool journal_place_of_cursor(struct journal_place *ret, const struct cursor *cursor);
struct journal_place journal_place_of_line(const struct open_line *open);

struct segment_ref journal_place_segment(const struct journal_place *place);
/* Moves the cursor behind the entry at `place`; its open lines stay. */
void journal_place_into_cursor(const struct journal_place *place, uint64_t mark,
                               struct cursor *cursor);
