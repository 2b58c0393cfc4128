// SPDX-License-Identifier: Apache-2.0
#include "agent/admin_dead.h"

#include <errno.h>

#include "base/json_print.h"

#define ROUTES "/api/v1/routes/"

enum admin_dead_page admin_dead_find(const char *path, struct span *ret_name)
{
    if (strncmp(path, ROUTES, strlen(ROUTES)) != 0)
        return ADMIN_DEAD_NONE;
    const char *name = path + strlen(ROUTES), *end = strchr(name, '/');
    if (!end)
        return ADMIN_DEAD_NONE;
    *ret_name = (struct span){name, (size_t)(end - name)};
    return strcmp(end, "/dead") == 0          ? ADMIN_DEAD_SHOWN
           : strcmp(end, "/dead/replay") == 0 ? ADMIN_DEAD_REPLAY
           : strcmp(end, "/dead/drop") == 0   ? ADMIN_DEAD_DROP
                                              : ADMIN_DEAD_NONE;
}

static enum status_answer answer_no_route(const struct admin_question *q, struct span name)
{
    buf_append(q->body, SPAN("there is no route "));
    buf_append(q->body, name);
    buf_append_char(q->body, '\n');
    return STATUS_ANSWER_404;
}

static const char *const states[] = {
    [LETTERS_ON_THEIR_WAY] = "running", [LETTERS_DONE] = "done", [LETTERS_FAILED] = "failed"};

static void print_errand(struct buf *to, struct route *route, enum errand_kind kind)
{
    struct route_errand is;
    const struct letters_progress *progress = &is.progress;
    route_errand_status(route, kind, &is);
    if (is.number == 0) {
        buf_append_format(to, ",\"%s\":null", errand_word(kind));
        return;
    }
    json_print_begin(to, errand_word(kind), '{');
    json_print_number(to, "number", is.number);
    json_print_text(to, "state", states[progress->state]);
    if (kind == ERRAND_DROP) {
        json_print_number(to, "dropped", progress->dropped);
    } else {
        json_print_number(to, "delivered", progress->delivered);
        json_print_number(to, "refused", progress->refused);
        json_print_number(to, "left", progress->left);
    }
    json_print_text(to, "text", progress->text);
    json_print_end(to, '}');
}

enum status_answer admin_dead_show(const struct admin_question *q, struct span name)
{
    struct route *route = status_route(q->status, name);
    struct route_status is;
    if (!route)
        return answer_no_route(q, name);
    route_status(route, &is);
    json_print_begin(q->body, NULL, '{');
    json_print_text(q->body, "route", route_name(route));
    json_print_number(q->body, "letters", is.requests.letters);
    json_print_number(q->body, "bytes", is.requests.letter_bytes);
    print_errand(q->body, route, ERRAND_REPLAY);
    print_errand(q->body, route, ERRAND_DROP);
    buf_append(q->body, SPAN("}\n"));
    return STATUS_ANSWER_200;
}

/* False where it is no number from 1 on. */
static bool parse_key(const char *text, uint64_t *ret)
{
    char *end;
    if (*text < '0' || *text > '9')
        return false;
    errno = 0;
    *ret = strtoull(text, &end, 10);
    return errno == 0 && *end == '\0' && *ret > 0 && *ret <= INT64_MAX;
}

static enum status_answer answer_why_not(const struct admin_question *q, const char *why,
                                         enum status_answer status)
{
    buf_append_format(q->body, "%s\n", why);
    return status;
}

/* Nothing goes that was not named; and what it does not know how to heed it does not pass over. */
static bool names_what_to_drop(const struct admin_question *q)
{
    bool all = q->all && strcmp(q->all, "true") == 0;
    return !q->reason && !q->all == !all && !q->key == all;
}

enum status_answer admin_dead_begin(const struct admin_question *q, struct span name,
                                    enum errand_kind kind)
{
    struct ledger_letter_filter filter = {.reason = q->reason};
    struct route *route = status_route(q->status, name);
    struct error error = {""};
    uint64_t number;
    if (!route)
        return answer_no_route(q, name);
    if (kind == ERRAND_DROP && !names_what_to_drop(q))
        return answer_why_not(q, "a drop takes either key=N or all=true, and nothing else",
                              STATUS_ANSWER_400);
    if (q->key && !parse_key(q->key, &filter.key))
        return answer_why_not(q, "key is a number from 1 on", STATUS_ANSWER_400);
    if (route_ask_errand(route, kind, &filter, &number, &error) < 0)
        return answer_why_not(q, error.text, STATUS_ANSWER_409);
    json_print_begin(q->body, NULL, '{');
    json_print_text(q->body, "route", route_name(route));
    json_print_number(q->body, "number", number);
    buf_append(q->body, SPAN("}\n"));
    return STATUS_ANSWER_202;
}
