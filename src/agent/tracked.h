/* tracked — one container as the monitor keeps it: its record, its eras, its chain, its slot.
 *
 * A source keeps its kind for as long as its container lives, over restarts too: what was begun as
 * a stream is not read a second time from files that can be read later.
 *
 * - Owns: all of these.
 * - Thread: the monitor's; what it publishes (the slot's view) is read by all.
 */
#pragma once

#include "agent/known.h"
#include "docker/log_path.h"

/* What the streams were told of it last. */
enum stream_told { STREAM_TOLD_NOTHING, STREAM_TOLD_STOPPED, STREAM_TOLD_RUNNING };

/* There may be ten thousand: fields of one size lie together. */
struct tracked {
    const char *id;              /* owned: a word */
    struct container *container; /* the newest record; NULL: not known yet */
    struct chain *chain;         /* NULL: no source in files (yet) */
    struct slot *slot;           /* with its source */
    struct era *eras;            /* by position; each owns a reference */
    uint64_t quiet_serial; /* while the container does not run: where its log ended then; … */
    uint64_t quiet_offset; /* … what is written later belongs to the next record */
    int64_t looked_ns;     /* its directory's mtime when it was looked at last */
    uint64_t swept_size;   /* its live file's size at the last reconciliation */
    int64_t stream_told_run_ns; /* of the run that the streams were told of: one may go unseen */
    int64_t retry_at_ns;        /* monotonic; 0: nothing to try again */
    int64_t retry_after_ns;     /* how long it was waited for last; grows with each failure */

    uint32_t era_count;
    uint32_t version;       /* of the view */
    int created;            /* live files created since the last look; CHAIN_CREATED_UNKNOWN */
    unsigned disk_reads;    /* how often its record was read from disk … */
    unsigned asked_at_read; /* … and how often when the Engine was asked: an answer may be older */

    enum log_kind kind : 4; /* where its lines are to be read */
    enum stream_told stream_told : 2;
    bool record_stale : 1;   /* its files have changed */
    bool chain_stale : 1;    /* its directory has */
    bool listed_stale : 1;   /* it is in the monitor's list of stale ones */
    bool inspect_wanted : 1; /* the Engine is to be asked … */
    bool inspect_asked : 1;  /* … and has been: its answer comes */
    bool known : 1;          /* from before this start */
    bool listed : 1;         /* in the Engine's last list */
    bool unwatched : 1;      /* inotify refused: its directory is looked at from time to time */
    bool unreadable : 1;     /* its files may not be read */
    bool vanished : 1;       /* the container is no more; its source may still hold something */
    bool gone : 1;           /* nothing will follow in it; of a chain in Docker's directory the
                                chain itself knows */
    bool publish_wanted : 1; /* once the book has what is dirty */
    bool eras_dirty : 1;     /* not as the ledger has them */
    bool record_dirty : 1;
    bool outdated : 1;   /* its log driver is another than its source was begun for */
    bool own_output : 1; /* its log is an output of ours: never captured (D77) */
    bool finished : 1;   /* its directory is gone, and nobody needs anything of it */
};

struct tracked_shared {
    struct chain_tools tools;
    size_t route_count;
    struct container_constants constants;
};

int tracked_new(struct tracked **ret, const char *id) MUST_CHECK;
struct tracked *tracked_free(struct tracked *t);

/* A (new) record, which is kept folded. *ret_rendered: what labels render from has changed. */
int tracked_set_record(struct tracked *t, struct container *whole, bool *ret_rendered) MUST_CHECK;

/* Where `--once` ends: with what is there now. Of a container that is gone that is all of its
 * chain, up to a hole that may stand last. */
void tracked_mark_once_end(struct tracked *t);

/* Gives it the source that `place` names, with its chain where that is made of files, from what is
 * known (may be NULL). Until it has been looked at what is known stands, and nobody reads. */
int tracked_open_source(struct tracked *t, const struct tracked_shared *shared,
                        const struct log_place *place, const struct known_source *known,
                        struct error *error) MUST_CHECK;
/* The first look at its directory. 0, or -errno: the next look tells of it. */
int tracked_first_look(struct tracked *t) MUST_CHECK;
/* Takes a source back that was just opened, of which nothing was known and nobody has heard. */
void tracked_close_source(struct tracked *t);

/* A route saw that `serial` was truncated in place (chain_cut); a `--once` that was to end in it
 * ends in its successor. True where the chain changed. */
bool tracked_cut(struct tracked *t, uint64_t serial);

/* Looks at its directory. *ret_changed: publish. */
int tracked_sync(struct tracked *t, bool *ret_changed, struct error *error) MUST_CHECK;

/* Writes what is dirty, within a transaction of the book. */
int tracked_put(struct tracked *t, struct containers *book, struct error *error) MUST_CHECK;
void tracked_mark_clean(struct tracked *t);

int tracked_publish(struct tracked *t) MUST_CHECK;

/* Nothing will follow in its source. */
bool tracked_is_gone(const struct tracked *t);

/* Lets go what no route needs. *ret_changed: publish. */
void tracked_release(struct tracked *t, bool *ret_changed);
