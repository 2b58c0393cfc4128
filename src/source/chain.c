// SPDX-License-Identifier: Apache-2.0
#include "source/chain.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>

#include "base/check.h"
#include "source/chain_private.h"
#include "source/fingerprint.h"

struct chain *chain_free(struct chain *c)
{
    if (!c)
        return NULL;
    for (size_t i = 0; i < c->count; i++)
        segment_unref(c->elements[i].segment);
    segment_unref(c->copy);
    free(c->elements);
    free(c->dropped);
    free(c->ignored);
    home_unref(c->home);
    free(c);
    return NULL;
}

int chain_add(struct chain *c, const struct segment_options *options, struct chain_element **ret)
{
    if (c->count == c->capacity) {
        uint32_t capacity = c->capacity ? 2 * c->capacity : 1; /* most have one file */
        void *elements = reallocarray(c->elements, capacity, sizeof(*c->elements));
        if (!elements)
            return -ENOMEM;
        c->elements = elements;
        c->capacity = capacity;
    }
    struct segment *segment;
    int r = segment_new(&segment, options);
    if (r < 0)
        return r;

    size_t at = c->count;
    while (at > 0 && c->elements[at - 1].segment->serial > segment->serial)
        at--;
    memmove(c->elements + at + 1, c->elements + at, (c->count - at) * sizeof(*c->elements));
    c->elements[at] = (struct chain_element){.segment = segment, .dirty = true};
    c->count++;
    if (c->next_serial <= segment->serial)
        c->next_serial = segment->serial + 1;
    *ret = &c->elements[at];
    return 0;
}

static int add_known(struct chain *c, const struct chain_known *known)
{
    struct segment_options options = {
        .ref = known->ref,
        .format = c->format,
        .gzip = known->gzip,
        .hole = known->hole,
        .sealed = known->sealed,
        .cut = known->cut,
        .reason = known->reason,
        .bytes = known->bytes,
        .fd = -1,
        .home = c->home,
    };
    struct chain_element *element;
    int r = chain_add(c, &options, &element);
    if (r < 0)
        return r;
    element->dirty = known->dirty;
    if (!known->hole && pin_adopt(element->segment, &element->size) < 0)
        element->size = 0;
    return 0;
}

int chain_new(struct chain **ret, const struct chain_options *options,
              const struct chain_known *known, size_t count, struct error *error)
{
    CLEANUP(chain_free) struct chain *c = calloc(1, sizeof(*c));
    if (!c)
        return error_set(error, -ENOMEM, "no memory");
    if (home_new(&c->home, options->id, options->directory, options->live_name,
                 pin_directory(options->tools->pins)) < 0)
        return error_set(error, -ENOMEM, "no memory");
    c->format = options->format;
    c->known = options->known;
    c->rotation_bytes = options->rotation_bytes;
    c->tools = options->tools;
    c->next_serial = 1;

    for (size_t i = 0; i < count; i++) {
        int r = add_known(c, &known[i]);
        if (r < 0)
            return error_set(error, r, "%s: %s", c->home->id, strerror(-r));
    }
    *ret = TAKE(c);
    return 0;
}

static struct chain_element *find(const struct chain *c, uint64_t serial)
{
    for (size_t i = 0; i < c->count; i++)
        if (c->elements[i].segment->serial == serial)
            return &c->elements[i];
    return NULL;
}

/* A segment over the same file, for what is written into it from now on. */
static int add_successor(struct chain *c, struct chain_element *cut)
{
    int fd;
    int r = segment_acquire(cut->segment, &fd);
    if (r)
        return r;
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    segment_release(cut->segment);
    if (copy < 0)
        return -errno;

    bool named = chain_is_named(cut), live = cut->live;
    atomic_store(&cut->segment->named, false);
    cut->live = false;
    struct segment_options options = {
        .ref = {.serial = c->next_serial, .file = cut->segment->file},
        .format = c->format,
        .sealed = !live,
        .named = named,
        .fd = copy,
        .home = c->home,
    };
    struct chain_element *element;
    r = chain_add(c, &options, &element);
    if (r < 0) {
        close_fd(copy);
        return r;
    }
    element->live = live;
    return pin_segment(c->tools->pins, element->segment);
}

