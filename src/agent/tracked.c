// SPDX-License-Identifier: Apache-2.0
#include "agent/tracked.h"

#include <errno.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/word.h"
#include "docker/container_record.h"
#include "model/container_fold.h"

enum { FIRST_LOOKS_MAX = 16 };

int tracked_new(struct tracked **ret, const char *id)
{
    struct tracked *t = calloc(1, sizeof(*t));
    if (!t)
        return -ENOMEM;
    t->id = word_take(id);
    if (!t->id) {
        free(t);
        return -ENOMEM;
    }
    t->created = CHAIN_CREATED_UNKNOWN;
    t->record_stale = t->chain_stale = true;
    *ret = t;
    return 0;
}

static void free_eras(struct tracked *t)
{
    for (size_t i = 0; i < t->era_count; i++)
        container_unref(t->eras[i].container);
    free(t->eras);
    t->eras = NULL;
    t->era_count = 0;
}

struct tracked *tracked_free(struct tracked *t)
{
    if (!t)
        return NULL;
    free_eras(t);
    container_unref(t->container);
    slot_unref(t->slot);
    chain_free(t->chain);
    word_drop(t->id);
    free(t);
    return NULL;
}

static bool runs(const struct container *c)
{
    return strcmp(c->state, "running") == 0;
}

bool tracked_is_gone(const struct tracked *t)
{
    return t->gone || (t->chain && chain_is_gone(t->chain));
}

/* Where the log ends now. In the journal a position is a time: µs of the wall clock. */
static void log_end(const struct tracked *t, uint64_t *ret_serial, uint64_t *ret_offset)
{
    if (t->kind == LOG_KIND_JOURNALD) {
        *ret_serial = 0;
        *ret_offset = (uint64_t)(clock_now_ns() / NS_PER_US);
        return;
    }
    struct segment *live = t->chain ? chain_live(t->chain) : NULL;
    *ret_serial = live ? live->serial : 1;
    *ret_offset = live ? chain_live_size(t->chain) : 0;
}

static int append_era(struct tracked *t, uint64_t serial, uint64_t offset, struct container *c)
{
    void *eras = reallocarray(t->eras, t->era_count + 1, sizeof(*t->eras));
    if (!eras)
        return -ENOMEM;
    t->eras = eras;
    t->eras[t->era_count++] = (struct era){serial, offset, container_ref(c)};
    t->eras_dirty = true;
    return 0;
}

/* Past the maximum the two oldest become one: the older lines bear the younger record. */
static void merge_oldest(struct tracked *t)
{
    container_unref(t->eras[0].container);
    t->eras[1].serial = t->eras[0].serial;
    t->eras[1].offset = t->eras[0].offset;
    memmove(&t->eras[0], &t->eras[1], (t->era_count - 1) * sizeof(*t->eras));
    t->era_count--;
}

/* From where on the new record holds. A container that does not run writes nothing: what stands
 * behind the end of its log as it was then is already the work of the next run. */
static void era_position(const struct tracked *t, uint64_t *ret_serial, uint64_t *ret_offset)
{
    if (runs(t->container)) {
        log_end(t, ret_serial, ret_offset);
        return;
    }
    *ret_serial = t->quiet_serial;
    *ret_offset = t->quiet_offset;
}

static int begin_era(struct tracked *t, struct container *c)
{
    uint64_t serial, offset;
    era_position(t, &serial, &offset);
    struct era *last = &t->eras[t->era_count - 1];
    bool covers_nothing = last->serial > serial ||
                          (last->serial == serial && last->offset >= offset) ||
                          (t->era_count == 1 && serial <= 1 && offset == 0);
    if (covers_nothing) {
        container_unref(last->container);
        last->container = container_ref(c);
        t->eras_dirty = true;
        return 0;
    }
    if (t->era_count >= ERAS_MAX)
        merge_oldest(t);
    return append_era(t, serial, offset, c);
}

int tracked_set_record(struct tracked *t, struct container *whole, bool *ret_rendered)
{
    CLEANUP(container_unref) struct container *c = NULL;
    int r = container_fold(&c, whole);
    if (r < 0)
        return r;
    *ret_rendered = !t->container || !container_renders_same(t->container, c);
    if (t->era_count == 0)
        r = append_era(t, 0, 0, c);
    else if (*ret_rendered && t->container)
        r = begin_era(t, c);
    if (r < 0)
        return r;

    bool was_running = t->container && runs(t->container);
    if (!runs(c) && (was_running || !t->container))
        log_end(t, &t->quiet_serial, &t->quiet_offset);
    container_unref(t->container);
    t->container = container_ref(c);
    t->record_dirty = true;
    return 0;
}

/* Most have not changed while we were down: one record then stands for both. */
static void share_record(struct tracked *t)
{
    struct era *last = &t->eras[t->era_count - 1];
    if (!container_renders_same(last->container, t->container))
        return;
    container_unref(last->container);
    last->container = container_ref(t->container);
}

/* Most have one record for all that their log holds: the ledger has it once, and no eras. */
static bool is_one_era(const struct tracked *t)
{
    const struct era *only = &t->eras[0];
    return t->era_count == 1 && only->serial == 0 && only->offset == 0 &&
           container_renders_same(only->container, t->container);
}

