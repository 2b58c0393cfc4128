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

static void print_replay(struct buf *to, const struct route_replay *replay)
{
    const struct letters_progress *progress = &replay->progress;
    if (replay->number == 0) {
        buf_append(to, SPAN(",\"replay\":null"));
        return;
    }
    json_print_begin(to, "replay", '{');
    json_print_number(to, "number", replay->number);
    json_print_text(to, "state", states[progress->state]);
    json_print_number(to, "delivered", progress->delivered);
    json_print_number(to, "refused", progress->refused);
    json_print_number(to, "left", progress->left);
    json_print_text(to, "text", progress->text);
    json_print_end(to, '}');
}

static void print_drop(struct buf *to, const struct route_drop *drop)
{
    if (drop->number == 0) {
        buf_append(to, SPAN(",\"drop\":null"));
        return;
    }
    json_print_begin(to, "drop", '{');
    json_print_number(to, "number", drop->number);
    json_print_text(to, "state", states[drop->state]);
    json_print_number(to, "dropped", drop->dropped);
    json_print_text(to, "text", drop->text);
    json_print_end(to, '}');
}

enum status_answer admin_dead_show(const struct admin_question *q, struct span name)
{
    struct route *route = status_route(q->status, name);
    struct route_status is;
    struct route_replay replay;
    struct route_drop drop;
    if (!route)
        return answer_no_route(q, name);
    route_status(route, &is);
    route_replay_status(route, &replay);
    route_drop_status(route, &drop);
    json_print_begin(q->body, NULL, '{');
    json_print_text(q->body, "route", route_name(route));
    json_print_number(q->body, "letters", is.requests.letters);
    json_print_number(q->body, "bytes", is.requests.letter_bytes);
    print_replay(q->body, &replay);
    print_drop(q->body, &drop);
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

static enum status_answer answer_bad(const struct admin_question *q, const char *why)
{
    buf_append_format(q->body, "%s\n", why);
    return STATUS_ANSWER_400;
}

static enum status_answer answer_begun(const struct admin_question *q, const struct route *route,
                                       uint64_t number)
{
    json_print_begin(q->body, NULL, '{');
    json_print_text(q->body, "route", route_name(route));
    json_print_number(q->body, "number", number);
    buf_append(q->body, SPAN("}\n"));
    return STATUS_ANSWER_202;
}

static enum status_answer answer_not_now(const struct admin_question *q, const struct error *error)
{
    buf_append_format(q->body, "%s\n", error->text);
    return STATUS_ANSWER_409;
}

enum status_answer admin_dead_replay(const struct admin_question *q, struct span name)
{
    struct ledger_letter_filter filter = {.reason = q->reason};
    struct route *route = status_route(q->status, name);
    struct error error = {""};
    uint64_t number;
    if (!route)
        return answer_no_route(q, name);
    if (q->key && !parse_key(q->key, &filter.key))
        return answer_bad(q, "key is a number from 1 on");
    if (route_replay(route, &filter, &number, &error) < 0)
        return answer_not_now(q, &error);
    return answer_begun(q, route, number);
}

/* Nothing goes that was not named; and what it does not know how to heed it does not pass over. */
enum status_answer admin_dead_drop(const struct admin_question *q, struct span name)
{
    struct ledger_letter_filter filter = {0};
    struct route *route = status_route(q->status, name);
    struct error error = {""};
    bool all = q->all && strcmp(q->all, "true") == 0;
    uint64_t number;
    if (!route)
        return answer_no_route(q, name);
    if (q->reason || (q->all && !all) || !q->key == !all)
        return answer_bad(q, "a drop takes either key=N or all=true, and nothing else");
    if (q->key && !parse_key(q->key, &filter.key))
        return answer_bad(q, "key is a number from 1 on");
    if (route_drop(route, &filter, &number, &error) < 0)
        return answer_not_now(q, &error);
    return answer_begun(q, route, number);
}
