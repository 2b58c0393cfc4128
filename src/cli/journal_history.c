// SPDX-License-Identifier: Apache-2.0
#include "cli/journal_history.h"

#include <errno.h>

struct journal_history {
    struct journal *journal;
    struct journal_source source;
    bool finished; /* nothing more but what is open */
};

/* There is one source, and whoever reads it asks by itself. */
static void activate_nobody(void *context, struct journal_source *s)
{
}

int journal_history_new(struct journal_history **ret, const char *directory, struct follow *follow)
{
    struct journal_history *h = calloc(1, sizeof(*h));
    if (!h)
        return -ENOMEM;
    struct journal_options options = {
        .directory = directory, .once = true, .activate = activate_nobody};
    int r = journal_new(&h->journal, &options);
    if (r < 0) {
        free(h);
        return r;
    }
    h->source.follow = follow;
    *ret = h;
    return 0;
}

struct journal_history *journal_history_free(struct journal_history *h)
{
    if (!h)
        return NULL;
    journal_leave(h->journal, &h->source);
    journal_free(h->journal);
    free(h);
    return NULL;
}

int journal_history_next(struct journal_history *h, struct follow_tools *tools,
                         const struct view *view, struct batch *batch, struct error *error)
{
    int r;
    if (h->finished)
        return FOLLOW_END;
    do
        r = journal_pull(h->journal, &h->source, tools, view, batch);
    while (r == FOLLOW_AGAIN);
    const char *missing = journal_missing(h->journal);
    if (missing)
        return error_set(error, -ENOENT, "%s", missing);
    if (r != FOLLOW_IDLE)
        return r;
    h->finished = true;
    r = journal_finish(h->journal, &h->source, tools, view, batch);
    return r == FOLLOW_IDLE ? FOLLOW_END : r;
}
