// SPDX-License-Identifier: Apache-2.0
#include "docker/discovery.h"

#include "docker/disk.h"
#include "docker/engine.h"

#include <errno.h>

/* Containers still to be inspected. */
struct todo {
    struct engine_listed *items;
    size_t count;
};

/* One walk over the Engine: what its callbacks fill. */
struct walk {
    struct engine *engine;
    const struct discovery_options *options;
    struct discovery found;
    struct todo todo, failed;
    bool last_round;
    int code; /* of the walk as a whole */
    struct error *error;
};

void discovery_deinit(struct discovery *d)
{
    for (size_t i = 0; i < d->count; i++)
        container_unref(d->items[i]);
    free(d->items);
    *d = (struct discovery){0};
}

static int discovery_init(struct discovery *d, size_t capacity)
{
    *d = (struct discovery){.items = malloc((capacity ? capacity : 1) * sizeof(*d->items))};
    return d->items ? 0 : -ENOMEM;
}

static int compare_containers(const void *a_, const void *b_)
{
    const struct container *a = *(struct container *const *)a_, *b = *(struct container *const *)b_;
    int order = strcmp(a->name, b->name);
    return order != 0 ? order : strcmp(a->id, b->id);
}

static void discovery_sort(struct discovery *d)
{
    qsort(d->items, d->count, sizeof(*d->items), compare_containers);
}

int discovery_filter(struct discovery *ret, const struct discovery *from, const char *driver)
{
    struct discovery d;
    int r = discovery_init(&d, from->count);
    if (r < 0)
        return r;

    for (size_t i = 0; i < from->count; i++)
        if (strcmp(from->items[i]->log_driver, driver) == 0)
            d.items[d.count++] = container_ref(from->items[i]);
    *ret = d;
    return 0;
}

struct discovery_counts discovery_count(const struct discovery *d)
{
    struct discovery_counts counts = {.total = d->count};

    for (size_t i = 0; i < d->count; i++)
        counts.json_file += strcmp(d->items[i]->log_driver, "json-file") == 0;
    counts.other = counts.total - counts.json_file;
    return counts;
}

static void skip(const struct discovery_options *options, const char *id, const char *why)
{
    if (options->skipped)
        options->skipped(options->context, id, why);
}

static void on_pinged(void *context, const struct engine_result *result,
                      struct engine_version spoken)
{
    struct walk *w = context;
    w->code = error_set(w->error, result->code, "%s", result->text);
}

/* Makes room for all there is: no later step can fail half way for want of memory. */
static void on_listed(void *context, const struct engine_result *result,
                      const struct engine_listed *items, size_t count)
{
    struct walk *w = context;

    if (result->code != 0) {
        w->code = error_set(w->error, result->code, "%s", result->text);
        return;
    }
    w->todo.items = calloc(count + 1, sizeof(*items));
    w->failed.items = calloc(count + 1, sizeof(*items));
    if (!w->todo.items || !w->failed.items || discovery_init(&w->found, count) < 0) {
        w->code = error_set(w->error, -ENOMEM, "no memory for %zu containers", count);
        return;
    }
    memcpy(w->todo.items, items, count * sizeof(*items));
    w->todo.count = count;
}

static void on_inspected(void *context, const struct engine_result *result, const char *id,
                         struct container *c)
{
    struct walk *w = context;

    if (result->code == 0) {
        w->found.items[w->found.count++] = container_ref(c);
    } else if (result->code != ENGINE_E_NOT_FOUND) {
        if (w->last_round)
            skip(w->options, id, result->text);
        else
            memcpy(w->failed.items[w->failed.count++].id, id, CONTAINER_ID_SIZE + 1);
    }
}

/* Until all that was asked is answered, or the caller does not want to know any more. */
static int wait_for_answers(struct walk *w)
{
    struct pollfd cancel = {.fd = w->options->cancel_fd, .events = POLLIN};

    while (engine_unanswered(w->engine) > 0) {
        int r = engine_poll(w->engine, &cancel, cancel.fd >= 0 ? 1 : 0, -1);
        if (r < 0)
            return error_set(w->error, r, "waiting for the Engine: %s", strerror(-r));
        if (cancel.revents)
            return error_set(w->error, -ECANCELED, "given up");
        engine_step(w->engine);
    }
    return w->code;
}

static int inspect_round(struct walk *w)
{
    for (size_t i = 0; i < w->todo.count; i++) {
        int r = engine_inspect(w->engine, w->todo.items[i].id, NULL);
        if (r < 0)
            return error_set(w->error, r, "asking the Engine: %s", strerror(-r));
    }
    return wait_for_answers(w);
}

static int walk_rounds(struct walk *w)
{
    int r = engine_ping(w->engine, NULL);
    if (r == 0)
        r = wait_for_answers(w);
    if (r == 0)
        r = engine_list(w->engine, NULL);
    if (r == 0)
        r = wait_for_answers(w);
    if (r == 0)
        r = inspect_round(w);
    if (r < 0)
        return r;

    struct todo again = w->failed;
    w->failed = w->todo;
    w->todo = again;
    w->last_round = true;
    return inspect_round(w);
}

int discovery_from_engine(struct discovery *ret, const struct discovery_options *options,
                          struct error *error)
{
    struct walk w = {.options = options, .error = error};
    struct engine_options engine_options = {
        .host = options->host,
        .deadline_ms = options->deadline_ms,
        .constants = options->constants,
        .callbacks = {.pinged = on_pinged, .listed = on_listed, .inspected = on_inspected},
        .context = &w,
    };

    int r = engine_open(&w.engine, &engine_options, error);
    if (r < 0)
        return r;
    r = walk_rounds(&w);
    engine_close(w.engine);
    free(w.todo.items);
    free(w.failed.items);
    if (r < 0) {
        discovery_deinit(&w.found);
        return r;
    }
    discovery_sort(&w.found);
    *ret = w.found;
    return 0;
}

/* What the disk's listener fills. */
struct gathering {
    const struct discovery_options *options;
    struct discovery found;
    size_t capacity;
    bool no_memory;
};

static void on_disk_container(void *context, struct container *c)
{
    struct gathering *g = context;

    if (g->found.count == g->capacity) {
        size_t capacity = 2 * g->capacity;
        struct container **items = realloc(g->found.items, capacity * sizeof(struct container *));
        if (!items) {
            g->no_memory = true;
            return;
        }
        g->found.items = items;
        g->capacity = capacity;
    }
    g->found.items[g->found.count++] = container_ref(c);
}

static void on_disk_failure(void *context, const char *id, int code, const struct error *error)
{
    struct gathering *g = context;
    skip(g->options, id, error->text);
}

int discovery_from_disk(struct discovery *ret, int containers_fd,
                        const struct discovery_options *options, struct error *error)
{
    struct gathering g = {.options = options};
    struct disk_listener listener = {&g, on_disk_container, on_disk_failure};

    if (discovery_init(&g.found, 0) < 0)
        return error_set(error, -ENOMEM, "no memory");
    g.capacity = 1;
    int r = disk_list(containers_fd, &options->constants, &listener, error);
    if (r == 0 && g.no_memory)
        r = error_set(error, -ENOMEM, "no memory for %zu containers", g.found.count);
    if (r < 0) {
        discovery_deinit(&g.found);
        return r;
    }
    discovery_sort(&g.found);
    *ret = g.found;
    return 0;
}
