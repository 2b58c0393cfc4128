// SPDX-License-Identifier: Apache-2.0
#include "ledger/letters.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "ledger/label_text.h"
#include "ledger/ledger_private.h"
#include "ledger/ledger_schema.h"

/* Stable: they stand in the files of users. In the order of the enums. */
static const char *const stream_words[] = {"stdout", "stderr"};
static const char *const form_words[] = {"bytes", "json"};

/* The labels of a letter's container. Letters come in runs of one container, whose labels are
 * rendered once. */
static const char *labels_text(struct ledger *l, const struct container *c)
{
    if (l->labels_of != c) {
        buf_clear(&l->labels);
        label_text_write(&l->labels, &c->rendered);
        l->labels_of = buf_string(&l->labels) ? c : NULL;
    }
    return buf_string(&l->labels);
}

static void put_letter(struct row *row, const struct ledger_letter *letter, const char *labels)
{
    const struct container *c = letter->container;
    row_put_i64(row, letter->source);
    row_put_i64(row, letter->refused_ns);
    row_put_text(row, letter->reason);
    row_put_text(row, letter->answer);
    row_put_i64(row, letter->time_ns);
    row_put_u64(row, letter->serial);
    row_put_u64(row, letter->offset);
    row_put_text(row, stream_words[letter->stream]);
    row_put_i64(row, letter->flags);
    row_put_text(row, form_words[letter->form]);
    row_put_text(row, c->id);
    row_put_text(row, c->name);
    row_put_bool(row, c->tty);
    row_put_text(row, labels);
    row_put_bytes(row, letter->message);
    row_put_bytes(row, letter->attrs);
}

int ledger_put_letter(struct ledger *l, const struct ledger_letter *letter, struct error *error)
{
    const char *labels = labels_text(l, letter->container);
    if (!labels) {
        int r = l->labels.failed;
        ledger_rollback(l);
        return error_set(error, r, "%s: the labels of %s take too much memory",
                         database_path(l->database), letter->container->name);
    }

    struct row row = database_row(l->database, INSERT_LETTER);
    row_put_u64(&row, letter->message.size + letter->attrs.size + strlen(letter->answer) +
                          l->labels.size);
    put_letter(&row, letter, labels);
    return database_run_one(l->database, &row, "dead letter", error);
}

int ledger_answer_letter(struct ledger *l, uint64_t key, int64_t refused_ns, const char *reason,
                         const char *answer, struct error *error)
{
    struct row row = database_row(l->database, UPDATE_LETTER);
    row_put_i64(&row, refused_ns);
    row_put_text(&row, reason);
    row_put_text(&row, answer);
    row_put_u64(&row, key);
    return database_run_one(l->database, &row, "dead letter", error);
}

static int run_on(struct ledger *l, enum ledger_statement statement, uint64_t key,
                  int64_t *ret_changed, struct error *error)
{
    struct row row = database_row(l->database, statement);
    row_put_u64(&row, key);
    return database_run(l->database, &row, ret_changed, error);
}

int ledger_redeem_letter(struct ledger *l, uint64_t key, struct error *error)
{
    int64_t changed = 0;
    int r = run_on(l, REDEEM_IN_SOURCE, key, &changed, error);
    if (r == 0 && changed == 0)
        r = run_on(l, REDEEM_IN_DAY, key, &changed, error);
    if (r < 0)
        return r;
    if (changed == 0) {
        ledger_rollback(l);
        return error_set(error, -ENOENT,
                         "%s: the ledger knows no dead letter %" PRIu64
                         " that is counted as refused",
                         database_path(l->database), key);
    }
    return run_on(l, DELETE_LETTER, key, NULL, error);
}

/* Whose labels were read last: the next letter's are mostly the same. */
struct reading {
    struct container *container; /* owned */
    char *labels;                /* owned: as they were read */
};

static bool still_holds(const struct reading *reading, const char *id, const char *name, bool tty,
                        const char *labels)
{
    const struct container *c = reading->container;
    return c && strcmp(c->id, id) == 0 && strcmp(c->name, name) == 0 && c->tty == tty &&
           strcmp(reading->labels, labels) == 0;
}

static int restore(struct reading *reading, const char *id, const char *name, bool tty,
                   const char *labels)
{
    struct pairs rendered;
    int r = label_text_read(span_of(labels), &rendered);
    if (r < 0)
        return r;

    reading->container = container_unref(reading->container);
    free(reading->labels);
    reading->labels = strdup(labels);
    r = reading->labels ? container_restore(&reading->container, id, name, &rendered, tty)
                        : -ENOMEM;
    free(rendered.items);
    return r;
}

static const struct container *get_container(struct row *row, struct reading *reading)
{
    const char *id = row_get_text(row), *name = row_get_text(row);
    bool tty = row_get_bool(row);
    const char *labels = row_get_text(row);
    if (row->failed)
        return NULL;

    int r =
        still_holds(reading, id, name, tty, labels) ? 0 : restore(reading, id, name, tty, labels);
    if (r < 0)
        row_fail(row, r == -ENOMEM ? SQLITE_NOMEM : SQLITE_CORRUPT);
    return reading->container;
}

