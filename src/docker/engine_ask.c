// SPDX-License-Identifier: Apache-2.0
#include "docker/engine_ask.h"

#include "base/check.h"
#include "base/clock.h"

enum { FILTERS_MAX = 320 /* bytes of event filters, with the NUL */ };

void ask_free(struct ask *a)
{
    engine_transfer_free(a->transfer);
    free(a);
}

/* Percent-encodes all but letters and `_`, which is more than a query needs. */
static void escape(const char *text, char *to, size_t size)
{
    size_t at = 0;

    for (; *text && at + 4 <= size; text++) {
        bool plain = (*text >= 'a' && *text <= 'z') || *text == '_';
        at += (size_t)snprintf(to + at, size - at, plain ? "%c" : "%%%02X", (unsigned char)*text);
    }
    to[at] = '\0';
}

static void write_filters(char to[FILTERS_MAX])
{
    int at = snprintf(to, FILTERS_MAX, "{\"type\":[\"container\",\"network\"],\"event\":[");

    for (size_t i = 0; engine_event_actions[i]; i++)
        at += snprintf(to + at, FILTERS_MAX - (size_t)at, "%s\"%s\"", i ? "," : "",
                       engine_event_actions[i]);
    at += snprintf(to + at, FILTERS_MAX - (size_t)at, "]}");
    CHECK(at < FILTERS_MAX);
}

static void events_path(const struct ask *a, const char *version, char to[TRANSFER_PATH_MAX])
{
    char since[64] = "", filters[FILTERS_MAX], escaped[TRANSFER_PATH_MAX];

    if (a->since_ns > 0)
        snprintf(since, sizeof(since), "since=%lld.%09lld&",
                 (long long)(a->since_ns / NS_PER_SECOND),
                 (long long)(a->since_ns % NS_PER_SECOND));
    write_filters(filters);
    escape(filters, escaped, sizeof(escaped));
    int size = snprintf(to, TRANSFER_PATH_MAX, "%s/events?%sfilters=%s", version, since, escaped);
    CHECK(size < TRANSFER_PATH_MAX);
}

void ask_path(const struct ask *a, struct engine_version version, char to[TRANSFER_PATH_MAX])
{
    char prefix[32] = "";

    if (version.major)
        snprintf(prefix, sizeof(prefix), "/v%u.%u", version.major, version.minor);
    switch (a->kind) {
    case ASK_PING: /* never checked against a version */
        snprintf(to, TRANSFER_PATH_MAX, "/_ping");
        break;
    case ASK_INFO: snprintf(to, TRANSFER_PATH_MAX, "%s/info", prefix); break;
    case ASK_LIST: /* D4: those that have ended, too */
        snprintf(to, TRANSFER_PATH_MAX, "%s/containers/json?all=1", prefix);
        break;
    case ASK_INSPECT:
        snprintf(to, TRANSFER_PATH_MAX, "%s/containers/%s/json", prefix, a->id);
        break;
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
