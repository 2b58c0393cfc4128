// SPDX-License-Identifier: Apache-2.0
#include "route_rig.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "sink/catalog.h"

struct sink {
    struct test_sink *state;
};

struct sink_target {
    char name[64];
};

static bool strikes(unsigned *left, struct error *error, const char *what)
{
    if (*left == 0)
        return false;
    (*left)--;
    error_set(error, -EIO, "the test's sink: %s", what);
    return true;
}

static int test_open(struct sink **ret, const void *options,
                     const struct sink_environment *environment, struct error *error)
{
    *ret = malloc(sizeof(**ret));
    assert_non_null(*ret);
    (*ret)->state = (struct test_sink *)options;
    return 0;
}

static struct sink *test_close(struct sink *s)
{
    buf_clear(&s->state->pending);
    free(s);
    return NULL;
}

static enum message_form test_form(const struct sink *s)
{
    return FORM_BYTES;
}

static int test_bind(struct sink *s, const struct container *c, struct sink_target **ret,
                     struct error *error)
{
    if (strikes(&s->state->fail_binds, error, "bind"))
        return -EIO;
    *ret = calloc(1, sizeof(**ret));
    assert_non_null(*ret);
    snprintf((*ret)->name, sizeof((*ret)->name), "%s", c->name);
    s->state->binds++;
    return 0;
}

static struct sink_target *test_unbind(struct sink *s, struct sink_target *target)
{
    free(target);
    s->state->unbinds++;
    return NULL;
}

static int test_encode(struct sink *s, struct sink_target *target, const struct batch *batch,
                       struct error *error)
{
    if (s->state->commit_first) {
        s->state->commit_first--;
        return SINK_COMMIT_FIRST;
    }
    if (strikes(&s->state->fail_encodes, error, "encode"))
        return SINK_FAILED;
    s->state->encodes++;
    for (size_t i = 0; i < batch->count; i++) {
        buf_append_format(&s->state->pending, "%s:", target->name);
        buf_append(&s->state->pending, batch->entries[i].message);
        buf_append_char(&s->state->pending, '\n');
    }
    return 0;
}

static int test_flush(struct sink *s, struct error *error)
{
    if (strikes(&s->state->fail_flushes, error, "flush"))
        return SINK_FAILED;
    s->state->flushes++;
    if (s->state->pending.size)
        buf_append(&s->state->delivered, buf_span(&s->state->pending));
    buf_clear(&s->state->pending);
    return SINK_DELIVERED;
}

static int test_recover(struct sink *s, const struct sink_rows *rows, struct sink_rows *changed,
                        struct error *error)
{
    if (strikes(&s->state->fail_recovers, error, "recover"))
        return SINK_FAILED;
    s->state->recovers++;
    buf_clear(&s->state->pending);
    return 0;
}

static const struct sink_ops test_sink_ops = {
    .type = "test",
    .open = test_open,
    .close = test_close,
    .form = test_form,
    .bind = test_bind,
    .unbind = test_unbind,
    .encode = test_encode,
    .flush = test_flush,
    .recover = test_recover,
};

static void init_source(struct route_rig *r, size_t i)
{
    char id[CONTAINER_ID_SIZE + 1], name[] = {(char)('a' + i), '\0'};
    memset(id, (int)('a' + i), CONTAINER_ID_SIZE);
    id[CONTAINER_ID_SIZE] = '\0';
    struct source_rig *s = &r->sources[i];
    source_rig_init_as(s, id, name);
    rig_write(s, "", SPAN(""));
    rig_sync(s, 1);
}

void route_rig_init(struct route_rig *r, size_t count)
{
    assert_true(count <= ROUTE_RIG_SOURCES_MAX);
    *r = (struct route_rig){.count = count, .now_ns = NS_PER_SECOND};
    roster_board_init(&r->board);
    for (size_t i = 0; i < count; i++)
        init_source(r, i);
    for (unsigned i = 0; i < RIG_ROUTES; i++) {
        r->sinks[i] = (struct test_sink){.pending = BUF_INIT(RIG_TEXT_MAX),
                                         .delivered = BUF_INIT(RIG_TEXT_MAX)};
        snprintf(r->ledger_paths[i], sizeof(r->ledger_paths[i]), "%.400s/route%u.db",
                 r->sources[0].root, i);
        r->options[i] = (struct route_options){
            .name = "test",
            .number = i,
            .match = &r->match,
            .sink = {&test_sink_ops, &r->sinks[i]},
            .environment = &r->environment,
            .ledger_path = r->ledger_paths[i],
            .board = &r->board,
            .monitor_fd = -1,
        };
    }
}

