/* journal_handle — libsystemd's journal: opened, positioned, read one record after the other.
 *
 * Only entries that came through journald's native socket are looked at (`_TRANSPORT=journal`,
 * which journald itself writes), as Docker's do; of one container, or of all. The sender's program
 * name is no part of it: a dockerd that is called otherwise must not become silent.
 *
 * - Owns: an inotify instance, and the journal's files; counted as one RESOURCE_JOURNAL.
 * - Thread: one at a time.
 * - Errors: -errno.
 */
#pragma once

#include "base/error.h"
#include "model/container.h"
#include "source/journal_record.h"

struct journal_handle;

/* `directory`: NULL for the system's own. -ENOENT where not one entry can be read: with words that
 * say what to do. */
int journal_handle_open(struct journal_handle **ret, const char *directory, struct error *error)
    MUST_CHECK;
struct journal_handle *journal_handle_close(struct journal_handle *h);
DEFINE_CLEANUP(struct journal_handle *, journal_handle_close)

int journal_handle_fd(const struct journal_handle *h);
/* When journal_handle_process is due at the latest: CLOCK_MONOTONIC, INT64_MAX for never. */
int64_t journal_handle_due_ns(struct journal_handle *h);

/* Takes note of what happened to the journal's files. True where some came or went, so that the
 * place that was reached may be gone. */
bool journal_handle_process(struct journal_handle *h);

/* From now on the entries of a container (`id`, its full id), or with NULL of all: the next one
 * will be the first behind `place`, or the first at or after its time where it is no entry's; NULL:
 * the oldest there is. *ret_found: the entry at `place`, whosever, is still there, or the very next
 * one. */
int journal_handle_seek(struct journal_handle *h, const char *id, const struct journal_place *place,
                        bool *ret_found) MUST_CHECK;
/* As above; the next one will be the entry at `place` itself, or else the first behind it. */
int journal_handle_seek_at(struct journal_handle *h, const char *id,
                           const struct journal_place *place) MUST_CHECK;
/* The place of the newest entry but `back`, whosever. 1, or 0 where there are not so many. The very
 * newest may still be being written: to be seen here, and by no match yet. To be followed by a
 * seek.
 */
int journal_handle_newest(struct journal_handle *h, unsigned back, struct journal_place *ret)
    MUST_CHECK;

/* Steps to the next entry. 1, or 0 where there is none. */
int journal_handle_next(struct journal_handle *h) MUST_CHECK;
int journal_handle_place(struct journal_handle *h, struct journal_place *ret) MUST_CHECK;
/* Whose entry it is: a full id, 1; or 0 where it is no container's. */
int journal_handle_id(struct journal_handle *h, char ret[CONTAINER_ID_SIZE + 1]) MUST_CHECK;
/* The entry as a record; its message is appended to `text`. */
int journal_handle_read(struct journal_handle *h, const struct journal_place *place,
                        struct journal_record *ret, struct buf *text) MUST_CHECK;
