/* containers — the monitor's durable book: containers, their segments and holes, their eras.
 *
 * `state/containers.db`, SQLite in WAL mode, synchronous=NORMAL: it survives kill -9 and costs the
 * monitor no fsync per commit. Written in one transaction per burst of events, before what it says
 * is published. Either this file or a route's can be lost alone (design: the union is what is
 * known; the highest serial wins).
 *
 * - Thread: the monitor's. Readers open their own with LEDGER_READ_ONLY.
 * - Errors: as in ledger.h.
 */
#pragma once

#include "ledger/ledger.h"

enum { CONTAINERS_SCHEMA_VERSION = 1 };

struct containers;

int containers_open(struct containers **ret, const char *path, const char *vfs, unsigned flags,
                    struct error *error) MUST_CHECK;
struct containers *containers_close(struct containers *c);
DEFINE_CLEANUP(struct containers *, containers_close)

/* One container. `record` is the JSON text of its last record. */
struct container_row {
    const char *id;
    const char *record;
    int64_t removed_ns; /* 0: there still */
};

/* One element of a source's chain: a segment, or a hole. */
struct segment_row {
    struct segment_ref ref;
    bool gzip;              /* found as a compressed rotation */
    bool sealed;            /* Docker writes no more into it, as far as names tell */
    bool cut;               /* truncated in place: its inode is never matched again */
    bool hole;              /* nothing of it can be read: `reason`, `bytes` */
    enum gap_reason reason; /* of a hole */
    int64_t bytes;          /* of a hole; GAP_BYTES_UNKNOWN */
};

/* From (serial, offset) on, `record` holds. */
struct era_row {
    uint64_t serial;
    uint64_t offset;
    const char *record; /* JSON text */
};

int containers_each(struct containers *c, int (*visit)(void *, const struct container_row *),
                    void *context, struct error *error) MUST_CHECK;
int containers_segments(struct containers *c, const char *id,
                        int (*visit)(void *, const struct segment_row *), void *context,
                        struct error *error) MUST_CHECK; /* by serial, ascending */
int containers_eras(struct containers *c, const char *id,
                    int (*visit)(void *, const struct era_row *), void *context,
                    struct error *error) MUST_CHECK; /* by position, ascending; none: the
                                                        container's record holds for all */

int containers_begin(struct containers *c, struct error *error) MUST_CHECK;
int containers_put(struct containers *c, const struct container_row *container, struct error *error)
    MUST_CHECK; /* insert or replace */
int containers_put_segment(struct containers *c, const char *id, const struct segment_row *segment,
                           struct error *error) MUST_CHECK; /* insert or replace, by serial */
int containers_delete_segment(struct containers *c, const char *id, uint64_t serial,
                              struct error *error) MUST_CHECK;
/* Replaces all eras of the container by these. */
int containers_put_eras(struct containers *c, const char *id, const struct era_row *rows,
                        size_t count, struct error *error) MUST_CHECK;
/* Forgets the container with its segments and eras. */
int containers_delete(struct containers *c, const char *id, struct error *error) MUST_CHECK;
int containers_commit(struct containers *c, struct error *error) MUST_CHECK;
void containers_rollback(struct containers *c);

/* Copies the write-ahead log into the file, and gives back the memory of what was read: an fsync or
 * two, for quiet moments. Without it that happens by itself only once the log has grown. */
int containers_checkpoint(struct containers *c, struct error *error) MUST_CHECK;
