/* local_file — Docker's `local` frames, decoded into the entries of a batch.
 *
 * Pure: no I/O, no clock (what has no time of its own is stamped with batch->ingest_ns), no heap.
 * One entry per record: joining the chunks of a long line is the caller's (ENTRY_CHUNK).
 *
 * - Owns: nothing. Entries point into `input` and into the batch's arena.
 * - Limits: a frame of RECORD_BYTES_MAX; a longer one is damage.
 * - Thread: any, no state.
 * - Source of the format: frame.h, payload.h.
 */
#pragma once

#include "model/entry.h"
#include "source/record_format.h"

/* Decodes `input`, whole frames as frames_whole() found them, into `batch`, in its form. Stops
 * before the frame for which the batch's entries, gaps (damage may need three) or arena have no
 * room, and leaves LOCAL_FILE_GAPS_LEFT gaps to the join.
 *
 * Of each record: the line, ENTRY_UNTERMINATED where it does not end in a newline, with
 * source_bytes then. The chunks of a cut line are ENTRY_CHUNK, also the last.
 *
 * What is no record is booked: NULs at the ends of what is damaged as GAP_NUL, the start of a frame
 * that was never finished as GAP_TORN, else GAP_MALFORMED. Neighbours of one reason are one gap.
 * For each call bytes_consumed grows by the bytes of frames and of gaps, and by no more.
 *
 * A message in FORM_JSON is escaped, but a chunk's is not before it is joined: a character may
 * stand in two of them. The attributes are an object of JSON in either form. */
void local_file_decode(struct span input, const struct record_position *at, struct batch *batch,
                       struct record_result *ret);

enum { LOCAL_FILE_GAPS_LEFT = 2 /* one for each reason that the join may find */ };