/* The eras as they were before this start, oldest first, and as the ledger has them. */
static int restore_eras(struct tracked *t, const struct known_source *known,
                        const struct container_constants *constants, struct error *error)
{
    struct known_era one = {.record = known->record};
    const struct known_era *eras = known->era_count ? known->eras : &one;
    if (!eras->record)
        return 0;
    free_eras(t);
    for (size_t i = 0; i == 0 || i < known->era_count; i++) {
        CLEANUP(container_unref) struct container *whole = NULL;
        CLEANUP(container_unref) struct container *c = NULL;
        int r = container_record_parse(&whole, span_of(eras[i].record), constants, error);
        if (r == 0)
            r = container_fold(&c, whole);
        if (r == 0)
            r = append_era(t, eras[i].serial, eras[i].offset, c);
        if (r < 0)
            return r;
    }
    share_record(t);
    /* The ledger must get what it has only as the container's record before that is replaced. */
    t->eras_dirty = known->era_count == 0 && !is_one_era(t);
    return 0;
}

/* What changed while we were down holds from where the log ends as it is found. */
static int join_eras(struct tracked *t)
{
    struct container *last = t->eras[t->era_count - 1].container;
    if (container_renders_same(last, t->container))
        return 0;
    struct container *now = t->container;
    t->container = container_ref(last);
    int r = begin_era(t, now);
    container_unref(t->container);
    t->container = now;
    return r;
}

void tracked_mark_once_end(struct tracked *t)
{
    if (!t->chain) {
        uint64_t serial, offset;
        log_end(t, &serial, &offset);
        t->slot->once_serial = serial;
        t->slot->once_offset = offset;
        return;
    }
    struct segment *live = chain_live(t->chain);
    t->slot->once_serial = live ? live->serial : 0;
    t->slot->once_offset = chain_live_size(t->chain);
    if (chain_is_gone(t->chain)) {
        t->slot->once_serial = chain_highest_serial(t->chain);
        t->slot->once_offset = UINT64_MAX;
    }
}

bool tracked_cut(struct tracked *t, uint64_t serial)
{
    if (!chain_cut(t->chain, serial))
        return false;
    if (t->slot->once_serial == serial)
        tracked_mark_once_end(t);
    return true;
}

/* Once, when it is known where its log ends. What was written by a container that had never run
 * when we first saw it is the first run's, whose record comes. */
static int settle_in(struct tracked *t)
{
    int r = join_eras(t);
    if (t->known || strcmp(t->container->state, "created") != 0)
        log_end(t, &t->quiet_serial, &t->quiet_offset);
    tracked_mark_once_end(t);
    return r;
}

static int open_chain(struct tracked *t, const struct tracked_shared *shared,
                      const struct log_place *place, const struct known_source *known,
                      struct error *error)
{
    char directory[PATH_BYTES_MAX];
    const char *slash = strrchr(place->path, '/');
    CHECK(slash);
    snprintf(directory, sizeof(directory), "%.*s", (int)(slash - place->path), place->path);
    struct chain_options options = {
        .id = t->id,
        .known = known != NULL,
        .directory = directory,
        .live_name = slash + 1,
        .format = place->kind == LOG_KIND_JSON_FILE ? RECORD_JSON_FILE : RECORD_LOCAL,
        .rotation_bytes = place->kind == LOG_KIND_STREAM ? CONTAINER_ROTATION_UNKNOWN
                                                         : t->container->rotation_bytes,
        .tools = &shared->tools,
    };
    return chain_new(&t->chain, &options, known ? known->segments : NULL,
                     known ? known->segment_count : 0, error);
}

int tracked_open_source(struct tracked *t, const struct tracked_shared *shared,
                        const struct log_place *place, const struct known_source *known,
                        struct error *error)
{
    t->kind = place->kind;
    t->known = known != NULL;
    int r = t->kind == LOG_KIND_JOURNALD ? 0 : open_chain(t, shared, place, known, error);
    if (r < 0)
        return r;
    if (known && restore_eras(t, known, &shared->constants, error) < 0) {
        free_eras(t); /* the newest record then holds for all */
        r = append_era(t, 0, 0, t->container);
    }
    if (r == 0)
        r = slot_new(&t->slot, t->id, shared->route_count);
    if (r < 0) {
        t->chain = chain_free(t->chain);
        return error_set(error, r, "no memory");
    }
    t->slot->journal = t->kind == LOG_KIND_JOURNALD;
    if (!t->chain)
        return settle_in(t);
    tracked_mark_once_end(t);
    return 0;
}

/* A rotation between looking and opening only means to look again: what is published without a
 * look would have routes give up files that are there. */
int tracked_first_look(struct tracked *t)
{
    bool changed;
    int r = -ESTALE;
    for (int i = 0; r == -ESTALE && i < FIRST_LOOKS_MAX; i++) {
        t->created = CHAIN_CREATED_UNKNOWN;
        r = tracked_sync(t, &changed, NULL);
    }
    if (r == 0)
        return 0;
    t->chain_stale = true; /* which is told with the next look */
    t->created = CHAIN_CREATED_UNKNOWN;
    return r;
}

