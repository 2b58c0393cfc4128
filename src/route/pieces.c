// SPDX-License-Identifier: Apache-2.0
#include "route/pieces.h"

#include <errno.h>

#include "base/check.h"
#include "base/limits.h"

/* Each makes two pieces more to be sent, beside the first. */
enum {
    SPLITS_MAX = (PIECES_SENT_MAX - 1) / 2,
    SPLITS_SPARING_MAX = (PIECES_SPARING_MAX - 1) / 2,
};

void pieces_deinit(struct pieces *p)
{
    free(p->items);
    *p = (struct pieces){0};
}

void pieces_clear(struct pieces *p)
{
    p->count = p->whole_count = 0;
    p->sparing = false;
}

static int make_room(struct pieces *p, size_t count)
{
    if (p->count + count <= p->capacity)
        return 0;
    size_t capacity = p->capacity ? 2 * p->capacity : 8;
    void *items = reallocarray(p->items, capacity, sizeof(*p->items));
    if (!items)
        return -ENOMEM;
    p->items = items;
    p->capacity = capacity;
    return 0;
}

int pieces_append(struct pieces *p, struct request_range range)
{
    int code = make_room(p, 1);
    if (code < 0)
        return code;
    memmove(p->items + 1, p->items, p->count * sizeof(*p->items));
    p->items[0] = range;
    p->count++;
    p->whole_count++;
    return 0;
}

/* How many pieces it takes, if they come out alike. */
static size_t shares(uint64_t bytes, size_t lines, uint64_t bytes_max, size_t lines_max)
{
    uint64_t by_bytes = (bytes + bytes_max - 1) / bytes_max;
    uint64_t by_lines = (lines + lines_max - 1) / lines_max;
    return by_bytes > by_lines ? by_bytes : by_lines;
}

/* What pieces may be; shares are what they are best. */
struct limits {
    uint64_t bytes_max, bytes_share;
    size_t lines_share;
};

/* Where the piece of `of` that begins at `first` ends: at its share, so that the last is no crumb.
 */
static size_t end_of_piece(const struct request *q, struct request_range of, size_t first,
                           const struct limits *limits)
{
    const struct request_part *part = request_part_at(q, first);
    uint64_t bytes = request_head_bytes(part) + request_line_bytes(part->terms, &q->entries[first]);
    size_t end = first + 1;
    for (; end < of.end && end - first < limits->lines_share && bytes < limits->bytes_share;
         end++) {
        bool next_part = end == part->first + part->count;
        part += next_part;
        bytes += next_part ? request_head_bytes(part) : 0;
        bytes += request_line_bytes(part->terms, &q->entries[end]);
        if (bytes > limits->bytes_max)
            break;
    }
    return end;
}

/* The lines of one group, which take so many bytes. */
static int append_group(struct pieces *p, const struct request *q, struct request_range of,
                        uint64_t bytes, uint64_t bytes_max, size_t lines_max)
{
    size_t lines = of.end - of.first, count = shares(bytes, lines, bytes_max, lines_max);
    if (count <= 1)
        return pieces_append(p, of);
    const struct limits limits = {
        .bytes_max = bytes_max,
        .bytes_share = bytes ? (bytes + count - 1) / count : 1,
        .lines_share = (lines + count - 1) / count,
    };
    for (size_t first = of.first; first < of.end;) {
        size_t end = end_of_piece(q, of, first, &limits);
        int code = pieces_append(p, (struct request_range){first, end});
        if (code < 0)
            return code;
        first = end;
    }
    return 0;
}

static uint64_t bytes_of(const struct request *q, const struct request_part *part)
{
    uint64_t bytes = request_head_bytes(part);
    for (size_t i = 0; i < part->count; i++)
        bytes += request_line_bytes(part->terms, &q->entries[part->first + i]);
    return bytes;
}

int pieces_begin(struct pieces *p, const struct request *q, uint64_t bytes_max, size_t lines_max)
{
    const struct request_part *part = q->parts, *end = part + q->part_count;
    pieces_clear(p);
    if (part->terms.group == end[-1].terms.group)
        return append_group(p, q, (struct request_range){0, q->count}, q->bytes, bytes_max,
                            lines_max);
    int code = 0;
    while (code == 0 && part < end) {
        struct request_range of = {part->first, part->first};
        const void *group = part->terms.group;
        uint64_t bytes = 0;
        for (; part < end && part->terms.group == group; part++) {
            bytes += bytes_of(q, part);
            of.end += part->count;
        }
        code = append_group(p, q, of, bytes, bytes_max, lines_max);
    }
    return code;
}

struct request_range pieces_next(const struct pieces *p)
{
    CHECK(p->count > 0);
    return p->items[p->count - 1];
}

/* The next piece may be one that nothing was split of yet: then what is split now is its share. */
static void take_in_hand(struct pieces *p)
{
    CHECK(p->count > 0);
    if (p->whole_count < p->count)
        return;
    p->whole_count = p->count - 1;
    p->splits_left = p->sparing ? SPLITS_SPARING_MAX : SPLITS_MAX;
}

void pieces_settle(struct pieces *p)
{
    take_in_hand(p);
    p->count--;
}

int pieces_halve(struct pieces *p, bool refused)
{
    struct request_range whole = pieces_next(p);
    take_in_hand(p);
    size_t middle = whole.first + (whole.end - whole.first) / 2;
    if (middle == whole.first || (refused && p->splits_left == 0))
        return PIECES_WHOLE;
    int code = make_room(p, 1);
    if (code < 0)
        return code;
    p->splits_left -= refused;
    p->items[p->count - 1].first = middle;
    p->items[p->count++] = (struct request_range){whole.first, middle};
    return PIECES_HALVED;
}
