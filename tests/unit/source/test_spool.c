// SPDX-License-Identifier: Apache-2.0
#include "base/resource.h"
#include "scratch.h"
#include "source/local_file/frame.h"
#include "source/local_file/payload.h"
#include "source/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cmocka.h>

#define ID "0123"
#define S  NS_PER_SECOND
#define T0 (INT64_C(1795450000) * S)

/* A log as the Engine has it: what a resumed spool must hold in the end, each record once. */
struct record {
    int64_t after_ns; /* T0 */
    enum stream stream;
    char text;     /* repeated … */
    unsigned size; /* … so many times */
    bool ends_line;
};
static const struct record log_records[] = {
    {0, STREAM_STDERR, 'a', 5, true},
    {5 * S, STREAM_STDOUT, 'b', 3, true},
    {5 * S, STREAM_STDOUT, 'b', 3, true}, /* of equal time, even of equal text */
    {5 * S, STREAM_STDOUT, 'c', 0, true},
    {5 * S, STREAM_STDERR, 'd', 4, true}, /* on both streams */
    {6 * S, STREAM_STDERR, 'e', 4, true},
    {6 * S - 100, STREAM_STDOUT, 'f', 4, true}, /* stamped before it, written behind it */
    {7 * S, STREAM_STDOUT, 'g', SOURCE_CHUNK_BYTES, false},
    {8 * S, STREAM_STDERR, 'h', 4, true},
    {9 * S, STREAM_STDERR, 'i', 4, true},
    {7 * S, STREAM_STDOUT, 'j', SOURCE_CHUNK_BYTES, false}, /* of a line begun 2 s before */
    {10 * S, STREAM_STDERR, 'k', 4, true},
    {7 * S, STREAM_STDOUT, 'l', 7, true},
    {11 * S, STREAM_STDOUT, 'm', 3, false}, /* the end of a run */
    {11 * S + 1, STREAM_STDOUT, 'n', 4, true},
    {60 * S, STREAM_STDOUT, 'o', 4, true},
    {60 * S, STREAM_STDERR, 'p', 4, true},
};

/* One whose chunks bear each a time of its own, and two of whose lines lack their empty end. */
static const struct record own_time_records[] = {
    {0, STREAM_STDOUT, 'a', SOURCE_CHUNK_BYTES, false},
    {1 * S, STREAM_STDERR, 'b', SOURCE_CHUNK_BYTES, false},
    {3 * S, STREAM_STDOUT, 'c', SOURCE_CHUNK_BYTES, false}, /* one second is not enough */
    {3 * S + 1, STREAM_STDOUT, 'd', 5, true},
    {6 * S, STREAM_STDERR, 'e', 5, true},
    {6 * S, STREAM_STDERR, 'e', 5, true},
    {7 * S, STREAM_STDOUT, 'f', SOURCE_CHUNK_BYTES, false},
    {7 * S, STREAM_STDOUT, 'g', 5, true},
    {7 * S, STREAM_STDOUT, 'h', SOURCE_CHUNK_BYTES, false},
    {8 * S, STREAM_STDOUT, 'i', SOURCE_CHUNK_BYTES, false},
    {8 * S, STREAM_STDOUT, 'j', SOURCE_CHUNK_BYTES, false},
    {9 * S, STREAM_STDOUT, 'k', 0, true},
    {9 * S, STREAM_STDOUT, 'l', 3, false}, /* the end of a run */
    {9 * S + 1, STREAM_STDOUT, 'm', 3, true},
};

struct log {
    const struct record *records;
    size_t count;
    bool own_times;
    const char *starters; /* texts of which is known that they start a line */
};
static const struct log same_times = {log_records, ARRAY_SIZE(log_records), false, ""};
static const struct log own_times = {own_time_records, ARRAY_SIZE(own_time_records), true, "fghi"};

static char fill[STREAM_COUNT * SOURCE_CHUNK_BYTES];

