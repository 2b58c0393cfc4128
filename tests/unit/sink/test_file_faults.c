// SPDX-License-Identifier: Apache-2.0
#include "faults.h"
#include "rig.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/wait.h>

/* Exactly once: whatever call fails, and wherever the process is killed, each line of each output
 * is there once, in order. */

enum { STREAMS = 5, OPEN_MAX_HERE = 3, LINE_BYTES_MAX_HERE = 40000 };

/* What the ledger holds: the rows, and how far each stream of numbered lines has come. A commit
 * changes both between two calls that can be struck, so it is one step for whoever gets killed. */
struct ledger_model {
    struct rig_book book;
    unsigned next[STREAMS];
};

/* A route: streams of numbered lines into outputs by container name; two share one. */
struct route_model {
    struct rig rig;
    struct ledger_model *ledger; /* shared with those who get killed */
    unsigned next[STREAMS];      /* ahead of the ledger's */
    struct container *containers[STREAMS];
    struct sink_target *targets[STREAMS];
    uint64_t random;
};

static uint64_t next_random(uint64_t *seed, uint64_t below)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed % below;
}

/* Line `number` of a stream: always the same, mostly short, now and then longer than a buffer. */
static size_t line_text(unsigned stream, unsigned number, char to[LINE_BYTES_MAX_HERE])
{
    uint64_t hash = (stream + 1) * 0x9e3779b97f4a7c15u + number * 0xbf58476d1ce4e5b9u;
    size_t size =
        next_random(&hash, 8) == 0 ? 30000 + next_random(&hash, 9000) : next_random(&hash, 200);
    int head = snprintf(to, LINE_BYTES_MAX_HERE, "%u:%u:", stream, number);
    memset(to + head, 'a' + (int)(number % 26), size);
    return (size_t)head + size;
}

static void route_bind(struct route_model *m)
{
    static const char *const names[STREAMS] = {"a", "b", "c", "d", "d"};
    for (int i = 0; i < STREAMS; i++) {
        m->containers[i] = rig_container(names[i], NULL);
        m->targets[i] = rig_bind(&m->rig, m->containers[i]);
    }
}

static void route_unbind(struct route_model *m)
{
    for (int i = 0; i < STREAMS; i++) {
        m->targets[i] = m->rig.ops->unbind(m->rig.sink, m->targets[i]);
        m->containers[i] = container_unref(m->containers[i]);
    }
}

static int route_recover(struct route_model *m)
{
    memcpy(m->next, m->ledger->next, sizeof(m->next));
    faults_forget_unsynced();
    return rig_recover(&m->rig);
}

static int route_commit(struct route_model *m)
{
    int r = rig_commit(&m->rig);
    if (r != 0)
        return r;
    assert_int_equal(faults_unsynced(), 0);
    memcpy(m->ledger->next, m->next, sizeof(m->next));
    return 0;
}

/* One batch of some lines of one stream. */
static int route_encode(struct route_model *m)
{
    enum { LINES = 4 };
    static char texts[LINES][LINE_BYTES_MAX_HERE];
    unsigned stream = (unsigned)next_random(&m->random, STREAMS);
    struct entry entries[LINES] = {0};
    struct batch batch = {.form = FORM_BYTES, .entries = entries};
    batch.count = 1 + next_random(&m->random, LINES);
    for (size_t i = 0; i < batch.count; i++) {
        size_t size = line_text(stream, m->next[stream] + (unsigned)i, texts[i]);
        entries[i].message = (struct span){texts[i], size};
    }
    int r = m->rig.ops->encode(m->rig.sink, m->targets[stream], &batch, &m->rig.error);
    if (r == 0)
        m->next[stream] += (unsigned)batch.count;
    return r;
}

static int route_step(struct route_model *m)
{
    if (next_random(&m->random, 6) == 0)
        return route_commit(m);
    int r = route_encode(m);
    return r == SINK_COMMIT_FIRST ? route_commit(m) : r;
}

/* Each line of the file is the next of its stream, and all that are committed are there. */
static void check_file(const char *path, const struct ledger_model *ledger, unsigned first,
                       unsigned last)
{
    unsigned found[STREAMS] = {0};
    size_t size = 0;
    CLEANUP_FREE char *content = access(path, F_OK) == 0 ? rig_read_file(path, &size) : NULL;
    char expected[LINE_BYTES_MAX_HERE];
    for (size_t at = 0; at < size;) {
        unsigned stream = (unsigned)content[at] - (unsigned)'0';
        assert_in_range(stream, first, last);
        size_t line = line_text(stream, found[stream]++, expected);
        assert_true(size - at > line);
        assert_memory_equal(content + at, expected, line);
        assert_int_equal(content[at + line], '\n');
        at += line + 1;
    }
    for (unsigned stream = first; stream <= last; stream++)
        assert_int_equal(found[stream], ledger->next[stream]);
}

static void check_files(struct route_model *m)
{
    check_file(rig_path(&m->rig, "/a.log"), m->ledger, 0, 0);
    check_file(rig_path(&m->rig, "/b.log"), m->ledger, 1, 1);
    check_file(rig_path(&m->rig, "/c.log"), m->ledger, 2, 2);
    check_file(rig_path(&m->rig, "/d.log"), m->ledger, 3, 4);
}

