// SPDX-License-Identifier: Apache-2.0
/* Long lines of a spool whose chunks bear each a time of its own: joined by the numbers that the
 * spool gives them (D31 S77 R1). */
#include "source_rig.h"

#include "source/spool.h"

enum { CHUNK = SOURCE_CHUNK_BYTES };

struct spooled {
    struct source_rig rig;
    struct spool_marks marks;
    int64_t now_ns;
};

static void begin(struct spooled *s)
{
    rig_format = RECORD_LOCAL;
    *s = (struct spooled){.now_ns = RIG_EPOCH};
    source_rig_init(&s->rig);
    rig_write(&s->rig, "", SPAN(""));
    rig_sync(&s->rig, 1);
}

/* A record of a later time than all before; `entry` tells what is not usual of it. */
static void receive(struct spooled *s, enum stream stream, struct span text,
                    struct spool_entry entry)
{
    CLEANUP(buf_deinit) struct buf frame = BUF_INIT(RECORD_BYTES_MAX);
    entry.text = text;
    entry.stream = stream;
    entry.time_ns = s->now_ns += 1000;
    entry.own_time = true;
    assert_int_equal(spool_frame(&frame, &s->marks, &entry), 0);
    rig_write(&s->rig, "", buf_span(&frame));
}

static void receive_end(struct spooled *s, enum stream stream, const char *text)
{
    receive(s, stream, span_of(text), (struct spool_entry){.ends_line = true});
}

static void receive_chunk(struct spooled *s, enum stream stream, char fill)
{
    char text[CHUNK];
    memset(text, fill, sizeof(text));
    receive(s, stream, (struct span){text, sizeof(text)}, (struct spool_entry){0});
}

/* What came with each long run of a letter as its length. */
static void assert_came_short(struct spooled *s, const char *expected)
{
    struct buf text = BUF_INIT(RIG_TEXT_MAX);
    struct span came = buf_span(&s->rig.came);
    for (size_t at = 0, run; at < came.size; at += run) {
        for (run = 1; at + run < came.size && came.data[at + run] == came.data[at]; run++)
            ;
        if (run > 100)
            buf_append_format(&text, "%zu%c", run, came.data[at]);
        else
            buf_append(&text, (struct span){came.data + at, run});
    }
    assert_text_equal(text.size ? buf_span(&text) : SPAN(""), span_of(expected));
    buf_deinit(&text);
    buf_clear(&s->rig.came);
}

static void d31_chunks_with_times_of_their_own_are_one_line(void **state)
{
    struct spooled s;
    begin(&s);
    receive_end(&s, STREAM_STDOUT, "before");
    receive_chunk(&s, STREAM_STDOUT, 'a');
    receive_end(&s, STREAM_STDERR, "between");
    receive_chunk(&s, STREAM_STDERR, 'e');
    receive_chunk(&s, STREAM_STDOUT, 'b');
    receive_end(&s, STREAM_STDOUT, "rest");
    receive_end(&s, STREAM_STDERR, ""); /* of a line of exactly one chunk */
    receive_end(&s, STREAM_STDOUT, "");
    receive_end(&s, STREAM_STDOUT, "after");
    rig_pull_all(&s.rig);
    assert_came_short(&s, "o:before\ne:between\no:16384a16384brest\ne:16384e\no:\no:after\n");
    rig_assert_crash_proof(&s.rig);
    source_rig_deinit(&s.rig);
}

/* It has the time of its first chunk, and that is where it stands. */
static void d31_the_line_bears_the_time_of_its_first_chunk(void **state)
{
    struct spooled s;
    begin(&s);
    receive_chunk(&s, STREAM_STDOUT, 'a');
    receive_chunk(&s, STREAM_STDOUT, 'a');
    receive_end(&s, STREAM_STDOUT, "end");
    assert_int_equal(rig_pull(&s.rig), 0);
    assert_int_equal(s.rig.batch.count, 1);
    assert_int_equal(s.rig.batch.entries[0].time_ns, RIG_EPOCH + 1000);
    assert_int_equal(s.rig.batch.entries[0].offset, 0);
    assert_int_equal(s.rig.batch.entries[0].flags, 0);
    source_rig_deinit(&s.rig);
}

/* A piece that is shorter than a chunk ends its run: nothing is glued to it. */
static void d31_the_end_of_a_run_is_no_chunk(void **state)
{
    struct spooled s;
    begin(&s);
    receive(&s, STREAM_STDOUT, SPAN("tail"), (struct spool_entry){0});
    receive_end(&s, STREAM_STDOUT, "next run");
    receive_chunk(&s, STREAM_STDOUT, 'a');
    receive(&s, STREAM_STDOUT, SPAN("tail"), (struct spool_entry){0});
    receive_end(&s, STREAM_STDOUT, "next run");
    rig_pull_all(&s.rig);
    assert_came_short(&s, "ou:tail\no:next run\nou:16384atail\no:next run\n");
    rig_assert_crash_proof(&s.rig);
    source_rig_deinit(&s.rig);
}

