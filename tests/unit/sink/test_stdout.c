// SPDX-License-Identifier: Apache-2.0
#include "rig.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

/* stdout and null, and the catalog that knows them. */

static void test_catalog_knows_the_sinks(void **state)
{
    size_t count;
    const struct sink_ops *const *all = sink_all(&count);
    assert_true(count >= 3);
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(all[i]->type, all[j]->type);
    assert_ptr_equal(all[0], &file_sink);
}

/* Null takes everything; the form it asks for is what a format costs to decode. */
static void test_null_takes_everything(void **state)
{
    const enum sink_format format = SINK_TEXT; /* all that its options hold */
    struct sink *s = NULL;
    assert_int_equal(null_sink.open(&s, &format, NULL, NULL), 0);
    assert_int_equal(null_sink.form(s), FORM_BYTES);
    CLEANUP(container_unref) struct container *c = rig_container("n", NULL);
    struct sink_target *target = NULL;
    assert_int_equal(null_sink.bind(s, c, &target, NULL), 0);
    struct entry entry = {.message = SPAN("x")};
    struct batch batch = {.entries = &entry, .count = 1};
    assert_int_equal(null_sink.encode(s, target, &batch, NULL), 0);
    assert_int_equal(null_sink.flush(s, NULL), SINK_DELIVERED);
    null_sink.unbind(s, target);
    null_sink.close(s);
}

/* Runs `play` in a process whose stdout is the pipe; returns its exit status. */
static int with_stdout(int fd, int (*play)(struct sink *, struct sink_target *), const int *also)
{
    pid_t pid = fork();
    if (pid == 0) {
        signal(SIGPIPE, SIG_IGN);
        dup2(fd, STDOUT_FILENO);
        close(fd);
        if (also)
            close(*also);
        struct line_options options = {.format = SINK_RAW};
        struct sink *s = NULL;
        struct sink_target *target = NULL;
        struct container *c = rig_container("n", NULL);
        if (stdout_sink.open(&s, &options, NULL, NULL) < 0 ||
            stdout_sink.bind(s, c, &target, NULL) < 0)
            _exit(99);
        int result = play(s, target);
        stdout_sink.unbind(s, target);
        stdout_sink.close(s);
        container_unref(c);
        _exit(result);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

enum { LINE_SIZE = 1000, LINES = 1000 };

static int write_lines(struct sink *s, struct sink_target *target)
{
    static char text[LINE_SIZE];
    memset(text, 'x', sizeof(text));
    for (int i = 0; i < LINES; i++) {
        struct entry entry = {.message = {text, sizeof(text)}};
        struct batch batch = {.form = FORM_BYTES, .entries = &entry, .count = 1};
        int r = stdout_sink.encode(s, target, &batch, NULL);
        if (r != 0)
            return r < 0 ? -r : 100 + r;
    }
    int r = stdout_sink.flush(s, NULL);
    return r < 0 ? -r : r;
}

static void read_to_end(int fd, size_t *ret_size)
{
    static char buffer[65536];
    ssize_t n;
    for (*ret_size = 0; (n = read(fd, buffer, sizeof(buffer))) > 0; *ret_size += (size_t)n)
        ;
}

/* EAGAIN: a pipe that is full and non-blocking is waited for. */
static void test_stdout_waits_for_a_full_pipe(void **state)
{
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
    pid_t reader = fork();
    if (reader == 0) {
        close(ends[1]);
        size_t size;
        read_to_end(ends[0], &size);
        _exit(size == (size_t)LINES * (LINE_SIZE + 1) ? 0 : 1);
    }
    assert_int_equal(with_stdout(ends[1], write_lines, &ends[0]), SINK_DELIVERED);
    close(ends[0]);
    close(ends[1]);
    int status;
    assert_int_equal(waitpid(reader, &status, 0), reader);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void test_a_reader_that_leaves_ends_the_route(void **state)
{
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    close(ends[0]);
    assert_int_equal(with_stdout(ends[1], write_lines, NULL), EPIPE);
    close(ends[1]);
}

static int fail_and_recover(struct sink *s, struct sink_target *target)
{
    int r = write_lines(s, target);
    struct sink_rows none = {0};
    if (r != SINK_FAILED && r != 100 + SINK_FAILED)
        return 90;
    int full = open("/dev/null", O_WRONLY);
    dup2(full, STDOUT_FILENO);
    close(full);
    if (stdout_sink.recover(s, &none, &none, NULL) != 0)
        return 91;
    return write_lines(s, target);
}

/* A full disk behind stdout: the route waits, recovers and goes on. */
static void test_stdout_fails_and_recovers(void **state)
{
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    assert_true(full >= 0);
    assert_int_equal(with_stdout(full, fail_and_recover, NULL), SINK_DELIVERED);
    close(full);
}

static void write_one(struct sink *s, struct sink_target *target, const char *line, int expected)
{
    struct entry entry = {.message = span_of(line)};
    struct batch batch = {.form = FORM_BYTES, .entries = &entry, .count = 1};
    if (stdout_sink.encode(s, target, &batch, NULL) != 0 || stdout_sink.flush(s, NULL) != expected)
        _exit(92);
}

static int tear_and_recover(struct sink *s, struct sink_target *target)
{
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit limit = {4, RLIM_INFINITY};
    struct sink_rows none = {0};
    setrlimit(RLIMIT_FSIZE, &limit);
    write_one(s, target, "whole", SINK_FAILED);
    limit.rlim_cur = RLIM_INFINITY;
    setrlimit(RLIMIT_FSIZE, &limit);
    if (stdout_sink.recover(s, &none, &none, NULL) != 0)
        return 91;
    write_one(s, target, "whole", SINK_DELIVERED);
    return 0;
}

/* A line that a failure tore costs no other line. */
static void test_a_torn_line_is_ended_first(void **state)
{
    char path[] = "/tmp/tallyman-stdout-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(with_stdout(fd, tear_and_recover, NULL), 0);
    rig_assert_file(path, "whol\nwhole\n");
    close(fd);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_catalog_knows_the_sinks),
        cmocka_unit_test(test_null_takes_everything),
        cmocka_unit_test(test_stdout_waits_for_a_full_pipe),
        cmocka_unit_test(test_a_reader_that_leaves_ends_the_route),
        cmocka_unit_test(test_stdout_fails_and_recovers),
        cmocka_unit_test(test_a_torn_line_is_ended_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
