// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <getopt.h>

#include "cli/listing.h"
#include "cli/verb.h"
#include "docker/docker_host.h"

static const char usage[] =
    "usage: tallyman ls [-c FILE] [--json]\n"
    "\n"
    "Lists every container: its driver, where its log is, how large with all rotations, and how\n"
    "far each route stands. Works beside a running tallyman or without one, and with dockerd\n"
    "down. What cannot be read is named on stderr and costs only itself.\n"
    "\n"
    "options:\n" VERB_CONFIG_HELP
    "  -j, --json         an array of objects, one a container, with all that is known\n"
    "  -h, --help         show this\n";

static const struct option options[] = {
    {"config", required_argument, NULL, 'c'},
    {"json", no_argument, NULL, 'j'},
    {"help", no_argument, NULL, 'h'},
    {0},
};

enum { OBJECT_BYTES_MAX = 256 * 1024 * 1024 /* of JSON for one container */ };

/* All that is read once for all containers. */
struct ls {
    const struct config *config;
    bool json;
    struct inventory inventory;
    struct pin_list pins;
    struct containers *book;
    struct standing *standings; /* of each route of the configuration */
    struct reader *reader;
    struct batch scratch;
    size_t name_width;
    struct buf object;
    size_t printed;
};

static void warn(const char *text)
{
    fprintf(stderr, "tallyman ls: %s\n", text);
}

static void deinit(struct ls *ls)
{
    for (size_t i = 0; ls->standings && i < ls->config->route_count; i++)
        standing_deinit(&ls->standings[i]);
    free(ls->standings);
    buf_deinit(&ls->object);
    batch_deinit(&ls->scratch);
    reader_free(ls->reader);
    containers_close(ls->book);
    pin_list_deinit(&ls->pins);
    inventory_deinit(&ls->inventory);
}

/* What of the state cannot be read is missing from the answer, and nothing else is. */
static void read_state(struct ls *ls)
{
    struct error error;
    char path[PATH_BYTES_MAX];
    if (pin_list_read(&ls->pins, ls->config->pins, &error) < 0)
        warn(error.text);
    snprintf(path, sizeof(path), "%s/containers.db", ls->config->state);
    int r = containers_open(&ls->book, path, NULL, LEDGER_READ_ONLY, &error);
    if (r < 0 && r != -ENOENT)
        warn(error.text);
    for (size_t i = 0; i < ls->config->route_count; i++)
        if (standing_read(&ls->standings[i], ls->config->state, &ls->config->routes[i], &error) < 0)
            warn(error.text);
}

static int take_inventory(struct ls *ls, struct error *error)
{
    char root[PATH_BYTES_MAX];
    struct inventory_options inventory_options = {
        .docker_root = verb_docker_root(ls->config, root),
        .journal_directory = ls->config->journal_directory,
        .docker_host = docker_host_find(ls->config->docker_host),
        .constants = {ls->config->label_source, ls->config->label_service},
        .warn = warn,
    };
    int r = inventory_take(&ls->inventory, &inventory_options, error);
    for (size_t i = 0; i < ls->inventory.count; i++) {
        size_t width = strlen(ls->inventory.items[i].container->name);
        ls->name_width = width > ls->name_width ? width : ls->name_width;
    }
    return r;
}

/* The places that the routes' cursors name. */
static size_t cursor_refs(const struct ls *ls, const char *id, struct segment_ref refs[ROUTES_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < ls->config->route_count; i++) {
        const struct standing_source *s = standing_find(&ls->standings[i], id);
        if (s && s->cursor.segment.serial)
            refs[count++] = s->cursor.segment;
    }
    return count;
}

static void print_item(struct ls *ls, const struct inventory_item *item)
{
    const char *id = item->container->id;
    struct extent_tools tools = {ls->book, &ls->pins, ls->reader, &ls->scratch};
    struct segment_ref refs[ROUTES_MAX];
    struct extent extent;
    struct error error;
    if (extent_measure(&extent, &tools, id, item->place.path, refs, cursor_refs(ls, id, refs),
                       &error) < 0)
        warn(error.text);

    struct listing listing = {.item = item,
                              .extent = &extent,
                              .standings = ls->standings,
                              .standing_count = ls->config->route_count};
    listing.pins = pin_list_of(&ls->pins, id, &listing.pin_count);
    if (ls->json) {
        buf_clear(&ls->object);
        listing_print_json(&listing, &ls->object);
        struct span text = buf_span(&ls->object);
        if (ls->object.failed)
            warn("a container has more to tell than memory holds");
        else
            printf("%s%.*s", ls->printed++ ? ",\n" : "", (int)text.size, text.data);
    } else {
        listing_print_text(&listing, stdout, ls->name_width);
    }
    extent_deinit(&extent);
}

static void print_all(struct ls *ls)
{
    if (ls->json)
        fputs("[\n", stdout);
    else
        listing_print_head(stdout, ls->name_width);
    for (size_t i = 0; i < ls->inventory.count; i++)
        print_item(ls, &ls->inventory.items[i]);
    if (ls->json)
        fputs(ls->printed ? "\n]\n" : "]\n", stdout);
}

static enum verb_exit list(const char *config_path, bool json)
{
    CLEANUP(config_free) struct config *config = NULL;
    struct error error = {""};
    enum verb_exit end = verb_load_config(&config, config_path);
    if (end != VERB_DONE)
        return end;

    struct ls ls = {.config = config,
                    .json = json,
                    .name_width = sizeof("NAME") - 1,
                    .object = BUF_INIT(OBJECT_BYTES_MAX)};
    ls.standings = calloc(config->route_count, sizeof(*ls.standings));
    int r = ls.standings && batch_init(&ls.scratch, FORM_JSON) == 0 && reader_new(&ls.reader) == 0
                ? take_inventory(&ls, &error)
                : error_set(&error, -ENOMEM, "no memory");
    if (r == 0) {
        read_state(&ls);
        print_all(&ls);
    } else {
        warn(error.text);
    }
    deinit(&ls);
    return r < 0 ? VERB_FAILED : VERB_DONE;
}

int verb_ls(int count, char **arguments)
{
    const char *config_path = NULL;
    bool json = false;
    int option;

    while ((option = getopt_long(count, arguments, "c:jh", options, NULL)) != -1) {
        switch (option) {
        case 'c': config_path = optarg; break;
        case 'j': json = true; break;
        case 'h': fputs(usage, stdout); return VERB_DONE;
        default: return verb_misused(arguments);
        }
    }
    enum verb_exit end = verb_no_operands(count, arguments);
    return end == VERB_DONE ? list(config_path, json) : end;
}
