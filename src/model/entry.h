/* entry — one log line, and batch — the entries of one source read in one pull.
 *
 * A batch's spans point into the reader's buffer or the batch's arena: they live until the next
 * pull. A batch never crosses an era: one container record holds for all of it.
 */
#pragma once

#include "base/arena.h"
#include "base/limits.h"
#include "base/span.h"
#include "model/gap.h"

#include <stdint.h>

enum stream { STREAM_STDOUT, STREAM_STDERR, STREAM_COUNT };

static inline const char *stream_word(unsigned stream)
{
    return stream == STREAM_STDERR ? "stderr" : "stdout";
}

/* The two forms of a message. A route says once which one its stages and sink want. */
enum message_form {
    FORM_BYTES, /* as the program wrote it, unescaped; may be invalid UTF-8 where the source was */
    FORM_JSON,  /* the inside of a JSON string: escapes checked, UTF-8 valid */
};

enum entry_flags {
    ENTRY_PARTIAL = 1 << 0,      /* cut at our cap: its continuation follows as an own entry */
    ENTRY_CONTINUED = 1 << 1,    /* continues an entry that was cut */
    ENTRY_UNTERMINATED = 1 << 2, /* the program wrote no newline at its end */
    ENTRY_TIME_MISSING = 1 << 3, /* no valid time in the record: stamped with the time of reading */
    ENTRY_STREAM_MISSING = 1 << 4, /* no stream in the record: taken for stdout */
    ENTRY_CHUNK = 1 << 5,          /* a numbered piece of a cut line, not joined yet: its message is
                                      in bytes, whatever the batch's form */
    ENTRY_CHUNK_COUNTED = 1 << 6,  /* ENTRY_CHUNK: numbered by us, each that came. Its number alone
                                      says what it continues, whatever its time */
    ENTRY_DELIVERED = 1 << 7,      /* in a request: its sink needs not send it again (sink.h) */
};

struct entry {
    int64_t time_ns;       /* event time, UTC; of the first chunk */
    uint64_t serial;       /* of the segment of the first chunk */
    uint64_t offset;       /* of the first chunk in it: with the container, the entry's identity */
    struct span message;   /* without the line's newline, in the batch's form */
    struct span attrs;     /* raw JSON object `{…}` of the record, valid JSON; empty: none */
    uint32_t source_bytes; /* what Docker counts towards its 16,384 a chunk */
    uint16_t flags;        /* enum entry_flags */
    uint8_t stream;        /* enum stream */
    uint8_t chunk;         /* ENTRY_CHUNK: chunk_number() of it */
};

/* Docker's ordinal of a chunk in a byte: 1 for the first of a line alone, then in circles from 2 to
 * 255; 0 where it is not known. */
static inline uint8_t chunk_number(uint64_t ordinal)
{
    return (uint8_t)(ordinal < 2 ? ordinal : 2 + (ordinal - 2) % 254);
}

static inline uint8_t chunk_number_after(uint8_t number)
{
    return number == 0 ? 0 : number == 255 ? 2 : (uint8_t)(number + 1);
}

struct container;

struct batch {
    enum message_form form;
    const struct container *container; /* of the era; borrowed from the source's view */
    int64_t ingest_ns;
    struct entry *entries; /* BATCH_ENTRIES_MAX, and one more per stream for lines that end */
    size_t count;
    struct arena arena; /* what had to be unescaped or joined */
    struct gap gaps[BATCH_GAPS_MAX];
    size_t gap_count;

    /* Accounting of the pull, all of it in raw bytes of the source. */
    uint64_t bytes_consumed; /* records + blank + gaps within segments */
    uint64_t bytes_blank;    /* of blank lines, with their newlines */
    uint64_t bytes_gap;      /* of gaps that the cursor passed byte by byte; holes do not count */
    uint64_t records;        /* decoded, joined or not */
    uint64_t blank_lines;
};

int batch_init(struct batch *b, enum message_form form) MUST_CHECK;
void batch_deinit(struct batch *b);
/* Empties it for the next pull. */
void batch_reset(struct batch *b);

/* Books a gap. False where BATCH_GAPS_MAX is reached: the pull has to end before these bytes. */
bool batch_add_gap(struct batch *b, struct gap gap);
