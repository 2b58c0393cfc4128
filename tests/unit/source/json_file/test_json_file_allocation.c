// SPDX-License-Identifier: Apache-2.0
/* S31: no heap at all per line. The linker hands every allocation of the program to these. */
#include "allocations.h"
#include "fixture.h"

#include <stdlib.h>

/* One line of each kind: plain, escaped, in two unusual forms, torn, garbage, blank. */
#define TAIL "\",\"stream\":\"stdout\",\"time\":\"2026-11-23T16:01:42.234939836Z\"}\n"
static const char lines[] =
    "{\"log\":\"a plain line\\n" TAIL "{\"log\":\"an \\\"escaped\\\" \\u001b[1mline\\n" TAIL
    "{\"stream\":\"stderr\",\"log\":\"\\ud83d\\ude00 \xff\\ud800\\n\"}\n"
    "{\"log\":\"m\\n\",\"stream\":\"stdout\",\"attrs\":{\"a\":\"b\"},"
    "\"time\":\"2026-11-23T16:01:42.5+02:00\"}\n"
    "{\"lo{\"log\":\"rest\\n" TAIL "garbage\n"
    "\n";

enum { LINES = 7, RECORDS = 5, ROUNDS = 1000000 / LINES + 1 };

static void s31_a_million_lines_without_the_heap(void **state)
{
    struct fixture f;
    allocations = 0;
    fixture_init(&f, FORM_BYTES);
    assert_in_range(allocations, 1, 10); /* the counter counts */

    for (int form = FORM_BYTES; form <= FORM_JSON; form++) {
        json_file_init(&f.decoder, (enum message_form)form);
        uint64_t records = 0;
        allocations = 0;
        for (int round = 0; round < ROUNDS; round++) {
            fixture_decode(&f, SPAN(lines));
            records += f.batch.records;
        }
        assert_int_equal(allocations, 0);
        assert_int_equal(records, RECORDS * (uint64_t)ROUNDS);
    }
    fixture_deinit(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(s31_a_million_lines_without_the_heap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
