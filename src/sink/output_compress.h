/* output_compress — makes a rotated file of an output smaller, a slice at a time.
 *
 * Written aside, synced, given the plain file's time of change, renamed to its number, and only
 * then is the plain file removed; the directory is synced in between. A crash before the renaming
 * leaves nothing but the file aside, and compressing begins again; one after it leaves two files of
 * one number, told apart by output_rotate.h. Rotations may go on meanwhile: at the end the file is
 * looked for by device, inode and birth, and where it is gone, so is what was made of it.
 *
 * Source of the formats: RFC 1952, one member; RFC 8878, one frame with a checksum.
 *
 * - Owns: two descriptors, the state of the compressor and two buffers: under 300 KiB in all.
 * - Limits: COMPRESS_SLICE_BYTES of plain text a step, but for the last, which syncs.
 * - Thread: the route's.
 */
#pragma once

#include "sink/output_rotate.h"

enum { COMPRESS_SLICE_BYTES = 256 * 1024, COMPRESS_BUFFER_BYTES = 16 * 1024 };

struct output_compressor;

/* Begins with the rotated file `number` of `output`, which is plain. -errno with words. */
int output_compressor_new(struct output_compressor **ret, const char *output,
                          const struct rotation *rotation, unsigned number, struct error *error)
    MUST_CHECK;
/* Gives up what is not finished. */
struct output_compressor *output_compressor_free(struct output_compressor *c);
DEFINE_CLEANUP(struct output_compressor *, output_compressor_free)

enum compress_outcome {
    COMPRESS_DONE = 0,
    COMPRESS_MORE = 1, /* to be called again */
};

/* One slice. enum compress_outcome, or -errno with words: to be freed. */
int output_compressor_step(struct output_compressor *c, struct error *error) MUST_CHECK;
