// SPDX-License-Identifier: Apache-2.0
#include "rig.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

/* The file sink without faults: outputs appear, are taken up again, and keep apart. */

struct pair_of_targets {
    struct container *container;
    struct sink_target *target;
};

static struct rig *new_rig(const char *tail)
{
    static struct rig rig;
    rig_init(&rig, tail);
    rig_open(&rig);
    assert_int_equal(rig_recover(&rig), 0);
    return &rig;
}

static struct pair_of_targets bind(struct rig *r, const char *name)
{
    struct pair_of_targets p = {.container = rig_container(name, NULL)};
    p.target = rig_bind(r, p.container);
    return p;
}

static void unbind(struct rig *r, struct pair_of_targets *p)
{
    p->target = r->ops->unbind(r->sink, p->target);
    p->container = container_unref(p->container);
}

static bool exists(const char *path)
{
    return access(path, F_OK) == 0;
}

static size_t open_descriptors(void)
{
    size_t count = 0;
    CLEANUP(closedir) DIR *directory = opendir("/proc/self/fd");
    while (readdir(directory))
        count++;
    return count;
}

/* The row stands in the ledger before the file's first byte. */
static void test_a_row_comes_before_the_first_byte(void **state)
{
    struct rig *r = new_rig("/new/deep/{container_name}.log");
    struct pair_of_targets web = bind(r, "web");
    assert_false(exists(rig_path(r, "/new")));
    assert_int_equal(rig_encode(r, web.target, "one", "two", NULL), 0);
    rig_assert_file(rig_path(r, "/new/deep/web.log"), "");

    struct sink_rows rows = {0};
    assert_int_equal(r->ops->prepare(r->sink, &rows, &r->error), 0);
    rig_assert_file(rig_path(r, "/new/deep/web.log"), "");
    assert_int_equal(rows.count, 1);
    assert_string_equal(rows.items[0].path, rig_path(r, "/new/deep/web.log"));
    assert_int_equal(rows.items[0].length, 0);
    assert_int_not_equal(rows.items[0].file.inode, 0);
    sink_rows_deinit(&rows);

    assert_int_equal(rig_commit(r), 0);
    rig_assert_file(rig_path(r, "/new/deep/web.log"), "one\ntwo\n");
    assert_int_equal(r->book->count, 1);
    assert_int_equal(r->book->rows[0].length, 8);

    struct stat st;
    assert_int_equal(stat(rig_path(r, "/new/deep/web.log"), &st), 0);
    assert_int_equal(st.st_mode & 0777 & ~0640u, 0);
    assert_int_equal(stat(rig_path(r, "/new/deep"), &st), 0);
    assert_int_equal(st.st_mode & 0777 & ~0750u, 0);
    unbind(r, &web);
    rig_deinit(r);
}

/* A commit with nothing new writes no row. */
static void test_a_checkpoint_names_what_changed(void **state)
{
    struct rig *r = new_rig("/{container_name}.log");
    struct pair_of_targets a = bind(r, "a"), b = bind(r, "b");
    assert_int_equal(rig_encode(r, a.target, "1", NULL), 0);
    assert_int_equal(rig_encode(r, b.target, "1", NULL), 0);
    assert_int_equal(rig_commit(r), 0);

    assert_int_equal(r->checkpointed, 2);
    assert_int_equal(rig_encode(r, b.target, "2", NULL), 0);
    assert_int_equal(rig_commit(r), 0);
    assert_int_equal(r->checkpointed, 1);
    assert_int_equal(rig_commit(r), 0);
    assert_int_equal(r->checkpointed, 0);
    unbind(r, &a);
    unbind(r, &b);
    rig_deinit(r);
}

/* Containers that render the same path share the output, in the order in which they arrive. */
static void test_containers_share_an_output(void **state)
{
    struct rig *r = new_rig("/all.log");
    struct pair_of_targets a = bind(r, "a"), b = bind(r, "b");
    assert_int_equal(rig_encode(r, a.target, "a1", NULL), 0);
    assert_int_equal(rig_encode(r, b.target, "b1", NULL), 0);
    assert_int_equal(rig_commit(r), 0);
    assert_int_equal(rig_encode(r, b.target, "b2", NULL), 0);
    unbind(r, &b);
    assert_int_equal(rig_encode(r, a.target, "a2", "a3", NULL), 0);
    assert_int_equal(rig_commit(r), 0);
    rig_assert_file(rig_path(r, "/all.log"), "a1\nb1\nb2\na2\na3\n");
    assert_int_equal(r->book->count, 1);
    unbind(r, &a);
    rig_deinit(r);
}

