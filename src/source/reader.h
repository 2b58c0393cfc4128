/* reader — reads a segment at an offset into whole records: a route's own buffers and inflate
 * states, used for one source after the other.
 *
 * Knows where records end and NUL runs; knows nothing of what is in them, of containers or
 * delivery.
 *
 * - Owns: one read buffer (READ_QUANTUM_BYTES, growing to hold one raw record of RECORD_BYTES_MAX)
 *   and up to INFLATERS_MAX inflate states, each in one segment until it is forgotten.
 * - Thread: one.
 */
#pragma once

#include "source/inflater.h"
#include "source/segment.h"

enum reader_outcome {
    READER_END = 1,  /* no whole record beyond the offset (yet) */
    READER_AGAIN,    /* a compressed rotation is still being inflated, or waits for a free inflate
                        state: call again */
    READER_GONE,     /* the segment cannot be opened any more */
    READER_TOO_LONG, /* one raw record fills the buffer; ret.bytes may be skipped */
    READER_NUL,      /* a NUL run; ret.bytes may be skipped */
    READER_CHANGED,  /* what stands before the offset is not what the caller said */
};

struct reader;

int reader_new(struct reader **ret) MUST_CHECK;
struct reader *reader_free(struct reader *r);
DEFINE_CLEANUP(struct reader *, reader_free)

/* The longest raw record, with what ends it: READ_QUANTUM_BYTES to RECORD_BYTES_MAX, the default.
 */
void reader_limit_record(struct reader *r, size_t bytes_max);

/* What stood right before the offset when it was consumed: READER_CHANGED where it does not. */
struct reader_before {
    uint64_t hash; /* xxh3-64 */
    size_t size;   /* bytes; 0: nothing is checked */
};

struct reader_result {
    struct span records; /* whole ones from the offset on; BUF_SLACK bytes readable behind */
    uint64_t bytes;      /* READER_TOO_LONG, READER_NUL: bytes to skip */
    bool more;           /* the buffer was full: there is more right now */
    bool damaged;        /* READER_END of a compressed rotation that is unfinished or damaged */
    uint64_t tail;       /* READER_END: bytes beyond the offset that make no whole record */
    bool tail_is_nul;    /* READER_END: all of the tail is NULs */
    bool records_behind; /* READER_END: if the tail is all there will be of its record, there are
                            whole ones behind it */
};

/* Reads from `offset`, where a record begins. 0, a reader_outcome or -errno. */
int reader_read(struct reader *r, struct segment *s, uint64_t offset,
                const struct reader_before *before, struct reader_result *ret) MUST_CHECK;

/* From `offset` (not 0), wherever in a record it is, to where the next one begins: how many bytes,
 * as far as one quantum shows; *ret_found says whether it is found. READER_END where there are no
 * bytes. */
int reader_search(struct reader *r, struct segment *s, uint64_t offset, uint64_t *ret_bytes,
                  bool *ret_found) MUST_CHECK;

/* The last bytes of a record that a cursor remembers. */
enum { READER_BEFORE_MAX = 1024 /* bytes */ };
struct reader_before reader_remember(struct span record);

/* Forgets the inflate state of a segment that is done with. */
void reader_forget(struct reader *r, const struct segment *s);
