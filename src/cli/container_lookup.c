// SPDX-License-Identifier: Apache-2.0
#include "cli/container_lookup.h"

#include <errno.h>
#include <fcntl.h>

#include "base/limits.h"
#include "cli/inventory.h"
#include "docker/discovery.h"

enum { AMBIGUOUS_TEXT_MAX = 800 /* bytes */ };

/* A container that could not be read matters only if it is the one that was asked for. */
struct unreadable {
    const char *name;
    struct error error;
};

static void note_unreadable(void *context, const char *id, const char *why)
{
    struct unreadable *u = context;
    if (strncmp(id, u->name, strlen(u->name)) == 0)
        error_set(&u->error, 0, "container %.12s: %s", id, why);
}

typedef bool match_fn(const struct container *c, const char *name);

static bool has_id(const struct container *c, const char *name)
{
    return strcmp(c->id, name) == 0;
}

static bool has_name(const struct container *c, const char *name)
{
    return strcmp(c->name, name) == 0;
}

static bool has_prefix(const struct container *c, const char *name)
{
    return strncmp(c->id, name, strlen(name)) == 0;
}

static int ambiguous(const struct discovery *d, match_fn *matches, const char *name,
                     struct error *error)
{
    CLEANUP(buf_deinit) struct buf list = BUF_INIT(AMBIGUOUS_TEXT_MAX);
    for (size_t i = 0; i < d->count; i++)
        if (matches(d->items[i], name))
            buf_append_format(&list, "%s%.12s (%s)", list.size ? ", " : "", d->items[i]->id,
                              d->items[i]->name);
    return error_set(error, -ENOTUNIQ, "'%s' could be any of %.*s%s", name, (int)list.size,
                     list.data ? list.data : "", list.failed ? " ..." : "");
}

/* The only one that matches; 0 with *ret untouched where there is none. */
static int find(const struct discovery *d, match_fn *matches, const char *name,
                struct container **ret, struct error *error)
{
    struct container *found = NULL;
    for (size_t i = 0; i < d->count; i++) {
        if (!matches(d->items[i], name))
            continue;
        if (found)
            return ambiguous(d, matches, name, error);
        found = d->items[i];
    }
    if (found)
        *ret = container_ref(found);
    return 0;
}

/* `where`: for words. */
static int choose(struct container **ret, const struct discovery *all,
                  const struct unreadable *unreadable, const char *where, struct error *error)
{
    static match_fn *const ways[] = {has_id, has_name, has_prefix};
    const char *name = unreadable->name;
    struct container *found = NULL;
    int r = 0;
    for (size_t i = 0; r == 0 && !found && *name && i < ARRAY_SIZE(ways); i++)
        r = find(all, ways[i], name, &found, error);
    if (r < 0)
        return r;
    if (found) {
        *ret = found;
        return 0;
    }
    if (unreadable->error.text[0])
        return error_set(error, -ENOENT, "%s", unreadable->error.text);
    return error_set(error, -ENOENT, "no container '%s' in %s", name, where);
}

static int look_on_disk(struct container **ret, const struct container_lookup_options *options,
                        const char *name, struct error *error)
{
    char path[PATH_BYTES_MAX];
    if (snprintf(path, sizeof(path), "%s/containers", options->docker_root) >= (int)sizeof(path))
        return error_set(error, -ENAMETOOLONG, "%s: too long", options->docker_root);
    CLEANUP(close_fd) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return error_set(error, -errno, "%s: %s", path, strerror(errno));

    struct unreadable unreadable = {.name = name};
    const struct discovery_options disk = {
        .constants = options->constants, .context = &unreadable, .skipped = note_unreadable};
    CLEANUP(discovery_deinit) struct discovery all = {0};
    int r = discovery_from_disk(&all, fd, &disk, error);
    return r < 0 ? r : choose(ret, &all, &unreadable, path, error);
}

static int ask_engine(struct container **ret, const struct container_lookup_options *options,
                      const char *name, struct error *error)
{
    struct unreadable unreadable = {.name = name};
    const struct discovery_options engine = {
        .host = options->docker_host,
        .deadline_ms = INVENTORY_DEADLINE_MS,
        .cancel_fd = -1,
        .constants = options->constants,
        .context = &unreadable,
        .skipped = note_unreadable,
    };
    CLEANUP(discovery_deinit) struct discovery all = {0};
    int r = discovery_from_engine(&all, &engine, error);
    return r < 0 ? r : choose(ret, &all, &unreadable, "the Engine's list", error);
}

int container_lookup(struct container_found *ret, const struct container_lookup_options *options,
                     const char *name, struct error *error)
{
    struct container *found = NULL;
    struct error engine_error = {""};
    bool disk = options->docker_root != NULL, engine = strcmp(options->docker_host, "none") != 0;
    int r = disk ? look_on_disk(&found, options, name, error) : 0;
    if (disk && (r == 0 || r == -ENOTUNIQ || !engine)) {
        *ret = (struct container_found){found, true};
        return r;
    }
    int asked = ask_engine(&found, options, name, &engine_error);
    if (asked == 0)
        *ret = (struct container_found){found, false};
    if (asked < 0 && disk && asked != -ENOTUNIQ)
        error_prefix(&engine_error, "%s; and the Engine", error->text);
    return asked < 0 ? error_set(error, asked, "%s", engine_error.text) : 0;
}
