// SPDX-License-Identifier: Apache-2.0
#include "model/container_fold.h"

#include <errno.h>

#include "base/check.h"
#include "base/word.h"

/* Behind its directory, where the file is named as usual. */
#define USUAL_TAIL "/%s/%s-json.log"
enum { USUAL_TAIL_SIZE = sizeof(USUAL_TAIL) - 1 - 2 * 2 + 2 * CONTAINER_ID_SIZE };

/* True where it was for all. */
static bool each_word(struct container *c, bool (*apply)(const char **text))
{
    const char **texts[] = {
        &c->id,
        &c->image,
        &c->state,
        &c->status,
        &c->platform,
        &c->command,
        &c->network_mode,
        &c->log_driver,
        &c->log_path,
        &c->constants.source,
        &c->constants.service,
    };
    bool all = true;
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        all &= apply(texts[i]);
    for (size_t i = 0; i < c->labels.count; i++) {
        all &= apply(&c->labels.items[i].key);
        all &= apply(&c->labels.items[i].value);
    }
    for (size_t i = 0; i < c->networks.count; i++)
        all &= apply(&c->networks.items[i].key);
    return all;
}

/* False, and NULL, without memory. */
static bool take(const char **text)
{
    *text = word_take(*text);
    return *text;
}

static bool drop(const char **text)
{
    *text = word_drop(*text);
    return true;
}

void container_fold_drop(struct container *folded)
{
    each_word(folded, drop);
}

/* The directory of all logs, where the log path is this container's usual one; else NULL. */
static char *usual_directory(const struct container *c)
{
    char tail[USUAL_TAIL_SIZE + 1];
    size_t size = strlen(c->log_path);
    snprintf(tail, sizeof(tail), USUAL_TAIL, c->id, c->id);
    if (size < USUAL_TAIL_SIZE || size >= CONTAINER_LOG_PATH_MAX ||
        strcmp(c->log_path + size - USUAL_TAIL_SIZE, tail) != 0)
        return NULL;
    return strndup(c->log_path, size - USUAL_TAIL_SIZE);
}

const char *container_log_path(const struct container *c, char room[CONTAINER_LOG_PATH_MAX])
{
    if (!c->usual_log_path)
        return c->log_path;
    int size = snprintf(room, CONTAINER_LOG_PATH_MAX, "%s" USUAL_TAIL, c->log_path, c->id, c->id);
    CHECK(size < CONTAINER_LOG_PATH_MAX);
    return room;
}

/* What is the container's alone lies behind the pairs: its name, host name and addresses. */
static size_t own_text_size(const struct container *c)
{
    size_t size = strlen(c->name) + 1 + strlen(c->hostname) + 1;
    for (size_t i = 0; i < c->networks.count; i++)
        size += strlen(c->networks.items[i].value) + 1;
    return size;
}

static const char *keep(char **to, const char *text)
{
    const char *kept = *to;
    *to = stpcpy(*to, text) + 1;
    return kept;
}

static struct pair *keep_pairs(struct pairs *pairs, struct pair *to)
{
    if (pairs->count)
        memcpy(to, pairs->items, pairs->count * sizeof(*to));
    pairs->items = to;
    return to + pairs->count;
}

int container_fold(struct container **ret, struct container *c)
{
    if (c->folded) {
        *ret = container_ref(c);
        return 0;
    }
    CLEANUP_FREE char *directory = usual_directory(c);
    size_t pair_count = c->labels.count + c->networks.count;
    struct container *f = malloc(sizeof(*f) + pair_count * sizeof(struct pair) + own_text_size(c));
    if (!f)
        return -ENOMEM;
    *f = *c;
    f->refs = 1;
    f->folded = true;
    f->rendered = (struct pairs){0};
    f->usual_log_path = directory;
    if (directory)
        f->log_path = directory;
    struct pair *pairs = keep_pairs(&f->labels, (struct pair *)(f + 1));
    char *text = (char *)keep_pairs(&f->networks, pairs);
    f->name = keep(&text, c->name);
    f->hostname = keep(&text, c->hostname);
    for (size_t i = 0; i < f->networks.count; i++)
        f->networks.items[i].value = keep(&text, f->networks.items[i].value);
    if (!each_word(f, take)) {
        container_unref(f);
        return -ENOMEM;
    }
    *ret = f;
    return 0;
}

int container_unfold(struct container **ret, struct container *c)
{
    if (!c->folded) {
        *ret = container_ref(c);
        return 0;
    }
    char room[CONTAINER_LOG_PATH_MAX];
    return container_new(ret, &(struct container_fields){
                                  .id = c->id,
                                  .name = c->name,
                                  .image = c->image,
                                  .created_ns = c->created_ns,
                                  .started_ns = c->started_ns,
                                  .state = c->state,
                                  .status = c->status,
                                  .platform = c->platform,
                                  .hostname = c->hostname,
                                  .command = c->command,
                                  .labels = c->labels,
                                  .networks = c->networks,
                                  .network_mode = c->network_mode,
                                  .log_driver = c->log_driver,
                                  .log_path = container_log_path(c, room),
                                  .rotation_bytes = c->rotation_bytes,
                                  .cache_disabled = c->cache_disabled,
                                  .tty = c->tty,
                                  .constants = c->constants,
                              });
}
