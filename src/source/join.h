/* join — puts together what Docker cut at 16,384 source bytes, per stream.
 *
 * Source of the rules: docker-logs §2.5 as docs/ARCHITECTURE.md tells them. The chunks of one line
 * bear the same time; a chunk that ends no line and is shorter than 16,384 bytes is the end of its
 * stream's run. There is no timer: reading the same bytes again gives the same entries.
 *
 * Chunks with numbers (ENTRY_CHUNK) show besides where some are missing: before the first that is
 * there (GAP_OPEN_LINE), or in the middle of a line (GAP_DROPPED); and a first one begins another
 * line, whatever its time. Where they were counted by us (ENTRY_CHUNK_COUNTED) their numbers alone
 * tell: each may bear a time of its own, and the line has that of the first. Their text is in bytes
 * until here: a character may be cut, too.
 *
 * What is unfinished lives in two places: its place and time in the cursor (struct open_line), its
 * text here. The text can be lost at any time and read again from the place.
 *
 * - Owns: one text buffer per stream, JOINED_TEXT_MAX at most.
 * - Limits: a line of LINE_BYTES_MAX source bytes, or LINE_SPREAD_MAX raw bytes after its first
 *   chunk, is cut: ENTRY_PARTIAL, and what follows of it ENTRY_CONTINUED.
 */
#pragma once

#include "base/buf.h"
#include "model/cursor.h"
#include "source/segment.h"

struct join_line {
    struct buf text;
    uint64_t source_bytes;
    bool bytes;            /* its text is in bytes, to be escaped for FORM_JSON */
    bool counted;          /* ENTRY_CHUNK_COUNTED */
    uint8_t chunk;         /* number of its last chunk; 0: not known */
    uint64_t passed;       /* raw bytes since the first chunk, in segments that are behind */
    uint64_t mark_offset;  /* in the current segment: from here on `passed` does not count yet */
    struct buf attrs_text; /* of the first chunk */
};

struct join {
    struct join_line lines[STREAM_COUNT];
};

void join_init(struct join *j);
void join_deinit(struct join *j);

/* True where the next decode must leave STREAM_COUNT entries free at the front of the batch. */
bool join_is_open(const struct open_line open[STREAM_COUNT]);

/* Works through entries [first, batch->count) in place, one per record, and leaves in the batch
 * only entries that are to be delivered, from index 0. `segment` is where they were read. Between
 * two records with a gap (those from `gap` on are of the same bytes) a chunk may be missing: the
 * open lines are cut there, so that their ends are not joined as if they met. Books what the
 * chunks' numbers show to be missing, once for each reason. */
void join_apply(struct join *j, struct open_line open[STREAM_COUNT], struct batch *batch,
                size_t first, size_t gap, const struct segment_ref *segment);

/* Makes each entry one that can be delivered without a join. */
void join_none(struct batch *batch);

/* Cuts the open lines where something is missing. Appends up to STREAM_COUNT entries. */
void join_cut(struct join *j, struct open_line open[STREAM_COUNT], struct batch *batch);

/* As join_apply over records that were consumed before, of `segment`: restores the text of the open
 * lines, and delivers nothing. A line whose first chunk is not among them begins with the first
 * that is, as what continues it. */
void join_replay(struct join *j, struct open_line open[STREAM_COUNT], const struct batch *batch,
                 const struct segment_ref *segment);

/* Amid a replay: here a chunk may be lost. What there is of the open lines' text ends as an entry;
 * what is replayed behind it begins them anew, as what continues them. Appends up to STREAM_COUNT
 * entries. */
void join_replay_lost(struct join *j, struct open_line open[STREAM_COUNT], struct batch *batch);

/* The reader leaves a segment at `offset` and goes on at the start of another. */
void join_leave_segment(struct join *j, uint64_t offset);

/* What is open ends here. Appends up to STREAM_COUNT entries. `after`: OPEN_NONE at the end of the
 * source, OPEN_CUT where chunks of these lines may still follow in a later run. */
void join_finish(struct join *j, struct open_line open[STREAM_COUNT], enum open_kind after,
                 struct batch *batch);

/* Forgets the text of both streams. */
void join_drop(struct join *j);