static struct spool_entry entry_of(const struct log *log, size_t i)
{
    const struct record *r = &log->records[i];
    memset(fill, r->text, r->size);
    return (struct spool_entry){.text = {fill, r->size},
                                .time_ns = T0 + r->after_ns,
                                .stream = r->stream,
                                .ends_line = r->ends_line,
                                .own_time = log->own_times,
                                .starts_line = strchr(log->starters, r->text)};
}

static struct spool_entry record_of(struct span text, int64_t time_ns, enum stream stream,
                                    bool ends_line)
{
    return (struct spool_entry){
        .text = text, .time_ns = time_ns, .stream = stream, .ends_line = ends_line};
}

static struct spool *open_spool(void **state, struct buf *batch)
{
    struct spool *s = NULL;
    struct error error = {""};
    int r = spool_make(*state, ID, &error);
    if (r == 0)
        r = spool_open(&s, *state, ID, batch, &error);
    if (r < 0)
        fail_msg("%s", error.text);
    return s;
}

static void receive(struct spool *s, const struct spool_entry *entry)
{
    assert_int_equal(spool_append(s, entry), 0);
    assert_int_equal(spool_flush(s, NULL), 0);
}

/* Receives the log up to record `end` as an Engine sends it: one up to 23 filters each record, a
 * later one sends all behind the first that is not too old. */
static void receive_log(void **state, const struct log *log, size_t end, bool filters_each)
{
    CLEANUP(buf_deinit) struct buf batch = BUF_INIT(1 << 20);
    CLEANUP(spool_close) struct spool *s = open_spool(state, &batch);
    struct spool_overlap overlap;
    bool begun = false;

    spool_overlap_begin(&overlap, spool_marks(s), false);
    for (size_t i = 0; i < end; i++) {
        struct spool_entry entry = entry_of(log, i);
        begun = (begun && !filters_each) || entry.time_ns >= overlap.since_ns;
        if (begun && spool_overlap_passes(&overlap, entry.stream, entry.time_ns))
            receive(s, &entry);
    }
}

static struct buf read_spool(void **state)
{
    struct buf bytes = BUF_INIT(1 << 20);
    CLEANUP(close_fd) int fd = open(SCRATCH(ID "/" SPOOL_FILE_NAME), O_RDONLY);
    char *room = buf_reserve(&bytes, 1 << 19);
    ssize_t n = read(fd, room, 1 << 19);

    assert_true(n >= 0);
    bytes.size = (size_t)n;
    return bytes;
}

/* Each record once, and the chunks of a line numbered as they are in `numbers`, a digit each. */
static void assert_spool_holds(void **state, const struct log *log, const char *numbers)
{
    CLEANUP(buf_deinit) struct buf bytes = read_spool(state);
    size_t at = 0;

    assert_int_equal(strlen(numbers), log->count);
    for (size_t i = 0; i < log->count; i++) {
        struct spool_entry entry = entry_of(log, i);
        struct payload p;
        size_t size = 0;
        assert_int_equal(frame_look((struct span){bytes.data + at, bytes.size - at}, &size),
                         FRAME_WHOLE);
        assert_true(payload_parse(
            (struct span){bytes.data + at + FRAME_MARK_SIZE, size - FRAME_AROUND}, &p));
        assert_true(span_equal(p.line, entry.text));
        assert_int_equal(p.time_ns, entry.time_ns);
        assert_string_equal(stream_word(entry.stream),
                            span_equal(p.stream, SPAN("stderr")) ? "stderr" : "stdout");
        assert_int_equal(p.ordinal, numbers[i] - '0');
        at += size;
    }
    assert_int_equal(at, bytes.size);
}

static void assert_spool_holds_the_log(void **state)
{
    assert_spool_holds(state, &same_times, "00000001002031000");
}

/* Each record once or more often; their texts are short and differ. */
static void assert_spool_has_all(void **state, const struct log *log)
{
    CLEANUP(buf_deinit) struct buf bytes = read_spool(state);
    for (size_t i = 0; i < log->count; i++) {
        struct spool_entry entry = entry_of(log, i);
        if (!memmem(bytes.data, bytes.size, entry.text.data, entry.text.size))
            fail_msg("%.*s is missing", (int)entry.text.size, entry.text.data);
    }
}

