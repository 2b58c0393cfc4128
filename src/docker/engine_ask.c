// SPDX-License-Identifier: Apache-2.0
#include "docker/engine_ask.h"

#include "base/clock.h"

/* {"type":["container","network"]} */
#define EVENT_FILTERS "%7B%22type%22%3A%5B%22container%22%2C%22network%22%5D%7D"

void ask_free(struct ask *a)
{
    engine_transfer_free(a->transfer);
    free(a);
}

static void events_path(const struct ask *a, const char *version, char to[ASK_PATH_MAX])
{
    char since[64] = "";

    if (a->since_ns > 0)
        snprintf(since, sizeof(since), "since=%lld.%09lld&",
                 (long long)(a->since_ns / NS_PER_SECOND),
                 (long long)(a->since_ns % NS_PER_SECOND));
    snprintf(to, ASK_PATH_MAX, "%s/events?%sfilters=%s", version, since, EVENT_FILTERS);
}

void ask_path(const struct ask *a, struct engine_version version, char to[ASK_PATH_MAX])
{
    char prefix[32] = "";

    if (version.major)
        snprintf(prefix, sizeof(prefix), "/v%u.%u", version.major, version.minor);
    switch (a->kind) {
    case ASK_PING: /* never checked against a version */
        snprintf(to, ASK_PATH_MAX, "/_ping");
        break;
    case ASK_INFO: snprintf(to, ASK_PATH_MAX, "%s/info", prefix); break;
    case ASK_LIST: /* D4: those that have ended, too */
        snprintf(to, ASK_PATH_MAX, "%s/containers/json?all=1", prefix);
        break;
    case ASK_INSPECT: snprintf(to, ASK_PATH_MAX, "%s/containers/%s/json", prefix, a->id); break;
    case ASK_EVENTS: events_path(a, prefix, to); break;
    }
}

void ask_queue_init(struct ask_queue *q)
{
    q->first = NULL;
    q->end = &q->first;
}

void ask_queue_deinit(struct ask_queue *q)
{
    while (q->first)
        ask_free(ask_queue_remove(q, &q->first));
}

void ask_queue_push(struct ask_queue *q, struct ask *a)
{
    a->next = NULL;
    *q->end = a;
    q->end = &a->next;
}

struct ask **ask_queue_find(struct ask_queue *q, uint64_t ticket)
{
    for (struct ask **link = &q->first; *link; link = &(*link)->next)
        if ((*link)->ticket == ticket)
            return link;
    return NULL;
}

struct ask *ask_queue_remove(struct ask_queue *q, struct ask **link)
{
    struct ask *a = *link;

    *link = a->next;
    if (q->end == &a->next)
        q->end = link;
    return a;
}
