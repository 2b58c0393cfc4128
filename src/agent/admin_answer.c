// SPDX-License-Identifier: Apache-2.0
#include "agent/admin_answer.h"

#include <errno.h>

#include "agent/metric_table.h"

#define TEXT    "text/plain; charset=utf-8"
#define METRICS "text/plain; version=0.0.4; charset=utf-8"
#define JSON    "application/json"

/* What a question is asked with. */
struct question {
    struct status *status;
    struct status_report *report;
    struct buf *body;
};

static enum status_answer answer_healthy(const struct question *q)
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

static enum status_answer answer_ready(const struct question *q)
{
    bool ready = status_ask_ready(q->status);
    buf_append(q->body, ready ? SPAN("ready\n") : SPAN("not ready: still starting\n"));
    return ready ? STATUS_ANSWER_200 : STATUS_ANSWER_503;
}

static enum status_answer answer_report(const struct question *q,
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

static enum status_answer answer_metrics(const struct question *q)
{
    return answer_report(q, metric_table_write);
}

static enum status_answer answer_status(const struct question *q)
{
    return answer_report(q, status_print);
}

static const struct page {
    const char *path;
    const char *content_type;
    enum status_answer (*answer)(const struct question *q);
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

static enum status_answer answer_lost(const struct question *q)
{
    buf_append(q->body, SPAN("there is nothing here; there is:\n"));
    for (size_t i = 0; i < ARRAY_SIZE(pages); i++)
        buf_append_format(q->body, "%s\n", pages[i].path);
    return STATUS_ANSWER_404;
}

void admin_answer(struct admin_answer *ret, const char *method, const char *path,
                  struct status *status, struct status_report *report, struct buf *body)
{
    struct question q = {status, report, body};
    const struct page *page = find_page(path);
    *ret = (struct admin_answer){.content_type = TEXT};
    if (!page) {
        ret->status = answer_lost(&q);
    } else if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
        buf_append(body, SPAN("only GET and HEAD are answered here\n"));
        ret->status = STATUS_ANSWER_405;
        ret->allow = "GET, HEAD";
    } else {
        ret->status = page->answer(&q);
        if (ret->status == STATUS_ANSWER_200)
            ret->content_type = page->content_type;
    }
    status_count_answer(status, ret->status);
}
