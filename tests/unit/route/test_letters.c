// SPDX-License-Identifier: Apache-2.0
/* letters: what is sent again is redeemed at its answer, and the rest stays (R1, R13). */
#include "route/letters.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
// cmocka needs those before it
#include <cmocka.h>

#include "base/limits.h"
#include "scratch.h"

#define ID_A "4749f2110d79a2ef531456e1074e9a351d1c89191e0f3567a97bb52baa326754"
#define ID_B "0000f2110d79a2ef531456e1074e9a351d1c89191e0f3567a97bb52baa326754"

enum { SLOT = 3 };

/* A server that refuses what holds `poison`, takes at most `lines_max` lines at once, and wants to
 * be asked again after `answers_max` answers. */
struct sink {
    enum message_form form;
    const char *poison;
    size_t lines_max;
    unsigned answers_max, sent, bound, abandoned;
    struct buf delivered; /* "name:stream:message" a line */
    struct sink_answer answer;
    bool in_flight;
};

struct sink_target {
    const char *name;
};

static enum message_form form(const struct sink *s)
{
    return s->form;
}

static int bind(struct sink *s, const struct container *c, struct sink_target **ret,
                struct error *error)
{
    if (strcmp(c->name, "unbindable") == 0)
        return error_set(error, -EINVAL, "its labels make no stream");
    struct sink_target *target = malloc(sizeof(*target));
    target->name = container_rendered(c, "container_name");
    s->bound++;
    *ret = target;
    return 0;
}

static struct sink_target *unbind(struct sink *s, struct sink_target *target)
{
    s->bound--;
    free(target);
    return NULL;
}

static bool is_poisoned(const struct sink *s, const struct request *q, struct request_range range)
{
    for (size_t i = range.first; s->poison && i < range.end; i++)
        if (memmem(q->entries[i].message.data, q->entries[i].message.size, s->poison,
                   strlen(s->poison)))
            return true;
    return false;
}

static void take(struct sink *s, const struct request *q, struct request_range range)
{
    for (size_t i = range.first; i < range.end; i++) {
        const struct entry *e = &q->entries[i];
        buf_append_format(&s->delivered, "%s:%s:%.*s\n", request_part_at(q, i)->target->name,
                          stream_word(e->stream), (int)e->message.size, e->message.data);
    }
}

static int send(struct sink *s, unsigned slot, const struct request *q, struct request_range range,
                struct error *error)
{
    assert_false(s->in_flight);
    assert_int_equal(slot, SLOT);
    assert_int_equal(q->form, s->form);
    assert_true(range.first < range.end);
    s->answer = (struct sink_answer){.slot = slot, .text = "http://x: HTTP 400: bad"};
    s->in_flight = true;
    if (s->answers_max && s->sent == s->answers_max) {
        s->answer.verdict = VERDICT_RETRY;
        snprintf(s->answer.text, sizeof(s->answer.text), "http://x: HTTP 503");
    } else if (s->lines_max && range.end - range.first > s->lines_max) {
        s->answer.verdict = VERDICT_TOO_LARGE;
    } else if (is_poisoned(s, q, range)) {
        s->answer.verdict = VERDICT_REFUSED;
        snprintf(s->answer.reason, sizeof(s->answer.reason), "http_400");
    } else {
        s->answer.verdict = VERDICT_DELIVERED;
        take(s, q, range);
    }
    s->sent++;
    return 0;
}

static void abandon(struct sink *s, unsigned slot)
{
    assert_true(s->in_flight);
    s->in_flight = false;
    s->abandoned++;
}

static bool step(struct sink *s, struct sink_answer *ret)
{
    *ret = s->answer;
    return s->in_flight ? (s->in_flight = false, true) : false;
}

static struct request_terms terms(const struct sink_target *target)
{
    return (struct request_terms){0};
}

static const struct sink_request_ops request_ops = {
    .terms = terms, .send = send, .abandon = abandon, .step = step};
static const struct sink_ops ops = {
    .type = "test", .form = form, .bind = bind, .unbind = unbind, .requests = &request_ops};

/* A book with letters. */

struct rig {
    struct ledger *ledger;
    struct sink sink;
    uint32_t key;
};