void route_rig_deinit(struct route_rig *r)
{
    for (unsigned i = 0; i < RIG_ROUTES; i++) {
        route_rig_close(r, i);
        assert_int_equal(r->sinks[i].binds, r->sinks[i].unbinds);
        buf_deinit(&r->sinks[i].pending);
        buf_deinit(&r->sinks[i].delivered);
    }
    roster_board_deinit(&r->board);
    for (size_t i = 0; i < r->count; i++)
        source_rig_deinit(&r->sources[i]);
}

static int by_id(const void *a, const void *b)
{
    return strcmp((*(struct slot *const *)a)->id, (*(struct slot *const *)b)->id);
}

void route_rig_publish(struct route_rig *r, size_t count)
{
    struct slot *slots[ROUTE_RIG_SOURCES_MAX];
    struct roster *roster;
    for (size_t i = 0; i < count; i++)
        slots[i] = r->sources[i].slot;
    qsort(slots, count, sizeof(struct slot *), by_id);
    assert_int_equal(roster_new(&roster, ++r->roster_version, slots, count), 0);
    roster_board_publish(&r->board, roster);
}

void route_rig_open(struct route_rig *r, unsigned number)
{
    struct error error = {""};
    if (route_open(&r->routes[number], &r->options[number], &error) < 0)
        fail_msg("%s", error.text);
}

void route_rig_close(struct route_rig *r, unsigned number)
{
    r->routes[number] = route_close(r->routes[number]);
}

int64_t route_rig_step(struct route_rig *r, unsigned number)
{
    int64_t timeout_ns;
    route_step(r->routes[number], r->now_ns, &timeout_ns);
    return timeout_ns;
}

void route_rig_go_on(struct route_rig *r, unsigned number)
{
    int64_t timeout_ns = route_rig_step(r, number);
    r->now_ns += timeout_ns == INT64_MAX ? NS_PER_MS : timeout_ns;
}

void route_rig_settle(struct route_rig *r, unsigned number)
{
    for (int i = 0; i < ROUTE_RIG_STEPS_MAX; i++) {
        int64_t timeout_ns = route_rig_step(r, number);
        if (timeout_ns == INT64_MAX)
            return;
        assert_true(timeout_ns >= 0);
        r->now_ns += timeout_ns;
    }
    fail_msg("the route never rests");
}

void route_rig_mark_ready(struct route_rig *r)
{
    for (size_t i = 0; i < r->count; i++)
        slot_mark_ready(r->sources[i].slot);
}

void assert_delivered(struct route_rig *r, unsigned number, const char *expected)
{
    struct buf *delivered = &r->sinks[number].delivered;
    assert_text_equal(delivered->size ? buf_span(delivered) : SPAN(""), span_of(expected));
    buf_clear(delivered);
}

static struct ledger *open_book(struct route_rig *r, unsigned number)
{
    struct error error = {""};
    struct ledger *book;
    if (ledger_open(&book, r->ledger_paths[number], NULL, LEDGER_READ_ONLY, 0, &error) < 0)
        fail_msg("%s", error.text);
    return book;
}

struct tally route_rig_total(struct route_rig *r, unsigned number)
{
    struct error error = {""};
    struct tally total;
    CLEANUP(ledger_close) struct ledger *book = open_book(r, number);
    assert_int_equal(ledger_total(book, &total, &error), 0);
    assert_true(tally_adds_up(&total));
    return total;
}

static int append_gap(void *context, const struct ledger_gap *g)
{
    struct buf *to = context;
    buf_append_format(to, "%s ", gap_reason_word(g->gap.reason));
    if (g->gap.bytes == GAP_BYTES_UNKNOWN)
        buf_append(to, SPAN("?\n"));
    else
        buf_append_format(to, "%" PRId64 "\n", g->gap.bytes);
    return 0;
}

void assert_booked(struct route_rig *r, unsigned number, const char *expected)
{
    struct error error = {""};
    struct buf gaps = BUF_INIT(64 * 1024);
    CLEANUP(ledger_close) struct ledger *book = open_book(r, number);
    assert_int_equal(ledger_gaps(book, append_gap, &gaps, &error), 0);
    assert_text_equal(gaps.size ? buf_span(&gaps) : SPAN(""), span_of(expected));
    buf_deinit(&gaps);
}
