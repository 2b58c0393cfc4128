// SPDX-License-Identifier: Apache-2.0
#include "model/container.h"

#include "base/check.h"
#include "model/container_fold.h"
#include "model/container_labels.h"

#include <errno.h>

bool container_id_valid(const char *text)
{
    size_t size = strspn(text, "0123456789abcdef");
    return size == CONTAINER_ID_SIZE && text[size] == '\0';
}

static size_t kept_size(const char *text)
{
    return (text ? strlen(text) : 0) + 1;
}

static size_t pairs_text_size(const struct pairs *pairs)
{
    size_t size = 0;
    for (size_t i = 0; i < pairs->count; i++)
        size += kept_size(pairs->items[i].key) + kept_size(pairs->items[i].value);
    return size;
}

static const char *driver_of(const struct container_fields *fields)
{
    return fields->log_driver && *fields->log_driver ? fields->log_driver : "json-file"; /* S5 */
}

static size_t text_size(const struct container_fields *f)
{
    const char *strings[] = {f->id,
                             f->name,
                             f->image,
                             f->state,
                             f->status,
                             f->platform,
                             f->hostname,
                             f->command,
                             f->network_mode,
                             driver_of(f),
                             f->log_path,
                             f->constants.source,
                             f->constants.service};
    size_t size = pairs_text_size(&f->labels) + pairs_text_size(&f->networks);
    for (size_t i = 0; i < ARRAY_SIZE(strings); i++)
        size += kept_size(strings[i]);
    return size + container_labels_text_max(f);
}

/* Room for all that it can need: first the pairs, which need alignment, then the text. */
static void *store_new(struct container_store *store, size_t pair_count, size_t text_bytes)
{
    void *room = malloc(pair_count * sizeof(struct pair) + text_bytes);
    if (!room)
        return NULL;
    store->pairs = room;
    store->pairs_end = store->pairs + pair_count;
    store->text = (char *)store->pairs_end;
    store->text_end = store->text + text_bytes;
    return room;
}

static int compare_pairs(const void *a, const void *b)
{
    return strcmp(((const struct pair *)a)->key, ((const struct pair *)b)->key);
}

static struct pairs keep_pairs(struct container_store *store, const struct pairs *from)
{
    struct pairs kept = {.items = store->pairs, .count = from->count};

    store->pairs += from->count;
    CHECK(store->pairs <= store->pairs_end);
    for (size_t i = 0; i < from->count; i++) {
        kept.items[i].key = container_store_keep(store, from->items[i].key);
        kept.items[i].value = container_store_keep(store, from->items[i].value);
    }
    if (kept.count)
        qsort(kept.items, kept.count, sizeof(*kept.items), compare_pairs);
    return kept;
}

static void keep_fields(struct container *c, struct container_store *store,
                        const struct container_fields *f)
{
    *c = (struct container){
        .refs = 1,
        .created_ns = f->created_ns,
        .started_ns = f->started_ns,
        .rotation_bytes = f->rotation_bytes,
        .cache_disabled = f->cache_disabled,
        .tty = f->tty,
    };
    c->id = container_store_keep(store, f->id);
    c->name = container_store_keep(store, f->name);
    c->image = container_store_keep(store, f->image);
    c->state = container_store_keep(store, f->state);
    c->status = container_store_keep(store, f->status);
    c->platform = container_store_keep(store, f->platform);
    c->hostname = container_store_keep(store, f->hostname);
    c->command = container_store_keep(store, f->command);
    c->network_mode = container_store_keep(store, f->network_mode);
    c->log_driver = container_store_keep(store, driver_of(f));
    c->log_path = container_store_keep(store, f->log_path);
    c->constants.source = container_store_keep(store, f->constants.source);
    c->constants.service = container_store_keep(store, f->constants.service);
    c->labels = keep_pairs(store, &f->labels);
    c->networks = keep_pairs(store, &f->networks);
}

/* From the room in which a record was made to its block. */
struct move {
    const char *from, *from_end; /* the text */
    char *to;
};

/* Keys may be literals, which stay where they are. */
static void move_text(const struct move *m, const char **text)
{
    if (*text >= m->from && *text < m->from_end)
        *text = m->to + (*text - m->from);
}

static struct pair *move_pairs(const struct move *m, struct pairs *pairs, struct pair *to)
{
    for (size_t i = 0; i < pairs->count; i++) {
        to[i] = pairs->items[i];
        move_text(m, &to[i].key);
        move_text(m, &to[i].value);
    }
    pairs->items = to;
    return to + pairs->count;
}

/* The record with all that is its own in one block that fits: there may be ten thousand. */
static struct container *fitted(const struct container *made, const struct container_store *store)
{
    size_t pair_count = made->labels.count + made->networks.count + made->rendered.count;
    const char *text = (const char *)store->pairs_end;
    size_t text_bytes = (size_t)(store->text - text);
    struct container *c = malloc(sizeof(*c) + pair_count * sizeof(struct pair) + text_bytes);
    if (!c)
        return NULL;
    *c = *made;
    struct pair *pairs = (struct pair *)(c + 1);
    struct move m = {text, store->text, (char *)(pairs + pair_count)};
    memcpy(m.to, text, text_bytes);
    pairs = move_pairs(&m, &c->labels, pairs);
    pairs = move_pairs(&m, &c->networks, pairs);
    move_pairs(&m, &c->rendered, pairs);

