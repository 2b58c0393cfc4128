// SPDX-License-Identifier: Apache-2.0
#include "base/health.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

struct health {
    pthread_mutex_t lock;
    size_t count;  /* in `troubles`, oldest first */
    size_t untold; /* raised while there was no room */
    struct health_trouble troubles[HEALTH_TROUBLES_MAX];
};

int health_new(struct health **ret)
{
    struct health *h = calloc(1, sizeof(*h));
    if (!h)
        return -ENOMEM;
    pthread_mutex_init(&h->lock, NULL);
    *ret = h;
    return 0;
}

struct health *health_free(struct health *h)
{
    if (!h)
        return NULL;
    pthread_mutex_destroy(&h->lock);
    free(h);
    return NULL;
}

static struct health_trouble *find(struct health *h, const char *code, const char *subject)
{
    for (size_t i = 0; i < h->count; i++)
        if (strcmp(h->troubles[i].code, code) == 0 && strcmp(h->troubles[i].subject, subject) == 0)
            return &h->troubles[i];
    return NULL;
}

/* True where it is new. */
static bool put(struct health *h, const char *code, const char *subject, const char *reason)
{
    struct health_trouble *t = find(h, code, subject);
    if (t) {
        snprintf(t->reason, sizeof(t->reason), "%s", reason);
        return false;
    }
    if (h->count == HEALTH_TROUBLES_MAX) {
        h->untold++;
        return true;
    }
    t = &h->troubles[h->count++];
    t->since_ns = clock_now_ns();
    snprintf(t->code, sizeof(t->code), "%s", code);
    snprintf(t->subject, sizeof(t->subject), "%s", subject);
    snprintf(t->reason, sizeof(t->reason), "%s", reason);
    return true;
}

void health_raise(struct health *h, const char *code, const char *subject, const char *reason)
{
    if (!h)
        return;
    char kept[HEALTH_SUBJECT_MAX];
    snprintf(kept, sizeof(kept), "%s", subject);
    pthread_mutex_lock(&h->lock);
    bool fresh = put(h, code, kept, reason);
    pthread_mutex_unlock(&h->lock);
    if (fresh)
        log_line(LOG_WARN, code, reason, "subject=%s", LOG_QUOTE(kept));
}

void health_clear(struct health *h, const char *code, const char *subject)
{
    if (!h)
        return;
    char kept[HEALTH_SUBJECT_MAX];
    snprintf(kept, sizeof(kept), "%s", subject);
    pthread_mutex_lock(&h->lock);
    struct health_trouble *t = find(h, code, kept);
    if (t) {
        size_t i = (size_t)(t - h->troubles);
        h->count--;
        memmove(t, t + 1, (h->count - i) * sizeof(*t));
    } else if (h->untold) {
        h->untold--;
    }
    pthread_mutex_unlock(&h->lock);
    if (t)
        log_line(LOG_INFO, "health.healed", "what was wrong is over", "code=%s subject=%s", code,
                 LOG_QUOTE(kept));
}

size_t health_troubles(struct health *h, struct health_trouble *to, size_t max)
{
    pthread_mutex_lock(&h->lock);
    size_t count = h->count + h->untold;
    for (size_t i = 0; i < h->count && i < max; i++)
        to[i] = h->troubles[i];
    pthread_mutex_unlock(&h->lock);
    return count;
}
