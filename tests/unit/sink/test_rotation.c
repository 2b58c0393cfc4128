// SPDX-License-Identifier: Apache-2.0
#include "faults.h"
#include "rig.h"

#include "base/log.h"
#include "sink/output_compress.h"
#include "sink/output_rotate.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <zlib.h>
#include <zstd.h>

/* Rotation of outputs: what lies where, in the order of writing, and that no crash and no failure
 * at any of its steps loses, doubles or tears a line (R1, design 7). */

enum { MAX_SIZE = 100, LINE_SIZE = 26 /* with its newline: four fill an output */ };

struct story {
    struct rig rig;
    struct container *container;
    struct sink_target *target;
    unsigned next; /* line that is encoded next */
};

static void bind(struct story *s)
{
    s->container = rig_container("web", NULL);
    s->target = rig_bind(&s->rig, s->container);
}

static void unbind(struct story *s)
{
    s->target = s->rig.ops->unbind(s->rig.sink, s->target);
    s->container = container_unref(s->container);
}

static struct story *begin(unsigned max_files, enum rotated_form compression)
{
    static struct story s;
    s = (struct story){0};
    rig_init(&s.rig, "/{container_name}.log");
    s.rig.options.max_size = MAX_SIZE;
    s.rig.options.max_files = max_files;
    s.rig.options.compression = compression;
    rig_open(&s.rig);
    assert_int_equal(rig_recover(&s.rig), 0);
    bind(&s);
    return &s;
}

static void end(struct story *s)
{
    unbind(s);
    rig_deinit(&s->rig);
}

static const char *line(unsigned number)
{
    static char text[LINE_SIZE];
    snprintf(text, sizeof(text), "line %020u", number);
    return text;
}

/* One line, as a route does it: with a commit before, where the sink asks for one. */
static int write_line(struct story *s)
{
    int r = rig_encode(&s->rig, s->target, line(s->next), NULL);
    for (int i = 0; i < 2 && r == SINK_COMMIT_FIRST; i++) {
        r = rig_commit(&s->rig);
        if (r == 0)
            r = rig_encode(&s->rig, s->target, line(s->next), NULL);
    }
    s->next += r == 0;
    return r;
}

static void write_lines(struct story *s, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(write_line(s), 0);
}

static void commit_lines(struct story *s, unsigned count)
{
    write_lines(s, count);
    assert_int_equal(rig_commit(&s->rig), 0);
}

/* Until nothing is left to do. */
static void tend(struct story *s)
{
    int64_t now_ns = 1;
    for (int i = 0; i < 10000; i++)
        if (s->rig.ops->tend(s->rig.sink, now_ns) > now_ns)
            return;
    fail_msg("it never has done");
}

static const char *path_of(const struct story *s, const char *ending)
{
    char tail[64];
    snprintf(tail, sizeof(tail), "/web.log%s", ending);
    return rig_path(&s->rig, tail);
}

static bool exists(const struct story *s, const char *ending)
{
    return access(path_of(s, ending), F_OK) == 0;
}

static void assert_lines(struct story *s, const char *ending, unsigned first, unsigned end)
{
    char text[4096] = "";
    for (unsigned i = first; i < end; i++)
        snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s\n", line(i));
    rig_assert_file(path_of(s, ending), text);
}

static void touch(const struct story *s, const char *ending, const char *content)
{
    rig_write_file(path_of(s, ending), content);
}

/* A full output is renamed before its next line; the oldest goes. */
static void test_a_full_output_is_rotated(void **state)
{
    struct story *s = begin(2, ROTATED_PLAIN);
    commit_lines(s, 4);
    assert_lines(s, "", 0, 4);
    assert_false(exists(s, ".1"));
    commit_lines(s, 1);
    assert_lines(s, "", 4, 5);
    assert_lines(s, ".1", 0, 4);
    commit_lines(s, 4); /* 4 to 7 fill it */
    assert_lines(s, "", 8, 9);
    assert_lines(s, ".1", 4, 8);
    assert_lines(s, ".2", 0, 4);
    commit_lines(s, 8);
    assert_lines(s, "", 16, 17);
    assert_lines(s, ".1", 12, 16);
    assert_lines(s, ".2", 8, 12);
    assert_false(exists(s, ".3"));
    end(s);
}