    const char **strings[] = {&c->id,
                              &c->name,
                              &c->image,
                              &c->state,
                              &c->status,
                              &c->platform,
                              &c->hostname,
                              &c->command,
                              &c->network_mode,
                              &c->log_driver,
                              &c->log_path,
                              &c->constants.source,
                              &c->constants.service};
    for (size_t i = 0; i < ARRAY_SIZE(strings); i++)
        move_text(&m, strings[i]);
    return c;
}

int container_new(struct container **ret, const struct container_fields *f)
{
    if (!f->id || !container_id_valid(f->id))
        return -EINVAL;

    struct container_store store;
    size_t pair_count = f->labels.count + f->networks.count + container_labels_count_max(f);
    CLEANUP_FREE void *room = store_new(&store, pair_count, text_size(f));
    if (!room)
        return -ENOMEM;
    struct container made;
    keep_fields(&made, &store, f);
    int r = container_labels_render(&made, &store);
    if (r < 0)
        return r;
    *ret = fitted(&made, &store);
    return *ret ? 0 : -ENOMEM;
}

static void keep_rendered(struct container *c, struct container_store *store,
                          const struct pairs *rendered)
{
    c->rendered = (struct pairs){.items = store->pairs, .count = rendered->count};
    store->pairs += rendered->count;
    for (size_t i = 0; i < rendered->count; i++) {
        c->rendered.items[i].key = container_store_keep(store, rendered->items[i].key);
        c->rendered.items[i].value = container_store_keep(store, rendered->items[i].value);
    }
}

int container_restore(struct container **ret, const char *id, const char *name,
                      const struct pairs *rendered, bool tty)
{
    if (!container_id_valid(id))
        return -EINVAL;

    const struct container_fields fields = {.id = id, .name = name, .tty = tty};
    struct container_store store;
    size_t text_bytes = text_size(&fields) + pairs_text_size(rendered);
    CLEANUP_FREE void *room = store_new(&store, rendered->count, text_bytes);
    if (!room)
        return -ENOMEM;
    struct container made;
    keep_fields(&made, &store, &fields);
    keep_rendered(&made, &store, rendered);
    *ret = fitted(&made, &store);
    return *ret ? 0 : -ENOMEM;
}

struct container *container_ref(struct container *c)
{
    CHECK(__atomic_fetch_add(&c->refs, 1, __ATOMIC_RELAXED) > 0);
    return c;
}

struct container *container_unref(struct container *c)
{
    if (!c)
        return NULL;

    /* Release what this thread read, acquire what the others read, before it is freed. */
    unsigned before = __atomic_fetch_sub(&c->refs, 1, __ATOMIC_ACQ_REL);
    CHECK(before > 0);
    if (before > 1)
        return NULL;
    if (c->folded)
        container_fold_drop(c);
    free(c);
    return NULL;
}

/* Of folded records most are the same word. */
static bool texts_equal(const char *a, const char *b)
{
    return a == b || strcmp(a, b) == 0;
}

static bool pairs_equal(const struct pairs *a, const struct pairs *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (!texts_equal(a->items[i].key, b->items[i].key) ||
            !texts_equal(a->items[i].value, b->items[i].value))
            return false;
    return true;
}

/* All that labels are rendered from, but for Docker's own and the names. */
static bool sources_equal(const struct container *a, const struct container *b)
{
    return texts_equal(a->state, b->state) && texts_equal(a->hostname, b->hostname) &&
           texts_equal(a->command, b->command) && texts_equal(a->platform, b->platform) &&
           texts_equal(a->network_mode, b->network_mode) &&
           texts_equal(a->constants.source, b->constants.source) &&
           texts_equal(a->constants.service, b->constants.service) &&
           pairs_equal(&a->networks, &b->networks);
}

static bool rendered_equal(struct container *a, struct container *b)
{
    CLEANUP(container_unref) struct container *whole_a = NULL;
    CLEANUP(container_unref) struct container *whole_b = NULL;

    if ((a->folded || b->folded) && sources_equal(a, b))
        return true;
    return container_unfold(&whole_a, a) == 0 && container_unfold(&whole_b, b) == 0 &&
           pairs_equal(&whole_a->rendered, &whole_b->rendered);
}

bool container_renders_same(const struct container *a, const struct container *b)
{
    /* Docker's own labels too: a route matches by those that are dropped from the rendered ones.
     * What the rendered labels leave out (status, times, the log path) does not count. */
    return a == b ||
           (a->tty == b->tty && texts_equal(a->id, b->id) && texts_equal(a->name, b->name) &&
            texts_equal(a->image, b->image) && pairs_equal(&a->labels, &b->labels) &&
            rendered_equal((struct container *)a, (struct container *)b));
}

const char *pairs_get(const struct pairs *sorted, const char *key)
{
    struct pair wanted = {.key = key};

    if (sorted->count == 0)
        return NULL;
    const struct pair *found =
        bsearch(&wanted, sorted->items, sorted->count, sizeof(*sorted->items), compare_pairs);
    return found ? found->value : NULL;
}

const char *container_rendered(const struct container *c, const char *key)
{
    for (size_t i = 0; i < c->rendered.count; i++)
        if (strcmp(c->rendered.items[i].key, key) == 0)
            return c->rendered.items[i].value;
    return NULL;
}

const char *container_label(const struct container *c, const char *key)
{
    return pairs_get(&c->labels, key);
}
