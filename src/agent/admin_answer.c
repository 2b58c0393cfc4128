// SPDX-License-Identifier: Apache-2.0
#include "agent/admin_answer.h"

#include <errno.h>

#include "agent/admin_dead.h"
#include "agent/metric_table.h"

#define TEXT    "text/plain; charset=utf-8"
#define METRICS "text/plain; version=0.0.4; charset=utf-8"
#define JSON    "application/json"

static enum status_answer answer_healthy(const struct admin_question *q)
{
    char stuck[STATUS_NAME_SIZE];
    status_ask_alive(q->status, stuck);
    if (!stuck[0]) {
        buf_append(q->body, SPAN("healthy\n"));
        return STATUS_ANSWER_200;
    }
    buf_append_format(q->body, "not healthy: the thread of the %s hangs\n", stuck);
    return STATUS_ANSWER_503;
}

static enum status_answer answer_ready(const struct admin_question *q)
{
    bool ready = status_ask_ready(q->status);
    buf_append(q->body, ready ? SPAN("ready\n") : SPAN("not ready: still starting\n"));
    return ready ? STATUS_ANSWER_200 : STATUS_ANSWER_503;
}

static enum status_answer answer_report(const struct admin_question *q,
                                        void (*print)(const struct status_report *, struct buf *))
{
    int r = status_ask(q->status, q->report);
    if (r == 0)
        print(q->report, q->body);
    if (r == 0 && !q->body->failed)
        return STATUS_ANSWER_200;
    buf_clear(q->body);
    buf_append_format(q->body, "the status cannot be taken: %s\n",
                      strerror(r < 0 ? -r : -q->body->failed));
    return STATUS_ANSWER_503;
}

static enum status_answer answer_metrics(const struct admin_question *q)
{
    return answer_report(q, metric_table_write);
}

static enum status_answer answer_status(const struct admin_question *q)
{
    return answer_report(q, status_print);
}

static const struct page {
    const char *path;
    const char *content_type;
    enum status_answer (*answer)(const struct admin_question *q);
} pages[] = {
    {"/metrics", METRICS, answer_metrics}, {"/api/v1/status", JSON, answer_status},
    {"/-/healthy", TEXT, answer_healthy},  {"/health", TEXT, answer_healthy},
    {"/healthz", TEXT, answer_healthy},    {"/-/ready", TEXT, answer_ready},
    {"/readyz", TEXT, answer_ready},
};

static const struct page *find_page(const char *path)
{
    for (size_t i = 0; i < ARRAY_SIZE(pages); i++)
        if (strcmp(pages[i].path, path) == 0)
            return &pages[i];
    return NULL;
}

static enum status_answer answer_lost(const struct admin_question *q)
{
    buf_append(q->body, SPAN("there is nothing here; there is:\n"));
    for (size_t i = 0; i < ARRAY_SIZE(pages); i++)
        buf_append_format(q->body, "%s\n", pages[i].path);
    buf_append(q->body, SPAN("/api/v1/routes/NAME/dead\n/api/v1/routes/NAME/dead/replay\n"
                             "/api/v1/routes/NAME/dead/drop\n"));
    return STATUS_ANSWER_404;
}

static void refuse_method(struct admin_answer *ret, const struct admin_question *q,
                          const char *allow)
{
    buf_append_format(q->body, "only %s is answered here\n", allow);
    ret->status = STATUS_ANSWER_405;
    ret->allow = allow;
}

static bool only_reads(struct admin_answer *ret, const struct admin_question *q)
{
    if (strcmp(q->method, "GET") == 0 || strcmp(q->method, "HEAD") == 0)
        return true;
    refuse_method(ret, q, "GET, HEAD");
    return false;
}

static void answer_page(struct admin_answer *ret, const struct admin_question *q,
                        const struct page *page)
{
    if (!only_reads(ret, q))
        return;
    ret->status = page->answer(q);
    if (ret->status == STATUS_ANSWER_200)
        ret->content_type = page->content_type;
}

static void answer_letters(struct admin_answer *ret, const struct admin_question *q,
                           struct span name)
{
    if (!only_reads(ret, q))
        return;
    ret->status = admin_dead_show(q, name);
    if (ret->status == STATUS_ANSWER_200)
        ret->content_type = JSON;
}

static void answer_errand(struct admin_answer *ret, const struct admin_question *q,
                          struct span name, enum errand_kind kind)
{
    if (strcmp(q->method, "POST") != 0) {
        refuse_method(ret, q, "POST");
        return;
    }
    if (q->origin) {
        buf_append(q->body, SPAN("a web page may not ask for this\n"));
        ret->status = STATUS_ANSWER_403;
        return;
    }
    ret->status = admin_dead_begin(q, name, kind);
    if (ret->status == STATUS_ANSWER_202)
        ret->content_type = JSON;
}

void admin_answer(struct admin_answer *ret, const struct admin_question *q)
{
    struct span name = {0};
    const struct page *page = find_page(q->path);
    *ret = (struct admin_answer){.content_type = TEXT};
    switch (admin_dead_find(q->path, &name)) {
    case ADMIN_DEAD_SHOWN: answer_letters(ret, q, name); break;
    case ADMIN_DEAD_REPLAY: answer_errand(ret, q, name, ERRAND_REPLAY); break;
    case ADMIN_DEAD_DROP: answer_errand(ret, q, name, ERRAND_DROP); break;
    case ADMIN_DEAD_NONE:
        if (page)
            answer_page(ret, q, page);
        else
            ret->status = answer_lost(q);
    }
    status_count_answer(q->status, ret->status);
}