/* What was written after the last commit is cut back and written again. */
static void test_uncommitted_bytes_are_cut_back(void **state)
{
    struct rig *r = new_rig("/{container_name}.log");
    struct pair_of_targets web = bind(r, "web");
    assert_int_equal(rig_encode(r, web.target, "one", NULL), 0);
    assert_int_equal(rig_commit(r), 0);

    /* On the disk, but the ledger's commit failed. */
    assert_int_equal(rig_encode(r, web.target, "two", NULL), 0);
    assert_int_equal(r->ops->flush(r->sink, &r->error), SINK_DELIVERED);
    rig_assert_file(rig_path(r, "/web.log"), "one\ntwo\n");
    assert_int_equal(rig_recover(r), 0);
    assert_int_equal(r->changed, 0);
    rig_assert_file(rig_path(r, "/web.log"), "one\n");

    assert_int_equal(rig_encode(r, web.target, "two", NULL), 0);
    assert_int_equal(rig_commit(r), 0);
    rig_assert_file(rig_path(r, "/web.log"), "one\ntwo\n");

    /* The same over a restart. */
    assert_int_equal(rig_encode(r, web.target, "three", NULL), 0);
    assert_int_equal(r->ops->flush(r->sink, &r->error), SINK_DELIVERED);
    unbind(r, &web);
    rig_close(r);
    rig_open(r);
    assert_int_equal(rig_recover(r), 0);
    rig_assert_file(rig_path(r, "/web.log"), "one\ntwo\n");
    rig_deinit(r);
}

/* Commits "one", then lets `meddle` do something to the output while we are away, recovers, and
 * commits "two". */
static struct rig *around_a_restart(void (*meddle)(const char *path))
{
    struct rig *r = new_rig("/web.log");
    struct pair_of_targets web = bind(r, "web");
    assert_int_equal(rig_encode(r, web.target, "one", NULL), 0);
    assert_int_equal(rig_commit(r), 0);
    unbind(r, &web);
    rig_close(r);

    meddle(rig_path(r, "/web.log"));
    rig_open(r);
    assert_int_equal(rig_recover(r), 0);
    web = bind(r, "web");
    assert_int_equal(rig_encode(r, web.target, "two", NULL), 0);
    assert_int_equal(rig_commit(r), 0);
    unbind(r, &web);
    return r;
}

static void expect_after_restart(void (*meddle)(const char *path), size_t changed,
                                 const char *content)
{
    struct rig *r = around_a_restart(meddle);
    assert_int_equal(r->changed, changed);
    rig_assert_file(rig_path(r, "/web.log"), content);
    assert_int_equal(r->book->count, 1);
    assert_int_equal(r->book->rows[0].length, strlen(content));
    /* From here on it is an output like any other. */
    rig_close(r);
    rig_open(r);
    assert_int_equal(rig_recover(r), 0);
    assert_int_equal(r->changed, 0);
    rig_assert_file(rig_path(r, "/web.log"), content);
    rig_deinit(r);
}

static void replace(const char *path)
{
    char other[RIG_PATH_MAX];
    snprintf(other, sizeof(other), "%s.other", path);
    rig_write_file(other, "somebody else's, and longer\n");
    assert_int_equal(rename(other, path), 0);
}

static void replace_by_a_torn_one(const char *path)
{
    char other[RIG_PATH_MAX];
    snprintf(other, sizeof(other), "%s.other", path);
    rig_write_file(other, "torn");
    assert_int_equal(rename(other, path), 0);
}

static void shorten(const char *path)
{
    assert_int_equal(truncate(path, 2), 0);
}

static void lengthen(const char *path)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    assert_int_equal(write(fd, "tw", 2), 2);
    close(fd);
}

static void leave_alone(const char *path)
{
}

static void drop(const char *path)
{
    assert_int_equal(unlink(path), 0);
}

