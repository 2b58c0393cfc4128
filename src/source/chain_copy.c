// SPDX-License-Identifier: Apache-2.0
#include <errno.h>

#include "base/limits.h"
#include "source/chain_private.h"
#include "source/records.h"

bool chain_has_copy(const struct chain *c)
{
    return c->copy;
}

int chain_hold_copy(struct chain *c, struct file_id file, struct fingerprint fingerprint, int fd)
{
    struct segment_options options = {
        .ref = {.file = file, .fingerprint = fingerprint},
        .format = c->format,
        .named = true,
        .fd = fd,
        .home = c->home,
    };
    struct segment *copy;
    int r = segment_new(&copy, &options);
    if (r < 0)
        return r;
    segment_unref(c->copy);
    c->copy = copy;
    return 0;
}

/* The time of the last of whole records; as it was where none of them can be read. */
static void decode(const struct chain *c, struct span records, int64_t *last_ns)
{
    struct batch *scratch = c->tools->scratch;
    struct records_decoder decoder;
    records_init(&decoder, scratch->form);
    while (records.size) {
        struct record_result result;
        batch_reset(scratch);
        records_decode(&decoder, c->format, records,
                       &(struct record_position){.after_ns = *last_ns}, scratch, &result);
        *last_ns = result.last_ns;
        records.data += result.consumed;
        records.size -= result.consumed;
    }
    batch_reset(scratch);
}

/* To the first record that begins at the offset or behind it. 0, or a reader_outcome. */
static int find_record(const struct chain *c, struct segment *s, uint64_t *offset)
{
    bool found = *offset == 0;
    while (!found) {
        uint64_t bytes;
        int outcome = reader_search(c->tools->reader, s, *offset, &bytes, &found);
        if (outcome)
            return outcome;
        *offset += bytes;
    }
    return 0;
}

/* The time of the last record behind `offset`; CURSOR_NO_TIME where there is none. A
 * reader_outcome. */
static int last_time_behind(const struct chain *c, struct segment *s, uint64_t offset,
                            int64_t *ret_ns)
{
    *ret_ns = CURSOR_NO_TIME;
    int outcome = find_record(c, s, &offset);
    while (outcome == 0) {
        struct reader_result result;
        outcome = reader_read(c->tools->reader, s, offset, &(struct reader_before){0}, &result);
        uint64_t passed = outcome == READER_NUL || outcome == READER_TOO_LONG ? result.bytes : 0;
        if (outcome == 0) {
            decode(c, result.records, ret_ns);
            passed = result.records.size;
        } else if (outcome == READER_END && result.records_behind) {
            passed = result.tail;
        }
        offset += passed;
        outcome = passed ? 0 : outcome;
    }
    return outcome;
}

/* CURSOR_NO_TIME also where it cannot be read any more: nothing is waited for there. 0 or -errno.
 */
static int last_time(const struct chain *c, struct segment *s, int64_t *ret_ns)
{
    int64_t size = segment_size(s);
    *ret_ns = CURSOR_NO_TIME;
    for (int64_t window = READ_QUANTUM_BYTES;; window *= 2) {
        uint64_t from = size > window ? (uint64_t)(size - window) : 0;
        int outcome = last_time_behind(c, s, from, ret_ns);
        if (outcome < 0 && outcome != -ESTALE)
            return outcome;
        if (*ret_ns != CURSOR_NO_TIME || from == 0)
            return 0;
    }
}

int chain_copy_goes_on(struct chain *c)
{
    int64_t copy_ns, known_ns = CURSOR_NO_TIME;
    struct segment *newest = chain_live(c);
    int r = last_time(c, c->copy, &copy_ns); /* first: what is copied just now is known, too */
    if (r == 0 && newest)
        r = last_time(c, newest, &known_ns);
    return r < 0 ? r : copy_ns > known_ns;
}

int chain_take_copy(struct chain *c, struct chain_element **ret)
{
    struct segment_options options = {
        .ref = segment_name(c->copy),
        .format = c->format,
        .named = true,
        .fd = segment_take_fd(c->copy),
        .home = c->home,
    };
    options.ref.serial = c->next_serial;
    int r = chain_add(c, &options, ret);
    if (r < 0)
        close_fd(options.fd);
    c->copy = segment_unref(c->copy);
    if (r == 0 && pin_segment(c->tools->pins, (*ret)->segment) < 0)
        (*ret)->dirty = true; /* its descriptor keeps it */
    return r;
}