/* Do no files stand behind it, only holes? */
static bool is_last_file(const struct chain *c, const struct chain_element *element)
{
    const struct chain_element *end = c->elements + c->count;
    while (++element < end)
        if (!element->segment->hole)
            return false;
    return true;
}

bool chain_cut(struct chain *c, uint64_t serial)
{
    struct chain_element *element = find(c, serial);
    if (!element || element->segment->hole || atomic_load(&element->segment->cut))
        return false;
    bool last = is_last_file(c, element);
    atomic_store(&element->segment->cut, true);
    atomic_store(&element->segment->sealed, true);
    element->dirty = true;
    if (last && add_successor(c, element) != 0)
        return true; /* the next look finds the file as a new one */
    return true;
}

/* False where there is no memory to note it: it is kept a while longer. */
static bool drop(struct chain *c, size_t i)
{
    struct chain_element *element = &c->elements[i];
    if (c->dropped_count == c->dropped_capacity) {
        uint32_t capacity = c->dropped_capacity ? 2 * c->dropped_capacity : 8;
        void *dropped = reallocarray(c->dropped, capacity, sizeof(*c->dropped));
        if (!dropped)
            return false;
        c->dropped = dropped;
        c->dropped_capacity = capacity;
    }
    c->dropped[c->dropped_count++] = element->segment->serial;
    pin_drop(element->segment);
    segment_give_up(element->segment); /* also where a watch still has it */
    segment_unref(element->segment);
    memmove(element, element + 1, (c->count - i - 1) * sizeof(*element));
    c->count--;
    return true;
}

bool chain_release(struct chain *c, uint64_t needed)
{
    bool changed = false;
    for (size_t i = 0; i < c->count;) {
        struct chain_element *element = &c->elements[i];
        element->read = element->segment->serial < needed;
        if (element->read && !chain_is_named(element) && drop(c, i)) {
            changed = true;
            continue;
        }
        if (!element->live && (element->read || segment_has_pin(element->segment)))
            segment_close_idle(element->segment);
        i++;
    }
    return changed;
}

/* Only our pin or our descriptor keeps it. What was cut has no bytes of its own. */
static bool is_kept_by_us(const struct chain_element *element)
{
    return !chain_is_named(element) && !element->segment->hole &&
           !atomic_load(&element->segment->cut) &&
           (segment_has_pin(element->segment) || segment_is_open(element->segment));
}

uint64_t chain_held_bytes(const struct chain *c, uint64_t needed)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < c->count; i++)
        if (c->elements[i].segment->serial >= needed && is_kept_by_us(&c->elements[i]))
            bytes += c->elements[i].size;
    return bytes;
}

uint64_t chain_pinned_bytes(const struct chain *c)
{
    return chain_held_bytes(c, 0);
}

int64_t chain_let_go_ns(const struct chain *c)
{
    for (size_t i = 0; i < c->count; i++)
        if (is_kept_by_us(&c->elements[i]))
            return c->elements[i].let_go_ns;
    return INT64_MAX;
}

/* Neighbouring holes of one reason are one: what is given up must not fill the chain. */
static void merge_with_older_hole(struct chain *c, size_t i, struct segment *hole)
{
    if (i == 0 || chain_is_named(&c->elements[i - 1]))
        return;
    const struct segment *older = c->elements[i - 1].segment;
    if (!older->hole || older->reason != hole->reason)
        return;
    bool known = older->bytes != GAP_BYTES_UNKNOWN && hole->bytes != GAP_BYTES_UNKNOWN;
    hole->bytes = known ? older->bytes + hole->bytes : GAP_BYTES_UNKNOWN;
    drop(c, i - 1);
}

int chain_lose(struct chain *c, struct chain_element *element, enum gap_reason reason,
               int64_t bytes)
{
    struct segment_options options = {
        .ref = segment_name(element->segment),
        .format = c->format,
        .hole = true,
        .sealed = true,
        .reason = reason,
        .bytes = bytes,
        .fd = -1,
    };
    struct segment *hole;
    int r = segment_new(&hole, &options);
    if (r < 0)
        return r;
    pin_drop(element->segment);
    segment_give_up(element->segment); /* also under a route that stands in it */
    segment_unref(element->segment);
    element->segment = hole;
    element->dirty = true;
    return 0;
}

/* A .gz ends with the size of what it holds, modulo 2^32 (RFC 1952); one that dockerd left
 * unfinished does not. */