static void rig_open(struct rig *rig, const char *path)
{
    struct cursor cursor = CURSOR_INIT;
    const struct tally tally = {.lines_read = 2000, .lines_refused = 2000};
    *rig = (struct rig){.sink.delivered = BUF_INIT(1 << 20)};
    assert_int_equal(ledger_open(&rig->ledger, path, NULL, 0, 1, NULL), 0);
    assert_int_equal(ledger_begin(rig->ledger, NULL), 0);
    assert_int_equal(ledger_add_source(rig->ledger, ID_A, "web", &cursor, &rig->key, NULL), 0);
    assert_int_equal(ledger_put_source(rig->ledger, rig->key, &cursor, &tally, NULL), 0);
    assert_int_equal(ledger_commit(rig->ledger, NULL), 0);
}

static void rig_close(struct rig *rig)
{
    assert_int_equal(rig->sink.bound, 0);
    buf_deinit(&rig->sink.delivered);
    ledger_close(rig->ledger);
}

static void put(struct rig *rig, const char *id, const char *name, struct span message,
                enum message_form message_form)
{
    struct pair label = {"container_name", name};
    struct container *c = NULL;
    assert_int_equal(container_restore(&c, id, name, &(struct pairs){&label, 1}, false), 0);
    const struct ledger_letter letter = {.source = rig->key,
                                         .reason = "too_old",
                                         .answer = "then",
                                         .form = message_form,
                                         .stream = STREAM_STDERR,
                                         .message = message,
                                         .container = c};
    assert_int_equal(ledger_begin(rig->ledger, NULL), 0);
    assert_int_equal(ledger_put_letter(rig->ledger, &letter, NULL), 0);
    assert_int_equal(ledger_commit(rig->ledger, NULL), 0);
    container_unref(c);
}

static void put_web(struct rig *rig, const char *message)
{
    put(rig, ID_A, "web", span_of(message), FORM_BYTES);
}

/* `count` letters, "line 0" and so on. */
static void put_many(struct rig *rig, unsigned count)
{
    struct pair label = {"container_name", "web"};
    struct container *c = NULL;
    assert_int_equal(container_restore(&c, ID_A, "web", &(struct pairs){&label, 1}, false), 0);
    assert_int_equal(ledger_begin(rig->ledger, NULL), 0);
    for (unsigned i = 0; i < count; i++) {
        char text[32];
        snprintf(text, sizeof(text), "line %u", i);
        const struct ledger_letter letter = {.source = rig->key,
                                             .reason = "too_old",
                                             .answer = "then",
                                             .message = span_of(text),
                                             .container = c};
        assert_int_equal(ledger_put_letter(rig->ledger, &letter, NULL), 0);
    }
    assert_int_equal(ledger_commit(rig->ledger, NULL), 0);
    container_unref(c);
}

static struct letters *open_letters(struct rig *rig, struct ledger_letter_filter filter)
{
    const struct letters_options options = {
        .ledger = rig->ledger,
        .ops = &ops,
        .sink = &rig->sink,
        .filter = filter,
        .batch_bytes_max = INT64_MAX,
    };
    struct letters *l = NULL;
    struct error error = {""};
    if (letters_open(&l, &options, &error) < 0)
        fail_msg("%s", error.text);
    return l;
}

static struct letters_progress replay(struct rig *rig, struct ledger_letter_filter filter)
{
    CLEANUP(letters_close) struct letters *l = open_letters(rig, filter);
    struct letters_progress progress;
    struct sink_answer answer;
    for (;;) {
        assert_true(letters_want_slot(l));
        bool takes_slot = letters_step(l, SLOT);
        assert_int_equal(takes_slot, rig->sink.in_flight);
        while (step(&rig->sink, &answer))
            letters_take(l, &answer);
        letters_progress(l, &progress);
        if (progress.state != LETTERS_ON_THEIR_WAY)
            return progress;
    }
}

static void assert_progress(struct letters_progress progress, enum letters_state state,
                            uint64_t delivered, uint64_t refused, uint64_t left)
{
    assert_int_equal(progress.state, state);
    assert_int_equal(progress.delivered, delivered);
    assert_int_equal(progress.refused, refused);
    assert_int_equal(progress.left, left);
}

