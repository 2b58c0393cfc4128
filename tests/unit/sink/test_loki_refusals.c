// SPDX-License-Identifier: Apache-2.0
/* S66, R13: Loki's answers, one by one; the table is tests/data/loki/answers.tsv. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs those before it */
#include <cmocka.h>

#include "sink/loki/refusals.h"

#include <string.h>

enum { COLUMNS = 5, LINE_SIZE = 4096 };

static const char *const verdicts[] = {
    [VERDICT_DELIVERED] = "delivered",
    [VERDICT_RETRY] = "retry",
    [VERDICT_TOO_LARGE] = "too_large",
    [VERDICT_REFUSED] = "refused",
};

/* "\n" stands for a newline. */
static void unescape(char *text)
{
    char *to = text;
    for (const char *p = text; *p; p++) {
        bool newline = p[0] == '\\' && p[1] == 'n';
        *to++ = newline ? '\n' : *p;
        p += newline;
    }
    *to = '\0';
}

static void expect(char *columns[COLUMNS])
{
    unescape(columns[4]);
    size_t size = strlen(columns[4]);
    struct http_answer answer = {
        .slot = 3,
        .status = (int)strtol(columns[0], NULL, 10),
        .retry_after_ns = 7,
        .body = {columns[4], size},
        .url = "http://loki/loki/api/v1/push",
    };
    struct sink_answer ret;
    struct span stream;
    loki_judge(&answer, &ret, &stream);
    if (strcmp(verdicts[ret.verdict], columns[1]) != 0)
        fail_msg("%s %s: %s", columns[0], columns[4], verdicts[ret.verdict]);
    bool refused = ret.verdict == VERDICT_REFUSED;
    if (refused)
        assert_string_equal(ret.reason, columns[2]);
    assert_int_equal(ret.unexplained, refused && strncmp(columns[2], "http_", 5) == 0);
    if (strcmp(columns[3], "-") == 0) {
        assert_null(stream.data);
    } else {
        assert_true(stream.size >= strlen(columns[3]));
        assert_memory_equal(stream.data, columns[3], strlen(columns[3]));
    }
    assert_int_equal(ret.slot, 3);
    assert_int_equal(ret.retry_after_ns, 7);
    assert_null(ret.target);
    assert_non_null(strstr(ret.text, "http://loki/loki/api/v1/push"));
}

static void test_answers(void **state)
{
    char line[LINE_SIZE];
    size_t rows = 0;
    CLEANUP(fclose) FILE *f = fopen(TEST_DATA "/loki/answers.tsv", "re");
    assert_non_null(f);
    while (fgets(line, sizeof(line), f)) {
        if (line[0] == '#')
            continue;
        char *columns[COLUMNS], *rest = line;
        line[strcspn(line, "\n")] = '\0';
        for (size_t i = 0; i < COLUMNS; i++) {
            columns[i] = strsep(&rest, "\t");
            assert_non_null(columns[i]);
        }
        expect(columns);
        rows++;
    }
    assert_true(rows > 30);
}

/* Without an answer at all there is nothing to understand. */
static void test_no_answer(void **state)
{
    struct http_answer answer = {.failure = "connection refused", .url = "http://loki"};
    struct sink_answer ret;
    struct span stream;
    loki_judge(&answer, &ret, &stream);
    assert_int_equal(ret.verdict, VERDICT_RETRY);
    assert_null(stream.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_no_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