static bool holds_bytes(int gzip_fd, uint64_t gzip_bytes, uint64_t bytes)
{
    uint32_t end;
    return gzip_bytes > sizeof(end) &&
           pread(gzip_fd, &end, sizeof(end), (off_t)(gzip_bytes - sizeof(end))) == sizeof(end) &&
           le32toh(end) == (uint32_t)bytes;
}

bool chain_gzip_is_better(const struct chain_element *element, int gzip_fd, uint64_t gzip_bytes)
{
    int fd;
    struct file_id file;
    uint64_t bytes;
    unsigned links;
    if (element->ambiguous || segment_acquire(element->segment, &fd))
        return false;
    int r = scan_identify(fd, &file, &bytes, &links);
    segment_release(element->segment);
    return r == 0 && links == 0 && holds_bytes(gzip_fd, gzip_bytes, bytes);
}

uint64_t chain_give_up(struct chain *c, enum gap_reason reason)
{
    for (size_t i = 0; i < c->count; i++) {
        struct chain_element *element = &c->elements[i];
        if (!is_kept_by_us(element))
            continue;
        uint64_t bytes = element->size ? element->size : 1;
        int64_t lost = element->segment->gzip ? GAP_BYTES_UNKNOWN : (int64_t)element->size;
        if (chain_lose(c, element, reason, lost) < 0)
            return 0;
        merge_with_older_hole(c, i, element->segment);
        return bytes;
    }
    return 0;
}

void chain_unpin_read(struct chain *c, uint64_t needed)
{
    for (size_t i = 0; i < c->count; i++) {
        struct chain_element *element = &c->elements[i];
        if (element->segment->serial < needed)
            pin_drop(element->segment);
    }
}

bool chain_has_looked(const struct chain *c)
{
    return c->looked;
}

void chain_directory(const struct chain *c, char path[PATH_MAX])
{
    if (home_path(c->home, NULL, path, PATH_MAX) < 0)
        path[0] = '\0';
}

bool chain_is_gone(const struct chain *c)
{
    return c->gone;
}

struct segment *chain_live(const struct chain *c)
{
    for (size_t i = c->count; i > 0; i--)
        if (!c->elements[i - 1].segment->hole)
            return c->elements[i - 1].segment;
    return NULL;
}

uint64_t chain_live_size(const struct chain *c)
{
    struct segment *live = chain_live(c);
    int64_t size = live ? segment_size(live) : 0;
    return size < 0 ? 0 : (uint64_t)size;
}

uint64_t chain_highest_serial(const struct chain *c)
{
    return c->next_serial - 1;
}

void chain_learn(struct chain *c)
{
    for (size_t i = 0; i < c->count; i++) {
        struct segment *s = c->elements[i].segment;
        if (s->hole || atomic_load(&s->cut) || fingerprint_known(segment_name(s).fingerprint))
            continue;
        if (fingerprint_learn(c->tools->reader, s, c->tools->scratch) == 0)
            c->elements[i].dirty = true;
    }
}

int chain_each_dirty(const struct chain *c,
                     int (*put)(void *context, const struct chain_known *element),
                     int (*forget)(void *context, uint64_t serial), void *context)
{
    for (size_t i = 0; i < c->dropped_count; i++) {
        int r = forget(context, c->dropped[i]);
        if (r)
            return r;
    }
    for (size_t i = 0; i < c->count; i++) {
        struct segment *s = c->elements[i].segment;
        if (!c->elements[i].dirty)
            continue;
        struct chain_known known = {
            .ref = segment_name(s),
            .gzip = s->gzip,
            .sealed = atomic_load(&s->sealed),
            .cut = atomic_load(&s->cut),
            .hole = s->hole,
            .reason = s->reason,
            .bytes = s->hole ? s->bytes : 0,
        };
        int r = put(context, &known);
        if (r)
            return r;
    }
    return 0;
}

void chain_mark_clean(struct chain *c)
{
    c->dropped_count = 0;
    for (size_t i = 0; i < c->count; i++)
        c->elements[i].dirty = false;
}

size_t chain_count(const struct chain *c)
{
    return c->count;
}

void chain_segments(const struct chain *c, struct segment **segments)
{
    for (size_t i = 0; i < c->count; i++)
        segments[i] = c->elements[i].segment;
}
