/* extent — what of a source lies on the disk, and how much of it a cursor has not passed.
 *
 * Files are told apart as the daemon does it: by device, inode and birth, else by fingerprint. What
 * nobody knows yet is newer than all that is known. A compressed rotation counts with what its
 * trailer says it inflates to.
 *
 * - Owns: its pieces.
 * - Thread: one.
 */
#pragma once

#include "cli/pin_list.h"
#include "ledger/containers.h"
#include "model/entry.h"
#include "source/reader.h"

struct extent_piece {
    uint64_t serial; /* 0: older than all that is known */
    uint64_t bytes;  /* of plain text */
    bool named;      /* Docker has a name for it, or for the .gz that it made of it */
};

struct extent {
    uint64_t size; /* bytes of the live file and its rotations, as they lie there */
    struct extent_piece *pieces;
    size_t count;
};

/* What several measurements share. */
struct extent_tools {
    struct containers *book; /* NULL: there is none */
    const struct pin_list *pins;
    struct reader *reader;
    struct batch *scratch;
};

/* `live_path` names the live file; "" where the source has none. `known`: places that cursors name,
 * for when the book is not there. 0, also where nothing lies there, or -errno with words. */
int extent_measure(struct extent *ret, const struct extent_tools *tools, const char *id,
                   const char *live_path, const struct segment_ref *known, size_t known_count,
                   struct error *error) MUST_CHECK;
void extent_deinit(struct extent *e);

/* NULL where nothing of that serial is there. */
const struct extent_piece *extent_find(const struct extent *e, uint64_t serial);

/* Bytes that the cursor has not passed, as far as files tell. */
uint64_t extent_behind(const struct extent *e, const struct cursor *cursor);