/* Where the Engine has left out the empty end of a line, but told that the next is another: even of
 * the same time. */
static void d31_what_starts_a_line_ends_the_open_one(void **state)
{
    const struct spool_entry whole = {.starts_line = true, .ends_line = true};
    struct spooled s;
    begin(&s);
    receive_chunk(&s, STREAM_STDOUT, 'a');
    s.now_ns -= 1000;
    receive(&s, STREAM_STDOUT, SPAN("whole"), whole);
    receive_chunk(&s, STREAM_STDOUT, 'b');
    char text[CHUNK];
    memset(text, 'c', sizeof(text));
    receive(&s, STREAM_STDOUT, (struct span){text, sizeof(text)},
            (struct spool_entry){.starts_line = true});
    receive_end(&s, STREAM_STDOUT, "end");
    rig_pull_all(&s.rig);
    assert_came_short(&s, "ou:16384a\no:whole\nou:16384b\no:16384cend\n");
    rig_assert_crash_proof(&s.rig);
    source_rig_deinit(&s.rig);
}

static void d31_a_giant_line_is_cut_and_continued(void **state)
{
    struct spooled s;
    begin(&s);
    for (int i = 0; i < 64 * 4 + 3; i++)
        receive_chunk(&s, STREAM_STDOUT, 'g');
    receive_end(&s, STREAM_STDOUT, "end");
    receive_end(&s, STREAM_STDOUT, "other");
    rig_pull_all(&s.rig);
    assert_came_short(&s, "op:1048576g\nopc:1048576g\nopc:1048576g\nopc:1048576g\noc:49152gend\n"
                          "o:other\n");
    rig_assert_crash_proof(&s.rig);
    source_rig_deinit(&s.rig);
}

static void d31_a_line_goes_on_in_the_next_file(void **state)
{
    struct spooled s;
    begin(&s);
    receive_chunk(&s, STREAM_STDOUT, 'a');
    rig_rotate(&s.rig, 4);
    rig_sync(&s.rig, 1);
    receive_chunk(&s, STREAM_STDOUT, 'a');
    rig_rotate(&s.rig, 4);
    rig_sync(&s.rig, 1);
    receive_end(&s, STREAM_STDOUT, "end");
    rig_pull_all(&s.rig);
    assert_came_short(&s, "o:32768aend\n");
    rig_assert_crash_proof(&s.rig);
    source_rig_deinit(&s.rig);
}

/* The file with its head went before anybody read it: told, and what is left is one line. */
static void r1_a_missing_head_is_booked(void **state)
{
    struct spooled s;
    begin(&s);
    receive_chunk(&s, STREAM_STDOUT, 'a');
    rig_truncate(&s.rig, "", 0);
    receive_chunk(&s, STREAM_STDOUT, 'b');
    receive_end(&s, STREAM_STDOUT, "end");
    rig_pull_all(&s.rig);
    assert_came_short(&s, "gap open_line ?@1:0\noc:16384bend\n");
    rig_assert_crash_proof(&s.rig);
    source_rig_deinit(&s.rig);
}

/* Damage in the midst of a line: its two ends are not joined as if they met. */
static void r1_damage_cuts_the_line(void **state)
{
    struct spooled s;
    begin(&s);
    receive_chunk(&s, STREAM_STDOUT, 'a');
    rig_write_text(&s.rig, "", "damage");
    receive_chunk(&s, STREAM_STDOUT, 'b');
    receive_end(&s, STREAM_STDOUT, "end");
    receive_end(&s, STREAM_STDOUT, "next");
    rig_pull_all(&s.rig);
    assert_came_short(&s, "gap malformed 6@1:16420\nop:16384a\noc:16384bend\no:next\n");
    rig_assert_crash_proof(&s.rig);
    source_rig_deinit(&s.rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(d31_chunks_with_times_of_their_own_are_one_line),
        cmocka_unit_test(d31_the_line_bears_the_time_of_its_first_chunk),
        cmocka_unit_test(d31_the_end_of_a_run_is_no_chunk),
        cmocka_unit_test(d31_what_starts_a_line_ends_the_open_one),
        cmocka_unit_test(d31_a_giant_line_is_cut_and_continued),
        cmocka_unit_test(d31_a_line_goes_on_in_the_next_file),
        cmocka_unit_test(r1_a_missing_head_is_booked),
        cmocka_unit_test(r1_damage_cuts_the_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
