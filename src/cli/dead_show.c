// SPDX-License-Identifier: Apache-2.0
#include "cli/dead.h"

#include <errno.h>

#include "base/json_print.h"
#include "base/json_text.h"
#include "base/limits.h"

enum { STOP = 1 /* a visit's answer, beside 0 and -errno */ };

struct show {
    const struct dead_request *request;
    const struct route_config *route;
    uint64_t shown;
    struct buf object;
};

/* Valid JSON, whatever form the sink took it in. */
static void append_message(struct buf *to, const struct ledger_letter *letter)
{
    buf_append(to, SPAN(",\"message\":\""));
    if (letter->form == FORM_JSON)
        buf_append(to, letter->message);
    else
        json_text_escape(to, letter->message);
    buf_append_char(to, '"');
}

static void append_letter(struct buf *to, const char *route, const struct ledger_letter *letter)
{
    const struct pairs *labels = &letter->container->rendered;
    json_print_begin(to, NULL, '{');
    json_print_number(to, "key", letter->key);
    json_print_text(to, "route", route);
    json_print_time(to, "refused", letter->refused_ns);
    json_print_text(to, "reason", letter->reason);
    json_print_text(to, "answer", letter->answer);
    json_print_text(to, "container_id", letter->container->id);
    json_print_text(to, "container_name", letter->container->name);
    json_print_text(to, "stream", stream_word(letter->stream));
    json_print_time(to, "time", letter->time_ns);
    json_print_number(to, "serial", letter->serial);
    json_print_number(to, "offset", letter->offset);
    json_print_begin(to, "labels", '{');
    for (size_t i = 0; i < labels->count; i++)
        json_print_text(to, labels->items[i].key, labels->items[i].value);
    json_print_end(to, '}');
    if (letter->attrs.size) {
        buf_append(to, SPAN(",\"attrs\":"));
        buf_append(to, letter->attrs);
    }
    append_message(to, letter);
    buf_append(to, SPAN("}\n"));
}

static int show_letter(void *context, const struct ledger_letter *letter)
{
    struct show *show = context;
    const struct dead_request *request = show->request;
    if (request->filter.key && letter->key != request->filter.key)
        return STOP;
    buf_clear(&show->object);
    append_letter(&show->object, show->route->name, letter);
    if (show->object.failed)
        return show->object.failed;
    if (fwrite(show->object.data, 1, show->object.size, stdout) != show->object.size)
        return STOP;
    show->shown++;
    return request->filter.key || show->shown == request->limit ? STOP : 0;
}

static int show_route(void *context, const struct route_config *route, struct ledger *ledger,
                      struct error *error)
{
    struct show *show = context;
    uint64_t key = show->request->filter.key;
    if (show->request->limit && show->shown == show->request->limit)
        return 0;
    show->route = route;
    int r = ledger_letters(ledger, key ? key - 1 : 0, show_letter, show, error);
    if (r == -ENOBUFS || r == -ENOMEM)
        return error_set(error, r, "a letter of route %s: no memory", route->name);
    return r < 0 ? r : 0;
}

enum verb_exit dead_show(const struct dead_request *request)
{
    struct show show = {.request = request, .object = BUF_INIT(2 * LABELS_TEXT_MAX)};
    enum verb_exit end = dead_each_ledger(request, LEDGER_READ_ONLY, show_route, &show);
    buf_deinit(&show.object);
    if (end == VERB_DONE && request->filter.key && show.shown == 0) {
        struct error error;
        error_set(&error, -ENOENT, "route %s has no such letter", request->route->name);
        return dead_failed(&error);
    }
    return end;
}
