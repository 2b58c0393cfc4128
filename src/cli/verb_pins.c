// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>

#include "cli/pin_report.h"
#include "cli/verb.h"
#include "ledger/containers.h"
#include "ledger/state_lock.h"

static const char usage[] =
    "usage: tallyman pins ls [-c FILE]\n"
    "       tallyman pins drop [-c FILE] --all | ID[.SERIAL] ...\n"
    "\n"
    "Pins keep log files that Docker rotates away or removes, until every route has read them.\n"
    "'ls' shows them; 'drop' gives them up: what only a pin kept, and some route has not read, is\n"
    "lost and will be booked as pin_dropped. A running tallyman has to be stopped for that. ID is\n"
    "the beginning of a container's id.\n"
    "\n"
    "options:\n" VERB_CONFIG_HELP "  -a, --all          with drop: every pin\n"
    "  -h, --help         show this\n";

static const struct option options[] = {
    {"config", required_argument, NULL, 'c'},
    {"all", no_argument, NULL, 'a'},
    {"help", no_argument, NULL, 'h'},
    {0},
};

static void warn(const char *text)
{
    fprintf(stderr, "tallyman pins: %s\n", text);
}

/* The routes' names, or "-". */
static void print_routes(const struct config *config, uint32_t routes)
{
    const char *separator = "";
    for (size_t i = 0; i < config->route_count; i++) {
        if (!(routes & UINT32_C(1) << i))
            continue;
        printf("%s%s", separator, config->routes[i].name);
        separator = ",";
    }
    puts(routes ? "" : "-");
}

static int list(const struct config *config, struct error *error)
{
    CLEANUP(pin_report_deinit) struct pin_report report = {0};
    int r = pin_report_make(&report, config, warn, error);
    if (r < 0)
        return r;
    int width = (int)sizeof("NAME") - 1;
    for (size_t i = 0; i < report.count; i++) {
        const struct container *c = report.items[i].container;
        int size = c ? (int)strlen(c->name) : 1;
        width = size > width ? size : width;
    }
    printf("%-12s  %-*s  %6s  %12s  %-9s  %s\n", "ID", width, "NAME", "SERIAL", "BYTES",
           "IN DOCKER", "NEEDED BY");
    for (size_t i = 0; i < report.count; i++) {
        const struct pin_report_item *item = &report.items[i];
        printf("%-12.12s  %-*s  %6" PRIu64 "  %12" PRIu64 "  %-9s  ", item->pin.id, width,
               item->container ? item->container->name : "-", item->pin.serial, item->pin.bytes,
               item->docker_has_it ? "yes" : "no");
        print_routes(config, item->needed_by);
    }
    return 0;
}

/* ID or ID.SERIAL; false where the text is neither. */
static bool parse_operand(const char *text, size_t *ret_id_size, uint64_t *ret_serial)
{
    char id[PIN_ID_MAX];
    *ret_serial = 0;
    *ret_id_size = strlen(text);
    if (!strchr(text, '.'))
        return *text != '\0';
    if (!pin_parse_name(text, id, ret_serial))
        return false;
    *ret_id_size = strlen(id);
    return true;
}

/* Marks the pins that an operand names. -ENOENT where there are none, -ENOTUNIQ where they are of
 * more than one container. */
static int choose(const struct pin_report *report, const char *operand, bool *chosen,
                  struct error *error)
{
    size_t id_size;
    uint64_t serial;
    if (!parse_operand(operand, &id_size, &serial))
        return error_set(error, -EINVAL, "'%s' is no ID[.SERIAL]", operand);
    const char *id = NULL;
    bool found = false;
    for (size_t i = 0; i < report->count; i++) {
        const struct pin_entry *pin = &report->items[i].pin;
        if (strncmp(pin->id, operand, id_size) != 0)
            continue;
        if (id && strcmp(id, pin->id) != 0)
            return error_set(error, -ENOTUNIQ, "'%s' could be %.12s or %.12s", operand, id,
                             pin->id);
        id = pin->id;
        if (serial && pin->serial != serial)
            continue;
        chosen[i] = found = true;
    }
    return found ? 0 : error_set(error, -ENOENT, "there is no pin '%s'", operand);
}

/* What the book knows of one segment. */
static int take_segment(void *context, const struct segment_row *row)
{
    struct segment_row *wanted = context;
    if (row->ref.serial == wanted->ref.serial)
        *wanted = *row;
    return 0;
}

static int know_container(void *context, const struct container_row *row)
{
    return strcmp(row->id, context) == 0;
}

/* The segment becomes a hole, which each route books that comes to it. */
static int put_hole(struct containers *book, const struct pin_entry *pin, struct error *error)
{
    struct segment_row row = {.ref.serial = pin->serial};
    int r = containers_segments(book, pin->id, take_segment, &row, error);
    if (r < 0)
        return r;
    row.gzip = row.cut = false;
    row.sealed = row.hole = true;
    row.reason = GAP_PIN_DROPPED;
    row.bytes = (int64_t)pin->bytes;

    r = containers_each(book, know_container, (void *)pin->id, error);
    if (r == 0) { /* the book was lost; the pin alone speaks of it */
        char record[PIN_ID_MAX + 16];
        snprintf(record, sizeof(record), "{\"id\":\"%s\"}", pin->id);
        r = containers_put(book, &(struct container_row){pin->id, record, 0}, error);
    }
    return r < 0 ? r : containers_put_segment(book, pin->id, &row, error);
}

