/* output_rotate — the rotated files of an output: NAME.1 is the newest, NAME.2 the one before, as
 * logrotate and Docker count; `.gz` or `.zst` behind the number where they are compressed.
 *
 * An output is rotated between a commit and its next byte, in these steps:
 *
 *     1. what is past `max_files` is removed, the oldest first
 *     2. the others move up by one, the oldest first, as far as the first number that is free
 *     3. the output becomes NAME.1, and the directory is synced
 *     4. a new file is made at NAME, and the directory is synced      } by output.c, as for
 *     5. the ledger's row names the new file, before its first byte   } every new output
 *
 * All that is in the output is committed before step 1, so it is never written to again. A crash
 * leaves
 *
 *     within 1 and 2   a number that is free. The next rotation fills it, and the order stays.
 *     before 5         the output as NAME.1 while the row still names it: by device, inode and
 *                      birth the recovery finds it there (output_recover).
 *
 * Never are two files of one number ours, but where a crash came between the end of compressing and
 * the removal of the plain file. Those two bear the same time of change, to the nanosecond, and the
 * plain one goes.
 *
 * - Limits: ROTATED_FILES_MAX numbers.
 * - Thread: the route's.
 */
#pragma once

#include "base/error.h"
#include "base/limits.h"
#include "base/span.h"
#include "sink/output_registry.h"

#include <stdbool.h>

enum { ROTATED_FILES_MAX = 1000, ROTATED_PATH_MAX = PATH_BYTES_MAX + 32 /* bytes */ };

/* Bytes that the longest of our names beside an output is longer than the output's. */
enum { ROTATED_ENDING_MAX = sizeof(".rotated.tmp") - 1 };

enum rotated_form { ROTATED_PLAIN, ROTATED_GZIP, ROTATED_ZSTD, ROTATED_FORMS };

struct rotation {
    uint64_t max_size;  /* bytes; 0: no rotation */
    unsigned max_files; /* kept beside the output */
    enum rotated_form compression;
};

/* The name of one. */
void rotated_path(char to[ROTATED_PATH_MAX], const char *output, unsigned number,
                  enum rotated_form form);
/* What is being compressed is written under this name. */
void rotated_path_aside(char to[ROTATED_PATH_MAX], const char *output);

/* True where a name of ours beside an output may end in `ending`: then outputs whose names all end
 * so, and hold what a container chose, may not be rotated. */
bool rotated_may_end_in(struct span ending);

/* Steps 1 to 3. -EBUSY where another output of this program bears one of the names. */
int output_rotate(const char *output, unsigned max_files, struct output_registry *registry,
                  struct error *error) MUST_CHECK;

/* The number of the oldest rotated file that is plain, up to `max_files`; 0: there is none.
 * Removes plain files that have been compressed. */
int rotated_find_plain(const char *output, unsigned max_files, struct error *error) MUST_CHECK;

/* Renames, and never over another file where the file system can tell. */
int rotated_rename(const char *from, const char *to, struct error *error) MUST_CHECK;
