/* journal_record — one entry of the journal that Docker wrote: a line, or a chunk of one.
 *
 * Source of the format: docker-logs §5. A record is put together field by field, in whatever order
 * the journal gives them; nothing here touches the journal.
 *
 * - Owns: nothing; its message stands in the buffer it was read into.
 * - Limits: JOURNAL_MESSAGE_MAX; Docker cuts at SOURCE_CHUNK_BYTES, so what is longer is not its.
 */
#pragma once

#include "base/buf.h"
#include "model/entry.h"
#include "source/journal_place.h"

enum { JOURNAL_MESSAGE_MAX = 128 * 1024 /* bytes; a longer one is not kept, and booked */ };

struct journal_record {
    struct journal_place place;
    int64_t time_ns; /* Docker's where it says one (24 and later), else that of sending, else of
                        reception */
    size_t at, size; /* bytes of the message in the buffer */
    bool too_long;   /* of `size` bytes, not kept */
    uint8_t stream;
    uint16_t flags;
    uint32_t chunk; /* from 1, in its line; 0: a whole line */
    bool more;      /* a chunk that another follows */

    bool damaged; /* the journal has the entry, and cannot give it */

    /* From 24 on Docker numbers what it sends, from 1 at each start of a container. */
    uint64_t start;  /* a hash of the start's id */
    uint64_t number; /* 0: not numbered */
};

/* What has come of a record's fields so far. */
struct journal_record_parts {
    bool has_message;
    bool has_docker_time;
};

void journal_record_begin(struct journal_record *r, struct journal_record_parts *parts,
                          const struct journal_place *place, const struct buf *text);
/* `field` is NAME=value. The message is appended to `text`. */
void journal_record_field(struct journal_record *r, struct journal_record_parts *parts,
                          struct span field, struct buf *text);
void journal_record_end(struct journal_record *r);

/* What a cursor keeps of Docker's number, so that after a loss the next record tells whether it is
 * the very next one. 0 where there is none. */
uint64_t journal_record_mark(const struct journal_record *r);
bool journal_record_follows(const struct journal_record *r, uint64_t mark);
