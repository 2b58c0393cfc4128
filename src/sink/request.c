// SPDX-License-Identifier: Apache-2.0
#include "sink/request.h"

#include "base/check.h"

#include <errno.h>

enum { TEXT_BLOCK_BYTES = 256 * 1024 };

/* Texts may be read ARENA_SLACK bytes past their end, as those of a batch. */
struct request_text {
    struct request_text *next;
    size_t used, capacity; /* bytes */
    char bytes[];
};

void request_init(struct request *q, enum message_form form)
{
    *q = (struct request){.form = form};
}

static void free_texts(struct request_text *t)
{
    while (t) {
        struct request_text *next = t->next;
        free(t);
        t = next;
    }
}

/* What one giant line needed is not kept. */
static void keep_texts(struct request *q)
{
    while (q->texts) {
        struct request_text *next = q->texts->next;
        if (q->texts->capacity == TEXT_BLOCK_BYTES) {
            q->texts->next = q->empty_texts;
            q->empty_texts = q->texts;
        } else {
            free(q->texts);
        }
        q->texts = next;
    }
}

void request_deinit(struct request *q)
{
    free_texts(q->texts);
    free_texts(q->empty_texts);
    free(q->entries);
    free(q->parts);
    request_init(q, q->form);
}

void request_clear(struct request *q)
{
    keep_texts(q);
    q->count = q->part_count = 0;
    q->bytes = 0;
}

static int make_room(struct request *q, size_t count)
{
    if (q->count + count > q->capacity) {
        size_t capacity = q->capacity ? 2 * q->capacity : 256;
        while (capacity < q->count + count)
            capacity *= 2;
        void *entries = reallocarray(q->entries, capacity, sizeof(*q->entries));
        if (!entries)
            return -ENOMEM;
        q->entries = entries;
        q->capacity = capacity;
    }
    if (q->part_count == q->part_capacity) {
        size_t capacity = q->part_capacity ? 2 * q->part_capacity : 16;
        void *parts = reallocarray(q->parts, capacity, sizeof(*q->parts));
        if (!parts)
            return -ENOMEM;
        q->parts = parts;
        q->part_capacity = capacity;
    }
    return 0;
}

/* A text that is larger than a block gets one of its own, behind the one that is being filled. */
static struct request_text *add_block(struct request *q, size_t size)
{
    size_t capacity = size > TEXT_BLOCK_BYTES ? size : TEXT_BLOCK_BYTES;
    struct request_text *block = capacity == TEXT_BLOCK_BYTES ? q->empty_texts : NULL;
    if (block)
        q->empty_texts = block->next;
    else
        block = malloc(sizeof(*block) + capacity + ARENA_SLACK);
    if (!block)
        return NULL;
    block->used = 0;
    block->capacity = capacity;
    struct request_text **at = size > TEXT_BLOCK_BYTES && q->texts ? &q->texts->next : &q->texts;
    block->next = *at;
    *at = block;
    return block;
}

static bool copy_text(struct request *q, struct span *text)
{
    struct request_text *block = q->texts;
    if (text->size == 0)
        return true;
    if (!block || block->capacity - block->used < text->size)
        block = add_block(q, text->size);
    if (!block)
        return false;
    char *to = block->bytes + block->used;
    memcpy(to, text->data, text->size);
    block->used += text->size;
    text->data = to;
    return true;
}

/* Those of the part, which is the next. */
static int copy_entries(struct request *q, const struct entry *entries, struct request_part *part)
{
    struct entry *to = q->entries + q->count;
    uint64_t bytes = 0;
    unsigned streams = 0; /* a bit for each */
    for (size_t i = 0; i < part->count; i++) {
        to[i] = entries[i];
        if (!copy_text(q, &to[i].message) || !copy_text(q, &to[i].attrs))
            return -ENOMEM;
        bytes += request_line_bytes(part->terms, &to[i]);
        streams |= 1u << to[i].stream;
    }
    part->stream_count = (unsigned)__builtin_popcount(streams);
    q->bytes += bytes + request_head_bytes(part);
    return 0;
}

int request_add(struct request *q, struct sink_target *target, struct request_terms terms,
                const struct batch *batch)
{
    struct request_part part = {.target = target,
                                .container = batch->container,
                                .terms = terms,
                                .first = q->count,
                                .count = batch->count};
    CHECK(batch->form == q->form);
    if (batch->count == 0)
        return 0;
    int code = make_room(q, batch->count);
    if (code == 0)
        code = copy_entries(q, batch->entries, &part);
    if (code < 0)
        return code;
    q->parts[q->part_count++] = part;
    q->count += batch->count;
    return 0;
}

struct request request_group(const struct request *q, size_t at)
{
    struct request_part *part = q->parts + (request_part_at(q, at) - q->parts);
    struct request_part *begin = part, *end = part + 1;
    while (begin > q->parts && begin[-1].terms.group == part->terms.group)
        begin--;
    while (end < q->parts + q->part_count && end->terms.group == part->terms.group)
        end++;
    struct request group = *q;
    group.parts = begin;
    group.part_count = (size_t)(end - begin);
    return group;
}

const struct request_part *request_part_at(const struct request *q, size_t at)
{
    CHECK(at < q->count);
    size_t low = 0, high = q->part_count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (q->parts[middle].first <= at)
            low = middle;
        else
            high = middle;
    }
    return &q->parts[low];
}
