// SPDX-License-Identifier: Apache-2.0
#include "agent/config.h"

#include "agent/config_read.h"
#include "base/buf.h"
#include "sink/catalog.h"
#include "sink/file_options.h"

#include <errno.h>
#include <fcntl.h>

enum { READ_SIZE = 4096 /* bytes at a time */ };

struct config *config_free(struct config *c)
{
    if (!c)
        return NULL;

    config_storage_free(c->storage);
    free(c);
    return NULL;
}

static int unreadable(const char *path, int code, struct error *error)
{
    return error_set(error, code, "cannot read the configuration %s: %s", path, strerror(-code));
}

static int read_file(const char *path, struct buf *to, struct error *error)
{
    CLEANUP(close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return unreadable(path, -errno, error);

    for (;;) {
        char *end = buf_reserve(to, READ_SIZE);
        if (!end)
            return to->failed;
        ssize_t size = read(fd, end, READ_SIZE);
        if (size < 0 && errno == EINTR)
            continue;
        if (size < 0)
            return unreadable(path, -errno, error);
        if (size == 0)
            return 0;
        to->size += (size_t)size;
        if (to->size > CONFIG_FILE_MAX)
            return error_set(error, -EINVAL, "the configuration %s is larger than %d bytes", path,
                             CONFIG_FILE_MAX);
    }
}

static const char *join(struct config_storage *storage, const char *directory, const char *below)
{
    size_t size = strlen(directory) + strlen(below) + 1;
    char *path = config_storage_take(storage, size, 1);
    if (path)
        snprintf(path, size, "%s%s", strcmp(directory, "/") == 0 ? "" : directory, below);
    return path;
}

/* The directory of a system service, or of somebody who just tries it. */
static const char *default_state(struct config_storage *storage)
{
    const char *state = getenv("XDG_STATE_HOME");
    const char *home = getenv("HOME");

    if (geteuid() != 0 && state && state[0] == '/')
        return join(storage, state, "/tallyman");
    if (geteuid() != 0 && home && home[0] == '/')
        return join(storage, home, "/.local/state/tallyman");
    return "/var/lib/tallyman";
}

/* `<state>/logs/{container_name}.ndjson` as a template, in which the state's own braces count as
 * themselves. */
static const char *default_template(struct config_storage *storage, const char *state)
{
    static const char below[] = "/logs/{container_name}.ndjson";
    char *template = config_storage_take(storage, 2 * strlen(state) + sizeof(below), 1);
    if (!template)
        return NULL;

    char *to = template;
    for (const char *c = strcmp(state, "/") == 0 ? "" : state; *c; c++) {
        if (*c == '{' || *c == '}')
            *to++ = *c;
        *to++ = *c;
    }
    memcpy(to, below, sizeof(below));
    return template;
}

/* The one route where the file names none: every container, one file for each name. */
static int add_default_route(struct config_reader *r, struct config *c)
{
    struct route_config *route = config_storage_take(r->storage, 1, sizeof(*route));
    if (!route)
        return -ENOMEM;

    void *defaults = NULL;
    int code = config_route_defaults(r, route);
    if (code == 0)
        code = config_sink_defaults(r, &file_sink, &defaults);
    if (code < 0)
        return code;
    struct file_options *options = defaults;
    route->name = "files";
    options->path = default_template(r->storage, c->state);
    if (!options->path)
        return -ENOMEM;
    route->sink = (struct sink_config){&file_sink, options};
    c->routes = route;
    c->route_count = 1;
    return 0;
}

/* What the table cannot say: defaults that depend on the environment or on each other. */
static int complete(struct config_reader *r, struct config *c)
{
    if (!c->state)
        c->state = default_state(r->storage);
    if (!c->state)
        return -ENOMEM;
    if (!c->pins)
        c->pins = join(r->storage, c->state, "/pins");
    if (!c->pins)
        return -ENOMEM;
    return c->routes ? 0 : add_default_route(r, c);
}

static int fill(struct config *c, const char *name, struct span text, struct error *error)
{
    CLEANUP(config_storage_free) struct config_storage *tree = NULL;
    struct config_reader reader = {{name, error}, c->storage};
    struct config_node *root = NULL;

    int code = config_storage_new(&tree);
    if (code == 0)
        code = config_node_parse(&root, &reader.file, text, tree);
    if (code == 0)
        code = config_read(&reader, root, c);
    if (code == 0)
        code = complete(&reader, c);
    return code;
}

int config_load(struct config **ret, const char *path, struct error *error)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(CONFIG_FILE_MAX + READ_SIZE);
    CLEANUP(config_free) struct config *c = calloc(1, sizeof(*c));
    struct config_storage *storage;

    int code = c ? config_storage_new(&storage) : -ENOMEM;
    if (code == 0) {
        c->storage = storage;
        code = path ? read_file(path, &text, error) : 0;
    }
    if (code == 0)
        code = fill(c, path ? path : "built-in", buf_span(&text), error);
    if (code == -ENOMEM)
        return error_set(error, code, "no memory for the configuration");
    if (code < 0)
        return code;
    *ret = TAKE(c);
    return 0;
}
