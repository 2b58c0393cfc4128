// SPDX-License-Identifier: Apache-2.0
#include "cli/inventory.h"

#include <errno.h>
#include <fcntl.h>

#include "cli/log_find.h"
#include "docker/discovery.h"

struct taking {
    const struct inventory_options *options;
    struct discovery disk, engine;
    bool engine_answers;
};

void inventory_deinit(struct inventory *v)
{
    for (size_t i = 0; i < v->count; i++)
        container_unref(v->items[i].container);
    free(v->items);
    *v = (struct inventory){0};
}

static void warn_skipped(void *context, const char *id, const char *why)
{
    const struct taking *t = context;
    struct error text;
    error_set(&text, 0, "container %.12s: %s", id, why);
    t->options->warn(text.text);
}

static int take_disk(struct taking *t, const struct discovery_options *options, struct error *error)
{
    char path[PATH_BYTES_MAX];
    if (snprintf(path, sizeof(path), "%s/containers", t->options->docker_root) >= (int)sizeof(path))
        return error_set(error, -ENAMETOOLONG, "%s: too long", t->options->docker_root);
    CLEANUP(close_fd) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return error_set(error, -errno, "%s: %s", path, strerror(errno));
    return discovery_from_disk(&t->disk, fd, options, error);
}

/* Both roads; an error where neither led anywhere. */
static int take_both(struct taking *t, struct error *error)
{
    struct discovery_options options = {
        .host = t->options->docker_host,
        .deadline_ms = INVENTORY_DEADLINE_MS,
        .cancel_fd = -1,
        .constants = t->options->constants,
        .context = t,
        .skipped = warn_skipped,
    };
    struct error engine_error;
    bool files = t->options->docker_root != NULL;
    int disk = files ? take_disk(t, &options, error) : 0;
    if (files && strcmp(options.host, "none") == 0)
        return disk;

    int engine = discovery_from_engine(&t->engine, &options, &engine_error);
    t->engine_answers = engine == 0;
    if (engine < 0 && !files)
        return error_set(error, engine, "%s", engine_error.text);
    if (engine < 0)
        t->options->warn(engine_error.text);
    if (disk < 0 && engine == 0)
        t->options->warn(error->text);
    return engine == 0 ? 0 : disk;
}

static bool is_on_disk(const struct taking *t, const char *id)
{
    char path[PATH_BYTES_MAX];
    if (!t->options->docker_root)
        return true;
    int size = snprintf(path, sizeof(path), "%s/containers/%s", t->options->docker_root, id);
    return size < (int)sizeof(path) && access(path, F_OK) == 0;
}

static void add(struct inventory *v, const struct taking *t, struct container *c, bool listed)
{
    struct inventory_item item = {
        .container = c, .on_disk = is_on_disk(t, c->id), .listed = listed};
    const struct log_find_options find = {.docker_root = t->options->docker_root,
                                          .journal_directory = t->options->journal_directory,
                                          .engine = t->engine_answers};
    struct error error;
    if (log_find(&item.place, c, &find, &error) < 0) {
        t->options->warn(error.text);
        return;
    }
    container_ref(c);
    v->items[v->count++] = item;
}

/* Of two that are the same container the Engine's first. */
static int by_id(const void *a, const void *b)
{
    const struct inventory_item *x = a, *y = b;
    int order = strcmp(x->container->id, y->container->id);
    return order ? order : (int)y->listed - (int)x->listed;
}

static void drop_doubles(struct inventory *v)
{
    size_t kept = 0;
    qsort(v->items, v->count, sizeof(*v->items), by_id);
    for (size_t i = 0; i < v->count; i++) {
        if (kept && strcmp(v->items[kept - 1].container->id, v->items[i].container->id) == 0)
            container_unref(v->items[i].container);
        else
            v->items[kept++] = v->items[i];
    }
    v->count = kept;
}

static int by_name(const void *a, const void *b)
{
    const struct inventory_item *x = a, *y = b;
    int order = strcmp(x->container->name, y->container->name);
    return order ? order : strcmp(x->container->id, y->container->id);
}

int inventory_take(struct inventory *ret, const struct inventory_options *options,
                   struct error *error)
{
    struct taking t = {.options = options};
    struct inventory v = {0};
    int r = take_both(&t, error);
    if (r == 0) {
        v.items = calloc(t.disk.count + t.engine.count + 1, sizeof(*v.items));
        r = v.items ? 0 : error_set(error, -ENOMEM, "no memory");
    }
    for (size_t i = 0; r == 0 && i < t.engine.count; i++)
        add(&v, &t, t.engine.items[i], true);
    for (size_t i = 0; r == 0 && i < t.disk.count; i++)
        add(&v, &t, t.disk.items[i], !t.engine_answers);
    discovery_deinit(&t.disk);
    discovery_deinit(&t.engine);
    if (r < 0)
        return r;
    drop_doubles(&v);
    qsort(v.items, v.count, sizeof(*v.items), by_name);
    *ret = v;
    return 0;
}
