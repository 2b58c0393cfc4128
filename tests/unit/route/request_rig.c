// SPDX-License-Identifier: Apache-2.0
#include "request_rig.h"

#include <errno.h>
#include <string.h>

#include "ledger/letters.h"

struct sink {
    struct request_rig *rig;
};

struct sink_target {
    char name[64];
    const char *tenant; /* the group: a letter of rig.tenants, its first place there */
};

static int rig_open_sink(struct sink **ret, const void *options,
                         const struct sink_environment *environment, struct error *error)
{
    *ret = malloc(sizeof(**ret));
    assert_non_null(*ret);
    (*ret)->rig = (struct request_rig *)options;
    return 0;
}

static struct sink *rig_close_sink(struct sink *s)
{
    assert_int_equal(request_rig_flying(s->rig), 0);
    free(s);
    return NULL;
}

static enum message_form rig_form_of(const struct sink *s)
{
    return FORM_BYTES;
}

static int rig_bind(struct sink *s, const struct container *c, struct sink_target **ret,
                    struct error *error)
{
    *ret = calloc(1, sizeof(**ret));
    assert_non_null(*ret);
    snprintf((*ret)->name, sizeof((*ret)->name), "%s", c->name);
    if (s->rig->tenants)
        (*ret)->tenant = strchr(s->rig->tenants, s->rig->tenants[c->name[0] - 'a']);
    s->rig->binds++;
    return 0;
}

static struct sink_target *rig_unbind(struct sink *s, struct sink_target *target)
{
    memset(target, '?', sizeof(*target));
    free(target);
    s->rig->unbinds++;
    return NULL;
}

const char *flight_container(const struct flight *f, size_t at)
{
    return request_part_at(f->request, at)->target->name;
}

static bool line_begins(const struct flight *f, size_t at, const char *word)
{
    return span_starts_with(f->request->entries[at].message, span_of(word));
}

bool flight_has(const struct flight *f, const char *word)
{
    for (size_t at = f->range.first; at < f->range.end; at++)
        if (line_begins(f, at, word))
            return true;
    return false;
}

static const char *id_of(const struct flight *f, size_t at)
{
    return request_part_at(f->request, at)->container->id;
}

/* R6: a source is in one request only, and in its order. */
static void check_flight(const struct request_rig *rig, const struct flight *f)
{
    assert_true(f->range.first < f->range.end && f->range.end <= f->request->count);
    const void *group = request_part_at(f->request, f->range.first)->terms.group;
    for (size_t at = f->range.first; at < f->range.end; at++)
        assert_ptr_equal(request_part_at(f->request, at)->terms.group, group);
    for (size_t at = f->range.first + 1; at < f->range.end; at++)
        if (strcmp(id_of(f, at), id_of(f, at - 1)) == 0)
            assert_true(f->request->entries[at].time_ns >= f->request->entries[at - 1].time_ns);
    for (size_t i = 0; i < REQUESTS_MAX; i++) {
        const struct flight *other = &rig->flights[i];
        if (!other->used || other == f)
            continue;
        assert_ptr_not_equal(other->request, f->request);
        for (size_t j = 0; j < f->request->part_count; j++)
            for (size_t k = 0; k < other->request->part_count; k++)
                assert_string_not_equal(f->request->parts[j].container->id,
                                        other->request->parts[k].container->id);
    }
}

static int rig_send(struct sink *s, unsigned slot, const struct request *q,
                    struct request_range range, struct error *error)
{
    struct request_rig *rig = s->rig;
    assert_true(slot < rig->options.requests_max);
    assert_false(rig->flights[slot].used);
    if (rig->fail_sends) {
        rig->fail_sends--;
        return error_set(error, -ENOBUFS, "the test's sink: send");
    }
    rig->flights[slot] =
        (struct flight){.used = true, .request = q, .range = range, .number = rig->sent++};
    check_flight(rig, &rig->flights[slot]);
    return 0;
}

static void rig_abandon(struct sink *s, unsigned slot)
{
    assert_true(s->rig->flights[slot].used);
    s->rig->flights[slot] = (struct flight){0};
    s->rig->abandoned++;
}

static size_t rig_wait(struct sink *s, struct pollfd *fds, size_t max, int64_t *timeout_ns)
{
    s->rig->waits++;
    if (s->rig->restless || (!s->rig->by_hand && request_rig_flying(s->rig)))
        *timeout_ns = 0;
    return 0;
}