static void clear(void **state)
{
    assert_int_equal(spool_remove(*state, ID, NULL), 0);
}

/* S77: a connection that breaks at any place costs no line and doubles none. */
static void s77_a_stream_is_resumed_behind_any_record(void **state)
{
    for (int filters_each = 0; filters_each < 2; filters_each++)
        for (size_t first = 0; first <= ARRAY_SIZE(log_records); first++)
            for (size_t second = first; second <= ARRAY_SIZE(log_records); second += 3) {
                receive_log(state, &same_times, first, filters_each);
                receive_log(state, &same_times, second, filters_each);
                receive_log(state, &same_times, ARRAY_SIZE(log_records), filters_each);
                assert_spool_holds_the_log(state);
                clear(state);
            }
}

/* S77 D31: also in the midst of a line whose chunks have no time in common; its chunks are numbered
 * as if there had been one connection. */
static void s77_a_stream_is_resumed_within_a_line(void **state)
{
    for (int filters_each = 0; filters_each < 2; filters_each++)
        for (size_t first = 0; first <= own_times.count; first++)
            for (size_t second = first; second <= own_times.count; second++) {
                receive_log(state, &own_times, first, filters_each);
                receive_log(state, &own_times, second, filters_each);
                receive_log(state, &own_times, own_times.count, filters_each);
                assert_spool_holds(state, &own_times, "11232010112310");
                clear(state);
            }
}

/* S77: a kill tears the file at any byte. */
static void s77_a_torn_spool_is_received_on(void **state)
{
    receive_log(state, &same_times, ARRAY_SIZE(log_records), true);
    CLEANUP(buf_deinit) struct buf whole = read_spool(state);

    for (size_t size = 0; size <= whole.size; size += size % SOURCE_CHUNK_BYTES < 300 ? 1 : 1009) {
        assert_int_equal(truncate(SCRATCH(ID "/" SPOOL_FILE_NAME), (off_t)size), 0);
        receive_log(state, &same_times, ARRAY_SIZE(log_records), size % 2);
        assert_spool_holds_the_log(state);
    }
}

/* What a power cut leaves: zeros where the last blocks were. */
static void s77_zeros_at_the_end_are_cut_off(void **state)
{
    static const char zeros[567];

    for (size_t zero_count = 1; zero_count <= sizeof(zeros); zero_count += 13) {
        receive_log(state, &same_times, 9, true);
        CLEANUP(close_fd) int fd = open(SCRATCH(ID "/" SPOOL_FILE_NAME), O_WRONLY | O_APPEND);
        assert_int_equal(write(fd, zeros, zero_count), zero_count);
        receive_log(state, &same_times, ARRAY_SIZE(log_records), true);
        assert_spool_holds_the_log(state);
        clear(state);
    }
}

/* S77: a disk that is full takes half a frame. */
static void s77_a_full_disk_costs_nothing_in_the_end(void **state)
{
    CLEANUP(buf_deinit) struct buf batch = BUF_INIT(1 << 20);
    struct rlimit before, full = {.rlim_cur = 200};
    struct error error = {""};

    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    full.rlim_max = before.rlim_max;
    CLEANUP(spool_close) struct spool *s = open_spool(state, &batch);
    for (size_t i = 0; i < 9; i++) {
        struct spool_entry entry = entry_of(&same_times, i);
        assert_int_equal(spool_append(s, &entry), 0);
    }
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &full), 0);
    int r = spool_flush(s, &error);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(r, -ENOSPC);
    assert_says(&error, SCRATCH(ID "/" SPOOL_FILE_NAME), "No space left");
    assert_int_equal(batch.size, 0);

    receive_log(state, &same_times, ARRAY_SIZE(log_records), true);
    assert_spool_holds_the_log(state);
}

/* With a TTY nothing marks where the end of a run without a newline ends: it is not asked for
 * again. A line that may go on is. */
/* S77: the clock steps back by nearly an hour, and one stream alone goes on: the other has the
 * newest time for long. Whenever the connection breaks, what is behind the step comes. */
