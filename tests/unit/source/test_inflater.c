// SPDX-License-Identifier: Apache-2.0
/* A compressed rotation by plain offsets: forwards, back, damaged (D32; design §6: one inflate from
 * its start). */
#include "source_rig.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

enum { WINDOW_MAX = 1024 * 1024, WANT = 4096 };

struct gz {
    struct source_rig rig;
    struct inflater inflater;
    struct buf plain;
    int fd;
};

/* Numbered lines, `size` bytes about; of the compressed file `keep` bytes. */
static void gz_open(struct gz *g, size_t size, size_t keep)
{
    source_rig_init(&g->rig);
    g->plain = BUF_INIT(RIG_TEXT_MAX);
    for (unsigned i = 0; g->plain.size < size; i++)
        buf_append_format(&g->plain, "line %u of %u\n", i, i * 2654435761u);
    rig_write_gzip(&g->rig, ".1.gz", buf_span(&g->plain), keep);
    g->fd = open(rig_file(&g->rig, ".1.gz"), O_RDONLY | O_CLOEXEC);
    assert_true(g->fd >= 0);
    inflater_init(&g->inflater, WINDOW_MAX);
}

static void gz_close(struct gz *g)
{
    inflater_deinit(&g->inflater);
    close_fd(g->fd);
    buf_deinit(&g->plain);
    source_rig_deinit(&g->rig);
}

static void assert_reads(struct gz *g, uint64_t offset, size_t want)
{
    struct span text;
    int outcome;
    while ((outcome = inflater_read(&g->inflater, g->fd, offset, want, &text)) == INFLATER_AGAIN)
        ;
    assert_int_equal(outcome, 0);
    size_t left = g->plain.size - offset;
    assert_true(text.size >= (want < left ? want : left));
    assert_memory_equal(text.data, g->plain.data + offset, text.size);
}

static void forwards_and_back(void **state)
{
    struct gz g;
    gz_open(&g, 400000, SIZE_MAX);
    assert_reads(&g, 0, WANT);
    assert_reads(&g, 1000, WANT);
    assert_reads(&g, 300000, WANT);
    uint64_t file_at = g.inflater.file_at;
    assert_reads(&g, 300001, WANT);
    assert_true(g.inflater.file_at >= file_at);
    assert_reads(&g, 17, WANT); /* back is from the start again */
    assert_reads(&g, g.plain.size - 10, WANT);
    assert_true(g.inflater.finished);
    assert_false(g.inflater.damaged);
    assert_reads(&g, 0, 100000);
    gz_close(&g);
}

static void behind_its_end_there_is_nothing(void **state)
{
    struct gz g;
    struct span text;
    gz_open(&g, 10000, SIZE_MAX);
    assert_int_equal(inflater_read(&g.inflater, g.fd, g.plain.size, WANT, &text), 0);
    assert_int_equal(text.size, 0);
    assert_int_equal(inflater_read(&g.inflater, g.fd, g.plain.size + 99, WANT, &text), 0);
    assert_int_equal(text.size, 0);
    assert_false(g.inflater.damaged);
    gz_close(&g);
}

static void d32_unfinished_gives_what_is_there(void **state)
{
    struct gz g;
    struct span text;
    gz_open(&g, 400000, 50000);
    uint64_t at = 0;
    for (;;) {
        assert_int_equal(inflater_read(&g.inflater, g.fd, at, WANT, &text), 0);
        assert_memory_equal(text.data, g.plain.data + at, text.size);
        at += text.size;
        if (text.size < WANT)
            break;
    }
    assert_true(at > 50000 && at < g.plain.size);
    assert_true(g.inflater.damaged);
    gz_close(&g);
}

static void d32_damage_ends_it(void **state)
{
    struct gz g;
    struct span text;
    gz_open(&g, 400000, SIZE_MAX);
    CLEANUP(close_fd) int fd = open(rig_file(&g.rig, ".1.gz"), O_WRONLY | O_CLOEXEC);
    char junk[2000];
    memset(junk, 0xff, sizeof(junk));
    assert_int_equal(pwrite(fd, junk, sizeof(junk), 20000), sizeof(junk));
    uint64_t at = 0;
    do { /* what is damaged may inflate to anything: at the latest the checksum tells */
        assert_int_equal(inflater_read(&g.inflater, g.fd, at, WANT, &text), 0);
        at += text.size;
    } while (text.size >= WANT);
    assert_true(g.inflater.damaged);
    gz_close(&g);
}

static void d32_empty_file_is_damaged(void **state)
{
    struct gz g;
    struct span text;
    gz_open(&g, 1000, 0);
    assert_int_equal(inflater_read(&g.inflater, g.fd, 0, WANT, &text), 0);
    assert_int_equal(text.size, 0);
    assert_true(g.inflater.damaged);
    gz_close(&g);
}

/* One call inflates no more than a step of what nobody wants. */
static void step_is_bounded(void **state)
{
    struct gz g;
    struct span text;
    gz_open(&g, 3 * INFLATE_STEP_MAX, SIZE_MAX);
    uint64_t target = g.plain.size - 100, before = 0;
    int calls = 0;
    while (inflater_read(&g.inflater, g.fd, target, WANT, &text) == INFLATER_AGAIN) {
        uint64_t now = g.inflater.base + g.inflater.window.size;
        assert_true(now - before <= INFLATE_STEP_MAX + WINDOW_MAX);
        before = now;
        calls++;
    }
    assert_true(calls >= 2);
    assert_int_equal(text.size, 100);
    assert_true(g.inflater.window.capacity <= WINDOW_MAX);
    gz_close(&g);
}

static void window_does_not_grow_past_its_maximum(void **state)
{
    struct gz g;
    struct span text;
    gz_open(&g, 2 * WINDOW_MAX, SIZE_MAX);
    assert_int_equal(inflater_read(&g.inflater, g.fd, 0, WINDOW_MAX + 1, &text), -ENOBUFS);
    gz_close(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forwards_and_back),
        cmocka_unit_test(behind_its_end_there_is_nothing),
        cmocka_unit_test(d32_unfinished_gives_what_is_there),
        cmocka_unit_test(d32_damage_ends_it),
        cmocka_unit_test(d32_empty_file_is_damaged),
        cmocka_unit_test(step_is_bounded),
        cmocka_unit_test(window_does_not_grow_past_its_maximum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