static void take_line(struct request_rig *rig, const struct flight *f, size_t at)
{
    buf_append_format(&rig->delivered, "%s:", flight_container(f, at));
    buf_append(&rig->delivered, f->request->entries[at].message);
    buf_append_char(&rig->delivered, '\n');
    rig->lines_taken++;
}

static void take_all(struct request_rig *rig, const struct flight *f)
{
    for (size_t at = f->range.first; at < f->range.end; at++)
        take_line(rig, f, at);
}

static void judge_now(struct request_rig *rig, struct flight *f)
{
    if (rig->retries) {
        rig->retries--;
        f->answer = (struct sink_answer){.verdict = VERDICT_RETRY, .text = "the test says: later"};
    } else if (rig->judge) {
        rig->judge(rig, f, &f->answer);
    }
    f->answered = true;
}

static struct flight *oldest(struct request_rig *rig, bool answered)
{
    struct flight *found = NULL;
    for (size_t i = 0; i < REQUESTS_MAX; i++) {
        struct flight *f = &rig->flights[i];
        if (f->used && f->answered == answered && (!found || f->number < found->number))
            found = f;
    }
    return found;
}

static bool rig_step(struct sink *s, struct sink_answer *ret)
{
    struct request_rig *rig = s->rig;
    struct flight *f = oldest(rig, true);
    if (!f && !rig->by_hand && (f = oldest(rig, false)))
        judge_now(rig, f);
    if (!f)
        return false;
    if (f->answer.verdict == VERDICT_DELIVERED)
        take_all(rig, f);
    *ret = f->answer;
    ret->slot = (unsigned)(f - rig->flights);
    *f = (struct flight){0};
    return true;
}

static struct request_terms rig_terms(const struct sink_target *target)
{
    return (struct request_terms){.group = target->tenant};
}

static const struct sink_request_ops request_ops = {.terms = rig_terms,
                                                    .send = rig_send,
                                                    .abandon = rig_abandon,
                                                    .wait = rig_wait,
                                                    .step = rig_step};
static const struct sink_ops ops = {
    .type = "requests",
    .open = rig_open_sink,
    .close = rig_close_sink,
    .form = rig_form_of,
    .bind = rig_bind,
    .unbind = rig_unbind,
    .requests = &request_ops,
};

void request_rig_init(struct request_rig *rig, struct route_rig *route)
{
    *rig = (struct request_rig){.options.requests_max = 4, .delivered = BUF_INIT(RIG_TEXT_MAX)};
    route->options[0].sink = (struct sink_config){&ops, rig};
    route->options[0].batch_bytes_max = 1024 * 1024;
    route->options[0].batch_lines_max = 10000;
    route->options[0].dead_letters_bytes_max = 1024 * 1024;
}

void request_rig_deinit(struct request_rig *rig)
{
    assert_int_equal(rig->binds, rig->unbinds);
    buf_deinit(&rig->delivered);
}

size_t request_rig_flying(const struct request_rig *rig)
{
    size_t count = 0;
    for (size_t i = 0; i < REQUESTS_MAX; i++)
        count += rig->flights[i].used;
    return count;
}

size_t request_rig_lines(const struct request_rig *rig)
{
    size_t count = 0;
    for (size_t i = 0; i < REQUESTS_MAX; i++)
        count += rig->flights[i].range.end - rig->flights[i].range.first;
    return count;
}

size_t request_rig_under_way(const struct request_rig *rig)
{
    size_t count = 0;
    for (size_t i = 0; i < REQUESTS_MAX; i++)
        count += rig->flights[i].used ? rig->flights[i].request->count : 0;
    return count;
}

void request_rig_answer(struct request_rig *rig, unsigned slot, struct sink_answer answer)
{
    assert_true(rig->flights[slot].used);
    rig->flights[slot].answer = answer;
    rig->flights[slot].answered = true;
}

void request_rig_settle(struct request_rig *rig, struct route_rig *route)
{
    for (int i = 0; i < ROUTE_RIG_STEPS_MAX; i++) {
        int64_t timeout_ns = route_rig_step(route, 0);
        assert_true(timeout_ns >= 0);
        if ((!rig->by_hand && request_rig_flying(rig)) || oldest(rig, true))
            continue;
        if (timeout_ns == INT64_MAX)
            return;
        route->now_ns += timeout_ns;
    }
    fail_msg("the route never rests");
}

static void refuse(struct sink_answer *ret)
{
    *ret = (struct sink_answer){.verdict = VERDICT_REFUSED, .reason = "poison", .text = "HTTP 400"};
}

