/* slot — what monitor and routes share of one source, for as long as the source lives; and roster —
 * the immutable, versioned set of slots.
 *
 * Downwards the monitor publishes a view and sets ready bits. Upwards a route publishes the lowest
 * serial it still needs, and what it saw. Nothing here can overflow, and nobody waits for anybody.
 *
 * - Owns: a reference on the current view, and on its id.
 * - Thread: any; the lock guards the view pointer alone.
 */
#pragma once

#include "base/clock.h"
#include "base/limits.h"
#include "base/lock.h"
#include "source/view.h"

#include <pthread.h>

#define SLOT_NEEDS_NOTHING UINT64_MAX

/* A container that does not run, as far as its record tells, has written: the record lags, and the
 * lines would bear the wrong state and addresses. They wait for it, at most SLOT_HOLD_NS. */
#define SLOT_HELD    INT64_MAX
#define SLOT_HOLD_NS (1000 * NS_PER_MS)

/* What a route saw (bits of slot_route.saw). */
enum slot_saw {
    SLOT_SAW_TRUNCATED = 1 << 0, /* the segment `saw_serial` was emptied or replaced in place */
    SLOT_SAW_HEAD = 1 << 1,      /* a segment's first record became readable: fingerprint known */
};

/* The upward word of one route about one slot. */
struct slot_route {
    atomic_uint_fast64_t needs; /* lowest serial its committed cursor names; 0: all there are */
    atomic_uint saw;
    atomic_uint_fast64_t saw_serial;
};

struct slot {
    atomic_uint refs;
    struct lock lock;     /* guards `view` */
    atomic_uint ready;    /* bit per route: look at it */
    uint16_t route_count; /* at most ROUTES_MAX */
    bool journal;         /* no segments: read from the journal; set before it is published */
    const char *id;       /* opaque source id: the container's full id; a word */
    struct view *view;
    atomic_int_fast64_t hold_until_ns;             /* monotonic; SLOT_HELD, or 0: not held */
    atomic_uint_fast64_t hold_serial, hold_offset; /* SLOT_HELD: what stands behind this is held */
    /* Where its content ended at discovery; for --once. */
    atomic_uint_fast64_t once_serial, once_offset;
    struct slot_route routes[];
};

int slot_new(struct slot **ret, const char *id, size_t route_count) MUST_CHECK;
struct slot *slot_ref(struct slot *s);
struct slot *slot_unref(struct slot *s);
DEFINE_CLEANUP(struct slot *, slot_unref)

/* A reference on the current view. */
struct view *slot_view(struct slot *s);
/* Publishes; takes over the reference. */
void slot_publish(struct slot *s, struct view *view);

/* Sets the ready bit of every route. */
static inline void slot_mark_ready(struct slot *s)
{
    atomic_fetch_or_explicit(&s->ready, UINT32_MAX, memory_order_release);
}

/* Takes this route's ready bit; true if it was set. */
static inline bool slot_take_ready(struct slot *s, unsigned route)
{
    if (!(atomic_load_explicit(&s->ready, memory_order_relaxed) & 1u << route))
        return false;
    return atomic_fetch_and_explicit(&s->ready, ~(1u << route), memory_order_acquire) & 1u << route;
}

/* Up to where a slot may be read now. `waiting`: something stands behind it; the first to find that
 * starts the hold's time. */
struct slot_hold {
    uint64_t serial, offset; /* SLOT_NO_HOLD, 0: all of it */
    bool waiting;
};
#define SLOT_NO_HOLD UINT64_MAX
struct slot_hold slot_hold(struct slot *s, const struct view *view, int64_t now_ns);

/* The lowest serial that some route still needs. */
uint64_t slot_needed(struct slot *s);

struct roster { /* slots by id, ascending */
    atomic_uint refs;
    uint64_t version;
    size_t count;
    struct slot *slots[];
};

int roster_new(struct roster **ret, uint64_t version, struct slot *const *slots, size_t count)
    MUST_CHECK;
struct roster *roster_ref(struct roster *r);
struct roster *roster_unref(struct roster *r);
DEFINE_CLEANUP(struct roster *, roster_unref)

/* Where the current roster is taken from. */
struct roster_board {
    pthread_mutex_t lock;
    atomic_uint_fast64_t version;
    struct roster *roster;
};

void roster_board_init(struct roster_board *b);
void roster_board_deinit(struct roster_board *b);
void roster_board_publish(struct roster_board *b, struct roster *r); /* takes over the reference */
struct roster *roster_board_take(struct roster_board *b);            /* NULL before the first */
