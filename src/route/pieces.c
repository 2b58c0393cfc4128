// SPDX-License-Identifier: Apache-2.0
#include "route/pieces.h"

#include <errno.h>

#include "base/check.h"
#include "base/limits.h"

/* Each makes two pieces more to be sent, beside the first. */
enum { SPLITS_MAX = (PIECES_SENT_MAX - 1) / 2 };

void pieces_deinit(struct pieces *p)
{
    free(p->items);
    *p = (struct pieces){0};
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
    return 0;
}

/* How many pieces it takes, if they come out alike. */
static size_t shares(const struct request *q, uint64_t bytes_max, size_t lines_max)
{
    uint64_t by_bytes = (q->bytes + bytes_max - 1) / bytes_max;
    uint64_t by_lines = (q->count + lines_max - 1) / lines_max;
    return by_bytes > by_lines ? by_bytes : by_lines;
}

/* Where the piece that begins at `first` ends: at its share, so that the last is no crumb. */
static size_t end_of_piece(const struct request *q, size_t first, uint64_t bytes_max,
                           uint64_t bytes_share, size_t lines_share)
{
    const struct request_part *part = request_part_at(q, first);
    uint64_t bytes = request_head_bytes(part) + request_line_bytes(part->terms, &q->entries[first]);
    size_t end = first + 1;
    for (; end < q->count && end - first < lines_share && bytes < bytes_share; end++) {
        bool next_part = end == part->first + part->count;
        part += next_part;
        bytes += next_part ? request_head_bytes(part) : 0;
        bytes += request_line_bytes(part->terms, &q->entries[end]);
        if (bytes > bytes_max)
            break;
    }
    return end;
}

int pieces_begin(struct pieces *p, const struct request *q, uint64_t bytes_max, size_t lines_max)
{
    p->count = 0;
    p->splits_left = SPLITS_MAX;
    size_t count = shares(q, bytes_max, lines_max);
    if (count <= 1)
        return pieces_append(p, (struct request_range){0, q->count});
    uint64_t bytes_share = q->bytes ? (q->bytes + count - 1) / count : 1;
    size_t lines_share = (q->count + count - 1) / count;
    for (size_t first = 0; first < q->count;) {
        size_t end = end_of_piece(q, first, bytes_max, bytes_share, lines_share);
        int code = pieces_append(p, (struct request_range){first, end});
        if (code < 0)
            return code;
        first = end;
    }
    return 0;
}

struct request_range pieces_next(const struct pieces *p)
{
    CHECK(p->count > 0);
    return p->items[p->count - 1];
}

void pieces_settle(struct pieces *p)
{
    CHECK(p->count > 0);
    p->count--;
}

int pieces_halve(struct pieces *p, bool refused)
{
    struct request_range whole = pieces_next(p);
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
