/* journal_private — the inside of journal.h, for its parts: journal.c (members, opening, a pull),
 * journal_together.c and journal_catch_up.c (the two ways of reading), journal_stage.c (records
 * that are read and not yet pulled), journal_take.c (records become a batch), journal_replay.c
 * (open lines are read again). */
#pragma once

#include "source/journal.h"
#include "source/journal_handle.h"

/* Records and their messages. */
struct journal_stage {
    struct buf text;
    struct journal_record *records; /* BATCH_ENTRIES_MAX */
    size_t *next;                   /* the same source's next one; journal_together.c's */
    size_t count;
};

int journal_stage_init(struct journal_stage *s) MUST_CHECK;
void journal_stage_deinit(struct journal_stage *s);
void journal_stage_clear(struct journal_stage *s);
bool journal_stage_is_full(const struct journal_stage *s);
struct span journal_stage_message(const struct journal_stage *s, const struct journal_record *r);
/* Reads the entry on which the handle stands. */
int journal_stage_add(struct journal_stage *s, struct journal_handle *h,
                      const struct journal_place *place) MUST_CHECK;

/* Whose entries the handle gives, from the place that was reached on. */
enum reading { READING_NOTHING, READING_TOGETHER, READING_SOURCE };

struct journal {
    struct journal_options options;
    struct journal_source **members; /* by id */
    size_t member_count, member_capacity;

    struct journal_handle *handle;   /* NULL: not open */
    struct error error;              /* why not */
    int64_t retry_at_ns, backoff_ns; /* monotonic; 0: nothing failed */
    enum reading reading;
    const struct journal_source *reading_source;
    bool reached_any, has_end;
    struct journal_place reached; /* by the reading together */
    struct journal_place end;     /* `once`: the newest entry at the beginning */

    struct journal_stage together, own; /* own: of the pull in hand */
    struct journal_source *staged;      /* those with something in `together` */
    struct buf escaped;
};

/* The newest entry that is surely whole is where the reading together goes on. */
int journal_start_together(struct journal *j) MUST_CHECK;
/* The place that all had reached may be gone: each goes on from its own cursor, which knows. */
int journal_all_catch_up(struct journal *j) MUST_CHECK;
struct journal_source *journal_member(const struct journal *j, const char *id); /* or NULL */
bool journal_try_open(struct journal *j, int64_t now_ns);
void journal_drop_staged(struct journal *j, struct journal_source *s);

/* Takes one source's records one after the other, as far as one batch may go. */
struct journal_take {
    struct journal_source *source;
    struct follow_tools *tools;
    const struct view *view;
    struct batch *batch;
    struct buf *escaped; /* messages of FORM_JSON, which live until the next pull */

    size_t first;    /* of the batch's entries: where joining begins */
    size_t consumed; /* records behind which the cursor has moved */
    bool joining;
    bool held;                     /* the next record waits for its container's */
    bool ended;                    /* the open lines were ended, and nothing else was done */
    int64_t line_ns[STREAM_COUNT]; /* time of the open line; CURSOR_NO_TIME: none */
    struct journal_place line_at[STREAM_COUNT]; /* of the first chunk that was taken last */
};

void journal_take_begin(struct journal_take *t);
/* True where it was taken or passed over; false where the batch has to end before it. */
bool journal_take_record(struct journal_take *t, const struct journal_record *r,
                         struct span message);
/* FOLLOW_PROGRESS, or FOLLOW_IDLE where nothing came of it. */
int journal_take_end(struct journal_take *t);

/* In `escaped`: the batch's messages, where they are wanted in that form. */
void journal_escape(struct batch *batch, struct buf *escaped);
void journal_book(struct journal_source *s, struct batch *batch, struct gap gap);

/* The record as an entry, as joining wants it: the chunks of one line bear one time. *line_ns is
 * that of its stream's open line before, and after. */
struct entry journal_entry(const struct journal_record *r, struct span message, int64_t *line_ns);

/* Takes what is staged for the source; the next part of what it has not read yet. Outcomes of
 * journal_pull. */
int journal_take_staged(struct journal *j, struct journal_source *s, struct journal_take *t);
int journal_catch_up(struct journal *j, struct journal_source *s, struct journal_take *t)
    MUST_CHECK;

/* The text of the open lines, read again where another source has used the join
 * since. What did not come back is booked in the batch. 0 or -errno. */
int journal_own_join(struct journal_source *s, struct follow_tools *t, struct journal_handle *h,
                     struct journal_stage *stage, struct batch *batch) MUST_CHECK;
