// SPDX-License-Identifier: Apache-2.0
/* The ranges of a request: in order, none twice, none left out, and not too many (R1, R6). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs those before it */
#include <cmocka.h>

#include "base/limits.h"
#include "route/pieces.h"

enum { LINES_MAX = 4096 };

/* A request of lines of so many bytes. */
static struct request make_request(size_t count, size_t bytes)
{
    static struct entry entries[LINES_MAX];
    static char text[1];
    for (size_t i = 0; i < count; i++)
        entries[i] = (struct entry){.message = {text, bytes}};
    static struct request_part part;
    part = (struct request_part){.count = count, .stream_count = 1};
    return (struct request){.entries = entries,
                            .count = count,
                            .parts = &part,
                            .part_count = 1,
                            .bytes = count * bytes};
}

static void assert_range(struct request_range range, size_t first, size_t end)
{
    assert_int_equal(range.first, first);
    assert_int_equal(range.end, end);
}

static void small_request_is_one_piece(void **state)
{
    struct pieces p = {0};
    struct request q = make_request(100, 10);
    assert_int_equal(pieces_begin(&p, &q, 1000, 100), 0);
    assert_int_equal(p.count, 1);
    assert_range(pieces_next(&p), 0, 100);
    pieces_settle(&p);
    assert_int_equal(p.count, 0);
    pieces_deinit(&p);
}

/* Each within both limits, all alike. */
static void large_request_is_cut_into_shares(void **state)
{
    static const struct {
        size_t lines, bytes, bytes_max, lines_max, pieces;
    } cases[] = {
        {100, 10, 999, 1000, 2},   {100, 10, 10000, 99, 2}, {100, 10, 300, 1000, 4},
        {1000, 1, 10000, 1, 1000}, {7, 10, 5, 100, 7},      {100, 0, 10000, 30, 4},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct pieces p = {0};
        struct request q = make_request(cases[i].lines, cases[i].bytes);
        assert_int_equal(pieces_begin(&p, &q, cases[i].bytes_max, cases[i].lines_max), 0);
        assert_int_equal(p.count, cases[i].pieces);
        size_t at = 0, smallest = SIZE_MAX, largest = 0;
        while (p.count) {
            struct request_range range = pieces_next(&p);
            size_t size = range.end - range.first;
            assert_int_equal(range.first, at);
            assert_true(size == 1 || size * cases[i].bytes <= cases[i].bytes_max);
            assert_true(size <= cases[i].lines_max);
            smallest = size < smallest ? size : smallest;
            largest = size > largest ? size : largest;
            at = range.end;
            pieces_settle(&p);
        }
        assert_int_equal(at, cases[i].lines);
        assert_true(largest - smallest <= cases[i].pieces);
        pieces_deinit(&p);
    }
}

/* What lines have beside their messages counts, and what those of each part have in common. */
static void pieces_bound_the_body(void **state)
{
    enum { PARTS = 40, LINES = 10, BYTES_MAX = 1000 };
    static char text[50];
    struct request q;
    struct pieces p = {0};
    request_init(&q, FORM_BYTES);
    for (unsigned i = 0; i < PARTS; i++) {
        struct entry lines[LINES];
        for (unsigned j = 0; j < LINES; j++)
            lines[j] = (struct entry){.message = {text, (i * LINES + j) % 50}, .stream = j % 2};
        const struct request_terms terms = {.head_bytes = 2 * i, .line_bytes = 3 * i};
        const struct batch batch = {.entries = lines, .count = LINES};
        assert_int_equal(request_add(&q, NULL, terms, &batch), 0);
    }
    assert_int_equal(pieces_begin(&p, &q, BYTES_MAX, SIZE_MAX / 2), 0);
    assert_in_range(p.count, q.bytes / BYTES_MAX, 2 * q.bytes / BYTES_MAX);
    for (size_t end = 0; p.count; pieces_settle(&p)) {
        struct request_range range = pieces_next(&p);
        uint64_t bytes = 0;
        assert_int_equal(range.first, end);
        for (size_t at = end; at < range.end; at++) {
            const struct request_part *part = request_part_at(&q, at);
            bytes += q.entries[at].message.size + part->terms.line_bytes;
            if (at == range.first || at == part->first)
                bytes += 2 * part->terms.head_bytes;
        }
        assert_true(bytes <= BYTES_MAX || range.end - range.first == 1);
        end = range.end;
        if (p.count == 1)
            assert_int_equal(end, q.count);
    }
    pieces_deinit(&p);
    request_deinit(&q);
}

