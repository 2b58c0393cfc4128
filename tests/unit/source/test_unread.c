// SPDX-License-Identifier: Apache-2.0
/* What lies in front of a cursor, byte for byte, and how old it is (design §6; R10: the numbers
 * that people alert on are exact). */
#include "source_rig.h"

#include <string.h>
#include <sys/stat.h>

#include "source/unread.h"

static uint64_t size_of(struct source_rig *r, const char *name)
{
    struct stat st;
    assert_int_equal(stat(rig_file(r, name), &st), 0);
    return (uint64_t)st.st_size;
}

static bool wants_all_but(void *context, const struct container *c)
{
    return !context || strcmp(c->name, context) != 0;
}

static struct unread unread_of(struct source_rig *r, const struct cursor *c, const char *unwanted)
{
    return unread_behind(r->slot->view, c, wants_all_but, (void *)unwanted);
}

static void assert_unread(struct source_rig *r, uint64_t bytes)
{
    assert_int_equal(unread_of(r, &r->follow.cursor, NULL).bytes, bytes);
}

/* So many ns after RIG_EPOCH. */
static void assert_first_line(struct source_rig *r, int64_t at_ns)
{
    struct unread u = unread_of(r, &r->follow.cursor, NULL);
    int64_t time_ns;
    assert_int_equal(unread_time(&u, r->reader, &r->scratch, &time_ns), 0);
    assert_int_equal(time_ns, RIG_EPOCH + at_ns);
}

static void it_is_the_files_from_the_cursor_on(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    rig_write_generations(&r, 3);
    uint64_t all = size_of(&r, ".2") + size_of(&r, ".1") + size_of(&r, "");
    assert_unread(&r, all);
    assert_first_line(&r, 1);

    uint64_t first = size_of(&r, ".2");
    rig_pull(&r);
    assert_unread(&r, all - first);
    rig_pull_all(&r);
    assert_unread(&r, 0);
    assert_null(unread_of(&r, &r.follow.cursor, NULL).segment);

    uint64_t read = size_of(&r, "");
    rig_log(&r, 7, "7\\n");
    rig_log(&r, 8, "8\\n");
    assert_unread(&r, size_of(&r, "") - read); /* nobody had to be told */
    assert_first_line(&r, 7);
    source_rig_deinit(&r);
}

static void a_line_that_is_not_whole_has_bytes_and_no_time(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    rig_log(&r, 1, "1\\n");
    rig_sync(&r, 1);
    rig_pull_all(&r);
    rig_write_text(&r, "", "{\"log\":\"2");
    struct unread u = unread_of(&r, &r.follow.cursor, NULL);
    assert_int_equal(u.bytes, 9);
    int64_t time_ns;
    assert_int_equal(unread_time(&u, r.reader, &r.scratch, &time_ns), READER_END);
    source_rig_deinit(&r);
}

/* Nobody knows how much of it is read: it counts as it lies there until it is passed. */
static void a_compressed_rotation_counts_as_it_lies_there(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    char *text = NULL;
    size_t size;
    FILE *plain = open_memstream(&text, &size);
    for (int i = 0; i < 2000; i++)
        fprintf(plain,
                "{\"log\":\"%d\\n\",\"stream\":\"stdout\",\"time\":"
                "\"2026-01-01T00:00:00.000000001Z\"}\n",
                i);
    fclose(plain);
    rig_write_gzip(&r, ".2.gz", (struct span){text, size}, SIZE_MAX);
    free(text);
    rig_log(&r, 2, "last\\n");
    rig_sync(&r, CHAIN_CREATED_UNKNOWN);
    uint64_t packed = size_of(&r, ".2.gz"), live = size_of(&r, "");
    assert_unread(&r, packed + live);
    struct unread u = unread_of(&r, &r.follow.cursor, NULL);
    int64_t time_ns;
    assert_int_equal(unread_time(&u, r.reader, &r.scratch, &time_ns), READER_AGAIN);

    while (r.follow.cursor.offset == 0)
        rig_pull(&r);
    assert_true(r.follow.segment->gzip);
    assert_unread(&r, packed + live);
    rig_pull_all(&r);
    assert_unread(&r, 0);
    source_rig_deinit(&r);
}

static void what_the_route_does_not_want_is_not_behind(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    rig_log(&r, 1, "1\\n");
    rig_sync(&r, 1);
    uint64_t first = size_of(&r, "");
    rig_rename_container(&r, "second");
    rig_log(&r, 2, "2\\n");
    rig_rotate(&r, 9);
    rig_log(&r, 3, "3\\n");
    rig_sync(&r, 1);
    uint64_t second = size_of(&r, ".1") - first + size_of(&r, "");
    assert_int_equal(unread_of(&r, &CURSOR_INIT, NULL).bytes, first + second);
    assert_int_equal(unread_of(&r, &CURSOR_INIT, "second").bytes, first);
    struct unread u = unread_of(&r, &CURSOR_INIT, "first");
    assert_int_equal(u.bytes, second);
    assert_int_equal(u.offset, first);
    source_rig_deinit(&r);
}

static void what_is_lost_is_not_behind(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    rig_write_generations(&r, 3);
    rig_unlink(&r, ".2");
    rig_sync(&r, 0);
    assert_int_not_equal(chain_give_up(r.chain, GAP_PIN_QUOTA), 0);
    rig_publish(&r);
    assert_unread(&r, size_of(&r, ".1") + size_of(&r, ""));
    source_rig_deinit(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_the_files_from_the_cursor_on),
        cmocka_unit_test(a_line_that_is_not_whole_has_bytes_and_no_time),
        cmocka_unit_test(a_compressed_rotation_counts_as_it_lies_there),
        cmocka_unit_test(what_the_route_does_not_want_is_not_behind),
        cmocka_unit_test(what_is_lost_is_not_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
