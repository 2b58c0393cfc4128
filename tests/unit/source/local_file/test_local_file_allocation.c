// SPDX-License-Identifier: Apache-2.0
/* S31: no heap at all per record. The linker hands every allocation of the program to these. */
#include "allocations.h"
#include "local_fixture.h"

enum { RECORDS = 4, ROUNDS = 1000000 / RECORDS };

static void s31_a_million_records_without_the_heap(void **state)
{
    const struct record_position at = {.serial = 7, .after_ns = GAP_TIME_UNKNOWN};
    for (int form = FORM_BYTES; form <= FORM_JSON; form++) {
        struct local_fixture f;
        allocations = 0;
        local_fixture_init(&f, (enum message_form)form);
        put_line(&f, 1, "a plain line");
        put_line(&f, 2, "an \"escaped\" \x1b[1mline \xff");
        put_nuls(&f, 10);
        put_chunk(&f, 3, "a chunk", 1, false);
        put_payload(&f, SPAN(FRAME_STDOUT "\x10\x84\xb5\xc1\xa6\xdb\x87\xae\xf5\x18"
                                          "\x32\x06\x0a\x01k\x12\x01v"));
        assert_in_range(allocations, 1, 20); /* the counter counts */

        uint64_t records = 0;
        allocations = 0;
        for (int round = 0; round < ROUNDS; round++) {
            batch_reset(&f.batch);
            local_file_decode(buf_span(&f.file), &at, &f.batch, &f.result);
            records += f.batch.records;
        }
        assert_int_equal(allocations, 0);
        assert_int_equal(records, RECORDS * (uint64_t)ROUNDS);
        local_fixture_deinit(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(s31_a_million_records_without_the_heap)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