/* R1: the sums say the same as the answers. */
static void assert_books(struct rig *rig, uint64_t letters, uint64_t delivered)
{
    uint64_t count, bytes;
    struct tally total;
    assert_int_equal(ledger_letter_sums(rig->ledger, &count, &bytes, NULL), 0);
    assert_int_equal(count, letters);
    assert_int_equal(ledger_total(rig->ledger, &total, NULL), 0);
    assert_true(tally_adds_up(&total));
    assert_int_equal(total.lines_delivered, delivered);
}

static void assert_delivered(struct rig *rig, const char *expected)
{
    assert_string_equal(buf_string(&rig->sink.delivered), expected);
}

static void test_r13_letters_go_out_oldest_first_with_their_labels(void **state)
{
    struct rig rig;
    rig_open(&rig, SCRATCH("a.db"));
    put_web(&rig, "1");
    put_web(&rig, "2");
    put(&rig, ID_B, "db", SPAN("3"), FORM_BYTES);
    put_web(&rig, "4");
    assert_progress(replay(&rig, (struct ledger_letter_filter){0}), LETTERS_DONE, 4, 0, 0);
    assert_delivered(&rig, "web:stderr:1\nweb:stderr:2\ndb:stderr:3\nweb:stderr:4\n");
    assert_int_equal(rig.sink.sent, 1);
    assert_books(&rig, 0, 4);
    assert_progress(replay(&rig, (struct ledger_letter_filter){0}), LETTERS_DONE, 0, 0, 0);
    rig_close(&rig);
}

static int expect_poison(void *context, const struct ledger_letter *letter)
{
    ++*(int *)context;
    assert_string_equal(letter->reason, "http_400");
    assert_string_equal(letter->answer, "http://x: HTTP 400: bad");
    assert_true(letter->refused_ns > 0);
    assert_true(span_equal(letter->message, SPAN("line 77")));
    return 0;
}

static void test_r13_the_culprit_alone_stays_with_its_new_answer(void **state)
{
    struct rig rig;
    int seen = 0;
    rig_open(&rig, SCRATCH("a.db"));
    put_many(&rig, 500);
    rig.sink.poison = "line 77";
    assert_progress(replay(&rig, (struct ledger_letter_filter){0}), LETTERS_DONE, 499, 1, 0);
    assert_books(&rig, 1, 499);
    assert_true(rig.sink.sent <= 20);
    assert_int_equal(ledger_letters(rig.ledger, 0, expect_poison, &seen, NULL), 0);
    assert_int_equal(seen, 1);

    rig.sink.poison = NULL;
    assert_progress(replay(&rig, (struct ledger_letter_filter){0}), LETTERS_DONE, 1, 0, 0);
    assert_books(&rig, 0, 500);
    rig_close(&rig);
}

static void test_a_server_that_refuses_all_is_asked_so_often_and_no_more(void **state)
{
    struct rig rig;
    rig_open(&rig, SCRATCH("a.db"));
    put_many(&rig, 900);
    rig.sink.poison = "line";
    assert_progress(replay(&rig, (struct ledger_letter_filter){0}), LETTERS_DONE, 0, 900, 0);
    assert_true(rig.sink.sent <= PIECES_SENT_MAX + 16);
    assert_books(&rig, 900, 0);
    rig_close(&rig);
}

static void test_what_is_too_large_goes_in_halves_and_in_several_requests(void **state)
{
    struct rig rig;
    rig_open(&rig, SCRATCH("a.db"));
    put_many(&rig, LETTERS_LINES_MAX + 200);
    rig.sink.lines_max = 300;
    assert_progress(replay(&rig, (struct ledger_letter_filter){0}), LETTERS_DONE,
                    LETTERS_LINES_MAX + 200, 0, 0);
    assert_books(&rig, 0, LETTERS_LINES_MAX + 200);
    rig_close(&rig);
}

/* No time out of it: an outage loses no letter, and doubles none that was answered. */
static void test_r1_an_outage_ends_it_and_leaves_the_rest(void **state)
{
    struct rig rig;
    rig_open(&rig, SCRATCH("a.db"));
    put_many(&rig, LETTERS_LINES_MAX + 5);
    rig.sink.answers_max = 1;
    struct letters_progress progress = replay(&rig, (struct ledger_letter_filter){0});
    assert_progress(progress, LETTERS_FAILED, LETTERS_LINES_MAX, 0, 5);
    assert_string_equal(progress.text, "http://x: HTTP 503");
    assert_books(&rig, 5, LETTERS_LINES_MAX);
    rig_close(&rig);
}

