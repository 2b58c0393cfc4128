// SPDX-License-Identifier: Apache-2.0
#include "source/records.h"

#include "source/local_file/frame.h"
#include "source/local_file/local_file.h"

/* Behind the first newline from `from` on; the end where there is none. */
static size_t behind_newline(struct span text, size_t from, bool *ret_found)
{
    const char *newline =
        from < text.size ? memchr(text.data + from, '\n', text.size - from) : NULL;
    *ret_found = newline != NULL;
    return newline ? (size_t)(newline - text.data) + 1 : text.size;
}

void records_init(struct records_decoder *d, enum message_form form)
{
    json_file_init(&d->json_file, form);
}

void records_decode(struct records_decoder *d, enum record_format format, struct span input,
                    const struct record_position *at, struct batch *batch,
                    struct record_result *ret)
{
    switch (format) {
    case RECORD_JSON_FILE: json_file_decode(&d->json_file, input, at, batch, ret); break;
    case RECORD_LOCAL: local_file_decode(input, at, batch, ret); break;
    }
}

size_t records_whole(enum record_format format, struct span text)
{
    if (format == RECORD_LOCAL)
        return frames_whole(text);
    const char *last = text.size ? memrchr(text.data, '\n', text.size) : NULL;
    return last ? (size_t)(last - text.data) + 1 : 0;
}

size_t records_first(enum record_format format, struct span records)
{
    bool found;
    return format == RECORD_LOCAL ? frames_first(records) : behind_newline(records, 0, &found);
}

struct span records_before(enum record_format format, struct span records, uint64_t size)
{
    if (size >= records.size)
        return records;
    size_t at = 0;
    bool found;
    if (format == RECORD_LOCAL)
        while (at < size)
            at += frames_first((struct span){records.data + at, records.size - at});
    else if (size > 0)
        at = behind_newline(records, size - 1, &found);
    return (struct span){records.data, at};
}

size_t records_torn(enum record_format format, struct span tail)
{
    return format == RECORD_LOCAL ? frame_find(tail, FRAME_WHOLE) : tail.size;
}

size_t records_nuls_kept(enum record_format format)
{
    return format == RECORD_LOCAL ? FRAME_MARK_SIZE - 1 : 0;
}

size_t records_search_before(enum record_format format)
{
    return format == RECORD_LOCAL ? 0 : 1; /* a newline there ends the record before */
}

size_t records_search(enum record_format format, struct span text, bool *ret_found)
{
    if (format == RECORD_JSON_FILE)
        return behind_newline(text, 0, ret_found);
    size_t passed = frame_find(text, FRAME_UNFINISHED);
    *ret_found = passed < text.size;
    return passed;
}
