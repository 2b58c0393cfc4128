// SPDX-License-Identifier: Apache-2.0
#include "agent/known.h"

#include <errno.h>

void known_deinit(struct known *k)
{
    for (size_t i = 0; i < k->count; i++) {
        struct known_source *s = &k->sources[i];
        for (size_t e = 0; e < s->era_count; e++)
            free(s->eras[e].record);
        free(s->eras);
        free(s->segments);
        free(s->record);
    }
    free(k->sources);
    *k = (struct known){0};
}

/* The place of `id` among the sources, which are kept sorted. */
static size_t place(const struct known *k, const char *id)
{
    size_t low = 0, high = k->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(k->sources[middle].id, id) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct known_source *known_find(const struct known *k, const char *id)
{
    size_t i = place(k, id);
    return i < k->count && strcmp(k->sources[i].id, id) == 0 ? &k->sources[i] : NULL;
}

static struct known_source *get(struct known *k, const char *id)
{
    size_t i = place(k, id);
    if (i < k->count && strcmp(k->sources[i].id, id) == 0)
        return &k->sources[i];
    if (k->count == k->capacity) {
        size_t capacity = k->capacity ? 2 * k->capacity : 64;
        void *sources = reallocarray(k->sources, capacity, sizeof(*k->sources));
        if (!sources)
            return NULL;
        k->sources = sources;
        k->capacity = capacity;
    }
    memmove(&k->sources[i + 1], &k->sources[i], (k->count - i) * sizeof(*k->sources));
    k->count++;
    k->sources[i] = (struct known_source){0};
    snprintf(k->sources[i].id, sizeof(k->sources[i].id), "%s", id);
    return &k->sources[i];
}

/* What is known first stays: the book before the cursors before the pins. */
static int add_segment(struct known_source *s, const struct chain_known *segment)
{
    size_t i = s->segment_count;
    while (i > 0 && s->segments[i - 1].ref.serial > segment->ref.serial)
        i--;
    if (i > 0 && s->segments[i - 1].ref.serial == segment->ref.serial) {
        struct segment_ref *ref = &s->segments[i - 1].ref;
        if (!fingerprint_known(ref->fingerprint))
            ref->fingerprint = segment->ref.fingerprint;
        return 0;
    }
    void *segments = reallocarray(s->segments, s->segment_count + 1, sizeof(*s->segments));
    if (!segments)
        return -ENOMEM;
    s->segments = segments;
    memmove(&s->segments[i + 1], &s->segments[i], (s->segment_count - i) * sizeof(*s->segments));
    s->segments[i] = *segment;
    s->segment_count++;
    return 0;
}

static int from_segment_row(void *context, const struct segment_row *row)
{
    struct known_source *s = context;
    s->pinned |= row->hole; /* what every route has passed is not in the book any more */
    return add_segment(s, &(struct chain_known){
                              .ref = row->ref,
                              .gzip = row->gzip,
                              .sealed = row->sealed,
                              .cut = row->cut,
                              .hole = row->hole,
                              .reason = row->reason,
                              .bytes = row->bytes,
                          });
}

static int from_era_row(void *context, const struct era_row *row)
{
    struct known_source *s = context;
    void *eras = reallocarray(s->eras, s->era_count + 1, sizeof(*s->eras));
    if (!eras)
        return -ENOMEM;
    s->eras = eras;
    char *record = strdup(row->record);
    if (!record)
        return -ENOMEM;
    s->eras[s->era_count++] = (struct known_era){row->serial, row->offset, record};
    return 0;
}

static int from_container_row(void *context, const struct container_row *row)
{
    if (row->removed_ns || strlen(row->id) >= PIN_ID_MAX)
        return 0;
    struct known_source *s = get(context, row->id);
    if (!s)
        return -ENOMEM;
    s->in_book = true;
    s->record = strdup(row->record);
    return s->record ? 0 : -ENOMEM;
}

static int from_ref(struct known_source *s, const struct segment_ref *ref)
{
    if (ref->serial == 0)
        return 0;
    return add_segment(s, &(struct chain_known){.ref = *ref, .sealed = true, .dirty = true});
}

static int from_cursor(void *context, const char *id, const struct cursor *cursor)
{
    if (strlen(id) >= PIN_ID_MAX)
        return 0;
    struct known_source *s = get(context, id);
    if (!s)
        return -ENOMEM;
    int r = from_ref(s, &cursor->segment);
    for (int i = 0; r == 0 && i < STREAM_COUNT; i++)
        if (cursor->open[i].kind == OPEN_LINE)
            r = from_ref(s, &cursor->open[i].segment);
    return r;
}

static int from_pin(void *context, const char *id, uint64_t serial, const char *path)
{
    struct known_source *s = get(context, id);
    if (!s)
        return -ENOMEM;
    s->pinned = true;
    return from_ref(s, &(struct segment_ref){.serial = serial});
}

static int load_details(struct known *k, struct containers *book, struct error *error)
{
    for (size_t i = 0; i < k->count; i++) {
        struct known_source *s = &k->sources[i];
        int r = containers_segments(book, s->id, from_segment_row, s, error);
        if (r == 0)
            r = containers_eras(book, s->id, from_era_row, s, error);
        if (r)
            return r;
        if (s->segment_count)
            s->booked_serial = s->segments[s->segment_count - 1].ref.serial;
    }
    return 0;
}

/* A pin is made before the book is written. Where the book ends and a pin tells of more, a serial
 * that is missing in between was a hole that a crash kept from being written. */
static int add_holes(struct known_source *s)
{
    for (size_t i = 1; s->booked_serial && i < s->segment_count; i++) {
        uint64_t serial = s->segments[i].ref.serial;
        if (serial <= s->booked_serial || s->segments[i - 1].ref.serial == serial - 1)
            continue;
        int r = add_segment(s, &(struct chain_known){.ref.serial = serial - 1,
                                                     .sealed = true,
                                                     .hole = true,
                                                     .reason = GAP_ROTATED,
                                                     .bytes = GAP_BYTES_UNKNOWN,
                                                     .dirty = true});
        if (r < 0)
            return r;
    }
    return 0;
}

int known_load(struct known *k, struct containers *book, struct pin *pins,
               struct route *const *routes, size_t route_count, struct error *error)
{
    int r = containers_each(book, from_container_row, k, error);
    if (r == 0)
        r = load_details(k, book, error);
    for (size_t i = 0; r == 0 && i < route_count; i++)
        r = route_each_cursor(routes[i], from_cursor, k, error);
    if (r == 0)
        r = pin_each(pins, from_pin, k);
    for (size_t i = 0; r == 0 && i < k->count; i++)
        r = add_holes(&k->sources[i]);
    if (r == -ENOMEM)
        error_set(error, r, "no memory");
    return r;
}