static bool is_lost(const struct pin_report_item *item)
{
    return item->needed_by && !item->docker_has_it && container_id_valid(item->pin.id);
}

/* In one commit, before the first pin goes. */
static int put_holes(const struct config *config, const struct pin_report *report,
                     const bool *chosen, struct error *error)
{
    CLEANUP(containers_close) struct containers *book = NULL;
    char path[PATH_BYTES_MAX];
    snprintf(path, sizeof(path), "%s/containers.db", config->state);
    int r = containers_open(&book, path, NULL, 0, error);
    if (r == 0)
        r = containers_begin(book, error);
    for (size_t i = 0; r == 0 && i < report->count; i++)
        if (chosen[i] && is_lost(&report->items[i]))
            r = put_hole(book, &report->items[i].pin, error);
    if (r == 0)
        r = containers_commit(book, error);
    return r;
}

static int remove_pins(const struct config *config, const struct pin_report *report,
                       const bool *chosen, struct error *error)
{
    for (size_t i = 0; i < report->count; i++) {
        const struct pin_report_item *item = &report->items[i];
        char path[PATH_BYTES_MAX];
        if (!chosen[i])
            continue;
        snprintf(path, sizeof(path), "%s/%s.%" PRIu64, config->pins, item->pin.id,
                 item->pin.serial);
        if (unlink(path) < 0 && errno != ENOENT)
            return error_set(error, -errno, "%s: %s", path, strerror(errno));
        printf("dropped %.12s.%" PRIu64 ": %" PRIu64 " bytes%s\n", item->pin.id, item->pin.serial,
               item->pin.bytes, is_lost(item) ? ", unread" : "");
    }
    return 0;
}

static int drop_chosen(const struct config *config, char **operands, size_t count,
                       struct error *error)
{
    CLEANUP(pin_report_deinit) struct pin_report report = {0};
    int r = pin_report_make(&report, config, warn, error);
    if (r < 0)
        return r;
    CLEANUP_FREE bool *chosen = calloc(report.count + 1, sizeof(*chosen));
    if (!chosen)
        return error_set(error, -ENOMEM, "no memory");
    for (size_t i = 0; r == 0 && i < count; i++)
        r = choose(&report, operands[i], chosen, error);
    bool lost = false;
    for (size_t i = 0; i < report.count; i++) {
        chosen[i] |= count == 0;
        lost |= chosen[i] && is_lost(&report.items[i]);
    }
    if (r == 0 && lost)
        r = put_holes(config, &report, chosen, error);
    return r < 0 ? r : remove_pins(config, &report, chosen, error);
}

/* No operands: all of them. */
static int drop(const struct config *config, char **operands, size_t count, struct error *error)
{
    CLEANUP(close_fd) int lock_fd = -1;
    int r = state_lock_acquire(config->state, &lock_fd, error);
    return r < 0 ? r : drop_chosen(config, operands, count, error);
}

static enum verb_exit misuse(char **arguments, const char *why)
{
    fprintf(stderr, "%s: %s\n", arguments[0], why);
    return verb_misused(arguments);
}

static enum verb_exit run(int count, char **arguments, const char *config_path, bool all)
{
    const char *what = optind < count ? arguments[optind++] : "";
    bool drops = strcmp(what, "drop") == 0;
    size_t operand_count = (size_t)(count - optind);
    if (!drops && strcmp(what, "ls") != 0)
        return misuse(arguments, "ls or drop?");
    if (!drops && (all || operand_count))
        return misuse(arguments, "ls shows all pins, and takes no more arguments");
    if (drops && all == (operand_count > 0))
        return misuse(arguments, "drop takes either --all or ID[.SERIAL] ...");

    CLEANUP(config_free) struct config *config = NULL;
    struct error error = {""};
    enum verb_exit end = verb_load_config(&config, config_path);
    if (end != VERB_DONE)
        return end;
    int r = drops ? drop(config, arguments + optind, operand_count, &error) : list(config, &error);
    if (r < 0)
        warn(error.text);
    return r < 0 ? VERB_FAILED : VERB_DONE;
}

int verb_pins(int count, char **arguments)
{
    const char *config_path = NULL;
    bool all = false;
    int option;

    while ((option = getopt_long(count, arguments, "c:ah", options, NULL)) != -1) {
        switch (option) {
        case 'c': config_path = optarg; break;
        case 'a': all = true; break;
        case 'h': fputs(usage, stdout); return VERB_DONE;
        default: return verb_misused(arguments);
        }
    }
    return run(count, arguments, config_path, all);
}