static void test_only_what_is_asked_for_is_sent(void **state)
{
    struct rig rig;
    rig_open(&rig, SCRATCH("a.db"));
    put_many(&rig, 5);
    assert_int_equal(ledger_begin(rig.ledger, NULL), 0);
    assert_int_equal(ledger_answer_letter(rig.ledger, 2, 1, "stream_limit", "", NULL), 0);
    assert_int_equal(ledger_commit(rig.ledger, NULL), 0);
    assert_progress(replay(&rig, (struct ledger_letter_filter){.key = 4}), LETTERS_DONE, 1, 0, 0);
    assert_progress(replay(&rig, (struct ledger_letter_filter){.key = 4}), LETTERS_DONE, 0, 0, 0);
    assert_progress(replay(&rig, (struct ledger_letter_filter){.reason = "stream_limit"}),
                    LETTERS_DONE, 1, 0, 0);
    assert_delivered(&rig, "web:stdout:line 3\nweb:stdout:line 1\n");
    assert_books(&rig, 3, 2);
    rig_close(&rig);
}

static void test_a_letter_is_sent_in_the_form_that_the_sink_takes(void **state)
{
    struct rig rig;
    rig_open(&rig, SCRATCH("a.db"));
    put(&rig, ID_A, "web", SPAN("a\"\n\xff"), FORM_BYTES);
    put(&rig, ID_A, "web", SPAN("b\\\"\\u00e4"), FORM_JSON);
    rig.sink.form = FORM_JSON;
    assert_progress(replay(&rig, (struct ledger_letter_filter){.key = 1}), LETTERS_DONE, 1, 0, 0);
    rig.sink.form = FORM_BYTES;
    assert_progress(replay(&rig, (struct ledger_letter_filter){.key = 2}), LETTERS_DONE, 1, 0, 0);
    assert_delivered(&rig, "web:stderr:a\\\"\\n\xef\xbf\xbd\nweb:stderr:b\"\xc3\xa4\n");
    rig_close(&rig);
}

static void test_giving_up_in_between_leaves_the_letters(void **state)
{
    struct rig rig;
    rig_open(&rig, SCRATCH("a.db"));
    put_many(&rig, 5);
    struct letters *l = open_letters(&rig, (struct ledger_letter_filter){0});
    assert_true(letters_step(l, SLOT));
    assert_false(letters_want_slot(l));
    letters_close(l);
    assert_int_equal(rig.sink.abandoned, 1);
    assert_books(&rig, 5, 0);
    rig_close(&rig);
}

static void test_what_cannot_be_sent_is_said(void **state)
{
    struct rig rig;
    rig_open(&rig, SCRATCH("a.db"));
    put(&rig, ID_A, "unbindable", SPAN("x"), FORM_BYTES);
    struct letters_progress progress = replay(&rig, (struct ledger_letter_filter){0});
    assert_progress(progress, LETTERS_FAILED, 0, 0, 1);
    assert_string_equal(progress.text, "its labels make no stream");

    const struct sink_ops file = {.type = "file"};
    const struct letters_options options = {.ledger = rig.ledger, .ops = &file};
    struct letters *l = NULL;
    assert_int_equal(letters_open(&l, &options, NULL), -ENOTSUP);
    rig_close(&rig);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, scratch_make, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_r13_letters_go_out_oldest_first_with_their_labels),
        TEST(test_r13_the_culprit_alone_stays_with_its_new_answer),
        TEST(test_a_server_that_refuses_all_is_asked_so_often_and_no_more),
        TEST(test_what_is_too_large_goes_in_halves_and_in_several_requests),
        TEST(test_r1_an_outage_ends_it_and_leaves_the_rest),
        TEST(test_only_what_is_asked_for_is_sent),
        TEST(test_a_letter_is_sent_in_the_form_that_the_sink_takes),
        TEST(test_giving_up_in_between_leaves_the_letters),
        TEST(test_what_cannot_be_sent_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
