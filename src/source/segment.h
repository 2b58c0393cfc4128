/* segment — one element of a source's rotation chain: a file that can be read at any offset, or a
 * hole where one has been.
 *
 * Shared and stateless: routes read it side by side with pread; the place is their cursor's. Its
 * identity never changes; its fingerprint is written once, by whoever first finds the head
 * readable. The descriptor is opened by whoever needs it, from the pin or by Docker's name for the
 * file, and closed when nobody uses it: by the monitor, or by whoever needs the room
 * (descriptors.h).
 *
 * - Owns: one descriptor at most, a reference on its home.
 * - Thread: any; the lock is never held across a read.
 * - Errors: 0, -errno, or SEGMENT_GONE. -ESTALE: neither pin nor name leads to it any more, which
 *   the monitor has still to see: later it is gone, or the chain has it in another file.
 */
#pragma once

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/lock.h"
#include "model/cursor.h"
#include "model/gap.h"
#include "source/home.h"
#include "source/record_format.h"

#include <stdatomic.h>
#include <stdbool.h>

enum { SEGMENT_GONE = 1 /* no descriptor, and nothing to open one from */ };

/* There may be ten thousand at rest: fields of one size lie together. */
struct segment {
    atomic_uint refs;
    struct lock lock; /* guards what is marked * */
    uint64_t serial;
    struct file_id file;
    struct fingerprint fingerprint; /* * */
    union {
        int64_t bytes;     /* of a hole: what is missing */
        int64_t read_size; /* * of a file: bytes, when `read_by` was true; -1: never */
    };
    uint64_t used;                 /* * descriptors_stamp() of the last use */
    struct home *home;             /* NULL: once closed it is gone */
    struct segment *newer, *older; /* among the open ones: descriptors.c's */

    int fd;               /* * -1: closed */
    unsigned users : 24;  /* * */
    bool given_up : 1;    /* * */
    bool pinned : 1;      /* * */
    bool read_by_all : 1; /* * every route has … */
    uint32_t read_by;     /* * … bit per route: found nothing more than `read_size` */

    /* Apart from the bits above, which change under the lock. */
    enum record_format format : 8;
    enum gap_reason reason : 8; /* of a hole */
    bool gzip : 1;              /* found as a compressed rotation */
    bool ambiguous : 1; /* found again by a fingerprint that others had, too: it may be one of them
                         */
    bool hole : 1;      /* nothing can be read: `reason` and `bytes` say what is missing */

    atomic_bool sealed; /* Docker's names no longer make it the live file */
    atomic_bool cut;    /* truncated in place: over, its number never matched by inode again */
    atomic_bool named;  /* Docker's directory had a name for it at the last look */
    atomic_bool polled; /* the watch looks at it from time to time */
};

struct segment_options {
    struct segment_ref ref;
    enum record_format format;
    bool gzip, hole, sealed, cut, ambiguous, named;
    enum gap_reason reason; /* of a hole */
    int64_t bytes;          /* of a hole */
    int fd;                 /* becomes the segment's on success; -1 for none */
    struct home *home;      /* a reference is taken; may be NULL */
};

int segment_new(struct segment **ret, const struct segment_options *options) MUST_CHECK;
struct segment *segment_ref(struct segment *s);
struct segment *segment_unref(struct segment *s);
DEFINE_CLEANUP(struct segment *, segment_unref)

/* The descriptor, held open until segment_release(). */
int segment_acquire(struct segment *s, int *ret_fd) MUST_CHECK;
void segment_release(struct segment *s);

/* Closes the descriptor if nobody uses it. True where it is closed now. */
bool segment_close_idle(struct segment *s);
bool segment_is_open(struct segment *s);
/* Makes the descriptor the caller's; -1 where it is closed. Nobody uses it. */
int segment_take_fd(struct segment *s);
/* It is to be readable no more: without its pin, the descriptor is closed now or with the last
 * release. */
void segment_give_up(struct segment *s);

/* Its home's pin is a link to it. */
void segment_set_pinned(struct segment *s, bool pinned);
bool segment_has_pin(struct segment *s);

/* Bytes of its file now, without opening it; -1 where it cannot be told. */
int64_t segment_size(struct segment *s);

/* Route number `route` of `count` has read it to its end as it is now. */
void segment_set_read(struct segment *s, unsigned route, size_t count);

/* How the ledger and a cursor name it, with the fingerprint as known by now. */
struct segment_ref segment_name(struct segment *s);
void segment_set_fingerprint(struct segment *s, struct fingerprint f);