/* Only what is ours for certain is ever cut. */
static void test_outputs_are_known_again_or_appended_to(void **state)
{
    expect_after_restart(leave_alone, 0, "one\ntwo\n");
    expect_after_restart(lengthen, 0, "one\ntwo\n");
    expect_after_restart(replace, 1, "somebody else's, and longer\ntwo\n");
    expect_after_restart(replace_by_a_torn_one, 1, "torn\ntwo\n");
    expect_after_restart(shorten, 1, "on\ntwo\n");
    expect_after_restart(drop, 1, "two\n");
}

/* The state was lost while outputs exist. */
static void test_an_output_without_a_row_is_appended_to(void **state)
{
    struct rig *r = new_rig("/web.log");
    rig_write_file(rig_path(r, "/web.log"), "from before\n");
    struct pair_of_targets web = bind(r, "web");
    assert_int_equal(rig_encode(r, web.target, "one", NULL), 0);
    rig_assert_file(rig_path(r, "/web.log"), "from before\n");
    assert_int_equal(rig_commit(r), 0);
    rig_assert_file(rig_path(r, "/web.log"), "from before\none\n");
    assert_int_equal(r->book->rows[0].length, 16);
    unbind(r, &web);
    rig_deinit(r);
}

/* Moved away or cut by somebody while we run: found out after the next commit. */
static void test_an_output_that_changes_while_open_is_left(void **state)
{
    struct rig *r = new_rig("/web.log");
    struct pair_of_targets web = bind(r, "web");
    CLEANUP_FREE char *moved = strdup(rig_path(r, "/web.log.1"));

    assert_int_equal(rig_encode(r, web.target, "one", NULL), 0);
    assert_int_equal(rig_commit(r), 0);
    assert_int_equal(rename(rig_path(r, "/web.log"), moved), 0);
    assert_int_equal(rig_encode(r, web.target, "two", NULL), 0);
    assert_int_equal(rig_commit(r), 0);
    rig_assert_file(moved, "one\n");
    rig_assert_file(rig_path(r, "/web.log"), "two\n");

    assert_int_equal(truncate(rig_path(r, "/web.log"), 0), 0);
    assert_int_equal(rig_encode(r, web.target, "three", NULL), 0);
    assert_int_equal(rig_commit(r), 0);
    rig_assert_file(rig_path(r, "/web.log"), "three\n");
    assert_int_equal(r->book->rows[0].length, 6);
    unbind(r, &web);
    rig_deinit(r);
}

/* An output belongs to one route: two rigs with one registry, one path. */
static void test_an_output_belongs_to_one_route(void **state)
{
    struct rig *r = new_rig("/web.log");
    struct pair_of_targets web = bind(r, "web");
    assert_int_equal(rig_encode(r, web.target, "mine", NULL), 0);

    struct sink *other = NULL;
    struct sink_target *target = NULL;
    struct entry entry = {.message = SPAN("not yours")};
    struct batch batch = {.form = FORM_BYTES, .entries = &entry, .count = 1};
    assert_int_equal(file_sink.open(&other, &r->options, &r->environment, &r->error), 0);
    assert_int_equal(file_sink.bind(other, web.container, &target, &r->error), 0);
    assert_int_equal(file_sink.encode(other, target, &batch, &r->error), SINK_FAILED);
    assert_non_null(strstr(r->error.text, "already an output of this program"));

    assert_int_equal(rig_commit(r), 0);
    rig_assert_file(rig_path(r, "/web.log"), "mine\n");
    file_sink.unbind(other, target);
    file_sink.close(other);
    unbind(r, &web);
    rig_deinit(r);
}

/* Called once, when an output that was not there is about to be made. */
static void (*meanwhile)(void);
int __real_mkdir(const char *path, mode_t mode);
int __wrap_mkdir(const char *path, mode_t mode);
int __wrap_mkdir(const char *path, mode_t mode)
{
    void (*act)(void) = meanwhile;
    meanwhile = NULL;
    if (act)
        act();
    return __real_mkdir(path, mode);
}

static struct {
    struct rig *rig;
    struct sink *sink;
    struct sink_target *target;
} faster;

static void make_it_first(void)
{
    struct entry entry = {.message = SPAN("theirs")};
    struct batch batch = {.form = FORM_BYTES, .entries = &entry, .count = 1};
    assert_int_equal(file_sink.encode(faster.sink, faster.target, &batch, &faster.rig->error), 0);
}