static void route_init(struct route_model *m, struct ledger_model *ledger, uint64_t seed)
{
    *m = (struct route_model){.ledger = ledger, .random = seed * 0x9e3779b97f4a7c15u + 1};
    rig_init(&m->rig, "/{container_name}.log");
    m->rig.book = &ledger->book;
    m->rig.environment.outputs_open_max = OPEN_MAX_HERE;
    faults_none();
}

/* Every kind of failure, at every one of the first calls: the route waits, recovers, goes on. */
static void test_any_failed_call_loses_and_doubles_nothing(void **state)
{
    static const int codes[] = {ENOSPC, EIO};
    for (unsigned after = 0; after < 24; after++) {
        struct ledger_model ledger = {0};
        struct route_model m;
        route_init(&m, &ledger, after);
        rig_open(&m.rig);
        assert_int_equal(route_recover(&m), 0);
        route_bind(&m);
        faults_plan((struct fault_plan){FAULT_ANY, after, codes[after % ARRAY_SIZE(codes)]});
        for (int step = 0; step < 80; step++) {
            int r = route_step(&m);
            if (r == 0)
                continue;
            assert_int_equal(r, SINK_FAILED);
            assert_true(faults_struck());
            assert_int_equal(route_recover(&m), 0);
            check_files(&m);
        }
        assert_true(faults_struck());
        assert_int_equal(route_commit(&m), 0);
        check_files(&m);
        route_unbind(&m);
        rig_deinit(&m.rig);
    }
}

/* A recovery that fails is tried again, and ends in the same place. */
static void test_a_failed_recovery_is_tried_again(void **state)
{
    static const enum fault_call calls[] = {FAULT_TRUNCATE, FAULT_SYNC};
    for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
        struct ledger_model ledger = {0};
        struct route_model m;
        route_init(&m, &ledger, 7);
        rig_open(&m.rig);
        assert_int_equal(route_recover(&m), 0);
        route_bind(&m);
        for (int step = 0; step < 20; step++)
            assert_int_equal(route_step(&m), 0);
        assert_int_equal(route_commit(&m), 0);
        for (int step = 0; step < 5; step++)
            assert_int_equal(route_encode(&m), 0);
        assert_int_equal(m.rig.ops->flush(m.rig.sink, &m.rig.error), SINK_DELIVERED);

        faults_plan((struct fault_plan){calls[i], 0, EIO});
        assert_int_equal(route_recover(&m), SINK_FAILED);
        assert_true(faults_struck());
        assert_non_null(strstr(m.rig.error.text, m.rig.directory));
        assert_int_equal(route_recover(&m), 0);
        check_files(&m);
        route_unbind(&m);
        rig_deinit(&m.rig);
    }
}

/* The pages of a failed fdatasync are marked clean: it is never asked twice for the same bytes. */
static void test_a_failed_sync_is_never_retried(void **state)
{
    struct ledger_model ledger = {0};
    struct route_model m;
    route_init(&m, &ledger, 3);
    rig_open(&m.rig);
    assert_int_equal(route_recover(&m), 0);
    route_bind(&m);
    assert_int_equal(route_encode(&m), 0);
    assert_int_equal(route_commit(&m), 0);

    assert_int_equal(route_encode(&m), 0);
    faults_plan((struct fault_plan){FAULT_SYNC, 0, EIO});
    assert_int_equal(route_commit(&m), SINK_FAILED);
    assert_int_equal(faults_counted(FAULT_SYNC), 1);
    assert_int_equal(route_recover(&m), 0);
    assert_int_equal(faults_counted(FAULT_TRUNCATE), 1);
    check_files(&m);
    route_unbind(&m);
    rig_deinit(&m.rig);
}

/* The disk works on all outputs at once while each is waited for. */
static void test_write_out_starts_before_the_first_sync(void **state)
{
    struct rig r;
    rig_init(&r, "/{container_name}");
    rig_open(&r);
    assert_int_equal(rig_recover(&r), 0);
    struct container *containers[3];
    struct sink_target *targets[3];
    for (int i = 0; i < 3; i++) {
        containers[i] = rig_container((char[]){(char)('a' + i), '\0'}, NULL);
        targets[i] = rig_bind(&r, containers[i]);
        assert_int_equal(rig_encode(&r, targets[i], "one", NULL), 0);
    }
    faults_none();
    assert_int_equal(rig_commit(&r), 0);
    assert_int_equal(faults_started_ahead(), 3);
    assert_int_equal(faults_counted(FAULT_SYNC), 3);
    for (int i = 0; i < 3; i++) {
        r.ops->unbind(r.sink, targets[i]);
        container_unref(containers[i]);
    }
    rig_deinit(&r);
}

