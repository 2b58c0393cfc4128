/* history — one log from its oldest byte to its newest: a container's with its rotations, or one
 * file's.
 *
 * A route's own way of reading (source/follow.h) over the files as they lie there now, without
 * monitor, pins and ledger. All files are opened before the first is read, so that a rotation
 * meanwhile takes nothing away. A record that is just being written is not waited for.
 *
 *     history_open → history_next … HISTORY_END → history_close
 *
 * The log of a journald container is what the journal has of it. One that only the Engine can give
 * is received first (streamed_log.h).
 *
 * - Owns: the open files, the buffers, a reference on the container.
 * - Limits: SCAN_FILES_MAX files; those of a pull (limits.h).
 * - Thread: one.
 * - Errors: 0, -errno with words, HISTORY_END.
 */
#pragma once

#include "base/error.h"
#include "model/container.h"
#include "model/entry.h"

enum { HISTORY_END = 1 };

struct history_options {
    const char *path;              /* of the live file, or of the one file; NULL: the journal */
    const char *journal_directory; /* path is NULL: its directory, NULL for the system's */
    bool received;                 /* read instead `received_fd`, … */
    int received_fd;               /* … frames, borrowed for the opening; `path` is for words */
    struct container *container;   /* whose log it is; NULL: nobody's that is known */
    enum message_form form;
    bool records; /* entries are Docker's records, not joined to lines */
};

struct history;

/* A file named as Docker names a live log has its rotations beside it; any other stands for itself,
 * also a compressed one. A container's log that is not there (yet) is empty. */
int history_open(struct history **ret, const struct history_options *options, struct error *error)
    MUST_CHECK;
struct history *history_close(struct history *h);
DEFINE_CLEANUP(struct history *, history_close)

/* Whose log it is; for nobody's a stand-in with the file's name. */
const struct container *history_container(const struct history *h);

/* The next entries, and what is damaged between them; perhaps none of either. They are the caller's
 * to change, until the next call. */
int history_next(struct history *h, struct batch **ret, struct error *error) MUST_CHECK;

/* The file that a gap or an entry of this serial lies in. */
const char *history_path(const struct history *h, uint64_t serial);
