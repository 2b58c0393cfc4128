// SPDX-License-Identifier: Apache-2.0
/* A request keeps copies, in order, and gives back what a burst has needed (R1, R6). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs those before it */
#include <cmocka.h>

#include "base/cleanup.h"
#include "sink/request.h"

#include <stdio.h>
#include <stdlib.h>

enum { LINES_MAX = 10000 };

static struct entry entries[LINES_MAX];
static char texts[LINES_MAX][128];
static const struct request_terms no_terms;

/* A batch of `count` lines, numbered from `first`. */
static struct batch make_batch(size_t first, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int size =
            snprintf(texts[i], sizeof(texts[i]), "line %zu{\"n\":%zu}", first + i, first + i);
        size_t message = strcspn(texts[i], "{");
        entries[i] = (struct entry){.offset = first + i,
                                    .message = {texts[i], message},
                                    .attrs = {texts[i] + message, (size_t)size - message}};
    }
    return (struct batch){.form = FORM_BYTES, .entries = entries, .count = count};
}

static void assert_line(const struct request *q, size_t at)
{
    char message[64], attrs[64];
    snprintf(message, sizeof(message), "line %zu", at);
    snprintf(attrs, sizeof(attrs), "{\"n\":%zu}", at);
    assert_int_equal(q->entries[at].offset, at);
    assert_true(span_equal(q->entries[at].message, span_of(message)));
    assert_true(span_equal(q->entries[at].attrs, span_of(attrs)));
}

static void r6_copies_stand_in_order_when_the_batch_is_gone(void **state)
{
    struct request q;
    request_init(&q, FORM_BYTES);
    char a, b;
    struct sink_target *targets[] = {(void *)&a, (void *)&b};
    size_t first = 0;
    for (size_t i = 0; i < 20; i++) {
        struct batch batch = make_batch(first, 1 + 37 * i);
        assert_int_equal(request_add(&q, targets[i % 2], no_terms, &batch), 0);
        first += batch.count;
    }
    memset(texts, '#', sizeof(texts));
    assert_int_equal(q.count, first);
    for (size_t i = 0; i < q.count; i++)
        assert_line(&q, i);
    assert_int_equal(q.part_count, 20);
    for (size_t i = 0, at = 0; i < q.part_count; at += q.parts[i++].count) {
        assert_int_equal(q.parts[i].first, at);
        assert_ptr_equal(q.parts[i].target, targets[i % 2]);
        assert_ptr_equal(request_part_at(&q, at), &q.parts[i]);
        assert_ptr_equal(request_part_at(&q, at + q.parts[i].count - 1), &q.parts[i]);
    }
    request_deinit(&q);
}

/* Beside messages: each line's share, each stream's head, and what few lines have. */
static void bytes_are_those_of_a_body(void **state)
{
    const struct request_terms terms = {.head_bytes = 1000, .line_bytes = 10};
    struct request q;
    request_init(&q, FORM_BYTES);
    struct entry lines[] = {{.message = SPAN("four")}, {.message = SPAN("five!")}, {0}};
    struct batch batch = {.entries = lines, .count = 3};
    assert_int_equal(request_add(&q, NULL, terms, &batch), 0);
    assert_int_equal(q.bytes, 1000 + 4 + 5 + 3 * 10);
    lines[1].stream = STREAM_STDERR;
    assert_int_equal(request_add(&q, NULL, terms, &batch), 0);
    assert_int_equal(q.bytes, 3000 + 2 * (4 + 5 + 3 * 10));
    uint64_t before = q.bytes;
    lines[0].flags = ENTRY_PARTIAL;
    lines[1].attrs = SPAN("{\"a\":\"b\"}");
    assert_int_equal(request_add(&q, NULL, no_terms, &batch), 0);
    assert_true(q.bytes - before >= 4 + 5 + strlen(",\"partial\":\"true\"") +
                                        strlen(",\"attrs\":\"{\\\"a\\\":\\\"b\\\"}\""));
    request_clear(&q);
    assert_int_equal(q.bytes, 0);
    request_deinit(&q);
}

static void batch_without_entries_adds_no_part(void **state)
{
    struct request q;
    request_init(&q, FORM_BYTES);
    struct batch batch = make_batch(0, 0);
    assert_int_equal(request_add(&q, NULL, no_terms, &batch), 0);
    assert_int_equal(q.part_count, 0);
    request_deinit(&q);
}

/* A giant line lies alone, and what comes after it still goes where there is room. */
static void giant_line_costs_no_room_of_others(void **state)
{
    enum { GIANT_BYTES = 3 * 1024 * 1024 };
    struct request q;
    request_init(&q, FORM_BYTES);
    CLEANUP_FREE char *giant = malloc(GIANT_BYTES);
    assert_non_null(giant);
    memset(giant, 'g', GIANT_BYTES);
    struct batch batch = make_batch(0, 1);
    assert_int_equal(request_add(&q, NULL, no_terms, &batch), 0);
    struct entry line = {.offset = 1, .message = {giant, GIANT_BYTES}};
    batch = (struct batch){.form = FORM_BYTES, .entries = &line, .count = 1};
    assert_int_equal(request_add(&q, NULL, no_terms, &batch), 0);
    batch = make_batch(2, 1);
    assert_int_equal(request_add(&q, NULL, no_terms, &batch), 0);
    assert_line(&q, 0);
    assert_true(span_equal(q.entries[1].message, line.message));
    assert_line(&q, 2);
    const char *after = q.entries[0].attrs.data + q.entries[0].attrs.size;
    assert_ptr_equal(q.entries[2].message.data, after);
    request_deinit(&q);
}

static void cleared_request_fills_again_with_the_same_memory(void **state)
{
    struct request q;
    request_init(&q, FORM_BYTES);
    for (size_t i = 0; i < 10; i++) {
        struct batch batch = make_batch(i * LINES_MAX, LINES_MAX);
        assert_int_equal(request_add(&q, NULL, no_terms, &batch), 0);
    }
    request_clear(&q);
    assert_int_equal(q.count, 0);
    assert_int_equal(q.bytes, 0);
    assert_int_equal(q.part_count, 0);
    struct entry *places = q.entries;
    struct batch batch = make_batch(0, 100);
    const char *before = NULL;
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(request_add(&q, NULL, no_terms, &batch), 0);
        assert_line(&q, 99);
        if (before)
            assert_ptr_equal(q.entries[0].message.data, before); /* no new memory for each */
        assert_ptr_equal(q.entries, places);
        before = q.entries[0].message.data;
        request_clear(&q);
    }
    request_deinit(&q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(r6_copies_stand_in_order_when_the_batch_is_gone),
        cmocka_unit_test(bytes_are_those_of_a_body),
        cmocka_unit_test(batch_without_entries_adds_no_part),
        cmocka_unit_test(giant_line_costs_no_room_of_others),
        cmocka_unit_test(cleared_request_fills_again_with_the_same_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