/* Within one commit it grows to no more than its size and one batch: a commit comes first. */
static void test_a_commit_comes_before_it_grows_on(void **state)
{
    struct story *s = begin(9, ROTATED_PLAIN);
    write_lines(s, 5);
    assert_lines(s, ".1", 0, 4);
    write_lines(s, 20);
    assert_int_equal(rig_commit(&s->rig), 0);
    assert_lines(s, ".6", 0, 4);
    assert_lines(s, "", 24, 25);
    end(s);
}

/* The order of numbers is the order of lines, also where one is missing, and where there are more
 * than are kept. */
static void test_a_free_number_is_filled(void **state)
{
    struct story *s = begin(3, ROTATED_PLAIN);
    touch(s, ".1", "a");
    touch(s, ".3.gz", "b");
    touch(s, ".4", "c");
    commit_lines(s, 4);
    commit_lines(s, 1);
    rig_assert_file(path_of(s, ".2"), "a");
    rig_assert_file(path_of(s, ".3.gz"), "b");
    assert_lines(s, ".1", 0, 4);
    commit_lines(s, 4);
    rig_assert_file(path_of(s, ".3"), "a");
    assert_false(exists(s, ".3.gz"));
    assert_false(exists(s, ".4"));
    assert_lines(s, ".2", 0, 4);
    end(s);
}

/* Never over an output of ours, nor over what is no file. */
static void test_nothing_of_ours_is_overwritten(void **state)
{
    struct story *s = begin(3, ROTATED_PLAIN);
    struct rig other;
    rig_init(&other, "/x");
    other.registry = s->rig.registry;
    snprintf(other.template, sizeof(other.template), "%s", path_of(s, ".1"));
    struct output_registry *own = other.environment.registry;
    other.environment.registry = s->rig.registry;
    rig_open(&other);
    assert_int_equal(rig_recover(&other), 0);
    struct sink_target *target = rig_bind(&other, s->container);
    assert_int_equal(rig_encode(&other, target, "theirs", NULL), 0);
    assert_int_equal(rig_commit(&other), 0);

    commit_lines(s, 4);
    assert_int_equal(write_line(s), SINK_FAILED);
    assert_non_null(strstr(s->rig.error.text, "/web.log.1 is in the way of a rotation"));
    assert_int_equal(rig_recover(&s->rig), 0);
    assert_lines(s, "", 0, 4);
    rig_assert_file(path_of(s, ".1"), "theirs\n");
    other.ops->unbind(other.sink, target);
    rig_close(&other);
    other.registry = own;
    rig_deinit(&other);

    assert_int_equal(unlink(path_of(s, ".1")), 0);
    assert_int_equal(mkdir(path_of(s, ".1"), 0700), 0);
    assert_int_equal(write_line(s), SINK_FAILED);
    assert_non_null(strstr(s->rig.error.text, "no regular file"));
    assert_int_equal(rig_recover(&s->rig), 0);
    assert_int_equal(rmdir(path_of(s, ".1")), 0);
    commit_lines(s, 1);
    assert_lines(s, ".1", 0, 4);
    assert_lines(s, "", 4, 5);
    end(s);
}

/* What somebody else renamed within a commit is cut back there after a crash, and goes on in a new
 * file; whether or not there is one in its place already (logrotate's `create`). */
static void move_and_recover(const char *ending, bool create)
{
    struct story *s = begin(3, ROTATED_PLAIN);
    commit_lines(s, 2);
    char moved[RIG_PATH_MAX];
    snprintf(moved, sizeof(moved), "%s", path_of(s, ending));
    write_lines(s, 1);
    assert_int_equal(rename(path_of(s, ""), moved), 0);
    if (create)
        touch(s, "", "");
    assert_int_equal(s->rig.ops->flush(s->rig.sink, &s->rig.error), SINK_DELIVERED);
    assert_lines(s, ending, 0, 3);

    unbind(s);
    rig_close(&s->rig);
    rig_open(&s->rig);
    assert_int_equal(rig_recover(&s->rig), 0);
    assert_lines(s, ending, 0, 2);
    s->next = 2;
    bind(s);
    commit_lines(s, 2);
    assert_lines(s, ending, 0, 2);
    assert_lines(s, "", 2, 4);
    end(s);
}

