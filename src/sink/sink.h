/* sink — one destination: takes batches, says what became of them.
 *
 * The route calls, in its own thread, in this order:
 *
 *     open → recover(rows of the ledger) → { bind … encode … commit … unbind } → close
 *
 * and a commit is: prepare → ledger(rows) → flush → checkpoint → ledger(rows + cursors). So it is
 * where a sink is written through. One that sends requests has struct sink_request_ops instead of
 * recover, encode and commit; it answers to each request what became of it (answer.h).
 *
 * - A sink never looks at a position: the route owns cursors, and moves them only after flush
 *   answered SINK_DELIVERED and checkpoint's rows went into the same transaction.
 * - A failure (SINK_FAILED) voids all that was encoded since the last successful commit. The route
 *   then backs off, calls recover with the committed rows and encodes again from the committed
 *   cursors. So a sink with durable state cuts its outputs back, and repeats nothing.
 * - Owns: its descriptors and buffers. Borrows the options and the environment while open.
 * - Thread: the route's.
 */
#pragma once

#include "base/error.h"
#include "base/health.h"
#include "model/container.h"
#include "model/cursor.h"
#include "model/entry.h"
#include "sink/answer.h"
#include "sink/option.h"
#include "sink/request.h"

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

/* Answers of the operations below, beside 0 and -errno (which is fatal to the route). */
enum sink_outcome {
    SINK_DELIVERED = 0,
    SINK_COMMIT_FIRST = 1, /* encode: nothing of the batch was taken; commit, then come again. At
                              most twice for one batch */
    SINK_FAILED = 2,       /* see above; `error` says why */
};

/* Durable state of a sink: one row per output, kept by the ledger beside the cursors. */
struct sink_row {
    const char *path; /* absolute; the key */
    struct file_id file;
    uint64_t length; /* bytes that are vouched for */
};

/* A growing list of rows; paths are borrowed from the sink until its next call. */
struct sink_rows {
    struct sink_row *items; /* owned by whoever made the list */
    size_t count, capacity;
};
int sink_rows_add(struct sink_rows *rows, struct sink_row row) MUST_CHECK;
void sink_rows_deinit(struct sink_rows *rows);

/* What the sinks of one program share. */
struct sink_environment {
    struct output_registry *registry; /* who owns which output file (sink/output_registry.h) */
    size_t outputs_open_max;          /* of each sink, at least 1 is taken */
    struct health *health;            /* lasting troubles; NULL: nobody asks */
    const char *version;              /* the program's, for those it talks to; NULL: none said */
};

/* What a sink counts beside what its route does. */
struct sink_event {
    const char *word;
    const char *help; /* a sentence */
};
enum { SINK_EVENTS_MAX = 4 };

struct sink;        /* a sink's own; begins with nothing in particular */
struct sink_target; /* where the lines of one (source, era) go, and their rendered labels */

struct sink_ops {
    const char *type;
    const char *help; /* one sentence: where lines go */

    /* What can be configured: a struct of its own, and the tables that fill it. */
    size_t options_size;
    struct sink_option_table options[SINK_OPTION_TABLES_MAX]; /* the rest has no items */

    /* Checks the options and makes the sink; opens nothing outside yet. 0, or -errno with words:
     * where an option is wrong they begin with its name and a colon, "path: …". */
    int (*open)(struct sink **ret, const void *options, const struct sink_environment *environment,
                struct error *error);
    struct sink *(*close)(struct sink *s);

    /* Which form of message it wants in its batches. */
    enum message_form (*form)(const struct sink *s);

    /* Renders what depends on the container alone, once per era. */
    int (*bind)(struct sink *s, const struct container *c, struct sink_target **ret,
                struct error *error);
    struct sink_target *(*unbind)(struct sink *s, struct sink_target *target);
    /* As unbind, but its source is only quiet and will be bound anew: what the target stands for
     * may wait for that. NULL: targets remember what bind could not make anew. */
    struct sink_target *(*rest)(struct sink *s, struct sink_target *target);