void tracked_close_source(struct tracked *t)
{
    chain_unpin_read(t->chain, UINT64_MAX);
    t->chain = chain_free(t->chain);
    t->slot = slot_unref(t->slot);
}

int tracked_sync(struct tracked *t, bool *ret_changed, struct error *error)
{
    *ret_changed = false;
    t->chain_stale = false;
    int created = t->created;
    t->created = 0;
    if (!t->chain)
        return 0;
    bool looked = chain_has_looked(t->chain);
    int r = chain_sync(t->chain, created, ret_changed, error);
    if (r == 0 && !looked) {
        *ret_changed = true;
        r = settle_in(t);
    }
    return r;
}

struct put_context {
    struct containers *book;
    const char *id;
    struct error *error;
};

static int put_element(void *context, const struct chain_known *e)
{
    struct put_context *c = context;
    struct segment_row row = {
        .ref = e->ref,
        .gzip = e->gzip,
        .sealed = e->sealed,
        .cut = e->cut,
        .hole = e->hole,
        .reason = e->reason,
        .bytes = e->bytes,
    };
    return containers_put_segment(c->book, c->id, &row, c->error);
}

static int drop_element(void *context, uint64_t serial)
{
    struct put_context *c = context;
    return containers_delete_segment(c->book, c->id, serial, c->error);
}

static int put_record(struct tracked *t, struct containers *book, struct error *error)
{
    struct buf text = BUF_INIT(CONTAINER_JSON_MAX);
    container_record_print(t->container, &text);
    const char *record = buf_string(&text);
    int r = record ? containers_put(book, &(struct container_row){t->id, record, 0}, error)
                   : error_set(error, text.failed, "%s: its record is too large", t->id);
    buf_deinit(&text);
    return r;
}

static int put_eras(struct tracked *t, struct containers *book, struct error *error)
{
    if (is_one_era(t))
        return containers_put_eras(book, t->id, NULL, 0, error);
    struct era_row *rows = calloc(t->era_count, sizeof(*rows));
    struct buf *texts = calloc(t->era_count, sizeof(*texts));
    int r = rows && texts ? 0 : error_set(error, -ENOMEM, "no memory");
    for (size_t i = 0; r == 0 && i < t->era_count; i++) {
        texts[i] = BUF_INIT(CONTAINER_JSON_MAX);
        container_record_print(t->eras[i].container, &texts[i]);
        rows[i] = (struct era_row){t->eras[i].serial, t->eras[i].offset, buf_string(&texts[i])};
        if (!rows[i].record)
            r = error_set(error, texts[i].failed, "%s: its record is too large", t->id);
    }
    if (r == 0)
        r = containers_put_eras(book, t->id, rows, t->era_count, error);
    for (size_t i = 0; texts && i < t->era_count; i++)
        buf_deinit(&texts[i]);
    free(texts);
    free(rows);
    return r;
}

int tracked_put(struct tracked *t, struct containers *book, struct error *error)
{
    int r = 0;
    if (!t->slot || !t->container)
        return 0;
    if (t->record_dirty)
        r = put_record(t, book, error);
    if (r == 0 && t->eras_dirty)
        r = put_eras(t, book, error);
    struct put_context context = {book, t->id, error};
    return r == 0 && t->chain ? chain_each_dirty(t->chain, put_element, drop_element, &context) : r;
}

void tracked_mark_clean(struct tracked *t)
{
    if (!t->slot)
        return;
    t->record_dirty = t->eras_dirty = false;
    if (t->chain)
        chain_mark_clean(t->chain);
}

int tracked_publish(struct tracked *t)
{
    size_t count = t->chain ? chain_count(t->chain) : 0;
    CLEANUP_FREE struct segment **segments = calloc(count + 1, sizeof(struct segment *));
    struct view *view;
    if (!segments)
        return -ENOMEM;
    if (t->chain)
        chain_segments(t->chain, segments);
    int r =
        view_new(&view, ++t->version, tracked_is_gone(t), segments, count, t->eras, t->era_count);
    if (r < 0)
        return r;
    view->unlooked = t->chain && !chain_has_looked(t->chain);
    slot_publish(t->slot, view);
    slot_mark_ready(t->slot);
    return 0;
}

/* Eras that every route has passed. */
static void drop_passed_eras(struct tracked *t, uint64_t needed)
{
    if (!t->chain) /* of the journal nobody tells a position */
        return;
    while (t->era_count > 1 && t->eras[1].serial < needed && needed != SLOT_NEEDS_NOTHING) {
        container_unref(t->eras[0].container);
        memmove(&t->eras[0], &t->eras[1], (t->era_count - 1) * sizeof(*t->eras));
        t->era_count--;
        t->eras_dirty = true;
    }
}

void tracked_release(struct tracked *t, bool *ret_changed)
{
    uint64_t needed = slot_needed(t->slot);
    *ret_changed = t->chain && chain_release(t->chain, needed);
    drop_passed_eras(t, needed);
    t->finished = tracked_is_gone(t) && needed == SLOT_NEEDS_NOTHING;
}