static void test_a_moved_output_is_cut_back_where_it_lies(void **state)
{
    static const char *const endings[] = {".1", "-20261124", "-2026-11-24.log", ".old"};
    for (size_t i = 0; i < ARRAY_SIZE(endings); i++) {
        move_and_recover(endings[i], true);
        move_and_recover(endings[i], false);
    }
}

/* What of a rotated file is not its own is left: shorter than booked, or another file. */
static void test_a_rotated_file_is_cut_only_if_it_is_the_booked_one(void **state)
{
    struct story *s = begin(3, ROTATED_PLAIN);
    commit_lines(s, 3);
    unbind(s);
    rig_close(&s->rig);
    char text[512];
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    assert_int_equal(unlink(path_of(s, "")), 0);
    touch(s, ".1", text);
    rig_open(&s->rig);
    assert_int_equal(rig_recover(&s->rig), 0);
    rig_assert_file(path_of(s, ".1"), text);
    assert_int_equal(s->rig.book->rows[0].length, 0);
    bind(s);
    end(s);
}

/* Emptied in place within a commit (copytruncate): what was written before is in the copy, what
 * comes after stands at the beginning, without a hole, once its row is booked. */
static void test_an_output_emptied_within_a_commit_goes_on(void **state)
{
    struct story *s = begin(3, ROTATED_PLAIN);
    commit_lines(s, 1);
    write_lines(s, 1);
    assert_int_equal(truncate(path_of(s, ""), 0), 0);
    write_lines(s, 1);
    assert_int_equal(truncate(path_of(s, ""), 0), 0);
    assert_int_equal(rig_commit(&s->rig), 0);
    assert_lines(s, "", 1, 3);
    commit_lines(s, 1);
    assert_lines(s, "", 1, 4);
    assert_int_equal(s->rig.book->rows[0].length, 3 * LINE_SIZE);

    /* Between the row and the bytes: void, then written whole. */
    struct sink_rows rows = {0};
    s->rig.options.max_size = 0;
    write_lines(s, 1);
    assert_int_equal(s->rig.ops->prepare(s->rig.sink, &rows, &s->rig.error), 0);
    assert_int_equal(truncate(path_of(s, ""), 0), 0);
    assert_int_equal(s->rig.ops->flush(s->rig.sink, &s->rig.error), SINK_FAILED);
    sink_rows_deinit(&rows);
    assert_int_equal(rig_recover(&s->rig), 0);
    s->next = 4;
    commit_lines(s, 1);
    assert_lines(s, "", 4, 5);
    end(s);
}

/* An output that is not used any more lets go of its file. */
static void test_a_quiet_output_is_closed(void **state)
{
    struct story *s = begin(3, ROTATED_PLAIN);
    commit_lines(s, 1);
    int64_t due_ns = s->rig.ops->tend(s->rig.sink, 1);
    commit_lines(s, 1);
    due_ns = s->rig.ops->tend(s->rig.sink, due_ns);
    assert_true(due_ns < INT64_C(60) * 1000 * 1000 * 1000);
    assert_int_equal(s->rig.ops->tend(s->rig.sink, due_ns), INT64_MAX);
    CLEANUP(close_fd) int fd = open(path_of(s, ""), O_RDWR | O_CLOEXEC);
    assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
    fd = close_fd(fd);
    commit_lines(s, 1);
    assert_lines(s, "", 0, 3);
    end(s);
}

static void inflate_file(const char *path, char *to, size_t size)
{
    gzFile file = gzopen(path, "rb");
    assert_non_null(file);
    int n = gzread(file, to, (unsigned)size - 1);
    assert_true(n >= 0);
    to[n] = '\0';
    assert_int_equal(gzclose(file), Z_OK);
}

static void unzstd_file(const char *path, char *to, size_t size)
{
    size_t packed_size;
    CLEANUP_FREE char *packed = rig_read_file(path, &packed_size);
    size_t n = ZSTD_decompress(to, size - 1, packed, packed_size);
    assert_false(ZSTD_isError(n));
    to[n] = '\0';
}