static void s77_what_follows_a_step_of_the_clock_is_asked_for(void **state)
{
    static const struct record records[] = {
        {3598 * S, STREAM_STDOUT, 'a', 3, true}, {3599 * S, STREAM_STDERR, 'b', 3, true},
        {3600 * S, STREAM_STDERR, 'c', 3, true}, {5 * S, STREAM_STDOUT, 'd', 3, true},
        {6 * S, STREAM_STDOUT, 'e', 3, true},    {8 * S, STREAM_STDOUT, 'f', 3, true},
        {9 * S, STREAM_STDERR, 'g', 3, true},    {9 * S, STREAM_STDERR, 'h', 3, true},
        {11 * S, STREAM_STDOUT, 'i', 3, true},
    };
    const struct log stepped = {records, ARRAY_SIZE(records), false, ""};
    enum { STEP = 3 };
    for (size_t broken = STEP + 1; broken <= stepped.count; broken++)
        for (int filters_each = 0; filters_each <= 1; filters_each++) {
            receive_log(state, &stepped, broken, filters_each);
            receive_log(state, &stepped, stepped.count, filters_each);
            assert_spool_has_all(state, &stepped);
            clear(state);
        }
}

static void a_terminal_is_asked_behind_the_end_of_a_run(void **state)
{
    struct spool_marks marks = {0};
    struct spool_overlap overlap;
    const struct spool_entry line = record_of(SPAN("line\r"), T0, STREAM_STDOUT, true);
    const struct spool_entry prompt = record_of(SPAN("login: "), T0 + 5, STREAM_STDOUT, false);
    const struct spool_entry chunk =
        record_of((struct span){fill, SOURCE_CHUNK_BYTES}, T0 + 9, STREAM_STDOUT, false);

    spool_marks_note(&marks, &line);
    spool_overlap_begin(&overlap, &marks, true);
    assert_int_equal(overlap.since_ns, T0 - SPOOL_OVERLAP_NS);

    spool_marks_note(&marks, &prompt);
    spool_overlap_begin(&overlap, &marks, true);
    assert_int_equal(overlap.since_ns, T0 + 6);
    assert_true(spool_overlap_passes(&overlap, STREAM_STDOUT, T0 + 6));

    spool_marks_note(&marks, &chunk);
    spool_overlap_begin(&overlap, &marks, true);
    assert_int_equal(overlap.since_ns, T0 + 9 - SPOOL_OVERLAP_NS);
    assert_false(spool_overlap_passes(&overlap, STREAM_STDOUT, T0 + 9));
    assert_true(spool_overlap_passes(&overlap, STREAM_STDOUT, T0 + 9));
}

/* Behind what is known everything is new, even where the clock stepped back. */
static void what_follows_the_overlap_is_new_whatever_its_time(void **state)
{
    struct spool_marks marks = {0};
    struct spool_overlap overlap;
    const struct spool_entry line = record_of(SPAN("line"), T0, STREAM_STDOUT, true);

    spool_marks_note(&marks, &line);
    spool_overlap_begin(&overlap, &marks, false);
    assert_false(spool_overlap_passes(&overlap, STREAM_STDOUT, T0 - 5));
    assert_false(spool_overlap_passes(&overlap, STREAM_STDOUT, T0));
    assert_true(spool_overlap_passes(&overlap, STREAM_STDOUT, T0 - 5));
    assert_true(spool_overlap_passes(&overlap, STREAM_STDERR, T0 - 5));
}

