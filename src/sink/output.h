/* output — one output file, written exactly once.
 *
 * What makes it exact: the ledger has a row (path, device, inode, birth, length) for the file
 * before its first byte, and after each commit the length that is durable. After a failure or a
 * crash the file is cut back to that length and the same entries are written again.
 *
 * So bytes go to the offset that we know (pwrite, no O_APPEND): if somebody else appends all the
 * same, what is ours stays where the ledger says. flock keeps out those who ask. The last component
 * of the path is never followed where it is a symbolic link; directories are.
 *
 * A file that is not what we left (another one, gone, shorter, longer) is never cut: it is warned
 * about and appended to at its end, once its new row is committed. A last line without its newline
 * is ended first. The same goes for an output that is moved away or removed while we run: it is
 * looked at when it is first used after a commit. What was written since the last commit to one
 * that was renamed meanwhile is cut back there after a crash: it is looked for by device, inode and
 * birth in its directory, under whatever name (logrotate's NAME.1, or a date), among the first
 * NEIGHBOURS_MAX names. One that is in another directory, or compressed, keeps it.
 *
 * An output that reaches its maximum size is rotated before its next byte (output_rotate.h).
 *
 * - Owns: the descriptor, the lock on the file while it is open, the claim in the registry.
 * - Borrows: the registry.
 * - Thread: the route's.
 * - Errors: -errno with words that name the path; the output is then to be recovered.
 */
#pragma once

#include "base/buf.h"
#include "base/log.h"
#include "model/cursor.h"
#include "sink/output_registry.h"
#include "sink/output_rotate.h"
#include "sink/sink.h"

/* What the outputs of one sink share. */
struct output_shared {
    struct output_registry *registry; /* borrowed */
    struct rotation rotation;
    struct log_limit rotated_log; /* by somebody else */
    uint64_t rotated, moved;      /* how often, by us and by somebody else; atomic */
};

struct output {
    char *path;                   /* owned; absolute */
    struct output_shared *shared; /* borrowed */
    int fd;                       /* owned; -1 while closed */
    struct file_id file;          /* as booked or to be booked; inode 0: none yet */
    struct file_id claimed;       /* in the registry; inode 0: none */
    uint64_t end;                 /* bytes: where the next write goes */
    uint64_t vouched;             /* bytes that the ledger knows of */
    struct buf held;              /* encoded while `booked` is false */
    bool booked;                  /* the ledger has a row for `file`: it may be written to */
    bool touched;                 /* used since the last commit */
    bool unsynced;                /* written to since the last fdatasync */
    bool warned;                  /* that the ledger does not know it: said once */
    bool unpacked;                /* rotated files of it may have to be compressed */
    unsigned targets;             /* that are bound to it; the sink's */
    uint64_t used;                /* when last, in the sink's own count */
    struct output *next_touched;  /* the sink's list of them */
};

int output_new(struct output **ret, struct output_shared *shared, const char *path) MUST_CHECK;
struct output *output_free(struct output *o);
DEFINE_CLEANUP(struct output *, output_free)

/* Forgets what it knew and what it held, as if just made. */
void output_reset(struct output *o);

/* Brings the file back to what `row` says, and closes it. *ret_changed: it was not to be had as
 * booked; what it has become is in `file` and `end`. */
int output_recover(struct output *o, const struct sink_row *row, bool *ret_changed,
                   struct error *error) MUST_CHECK;

/* Makes it ready for the entries of a new commit: rotated where it is full, opened or created, in
 * its place, as we left it. Where it is not, it loses `booked` and starts again from the file's
 * end. */
int output_ready(struct output *o, struct error *error) MUST_CHECK;

/* Opens it again within a commit. It must be as we left it: -ESTALE. */
int output_reopen(struct output *o, struct error *error) MUST_CHECK;

/* It has reached its maximum size, with `more` bytes that are not written yet. */
bool output_is_full(const struct output *o, size_t more);

/* Within a commit: where somebody has emptied it in place (logrotate's copytruncate), it loses
 * `booked` and starts again from the file's end; what was written before is in his copy. */
int output_heed_cut(struct output *o, struct error *error) MUST_CHECK;

/* Writes all of `bytes` at the end. -ESTALE where it is shorter than that. */
int output_write(struct output *o, struct span bytes, struct error *error) MUST_CHECK;

/* Starts writing out to the disk, waits for nothing. */
void output_start_sync(struct output *o);
int output_sync(struct output *o, struct error *error) MUST_CHECK;

/* Closes the descriptor. All else stays. */
void output_close(struct output *o);

/* As the ledger is to know it; the path is the output's. */
struct sink_row output_row(const struct output *o);