/* Compressed in its turn, as old and as readable as it was; the ledger knows nothing of it. */
static void test_rotated_files_are_compressed(void **state)
{
    static const struct {
        enum rotated_form form;
        const char *first, *second;
        void (*read)(const char *path, char *to, size_t size);
    } forms[] = {{ROTATED_GZIP, ".1.gz", ".2.gz", inflate_file},
                 {ROTATED_ZSTD, ".1.zst", ".2.zst", unzstd_file}};
    for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
        struct story *s = begin(3, forms[i].form);
        char text[4096], expected[4096];
        struct stat before, after;
        commit_lines(s, 4);
        write_lines(s, 1);
        tend(s);
        assert_true(exists(s, ".1")); /* the row may name it still */
        assert_int_equal(rig_commit(&s->rig), 0);
        assert_int_equal(stat(path_of(s, ".1"), &before), 0);
        tend(s);
        assert_false(exists(s, ".1"));
        assert_false(exists(s, ".rotated.tmp"));
        assert_int_equal(stat(path_of(s, forms[i].first), &after), 0);
        assert_int_equal(after.st_mode, before.st_mode);
        assert_int_equal(after.st_mtim.tv_nsec, before.st_mtim.tv_nsec);
        commit_lines(s, 4);
        tend(s);
        forms[i].read(path_of(s, forms[i].second), text, sizeof(text));
        snprintf(expected, sizeof(expected), "%s\n", line(0));
        assert_memory_equal(text, expected, LINE_SIZE);
        assert_int_equal(strlen(text), 4 * LINE_SIZE);
        assert_lines(s, "", 8, 9);
        end(s);
    }
}

/* Rotations that come meanwhile move it up; a large file takes several turns. */
static void test_a_file_may_move_while_it_is_compressed(void **state)
{
    enum { BIG = 3 * COMPRESS_SLICE_BYTES };
    struct story *s = begin(3, ROTATED_GZIP);
    CLEANUP_FREE char *big = malloc(BIG + 1), *back = malloc(BIG + 1);
    for (size_t i = 0; i < BIG; i++)
        big[i] = (char)('a' + (i * i / 7 + i / 5) % 26);
    big[BIG] = '\0';
    touch(s, ".1", big);
    commit_lines(s, 4);
    assert_int_equal(rig_recover(&s->rig), 0); /* which has it looked for */
    assert_true(s->rig.ops->tend(s->rig.sink, 1) <= 1);
    assert_true(s->rig.ops->tend(s->rig.sink, 1) <= 1);
    assert_true(exists(s, ".rotated.tmp"));
    commit_lines(s, 1); /* rotates */
    tend(s);
    inflate_file(path_of(s, ".2.gz"), back, BIG + 1);
    assert_string_equal(back, big);
    assert_false(exists(s, ".2"));
    assert_true(exists(s, ".1.gz"));

    /* Begun again after a crash: what lay aside is of no use. */
    touch(s, ".rotated.tmp", "half");
    touch(s, ".3", big);
    assert_int_equal(rig_recover(&s->rig), 0);
    tend(s);
    inflate_file(path_of(s, ".3.gz"), back, BIG + 1);
    assert_string_equal(back, big);
    assert_false(exists(s, ".rotated.tmp"));
    end(s);
}

/* A crash between the renaming of the compressed file and the removal of the plain one: the plain
 * one goes. What only bears the same number stays. */
static void test_of_a_pair_the_plain_one_goes(void **state)
{
    struct story *s = begin(5, ROTATED_GZIP);
    touch(s, ".1", "plain");
    touch(s, ".1.gz", "packed");
    struct stat st;
    assert_int_equal(stat(path_of(s, ".1"), &st), 0);
    struct timespec times[] = {{.tv_nsec = UTIME_OMIT}, st.st_mtim};
    assert_int_equal(utimensat(AT_FDCWD, path_of(s, ".1.gz"), times, 0), 0);
    commit_lines(s, 4);
    commit_lines(s, 1);
    assert_false(exists(s, ".2"));
    rig_assert_file(path_of(s, ".2.gz"), "packed");

    s->rig.options.compression = ROTATED_PLAIN;
    times[1].tv_sec -= 1;
    touch(s, ".2", "another");
    assert_int_equal(utimensat(AT_FDCWD, path_of(s, ".2"), times, 0), 0);
    commit_lines(s, 4);
    rig_assert_file(path_of(s, ".3"), "another");
    rig_assert_file(path_of(s, ".3.gz"), "packed");
    end(s);
}