/* A line whose chunks fill more than a file: where it stands is found over several. */
static void s77_a_spool_is_bounded_and_found_over_its_files(void **state)
{
    CLEANUP(buf_deinit) struct buf batch = BUF_INIT(1 << 20);
    CLEANUP(spool_close) struct spool *s = open_spool(state, &batch);
    const struct spool_entry chunk =
        record_of((struct span){fill, SOURCE_CHUNK_BYTES}, T0, STREAM_STDOUT, false);
    const struct spool_entry other = record_of(SPAN("other"), T0 + 1, STREAM_STDERR, true);
    const unsigned count = 2 * SPOOL_FILE_BYTES / SOURCE_CHUNK_BYTES;

    for (unsigned i = 0; i < count; i++)
        receive(s, &chunk);
    receive(s, &other);
    s = spool_close(s);
    assert_int_equal(scratch_size(SCRATCH(ID "/" SPOOL_FILE_NAME ".3")), -1);

    s = open_spool(state, &batch);
    const struct spool_mark *mark = &spool_marks(s)->streams[STREAM_STDOUT];
    assert_int_equal(mark->count, count);
    assert_int_equal(mark->ordinal, count);
    assert_true(mark->open);
    assert_int_equal(spool_marks(s)->streams[STREAM_STDERR].count, 1);

    for (unsigned i = 0; i < 4 * count; i++)
        receive(s, &chunk);
    assert_int_equal(spool_dropped_files(s), 7);
    assert_int_equal(scratch_size(SCRATCH(ID "/" SPOOL_FILE_NAME ".4")), -1);
    for (unsigned i = 1; i < SPOOL_FILES_MAX; i++) {
        char name[64];
        snprintf(name, sizeof(name), ID "/" SPOOL_FILE_NAME ".%u", i);
        assert_in_range(scratch_size(SCRATCH(name)), SPOOL_FILE_BYTES - 2 * SOURCE_CHUNK_BYTES,
                        SPOOL_FILE_BYTES);
    }
}

static void its_descriptors_are_counted_and_its_files_removed(void **state)
{
    CLEANUP(buf_deinit) struct buf batch = BUF_INIT(1 << 20);
    uint64_t before = resource_open(RESOURCE_SPOOL);
    CLEANUP(spool_close) struct spool *s = open_spool(state, &batch);
    const struct spool_entry line = record_of(SPAN("line"), T0, STREAM_STDOUT, true);

    assert_int_equal(resource_open(RESOURCE_SPOOL), before + 2);
    assert_int_equal(rename(SCRATCH(ID), SCRATCH("removed")), 0);
    receive(s, &line); /* into what is to be removed */
    assert_int_equal(spool_remove(*state, "removed", NULL), 0);
    assert_int_equal(spool_remove(*state, "removed", NULL), 0);
    receive(s, &line);
    s = spool_close(s);
    assert_int_equal(resource_open(RESOURCE_SPOOL), before);
    assert_int_equal(access(SCRATCH("removed"), F_OK), -1);
    assert_int_equal(spool_open(&s, *state, ID, &batch, NULL), -ENOENT);
}

/* R13: which path, and why. */
static void r13_a_spool_that_cannot_be_made_is_named(void **state)
{
    CLEANUP(buf_deinit) struct buf batch = BUF_INIT(100);
    struct error error = {""};
    struct spool *s;

    scratch_write(SCRATCH("file"), "", 0);
    assert_int_equal(spool_make(SCRATCH("file"), ID, &error), -ENOTDIR);
    assert_says(&error, SCRATCH("file/" ID), "Not a directory");
    assert_int_equal(spool_open(&s, SCRATCH("file"), ID, &batch, &error), -ENOTDIR);
    assert_int_equal(resource_open(RESOURCE_SPOOL), 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, scratch_make, scratch_remove)
    const struct CMUnitTest tests[] = {
        TEST(s77_a_stream_is_resumed_behind_any_record),
        TEST(s77_a_stream_is_resumed_within_a_line),
        TEST(s77_a_torn_spool_is_received_on),
        TEST(s77_zeros_at_the_end_are_cut_off),
        TEST(s77_a_full_disk_costs_nothing_in_the_end),
        TEST(s77_what_follows_a_step_of_the_clock_is_asked_for),
        TEST(a_terminal_is_asked_behind_the_end_of_a_run),
        TEST(what_follows_the_overlap_is_new_whatever_its_time),
        TEST(s77_a_spool_is_bounded_and_found_over_its_files),
        TEST(its_descriptors_are_counted_and_its_files_removed),
        TEST(r13_a_spool_that_cannot_be_made_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