static void read_letter(struct row *row, struct reading *reading, struct ledger_letter *ret)
{
    ret->key = row_get_u64(row);
    ret->source = (uint32_t)row_get_i64(row);
    ret->refused_ns = row_get_i64(row);
    ret->reason = row_get_text(row);
    ret->answer = row_get_text(row);
    ret->time_ns = row_get_i64(row);
    ret->serial = row_get_u64(row);
    ret->offset = row_get_u64(row);
    ret->stream = row_get_word(row, stream_words, ARRAY_SIZE(stream_words));
    ret->flags = (unsigned)row_get_i64(row);
    ret->form = row_get_word(row, form_words, ARRAY_SIZE(form_words));
    ret->container = get_container(row, reading);
    ret->message = row_get_bytes(row);
    ret->attrs = row_get_bytes(row);
}

static int visit_letters(struct ledger *l, struct row *row, struct reading *reading,
                         int (*visit)(void *, const struct ledger_letter *), void *context,
                         struct error *error)
{
    int r;
    while ((r = database_next(l->database, row, error)) > 0) {
        struct ledger_letter letter = {0};
        read_letter(row, reading, &letter);
        r = database_got(l->database, row, error);
        if (r == 0)
            r = visit(context, &letter);
        if (r)
            return r;
    }
    return r;
}

int ledger_letters(struct ledger *l, uint64_t after_key,
                   int (*visit)(void *, const struct ledger_letter *), void *context,
                   struct error *error)
{
    int r = ledger_settle(l, error);
    if (r < 0)
        return r;

    struct reading reading = {0};
    CLEANUP(row_end) struct row row = database_row(l->database, SELECT_LETTERS);
    row_put_u64(&row, after_key);
    r = visit_letters(l, &row, &reading, visit, context, error);
    container_unref(reading.container);
    free(reading.labels);
    return r;
}

bool ledger_letter_matches(const struct ledger_letter_filter *filter,
                           const struct ledger_letter *letter)
{
    return (!filter->key || letter->key == filter->key) &&
           (!filter->reason || strcmp(letter->reason, filter->reason) == 0);
}

int ledger_count_letters(struct ledger *l, const struct ledger_letter_filter *filter,
                         uint64_t *ret_count, uint64_t *ret_newest, struct error *error)
{
    int r = ledger_settle(l, error);
    if (r < 0)
        return r;

    CLEANUP(row_end) struct row row = database_row(l->database, COUNT_LETTERS);
    row_put_u64(&row, filter->key);
    row_put_text(&row, filter->reason);
    r = database_next(l->database, &row, error);
    if (r <= 0)
        return r;
    *ret_count = row_get_u64(&row);
    *ret_newest = row_get_u64(&row);
    return 0;
}

int ledger_drop_letters(struct ledger *l, const struct ledger_letter_filter *filter,
                        uint64_t *ret_count, struct error *error)
{
    int64_t count;
    int r = ledger_begin(l, error);
    if (r < 0)
        return r;
    struct row row = database_row(l->database, DELETE_LETTERS);
    row_put_u64(&row, filter->key);
    row_put_text(&row, filter->reason);
    r = database_run(l->database, &row, &count, error);
    if (r == 0)
        r = ledger_commit(l, error);
    if (r == 0)
        r = ledger_sync(l, error);
    if (r == 0)
        *ret_count = (uint64_t)count;
    return r;
}

int ledger_letter_sums(struct ledger *l, uint64_t *ret_count, uint64_t *ret_bytes,
                       struct error *error)
{
    int r = ledger_settle(l, error);
    if (r < 0)
        return r;

    CLEANUP(row_end) struct row row = database_row(l->database, SELECT_LETTER_SUMS);
    r = database_next(l->database, &row, error);
    if (r <= 0)
        return r;
    *ret_count = row_get_u64(&row);
    *ret_bytes = row_get_u64(&row);
    return 0;
}

int ledger_letter_reasons(struct ledger *l,
                          int (*visit)(void *, const struct ledger_letter_reason *), void *context,
                          struct error *error)
{
    int r = ledger_settle(l, error);
    if (r < 0)
        return r;

    CLEANUP(row_end) struct row row = database_row(l->database, SELECT_LETTER_REASONS);
    while ((r = database_next(l->database, &row, error)) > 0) {
        struct ledger_letter_reason reason = {.reason = row_get_text(&row)};
        reason.count = row_get_u64(&row);
        reason.bytes = row_get_u64(&row);
        reason.oldest_ns = row_get_i64(&row);
        reason.newest_ns = row_get_i64(&row);
        r = database_got(l->database, &row, error);
        if (r == 0)
            r = visit(context, &reason);
        if (r)
            return r;
    }
    return r;
}