/* A disk that is full while it compresses: the plain file stays, and lines go on. */
static void test_what_cannot_be_compressed_stays(void **state)
{
    struct story *s = begin(3, ROTATED_GZIP);
    assert_int_equal(mkdir(path_of(s, ".rotated.tmp"), 0700), 0); /* cannot be written */
    commit_lines(s, 4);
    commit_lines(s, 1);
    tend(s);
    assert_lines(s, ".1", 0, 4);
    commit_lines(s, 4);
    assert_lines(s, ".2", 0, 4);
    uint64_t counts[SINK_EVENTS_MAX] = {0};
    s->rig.ops->count(s->rig.sink, counts);
    assert_true(counts[0] >= 1);
    assert_int_equal(counts[2], 1);
    assert_int_equal(rmdir(path_of(s, ".rotated.tmp")), 0);
    for (int64_t now_ns = INT64_C(3600) * 1000000000, i = 0; i < 100; i++)
        (void)s->rig.ops->tend(s->rig.sink, now_ns);
    assert_true(exists(s, ".1.gz"));
    assert_true(exists(s, ".2.gz"));
    end(s);
}

static void test_names_that_could_be_a_rotated_file_are_refused(void **state)
{
    static const struct {
        const char *path;
        bool good;
    } paths[] = {{"/a/{container_name}.log", true},    {"/a/{container_name}.gz.txt", true},
                 {"/a/{container_name}/log", true},    {"/a/web.1", true},
                 {"/a/{container_name}", false},       {"/a/{container_name}.1", false},
                 {"/a/{container_name}.log.7", false}, {"/a/{container_name}.log.gz", false},
                 {"/a/{container_name}zst", false},    {"/a/{container_name}.tmp", false}};
    struct sink_environment environment = {.outputs_open_max = 1};
    for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
        struct file_options options = {.path = paths[i].path, .max_size = 65536, .max_files = 5};
        struct sink *sink = NULL;
        struct error error = {""};
        int r = file_sink.open(&sink, &options, &environment, &error);
        if ((r == 0) != paths[i].good)
            fail_msg("%s: %s", paths[i].path, error.text);
        if (r == 0)
            file_sink.close(sink);
    }
    struct file_options options = {.path = "/a/b", .compression = ROTATED_GZIP};
    struct sink *sink = NULL;
    struct error error = {""};
    assert_int_equal(file_sink.open(&sink, &options, &environment, &error), -EINVAL);
    assert_non_null(strstr(error.text, "max_size"));
}

/* All lines of all files of the output, the oldest first. */
static void gather(const struct story *s, char *to, size_t size)
{
    to[0] = '\0';
    for (int number = 9; number >= 0; number--) {
        char ending[16] = "", packed[24];
        if (number)
            snprintf(ending, sizeof(ending), ".%d", number);
        snprintf(packed, sizeof(packed), "%s.gz", ending);
        size_t used = strlen(to);
        struct stat plain, gzip;
        bool is_packed = stat(path_of(s, packed), &gzip) == 0;
        bool is_plain = stat(path_of(s, ending), &plain) == 0;
        if (is_packed)
            inflate_file(path_of(s, packed), to + used, size - used);
        if (!is_plain || (is_packed && plain.st_mtim.tv_nsec == gzip.st_mtim.tv_nsec))
            continue;
        size_t file_size;
        used = strlen(to);
        CLEANUP_FREE char *content = rig_read_file(path_of(s, ending), &file_size);
        assert_true(used + file_size < size);
        memcpy(to + used, content, file_size + 1);
    }
}

static void assert_all_once(const struct story *s, unsigned count)
{
    static char found[65536], expected[65536];
    gather(s, found, sizeof(found));
    expected[0] = '\0';
    size_t used = 0;
    for (unsigned i = 0; i < count; i++)
        used += (size_t)snprintf(expected + used, sizeof(expected) - used, "%s\n", line(i));
    assert_string_equal(found, expected);
}

