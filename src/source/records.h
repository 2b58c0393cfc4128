/* records — the records of a segment, in its format: the one place where source/ asks for it.
 *
 * `whole records` are records and what is damaged between them: all that is decided, whatever comes
 * after. Everything here is about many records at once: nothing is asked per record.
 *
 * - Thread: one per decoder; the functions without one have no state.
 */
#pragma once

#include "model/entry.h"
#include "source/json_file/json_file.h"
#include "source/record_format.h"

struct records_decoder {
    struct json_file json_file;
};

void records_init(struct records_decoder *d, enum message_form form);

/* Decodes whole records, as json_file_decode() and local_file_decode() say. The batch's form is the
 * decoder's. */
void records_decode(struct records_decoder *d, enum record_format format, struct span input,
                    const struct record_position *at, struct batch *batch,
                    struct record_result *ret);

/* How much at the start of `text`, where a record begins, is whole records. */
size_t records_whole(enum record_format format, struct span text);

/* The size of the first of whole records, or of what is damaged before it. */
size_t records_first(enum record_format format, struct span records);

/* Those of whole records that begin before `size` bytes of them: a record belongs to where it
 * begins. */
struct span records_before(enum record_format format, struct span records, uint64_t size);

/* How much at the start of `tail`, which held no whole record, will never become one if nothing
 * comes after: whole records may stand behind it. */
size_t records_torn(enum record_format format, struct span tail);

/* How many NULs at the end of a run of them may be a record's first bytes. */
size_t records_nuls_kept(enum record_format format);

/* A search for the start of a record begins so many bytes before the place from which on it is
 * wanted; then: how much of `text` is passed before one begins, all of it where none is found. */
size_t records_search_before(enum record_format format);
size_t records_search(enum record_format format, struct span text, bool *ret_found);
