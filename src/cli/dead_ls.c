// SPDX-License-Identifier: Apache-2.0
#include "cli/dead.h"

#include <inttypes.h>

#include "base/json_print.h"
#include "base/rfc3339.h"

enum { REASONS_TEXT_MAX = 1024 * 1024 /* bytes of one route's */ };

/* The letters of one route. */
struct heap {
    bool json;
    uint64_t count, bytes;
    int64_t oldest_ns, newest_ns;
    struct buf reasons;
};

static int add_reason(void *context, const struct ledger_letter_reason *reason)
{
    struct heap *heap = context;
    if (heap->count == 0 || reason->oldest_ns < heap->oldest_ns)
        heap->oldest_ns = reason->oldest_ns;
    if (heap->count == 0 || reason->newest_ns > heap->newest_ns)
        heap->newest_ns = reason->newest_ns;
    if (heap->json) {
        json_print_begin(&heap->reasons, NULL, '{');
        json_print_text(&heap->reasons, "reason", reason->reason);
        json_print_number(&heap->reasons, "letters", reason->count);
        json_print_number(&heap->reasons, "bytes", reason->bytes);
        json_print_end(&heap->reasons, '}');
    } else {
        buf_append_format(&heap->reasons, "%s%s %" PRIu64, heap->count ? ", " : "", reason->reason,
                          reason->count);
    }
    heap->count += reason->count;
    heap->bytes += reason->bytes;
    return 0;
}

struct list {
    bool json;
    int width; /* of the routes' names */
    size_t printed;
};

static void print_json(struct list *list, const struct route_config *route, const struct heap *heap,
                       const char *reasons)
{
    int64_t none = INT64_MIN;
    CLEANUP(buf_deinit) struct buf object = BUF_INIT(2 * REASONS_TEXT_MAX);
    json_print_begin(&object, NULL, '{');
    json_print_text(&object, "route", route->name);
    json_print_number(&object, "letters", heap->count);
    json_print_number(&object, "bytes", heap->bytes);
    json_print_number_or_null(&object, "bytes_max", route->dead_letters_bytes_max, 0);
    json_print_time(&object, "oldest", heap->count ? heap->oldest_ns : none);
    json_print_time(&object, "newest", heap->count ? heap->newest_ns : none);
    buf_append_format(&object, ",\"reasons\":[%s]}", reasons);
    const char *text = buf_string(&object);
    printf("%s%s", list->printed++ ? ",\n" : "", text ? text : "null");
}

/* To the second: that is enough to know which outage it was. */
static void print_time(int64_t ns, bool known)
{
    char text[RFC3339_SIZE];
    rfc3339_format(text, ns);
    printf("  %-20.*s", known ? 20 : 1, known ? text : "-");
}

static void print_text(const struct list *list, const struct route_config *route,
                       const struct heap *heap, const char *reasons)
{
    printf("%-*s  %8" PRIu64 "  %12" PRIu64, list->width, route->name, heap->count, heap->bytes);
    if (route->dead_letters_bytes_max)
        printf("  %12" PRId64, route->dead_letters_bytes_max);
    else
        printf("  %12s", "-");
    print_time(heap->oldest_ns, heap->count);
    print_time(heap->newest_ns, heap->count);
    printf("  %s\n", heap->count ? reasons : "-");
}

/* A route whose sink refuses nothing, and never had one that did, is left out. */
static int print_route(void *context, const struct route_config *route, struct ledger *ledger,
                       struct error *error)
{
    struct list *list = context;
    struct heap heap = {.json = list->json, .reasons = BUF_INIT(REASONS_TEXT_MAX)};
    int r = ledger_letter_reasons(ledger, add_reason, &heap, error);
    const char *reasons = buf_string(&heap.reasons);
    if (r == 0 && (heap.count || route->dead_letters_bytes_max)) {
        if (list->json)
            print_json(list, route, &heap, reasons ? reasons : "");
        else
            print_text(list, route, &heap, reasons ? reasons : "-");
    }
    buf_deinit(&heap.reasons);
    return r;
}

static int name_width(const struct config *config)
{
    int width = (int)sizeof("ROUTE") - 1;
    for (size_t i = 0; i < config->route_count; i++) {
        int size = (int)strlen(config->routes[i].name);
        width = size > width ? size : width;
    }
    return width;
}

enum verb_exit dead_ls(const struct dead_request *request)
{
    struct list list = {.json = request->json, .width = name_width(request->config)};
    if (list.json)
        fputs("[\n", stdout);
    else
        printf("%-*s  %8s  %12s  %12s  %-20s  %-20s  %s\n", list.width, "ROUTE", "LETTERS", "BYTES",
               "OF", "OLDEST", "NEWEST", "REASONS");
    enum verb_exit end = dead_each_ledger(request, LEDGER_READ_ONLY, print_route, &list);
    if (list.json)
        fputs(list.printed ? "\n]\n" : "]\n", stdout);
    return end;
}
