/* spool — the file that a streamed log is received into: then it is followed like one of Docker's.
 *
 *     <root>/<id>/container.log  container.log.1  …  container.log.3
 *
 * Frames of Docker's `local` driver, rotated by rename as that does. What nobody read in time goes
 * with the oldest file; keeping it, or booking it, is the chain's business.
 *
 * Opened to receive, closed when the connection ends. Opening finds where the log stands: after a
 * kill or a full disk the torn end is cut off, and is received again.
 *
 * - Owns: two descriptors, the directory's and the file's.
 * - Limits: SPOOL_FILE_BYTES a file (one batch more at most), SPOOL_FILES_MAX files.
 * - Thread: one for each; spool_make any.
 * - Errors: -errno with words that name the path. After one the spool is to be closed; what was not
 *   flushed is not there.
 */
#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "source/spool_mark.h"

#define SPOOL_FILE_NAME "container.log"

/* Makes directory (0700) and file (0600) where they are missing, so that they can be watched. */
int spool_make(const char *root, const char *id, struct error *error) MUST_CHECK;
/* Removes the directory `name` of `root` with all that a spool has in it; an open one writes on
 * into nothing. 0 also where there is none. */
int spool_remove(const char *root, const char *name, struct error *error) MUST_CHECK;

struct spool;

/* -ENOENT where the directory is not there: somebody has removed it. `batch`: borrowed, may serve
 * many spools, of which each flushes before the next appends. */
int spool_open(struct spool **ret, const char *root, const char *id, struct buf *batch,
               struct error *error) MUST_CHECK;
struct spool *spool_close(struct spool *s);
DEFINE_CLEANUP(struct spool *, spool_close)

const struct spool_marks *spool_marks(const struct spool *s);
/* Files that were rotated away since it was opened. */
uint64_t spool_dropped_files(const struct spool *s);

/* One record as a spool has it: noted in the marks, and its frame appended to `to`. */
int spool_frame(struct buf *to, struct spool_marks *marks, const struct spool_entry *entry)
    MUST_CHECK;
/* Into the batch. */
int spool_append(struct spool *s, const struct spool_entry *entry) MUST_CHECK;
/* One write for all that was appended. */
int spool_flush(struct spool *s, struct error *error) MUST_CHECK;