/* Also where both find that it is not there yet. */
static void test_of_two_routes_that_make_an_output_one_is_refused(void **state)
{
    struct rig *r = new_rig("/web.log");
    struct pair_of_targets web = bind(r, "web");
    faster.rig = r;
    assert_int_equal(file_sink.open(&faster.sink, &r->options, &r->environment, &r->error), 0);
    assert_int_equal(file_sink.bind(faster.sink, web.container, &faster.target, &r->error), 0);
    meanwhile = make_it_first;
    assert_int_equal(rig_encode(r, web.target, "mine", NULL), SINK_FAILED);
    if (!strstr(r->error.text, "already an output of this program"))
        fail_msg("%s", r->error.text);
    file_sink.unbind(faster.sink, faster.target);
    file_sink.close(faster.sink);
    unbind(r, &web);
    rig_deinit(r);
}

/* Two names of one file would be two writers of it. */
static void test_a_hard_link_to_an_output_is_refused(void **state)
{
    struct rig *r = new_rig("/{container_name}");
    struct pair_of_targets a = bind(r, "a"), b = bind(r, "b");
    assert_int_equal(rig_encode(r, a.target, "one", NULL), 0);
    assert_int_equal(rig_commit(r), 0);
    CLEANUP_FREE char *second = strdup(rig_path(r, "/b"));
    assert_int_equal(link(rig_path(r, "/a"), second), 0);
    assert_int_equal(rig_encode(r, b.target, "two", NULL), SINK_FAILED);
    assert_non_null(strstr(r->error.text, "already an output of this program"));
    unbind(r, &a);
    unbind(r, &b);
    rig_deinit(r);
}

static void expect_refused(struct rig *r, const char *words)
{
    struct pair_of_targets web = bind(r, "web");
    assert_int_equal(rig_encode(r, web.target, "one", NULL), SINK_FAILED);
    if (!strstr(r->error.text, words))
        fail_msg("\"%s\" lacks \"%s\"", r->error.text, words);
    assert_int_equal(rig_recover(r), 0);
    unbind(r, &web);
}

static void test_what_is_no_file_of_ours_is_refused(void **state)
{
    struct rig *r = new_rig("/web.log");
    const char *path = r->template;

    rig_write_file(rig_path(r, "/target"), "precious\n");
    assert_int_equal(symlink("target", path), 0);
    expect_refused(r, "symbolic link");
    rig_assert_file(rig_path(r, "/target"), "precious\n");
    assert_int_equal(unlink(path), 0);

    assert_int_equal(mkfifo(path, 0600), 0);
    expect_refused(r, "no regular file");
    assert_int_equal(unlink(path), 0);

    assert_int_equal(mkdir(path, 0700), 0);
    expect_refused(r, "directory");
    assert_int_equal(rmdir(path), 0);

    rig_write_file(path, "");
    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
    expect_refused(r, "another process has it locked");
    close(fd);
    rig_deinit(r);
}

/* D77: what is written to is found in the registry, also once its container is gone. */
static void test_outputs_are_known_as_ours(void **state)
{
    struct rig *r = new_rig("/web.log");
    struct pair_of_targets web = bind(r, "web");
    assert_int_equal(rig_encode(r, web.target, "one", NULL), 0);
    assert_int_equal(rig_commit(r), 0);
    unbind(r, &web);
    struct file_id file = r->book->rows[0].file;
    assert_true(output_registry_has(r->registry, file));
    rig_close(r);
    assert_false(output_registry_has(r->registry, file));
    rig_deinit(r);
}

/* S1: a container that goes while its lines are on their way keeps its output open until they are
 * committed, and no longer. */
static void test_an_output_without_containers_is_closed(void **state)
{
    struct rig *r = new_rig("/web.log");
    size_t before = open_descriptors();
    struct pair_of_targets web = bind(r, "web");
    assert_int_equal(rig_encode(r, web.target, "one", NULL), 0);
    unbind(r, &web);
    assert_int_equal(open_descriptors(), before + 1);
    assert_int_equal(rig_commit(r), 0);
    assert_int_equal(open_descriptors(), before);
    rig_assert_file(rig_path(r, "/web.log"), "one\n");
    rig_deinit(r);
}

