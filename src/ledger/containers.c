// SPDX-License-Identifier: Apache-2.0
#include "ledger/containers.h"

#include <errno.h>

#include "ledger/columns.h"
#include "ledger/containers_schema.h"
#include "ledger/database.h"

struct containers {
    struct database *database; /* owned */
};

struct containers *containers_close(struct containers *c)
{
    if (!c)
        return NULL;

    database_close(c->database);
    free(c);
    return NULL;
}

int containers_open(struct containers **ret, const char *path, const char *vfs, unsigned flags,
                    struct error *error)
{
    CLEANUP(containers_close) struct containers *c = calloc(1, sizeof(*c));
    if (!c)
        return error_set(error, -ENOMEM, "%s: out of memory", path);

    int r =
        database_open(&c->database, path, vfs, flags & LEDGER_READ_ONLY ? DATABASE_READ_ONLY : 0,
                      &containers_schema, error);
    if (r < 0)
        return r;

    *ret = TAKE(c);
    return 0;
}

int containers_each(struct containers *c, int (*visit)(void *, const struct container_row *),
                    void *context, struct error *error)
{
    int r;

    CLEANUP(row_end) struct row row = database_row(c->database, SELECT_CONTAINERS);
    while ((r = database_next(c->database, &row, error)) > 0) {
        struct container_row container = {.id = row_get_text(&row)};
        container.record = row_get_text(&row);
        container.removed_ns = row_get_unless(&row, 0);
        r = database_got(c->database, &row, error);
        if (r == 0)
            r = visit(context, &container);
        if (r)
            return r;
    }
    return r;
}

static void put_segment_row(struct row *row, const struct segment_row *segment)
{
    put_segment(row, &segment->ref);
    row_put_bool(row, segment->gzip);
    row_put_bool(row, segment->sealed);
    row_put_bool(row, segment->cut);
    row_put_text(row, segment->hole ? gap_reason_word(segment->reason) : NULL);
    row_put_unless(row, segment->bytes, GAP_BYTES_UNKNOWN);
}

static void get_segment_row(struct row *row, struct segment_row *ret)
{
    get_segment(row, &ret->ref);
    ret->gzip = row_get_bool(row);
    ret->sealed = row_get_bool(row);
    ret->cut = row_get_bool(row);
    ret->hole = !row_skip_null(row);
    if (ret->hole)
        ret->reason = get_reason(row);
    ret->bytes = row_get_unless(row, GAP_BYTES_UNKNOWN);
}

int containers_segments(struct containers *c, const char *id,
                        int (*visit)(void *, const struct segment_row *), void *context,
                        struct error *error)
{
    int r;

    CLEANUP(row_end) struct row row = database_row(c->database, SELECT_SEGMENTS);
    row_put_text(&row, id);
    while ((r = database_next(c->database, &row, error)) > 0) {
        struct segment_row segment = {0};
        get_segment_row(&row, &segment);
        r = database_got(c->database, &row, error);
        if (r == 0)
            r = visit(context, &segment);
        if (r)
            return r;
    }
    return r;
}

int containers_eras(struct containers *c, const char *id,
                    int (*visit)(void *, const struct era_row *), void *context,
                    struct error *error)
{
    int r;

    CLEANUP(row_end) struct row row = database_row(c->database, SELECT_ERAS);
    row_put_text(&row, id);
    while ((r = database_next(c->database, &row, error)) > 0) {
        struct era_row era = {.serial = row_get_u64(&row)};
        era.offset = row_get_u64(&row);
        era.record = row_get_text(&row);
        r = database_got(c->database, &row, error);
        if (r == 0)
            r = visit(context, &era);
        if (r)
            return r;
    }
    return r;
}

int containers_begin(struct containers *c, struct error *error)
{
    return database_begin(c->database, error);
}

int containers_put(struct containers *c, const struct container_row *container, struct error *error)
{
    struct row row = database_row(c->database, PUT_CONTAINER);
    row_put_text(&row, container->id);
    row_put_text(&row, container->record);
    row_put_unless(&row, container->removed_ns, 0);
    return database_run(c->database, &row, NULL, error);
}

int containers_put_segment(struct containers *c, const char *id, const struct segment_row *segment,
                           struct error *error)
{
    struct row row = database_row(c->database, PUT_SEGMENT);
    put_segment_row(&row, segment);
    row_put_text(&row, id);
    return database_run_one(c->database, &row, "container", error);
}

int containers_delete_segment(struct containers *c, const char *id, uint64_t serial,
                              struct error *error)
{
    struct row row = database_row(c->database, DELETE_SEGMENT);
    row_put_text(&row, id);
    row_put_u64(&row, serial);
    return database_run(c->database, &row, NULL, error);
}

/* Runs one of the deletions of what belongs to a container. */
static int delete_of(struct containers *c, enum containers_statement statement, const char *id,
                     struct error *error)
{
    struct row row = database_row(c->database, statement);
    row_put_text(&row, id);
    return database_run(c->database, &row, NULL, error);
}

int containers_put_eras(struct containers *c, const char *id, const struct era_row *rows,
                        size_t count, struct error *error)
{
    int r = delete_of(c, DELETE_ERAS, id, error);

    for (size_t i = 0; r == 0 && i < count; i++) {
        struct row row = database_row(c->database, PUT_ERA);
        row_put_u64(&row, rows[i].serial);
        row_put_u64(&row, rows[i].offset);
        row_put_text(&row, rows[i].record);
        row_put_text(&row, id);
        r = database_run_one(c->database, &row, "container", error);
    }
    return r;
}

int containers_delete(struct containers *c, const char *id, struct error *error)
{
    int r = delete_of(c, DELETE_SEGMENTS, id, error);
    if (r == 0)
        r = delete_of(c, DELETE_ERAS, id, error);
    if (r == 0)
        r = delete_of(c, DELETE_CONTAINER, id, error);
    return r;
}

int containers_commit(struct containers *c, struct error *error)
{
    return database_commit(c->database, NULL, error);
}

void containers_rollback(struct containers *c)
{
    database_rollback(c->database);
}

int containers_checkpoint(struct containers *c, struct error *error)
{
    int r = database_checkpoint(c->database, error);
    database_rest(c->database);
    return r;
}
