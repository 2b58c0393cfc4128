// SPDX-License-Identifier: Apache-2.0
#include "cli/pin_report.h"

#include <errno.h>

#include "agent/docker_root.h"
#include "cli/extent.h"
#include "cli/log_find.h"
#include "docker/container_record.h"

_Static_assert(ROUTES_MAX <= 32, "a bit per route");

struct reporting {
    const struct config *config;
    void (*warn)(const char *text);
    char root[PATH_BYTES_MAX];
    struct pin_list pins;
    struct standing standings[ROUTES_MAX];
    struct extent_tools tools;
    struct batch scratch;
    struct pin_report report;
};

void pin_report_deinit(struct pin_report *r)
{
    for (size_t i = 0; i < r->count; i++)
        container_unref(r->items[i].container);
    free(r->items);
    *r = (struct pin_report){0};
}

static void deinit(struct reporting *r)
{
    for (size_t i = 0; i < r->config->route_count; i++)
        standing_deinit(&r->standings[i]);
    containers_close(r->tools.book);
    reader_free(r->tools.reader);
    batch_deinit(&r->scratch);
    pin_list_deinit(&r->pins);
    pin_report_deinit(&r->report);
}

static void read_state(struct reporting *r)
{
    struct error error;
    char path[PATH_BYTES_MAX];
    snprintf(path, sizeof(path), "%s/containers.db", r->config->state);
    int code = containers_open(&r->tools.book, path, NULL, LEDGER_READ_ONLY, &error);
    if (code < 0 && code != -ENOENT)
        r->warn(error.text);
    for (size_t i = 0; i < r->config->route_count; i++)
        if (standing_read(&r->standings[i], r->config->state, &r->config->routes[i], &error) < 0)
            r->warn(error.text);
}

/* A row of the book: the record for the pins of that container. */
static int take_record(void *context, const struct container_row *row)
{
    struct reporting *r = context;
    size_t count;
    const struct pin_entry *pins = pin_list_of(&r->pins, row->id, &count);
    if (count == 0)
        return 0;
    struct container_constants constants = {r->config->label_source, r->config->label_service};
    CLEANUP(container_unref) struct container *c = NULL;
    struct error error;
    if (container_record_parse(&c, span_of(row->record), &constants, &error) < 0) {
        r->warn(error.text);
        return 0;
    }
    for (size_t i = 0; i < count; i++)
        r->report.items[pins - r->pins.items + (ptrdiff_t)i].container = container_ref(c);
    return 0;
}

/* A route that has never seen the container begins with its oldest segment. */
static uint32_t needed_by(const struct reporting *r, const struct pin_report_item *item)
{
    uint32_t routes = 0;
    for (size_t i = 0; i < r->config->route_count; i++) {
        const struct standing_source *s = standing_find(&r->standings[i], item->pin.id);
        bool wanted =
            !item->container || match_container(&r->config->routes[i].match, item->container);
        if (wanted && (!s || standing_needs(&s->cursor) <= item->pin.serial))
            routes |= UINT32_C(1) << i;
    }
    return routes;
}

/* Where nothing is known of the container, it may have Docker's default driver. */
static int find_log(const struct reporting *r, const struct pin_report_item *item,
                    struct log_place *ret, struct error *error)
{
    if (item->container)
        return log_find(ret, item->container, &(struct log_find_options){.docker_root = r->root},
                        error);
    ret->kind = LOG_KIND_JSON_FILE;
    int size = snprintf(ret->path, sizeof(ret->path), "%s/containers/%s/%s-json.log", r->root,
                        item->pin.id, item->pin.id);
    return size < (int)sizeof(ret->path) ? 0 : error_set(error, -ENAMETOOLONG, "%s", r->root);
}

/* The pins of one container, from `first` on; returns how many. */
static size_t look_at_files(struct reporting *r, size_t first)
{
    struct pin_report_item *items = r->report.items + first;
    const char *id = items[0].pin.id;
    size_t count;
    pin_list_of(&r->pins, id, &count);

    struct log_place place;
    struct extent extent = {0};
    struct error error;
    if (find_log(r, &items[0], &place, &error) < 0 ||
        extent_measure(&extent, &r->tools, id, place.path, NULL, 0, &error) < 0)
        r->warn(error.text);
    for (size_t i = 0; i < count; i++) {
        const struct extent_piece *piece = extent_find(&extent, items[i].pin.serial);
        items[i].docker_has_it = !items[i].pin.only_ours || (piece && piece->named);
    }
    extent_deinit(&extent);
    return count;
}

static int make(struct reporting *r, struct error *error)
{
    int code = pin_list_read(&r->pins, r->config->pins, error);
    if (code < 0)
        return code;
    r->report.items = calloc(r->pins.count + 1, sizeof(*r->report.items));
    if (!r->report.items || batch_init(&r->scratch, FORM_JSON) < 0 ||
        reader_new(&r->tools.reader) < 0)
        return error_set(error, -ENOMEM, "no memory");
    r->report.count = r->pins.count;
    for (size_t i = 0; i < r->pins.count; i++)
        r->report.items[i].pin = r->pins.items[i];

    read_state(r);
    struct error book_error;
    if (r->tools.book && containers_each(r->tools.book, take_record, r, &book_error) < 0)
        r->warn(book_error.text);
    for (size_t i = 0; i < r->report.count;)
        i += look_at_files(r, i);
    for (size_t i = 0; i < r->report.count; i++)
        r->report.items[i].needed_by = needed_by(r, &r->report.items[i]);
    return 0;
}

int pin_report_make(struct pin_report *ret, const struct config *config,
                    void (*warn)(const char *text), struct error *error)
{
    struct reporting *r = calloc(1, sizeof(*r));
    if (!r)
        return error_set(error, -ENOMEM, "no memory");
    r->config = config;
    r->warn = warn;
    r->tools.pins = &r->pins;
    r->tools.scratch = &r->scratch;
    docker_root_find(config, r->root);
    int code = make(r, error);
    if (code == 0) {
        *ret = r->report;
        r->report = (struct pin_report){0};
    }
    deinit(r);
    free(r);
    return code;
}