/* S1: that of a container that is quiet stays for its next line, and is closed with time. */
static void test_an_output_at_rest_is_closed_when_it_was_quiet(void **state)
{
    struct rig *r = new_rig("/web.log");
    size_t before = open_descriptors();
    struct pair_of_targets web = bind(r, "web");
    for (int i = 0; i < 2; i++) {
        if (i)
            web.target = rig_bind(r, web.container);
        assert_int_equal(rig_encode(r, web.target, "one", NULL), 0);
        assert_int_equal(rig_commit(r), 0);
        web.target = r->ops->rest(r->sink, web.target);
        assert_int_equal(open_descriptors(), before + 1);
    }
    int64_t due_ns = r->ops->tend(r->sink, 1);
    due_ns = r->ops->tend(r->sink, due_ns);
    if (due_ns != INT64_MAX)
        due_ns = r->ops->tend(r->sink, due_ns);
    assert_int_equal(due_ns, INT64_MAX);
    assert_int_equal(open_descriptors(), before);
    rig_assert_file(rig_path(r, "/web.log"), "one\none\n");
    container_unref(web.container);
    rig_deinit(r);
}

static void play_with_limit(size_t limit)
{
    enum { OUTPUTS = 7, ROUNDS = 3 };
    struct rig *r = new_rig("/{container_name}.log");
    r->environment.outputs_open_max = limit;
    size_t before = open_descriptors();
    struct pair_of_targets all[OUTPUTS];
    for (int i = 0; i < OUTPUTS; i++)
        all[i] = bind(r, (char[]){(char)('a' + i), '\0'});
    for (int round = 0; round < ROUNDS; round++) {
        for (int twice = 0; twice < 2; twice++)
            for (int i = 0; i < OUTPUTS; i++) {
                assert_int_equal(rig_encode(r, all[i].target, "line", NULL), 0);
                assert_true(open_descriptors() <= before + limit);
            }
        assert_int_equal(rig_commit(r), 0);
        assert_true(open_descriptors() <= before + limit);
    }
    for (int i = 0; i < OUTPUTS; i++) {
        unbind(r, &all[i]);
        char name[] = {'/', (char)('a' + i), '.', 'l', 'o', 'g', '\0'};
        rig_assert_file(rig_path(r, name), "line\nline\nline\nline\nline\nline\n");
    }
    assert_int_equal(open_descriptors(), before);
    rig_deinit(r);
}

/* S1: descriptors are a function of the live sources; past the limit the least recently used output
 * is closed, and nothing is lost by it. */
static void test_open_outputs_have_a_limit(void **state)
{
    play_with_limit(2);
    play_with_limit(1);
}

/* Outputs of containers that are gone do not pile up without end. */
static void test_idle_outputs_are_forgotten_past_a_limit(void **state)
{
    struct rig *r = new_rig("/{container_name}.log");
    struct pair_of_targets gone = bind(r, "gone"), live = bind(r, "live");
    assert_int_equal(rig_encode(r, gone.target, "one", NULL), 0);
    assert_int_equal(rig_encode(r, live.target, "one", NULL), 0);
    assert_int_equal(rig_commit(r), 0);
    struct file_id gone_file = r->book->rows[0].file, live_file = r->book->rows[1].file;
    if (strstr(r->book->rows[0].path, "live")) {
        gone_file = r->book->rows[1].file;
        live_file = r->book->rows[0].file;
    }
    unbind(r, &gone);
    for (int i = 0; i < OUTPUTS_REMEMBERED_MAX - 2; i++) {
        char name[16];
        snprintf(name, sizeof(name), "n%d", i);
        struct pair_of_targets one = bind(r, name);
        assert_true(output_registry_has(r->registry, gone_file));
        unbind(r, &one);
    }
    struct pair_of_targets last = bind(r, "last");
    unbind(r, &last);
    assert_false(output_registry_has(r->registry, gone_file));
    assert_true(output_registry_has(r->registry, live_file));
    unbind(r, &live);
    rig_deinit(r);
}

/* Between commits a file grows by whole buffers, from any length; what is left over is neither lost
 * nor doubled. */