/* A new output's directories are synced before its row can be committed. */
static void test_the_way_to_a_new_output_is_durable(void **state)
{
    struct rig r;
    rig_init(&r, "/deep/er/x.log");
    rig_open(&r);
    assert_int_equal(rig_recover(&r), 0);
    CLEANUP(container_unref) struct container *c = rig_container("x", NULL);
    struct sink_target *target = rig_bind(&r, c);
    faults_none();
    assert_int_equal(rig_encode(&r, target, "one", NULL), 0);
    /* The rig's directory for deep, deep for er, er for x.log. */
    assert_int_equal(faults_counted(FAULT_SYNC), 3);
    assert_int_equal(faults_counted(FAULT_WRITE), 0);
    r.ops->unbind(r.sink, target);
    rig_deinit(&r);
}

static _Noreturn void run_until_killed(struct route_model *m, uint64_t round)
{
    m->random += round * 0x2545f4914f6cdd1du;
    faults_plan((struct fault_plan){FAULT_ANY, (unsigned)next_random(&m->random, 40), 0});
    rig_open(&m->rig);
    if (route_recover(m) != 0)
        _exit(1);
    route_bind(m);
    for (int step = 0; step < 200; step++)
        if (route_step(m) != 0)
            _exit(2);
    _exit(3);
}

/* Killed at a random call, half a write done: what is recovered is what was committed. */
static void test_kill_9_loses_and_doubles_nothing(void **state)
{
    enum { SEEDS = 5, ROUNDS = 12 };
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct ledger_model *ledger =
            mmap(NULL, sizeof(*ledger), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        assert_true(ledger != MAP_FAILED);
        struct route_model m;
        route_init(&m, ledger, seed);
        for (uint64_t round = 0; round < ROUNDS; round++) {
            pid_t pid = fork();
            if (pid == 0)
                run_until_killed(&m, round);
            int status;
            assert_int_equal(waitpid(pid, &status, 0), pid);
            assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);

            rig_open(&m.rig);
            assert_int_equal(route_recover(&m), 0);
            assert_int_equal(m.rig.changed, 0);
            check_files(&m);
            rig_close(&m.rig);
        }
        unsigned lines = 0;
        for (int i = 0; i < STREAMS; i++)
            lines += ledger->next[i];
        assert_true(lines > ROUNDS);
        rig_deinit(&m.rig);
        munmap(ledger, sizeof(*ledger));
    }
}

static int small_file_system(const char *directory)
{
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        return -errno;
    return mount("tallyman", directory, "tmpfs", 0, "size=256k") < 0 ? -errno : 0;
}

/* A disk that is really full: the route waits, another goes on, and room brings the rest. Where no
 * file system can be mounted the same is made of failing calls. */
static void test_a_full_disk_is_waited_for(void **state)
{
    struct ledger_model full_ledger = {0}, other_ledger = {0};
    struct route_model full, other;
    route_init(&other, &other_ledger, 1);
    route_init(&full, &full_ledger, 2);
    bool real = small_file_system(full.rig.directory) == 0;
    struct route_model *both[] = {&full, &other};
    for (size_t i = 0; i < ARRAY_SIZE(both); i++) {
        rig_open(&both[i]->rig);
        assert_int_equal(route_recover(both[i]), 0);
        route_bind(both[i]);
    }
    if (real) {
        assert_int_equal(access(rig_path(&full.rig, "/ballast"), F_OK), -1);
        int fd = open(rig_path(&full.rig, "/ballast"), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
        assert_int_equal(posix_fallocate(fd, 0, 200 * 1024), 0);
        close(fd);
    } else {
        faults_plan((struct fault_plan){FAULT_WRITE, 2, ENOSPC});
    }
    int r = 0;
    for (int step = 0; step < 100 && r == 0; step++)
        r = route_step(&full);
    assert_int_equal(r, SINK_FAILED);
    assert_non_null(strstr(full.rig.error.text, strerror(ENOSPC)));
    faults_forget_unsynced(); /* the full one's, which are void */
    for (int step = 0; step < 20; step++)
        assert_int_equal(route_step(&other), 0);
    assert_int_equal(route_commit(&other), 0);
    check_files(&other);

    if (real)
        assert_int_equal(unlink(rig_path(&full.rig, "/ballast")), 0);
    assert_int_equal(route_recover(&full), 0);
    check_files(&full);
    assert_int_equal(route_encode(&full), 0);
    assert_int_equal(route_commit(&full), 0);
    check_files(&full);

    for (size_t i = 0; i < ARRAY_SIZE(both); i++)
        route_unbind(both[i]);
    rig_close(&full.rig);
    if (real)
        assert_int_equal(umount2(full.rig.directory, MNT_DETACH), 0);
    rig_deinit(&full.rig);
    rig_deinit(&other.rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_failed_call_loses_and_doubles_nothing),
        cmocka_unit_test(test_a_failed_recovery_is_tried_again),
        cmocka_unit_test(test_a_failed_sync_is_never_retried),
        cmocka_unit_test(test_write_out_starts_before_the_first_sync),
        cmocka_unit_test(test_the_way_to_a_new_output_is_durable),
        cmocka_unit_test(test_kill_9_loses_and_doubles_nothing),
        cmocka_unit_test(test_a_full_disk_is_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