    /* Takes the whole batch, in order. May write ahead. */
    int (*encode)(struct sink *s, struct sink_target *target, const struct batch *batch,
                  struct error *error);

    /* Rows that must be durable before the first byte of new outputs is written. May be NULL. */
    int (*prepare)(struct sink *s, struct sink_rows *rows, struct error *error);
    /* Makes all that was encoded durable, or delivers it. */
    int (*flush)(struct sink *s, struct error *error);
    /* Rows as they are after the flush; only what changed since the last checkpoint. May be NULL.
     */
    int (*checkpoint)(struct sink *s, struct sink_rows *rows, struct error *error);
    /* Back to these rows: the start, and after SINK_FAILED. Rows it had to change (an output that
     * was replaced by another file, and is appended to) come back in `changed`. May be NULL. */
    int (*recover)(struct sink *s, const struct sink_rows *rows, struct sink_rows *changed,
                   struct error *error);

    /* Goes on with what can wait, some milliseconds at most; called with each turn of the route.
     * When it wants to be called again at the latest, monotonic; INT64_MAX: never. May be NULL. */
    int64_t (*tend)(struct sink *s, int64_t now_ns);
    /* Whether it has something to go on with that a run to the end (`once`) shall not leave. May be
     * NULL: never. */
    bool (*unfinished)(const struct sink *s, int64_t now_ns);

    /* What it counts of its own; ends with an event without a word. And how often each was there
     * since the sink was opened, told to any thread. Both may be NULL. */
    const struct sink_event *events;
    void (*count)(const struct sink *s, uint64_t ret[SINK_EVENTS_MAX]);

    /* Not NULL: the sink sends requests. Then encode to recover above are NULL. */
    const struct sink_request_ops *requests;
};

/* A sink that sends requests. The route fills a request (request.h), sends it, and commits the
 * cursors of its sources when it is answered; requests in flight know nothing of each other. */
struct sink_request_ops {
    /* What the lines of a target take in a body, as bind found it. */
    struct request_terms (*terms)(const struct sink_target *target);
    /* Encodes the entries of `range` and sends them. `slot` is a small number that tells the
     * requests in flight apart, from 0 to less than requests_max; the slot is free. `q` and the
     * targets of its parts live until the answer or `abandon`. The answer never comes from within.
     * A sink that needs several bodies for a range marks entries that the other side has taken for
     * good as ENTRY_DELIVERED, and leaves them out when they come again.
     * 0, or -errno with words: nothing was sent. */
    int (*send)(struct sink *s, unsigned slot, const struct request *q, struct request_range range,
                struct error *error);
    /* Gives up what is under way; the server may have it all the same. */
    void (*abandon)(struct sink *s, unsigned slot);
    /* What to wait for: up to `max` descriptors; lowers *timeout_ns where it must go on before. */
    size_t (*wait)(struct sink *s, struct pollfd *fds, size_t max, int64_t *timeout_ns);
    /* Goes on with whatever can go on, without waiting. True: *ret is the answer of one request
     * more; to be called until it is false. */
    bool (*step)(struct sink *s, struct sink_answer *ret);
};

/* It has rows that must agree with the cursors, also after a power cut: each commit waits for the
 * disk. Any other sink may be given lines a second time. */
static inline bool sink_is_exact(const struct sink_ops *ops)
{
    return ops->checkpoint != NULL;
}

/* What a route is given: a sink and its options, which the configuration has filled and keeps. */
struct sink_config {
    const struct sink_ops *ops;
    const void *options;
};

/* What every sink that sends requests lets the user choose: the beginning of its options. */
struct request_options {
    int64_t requests_max; /* in flight at once, 1 to REQUESTS_MAX */
    int64_t max_age_ns;   /* older entries are booked and not sent; 0: all are sent */
};
extern const struct sink_option request_option_rows[]; /* ends with a row without a name */

/* The sinks there are; sink/catalog.c has the list. */
const struct sink_ops *const *sink_all(size_t *ret_count);