/* Plays a server that refuses whatever holds one of the culprits. Returns how often it was asked;
 * *ret_refused: how many lines went whole. */
static unsigned bisect(const struct request *q, const size_t *culprits, size_t count,
                       size_t *ret_refused)
{
    struct pieces p = {0};
    unsigned sent = 0;
    size_t at = 0;
    *ret_refused = 0;
    assert_int_equal(pieces_begin(&p, q, UINT64_MAX / 2, SIZE_MAX / 2), 0);
    while (p.count) {
        struct request_range range = pieces_next(&p);
        bool refused = false;
        assert_int_equal(range.first, at);
        for (size_t i = 0; i < count; i++)
            refused |= culprits[i] >= range.first && culprits[i] < range.end;
        sent++;
        if (refused && pieces_halve(&p, true) == PIECES_HALVED)
            continue;
        *ret_refused += refused ? range.end - range.first : 0;
        at = range.end;
        pieces_settle(&p);
    }
    assert_int_equal(at, q->count);
    pieces_deinit(&p);
    return sent;
}

static void one_or_two_culprits_are_found_wherever_they_stand(void **state)
{
    struct request q = make_request(1000, 1);
    size_t refused;
    for (size_t i = 0; i < 1000; i++) {
        assert_true(bisect(&q, &i, 1, &refused) <= PIECES_SENT_MAX);
        assert_int_equal(refused, 1);
        size_t two[] = {i, (i + 1 + i * 7919 % 998) % 1000};
        assert_true(bisect(&q, two, 2, &refused) <= PIECES_SENT_MAX);
        assert_int_equal(refused, 2);
    }
}

/* When all is poison the asking ends, and the rest goes as it is. */
static void bisection_ends_where_everything_is_refused(void **state)
{
    static size_t all[LINES_MAX];
    for (size_t i = 0; i < LINES_MAX; i++)
        all[i] = i;
    struct request q = make_request(LINES_MAX, 1);
    size_t refused;
    unsigned sent = bisect(&q, all, LINES_MAX, &refused);
    assert_true(sent <= PIECES_SENT_MAX);
    assert_int_equal(refused, LINES_MAX);
}

/* Size is no blame: however small the server's limit, the lines that fit are delivered. */
static void too_large_is_halved_as_long_as_it_can_be(void **state)
{
    struct pieces p = {0};
    struct request q = make_request(LINES_MAX, 1);
    size_t at = 0;
    assert_int_equal(pieces_begin(&p, &q, UINT64_MAX / 2, SIZE_MAX / 2), 0);
    while (p.count) {
        struct request_range range = pieces_next(&p);
        assert_int_equal(range.first, at);
        if (pieces_halve(&p, false) == PIECES_HALVED)
            continue;
        assert_range(range, at, at + 1);
        at = range.end;
        pieces_settle(&p);
    }
    assert_int_equal(at, LINES_MAX);
    pieces_deinit(&p);
}

static void appended_ranges_come_last(void **state)
{
    struct pieces p = {0};
    for (size_t i = 0; i < 20; i++)
        assert_int_equal(pieces_append(&p, (struct request_range){i, i + 1}), 0);
    for (size_t i = 0; i < 20; i++) {
        assert_range(pieces_next(&p), i, i + 1);
        pieces_settle(&p);
    }
    pieces_deinit(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_request_is_one_piece),
        cmocka_unit_test(large_request_is_cut_into_shares),
        cmocka_unit_test(pieces_bound_the_body),
        cmocka_unit_test(one_or_two_culprits_are_found_wherever_they_stand),
        cmocka_unit_test(bisection_ends_where_everything_is_refused),
        cmocka_unit_test(too_large_is_halved_as_long_as_it_can_be),
        cmocka_unit_test(appended_ranges_come_last),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