/* What a killed process leaves to the next. */
struct legacy {
    struct rig_book book;
    unsigned next; /* committed with the book */
};

enum { LINES = 26, LINES_PER_COMMIT = 3 };

/* Lines until there are LINES, commits, and upkeep; from the committed state on. -1: a call failed.
 */
static int live(struct story *s, struct legacy *legacy)
{
    s->next = legacy->next;
    if (rig_recover(&s->rig) != 0)
        return -1;
    while (legacy->next < LINES) {
        for (int i = 0; i < LINES_PER_COMMIT && s->next < LINES; i++) {
            unsigned before = s->next;
            int r = rig_encode(&s->rig, s->target, line(s->next), NULL);
            if (r == SINK_COMMIT_FIRST)
                break;
            if (r != 0)
                return -1;
            s->next = before + 1;
        }
        if (rig_commit(&s->rig) != 0)
            return -1;
        legacy->next = s->next;
        for (int i = 0; i < 20; i++)
            (void)s->rig.ops->tend(s->rig.sink, 1);
    }
    return 0;
}

static struct story *begin_shared(struct legacy **ret)
{
    struct story *s = begin(9, ROTATED_GZIP);
    *ret = mmap(NULL, sizeof(**ret), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(*ret, MAP_FAILED);
    s->rig.book = &(*ret)->book;
    return s;
}

/* kill -9 before each call that changes a file, in turn, and what follows killed again: every line
 * once, in order, none torn. */
static void test_kill_9_at_every_step(void **state)
{
    bool struck = true;
    unsigned steps = 0;
    for (; struck; steps++) {
        struct legacy *legacy;
        struct story *s = begin_shared(&legacy);
        struck = false;
        for (int deaths = 0; deaths < 2; deaths++) {
            pid_t pid = fork();
            if (pid == 0) {
                faults_plan((struct fault_plan){FAULT_ANY, deaths ? steps % 17 : steps, 0});
                live(s, legacy);
                _exit(0);
            }
            int status;
            assert_int_equal(waitpid(pid, &status, 0), pid);
            struck |= WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
            assert_true(struck || WIFEXITED(status));
        }
        assert_int_equal(live(s, legacy), 0);
        assert_all_once(s, LINES);
        end(s);
        munmap(legacy, sizeof(*legacy));
    }
    assert_true(steps > 60);
}

/* Each of them fails instead, once: the route recovers and goes on. */
static void test_a_failure_at_every_step(void **state)
{
    bool struck = true;
    for (unsigned steps = 0; struck; steps++) {
        struct legacy *legacy;
        struct story *s = begin_shared(&legacy);
        faults_plan((struct fault_plan){FAULT_ANY, steps, ENOSPC});
        bool failed = live(s, legacy) != 0;
        struck = faults_struck();
        faults_none();
        assert_true(!failed || struck);
        assert_int_equal(live(s, legacy), 0);
        assert_all_once(s, LINES);
        end(s);
        munmap(legacy, sizeof(*legacy));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_full_output_is_rotated),
        cmocka_unit_test(test_a_commit_comes_before_it_grows_on),
        cmocka_unit_test(test_a_free_number_is_filled),
        cmocka_unit_test(test_nothing_of_ours_is_overwritten),
        cmocka_unit_test(test_a_moved_output_is_cut_back_where_it_lies),
        cmocka_unit_test(test_a_rotated_file_is_cut_only_if_it_is_the_booked_one),
        cmocka_unit_test(test_an_output_emptied_within_a_commit_goes_on),
        cmocka_unit_test(test_a_quiet_output_is_closed),
        cmocka_unit_test(test_rotated_files_are_compressed),
        cmocka_unit_test(test_a_file_may_move_while_it_is_compressed),
        cmocka_unit_test(test_of_a_pair_the_plain_one_goes),
        cmocka_unit_test(test_what_cannot_be_compressed_stays),
        cmocka_unit_test(test_names_that_could_be_a_rotated_file_are_refused),
        cmocka_unit_test(test_kill_9_at_every_step),
        cmocka_unit_test(test_a_failure_at_every_step),
    };
    log_set_level(LOG_ERROR); /* a failure at every step is many warnings */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