void judge_poison(struct request_rig *rig, const struct flight *f, struct sink_answer *ret)
{
    if (flight_has(f, "poison"))
        refuse(ret);
}

void judge_poison_alone(struct request_rig *rig, const struct flight *f, struct sink_answer *ret)
{
    if (!flight_has(f, "poison"))
        return;
    refuse(ret);
    for (size_t at = f->range.first; at < f->range.end; at++)
        if (!line_begins(f, at, "poison"))
            take_line(rig, f, at);
}

void judge_lines(struct request_rig *rig, const struct flight *f, struct sink_answer *ret)
{
    if (f->range.end - f->range.first > rig->lines_max)
        *ret = (struct sink_answer){.verdict = VERDICT_TOO_LARGE, .text = "HTTP 413"};
}

void judge_tenant(struct request_rig *rig, const struct flight *f, struct sink_answer *ret)
{
    const char *tenant = request_part_at(f->request, f->range.first)->target->tenant;
    if (rig->judged_by && *tenant == *rig->judged_by)
        *ret = (struct sink_answer){
            .verdict = VERDICT_RETRY, .of_group = true, .text = "HTTP 429: tenant limit"};
}

void judge_container(struct request_rig *rig, const struct flight *f, struct sink_answer *ret)
{
    for (size_t at = f->range.first; at < f->range.end; at++)
        if (rig->judged_by && strcmp(flight_container(f, at), rig->judged_by) == 0)
            *ret = (struct sink_answer){.verdict = VERDICT_RETRY,
                                        .target = request_part_at(f->request, at)->target,
                                        .text = "HTTP 429: per stream rate limit"};
}

void assert_requested(struct request_rig *rig, const char *expected)
{
    struct buf *delivered = &rig->delivered;
    assert_text_equal(delivered->size ? buf_span(delivered) : SPAN(""), span_of(expected));
    buf_clear(delivered);
}

size_t request_rig_count(const struct request_rig *rig, const char *line)
{
    size_t count = 0, size = strlen(line);
    struct span left = buf_span(&rig->delivered);
    while (left.size) {
        const char *end = memchr(left.data, '\n', left.size);
        count += (size_t)(end - left.data) == size && memcmp(left.data, line, size) == 0;
        left.size -= (size_t)(end + 1 - left.data);
        left.data = end + 1;
    }
    return count;
}

static int append_letter(void *context, const struct ledger_letter *letter)
{
    struct buf *to = context;
    assert_false(letter->flags & ENTRY_DELIVERED); /* else its replay would leave it out */
    buf_append_format(to, "%s:", letter->container->name);
    buf_append(to, letter->message);
    buf_append_format(to, " %s\n", letter->reason);
    return 0;
}

void assert_letters(struct route_rig *route, const char *expected)
{
    struct error error = {""};
    struct buf letters = BUF_INIT(RIG_TEXT_MAX);
    CLEANUP(ledger_close) struct ledger *book = NULL;
    assert_int_equal(ledger_open(&book, route->ledger_paths[0], NULL, LEDGER_READ_ONLY, 0, &error),
                     0);
    assert_int_equal(ledger_letters(book, 0, append_letter, &letters, &error), 0);
    assert_text_equal(letters.size ? buf_span(&letters) : SPAN(""), span_of(expected));
    buf_deinit(&letters);
}

void request_rig_begin(struct route_rig *route, struct request_rig *rig, size_t count)
{
    route_rig_init(route, count);
    request_rig_init(rig, route);
    route_rig_publish(route, count);
}

void request_rig_end(struct route_rig *route, struct request_rig *rig)
{
    route_rig_deinit(route);
    request_rig_deinit(rig);
}

void request_rig_write(struct route_rig *route, size_t source, int first, int count)
{
    for (int i = first; i < first + count; i++) {
        char log[32];
        snprintf(log, sizeof(log), "%d\\n", i);
        rig_log(&route->sources[source], i, log);
    }
    slot_mark_ready(route->sources[source].slot);
}

void request_rig_step_until_sent(struct route_rig *route, struct request_rig *rig, size_t flying)
{
    for (int i = 0; i < 100 && request_rig_flying(rig) < flying; i++)
        route->now_ns += route_rig_step(route, 0) ? 1 : 0;
    assert_int_equal(request_rig_flying(rig), flying);
}

struct route_status request_rig_status(struct route_rig *route)
{
    struct route_status status;
    route_status(route->routes[0], &status);
    return status;
}
