/* view — a source as it stands: its chain of segments and holes, and its eras. Immutable, counted.
 *
 * The monitor publishes a new view whenever a segment appears or goes or a container changes; a
 * route takes a reference, reads, and gives it back.
 *
 * - Owns: a reference on each segment and container.
 * - Thread: reads from any; made by the monitor.
 */
#pragma once

#include "model/container.h"
#include "source/segment.h"

/* From (serial, offset) on, what is written belongs to `container`. */
struct era {
    uint64_t serial;
    uint64_t offset;
    struct container *container;
};

struct view {
    atomic_uint refs;
    uint32_t version;
    uint32_t segment_count, era_count;
    struct segment **segments; /* by serial, ascending */
    struct era *eras;          /* by position, ascending; the first holds from the beginning */
    bool unlooked;             /* the directory could not be read yet: what it holds nobody knows */
    bool gone; /* the container's directory is gone: nothing will follow the last segment */
};

/* Takes references on all that it is given. At least one era. */
int view_new(struct view **ret, uint32_t version, bool gone, struct segment *const *segments,
             size_t segment_count, const struct era *eras, size_t era_count) MUST_CHECK;
struct view *view_ref(struct view *v);
struct view *view_unref(struct view *v);
DEFINE_CLEANUP(struct view *, view_unref)

/* The index of the first segment whose serial is >= `serial`; segment_count if there is none. */
size_t view_find(const struct view *v, uint64_t serial);

/* The era that holds at a position. */
size_t view_era(const struct view *v, uint64_t serial, uint64_t offset);

static inline const struct container *view_container(const struct view *v)
{
    return v->eras[v->era_count - 1].container;
}
