/* segment — one element of a source's rotation chain: a file that can be read at any offset, or a
 * hole where one has been.
 *
 * Shared and stateless: routes read it side by side with pread; the place is their cursor's. Its
 * identity never changes; its fingerprint is written once, by whoever first finds the head
 * readable. The descriptor is opened by whoever needs it and closed by the monitor when nobody uses
 * it.
 *
 * - Owns: one descriptor at most; the name of its pin.
 * - Thread: any; the mutex is never held across a read.
 * - Errors: 0, -errno, or SEGMENT_GONE.
 */
#pragma once

#include "base/buf.h"
#include "base/cleanup.h"
#include "model/cursor.h"
#include "model/gap.h"
#include "source/record_format.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

enum { SEGMENT_GONE = 1 /* no descriptor and no pin to open one from */ };

struct segment {
    atomic_uint refs;
    uint64_t serial;
    struct file_id file;
    enum record_format format;
    bool gzip;      /* found as a compressed rotation */
    bool ambiguous; /* found again by a fingerprint that others had, too: it may be one of them */
    bool hole;      /* nothing can be read: `reason` and `bytes` say what is missing */
    enum gap_reason reason;
    int64_t bytes;

    atomic_bool sealed; /* Docker's names no longer make it the live file */
    atomic_bool cut;    /* truncated in place: over, its number never matched by inode again */

    pthread_mutex_t lock; /* guards what follows */
    struct fingerprint fingerprint;
    int fd; /* -1: closed */
    bool given_up;
    unsigned users;
    char *pin_path; /* NULL: not pinned by a link */
};

struct segment_options {
    struct segment_ref ref;
    enum record_format format;
    bool gzip, hole, sealed, cut, ambiguous;
    enum gap_reason reason; /* of a hole */
    int64_t bytes;          /* of a hole */
    int fd;                 /* becomes the segment's on success; -1 for none */
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
/* It is to be readable no more: without its pin, the descriptor is closed now or with the last
 * release. */
void segment_give_up(struct segment *s);

void segment_set_pin(struct segment *s, const char *path); /* NULL: unpinned */
bool segment_has_pin(struct segment *s);
/* Opens from here when it is closed; false without a pin. `path` holds `size` bytes. */
bool segment_pin_path(struct segment *s, char *path, size_t size);

/* Bytes of its file now; -1 where it cannot be opened. */
int64_t segment_size(struct segment *s);

/* How the ledger and a cursor name it, with the fingerprint as known by now. */
struct segment_ref segment_name(struct segment *s);
void segment_set_fingerprint(struct segment *s, struct fingerprint f);