static void test_full_buffers_are_written_as_a_whole(void **state)
{
    struct rig *r = new_rig("/{container_name}.log");
    struct pair_of_targets a = bind(r, "a");
    static char line[2 * OUTPUT_BUFFER_BYTES / 3];
    memset(line, 'x', sizeof(line) - 1);
    assert_int_equal(rig_encode(r, a.target, "odd", NULL), 0);
    assert_int_equal(rig_commit(r), 0);

    for (int i = 0; i < 3; i++)
        assert_int_equal(rig_encode(r, a.target, line, NULL), 0);
    struct stat st;
    assert_int_equal(stat(rig_path(r, "/a.log"), &st), 0);
    assert_int_equal(st.st_size, 2 * OUTPUT_BUFFER_BYTES);
    assert_int_equal(rig_commit(r), 0);

    size_t size, at = sizeof("odd");
    CLEANUP_FREE char *content = rig_read_file(rig_path(r, "/a.log"), &size);
    assert_int_equal(size, at + 3 * sizeof(line));
    for (; at < size; at += sizeof(line)) {
        assert_memory_equal(content + at, line, sizeof(line) - 1);
        assert_int_equal(content[at + sizeof(line) - 1], '\n');
    }
    unbind(r, &a);
    rig_deinit(r);
}

/* More than may be held for outputs without a row: commit first, nothing of the batch taken. */
static void test_a_commit_comes_first_when_too_much_is_held(void **state)
{
    struct rig *r = new_rig("/{container_name}.log");
    struct pair_of_targets a = bind(r, "a"), b = bind(r, "b");
    CLEANUP_FREE char *big = malloc(OUTPUT_HELD_BYTES_MAX);
    memset(big, 'x', OUTPUT_HELD_BYTES_MAX);
    big[OUTPUT_HELD_BYTES_MAX - 1] = '\0';

    assert_int_equal(rig_encode(r, a.target, "small", NULL), 0);
    assert_int_equal(rig_encode(r, b.target, big, NULL), SINK_COMMIT_FIRST);
    assert_int_equal(rig_encode(r, a.target, big, NULL), SINK_COMMIT_FIRST);
    assert_int_equal(rig_commit(r), 0);
    assert_int_equal(r->checkpointed, 1);
    rig_assert_file(rig_path(r, "/a.log"), "small\n");
    rig_assert_file(rig_path(r, "/b.log"), "");
    assert_int_equal(rig_encode(r, b.target, big, NULL), 0);
    assert_int_equal(rig_commit(r), 0);

    size_t size;
    CLEANUP_FREE char *content = rig_read_file(rig_path(r, "/b.log"), &size);
    assert_int_equal(size, OUTPUT_HELD_BYTES_MAX);
    assert_memory_equal(content, big, size - 1);
    unbind(r, &a);
    unbind(r, &b);
    rig_deinit(r);
}

static void test_options_are_checked(void **state)
{
    static const struct {
        const char *path, *words;
    } bad[] = {{NULL, "path: sink file needs one"}, {"x", "absolute"}, {"/{x}", "{x}"}};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        struct file_options options = {.path = bad[i].path};
        struct sink *s = NULL;
        struct error error = {0};
        assert_int_equal(file_sink.open(&s, &options, NULL, &error), -EINVAL);
        assert_non_null(strstr(error.text, bad[i].words));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_row_comes_before_the_first_byte),
        cmocka_unit_test(test_a_checkpoint_names_what_changed),
        cmocka_unit_test(test_containers_share_an_output),
        cmocka_unit_test(test_uncommitted_bytes_are_cut_back),
        cmocka_unit_test(test_outputs_are_known_again_or_appended_to),
        cmocka_unit_test(test_an_output_without_a_row_is_appended_to),
        cmocka_unit_test(test_an_output_that_changes_while_open_is_left),
        cmocka_unit_test(test_an_output_belongs_to_one_route),
        cmocka_unit_test(test_of_two_routes_that_make_an_output_one_is_refused),
        cmocka_unit_test(test_a_hard_link_to_an_output_is_refused),
        cmocka_unit_test(test_what_is_no_file_of_ours_is_refused),
        cmocka_unit_test(test_outputs_are_known_as_ours),
        cmocka_unit_test(test_an_output_without_containers_is_closed),
        cmocka_unit_test(test_an_output_at_rest_is_closed_when_it_was_quiet),
        cmocka_unit_test(test_open_outputs_have_a_limit),
        cmocka_unit_test(test_idle_outputs_are_forgotten_past_a_limit),
        cmocka_unit_test(test_full_buffers_are_written_as_a_whole),
        cmocka_unit_test(test_a_commit_comes_first_when_too_much_is_held),
        cmocka_unit_test(test_options_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
