// SPDX-License-Identifier: Apache-2.0
#include "docker/discovery.h"

#include "docker/disk.h"
#include "sample.h"
#include "stand_in.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include <cmocka.h>

#define ID_OF(digit) digit "749f2110d79a2ef531456e1074e9a351d1c89191e0f3567a97bb52baa326754"

struct skipped {
    unsigned count;
    char id[CONTAINER_ID_SIZE + 1];
    char why[ERROR_TEXT_MAX];
};

static void on_skipped(void *context, const char *id, const char *why)
{
    struct skipped *s = context;
    s->count++;
    snprintf(s->id, sizeof(s->id), "%s", id);
    snprintf(s->why, sizeof(s->why), "%s", why);
}

static struct discovery_options options_for(const char *host, struct skipped *skipped)
{
    return (struct discovery_options){
        .host = host,
        .deadline_ms = 5000,
        .cancel_fd = -1,
        .constants = CONTAINER_CONSTANTS_DEFAULT,
        .context = skipped,
        .skipped = on_skipped,
    };
}

static void ping(struct buf *raw)
{
    stand_in_answer(raw, "200 OK", "text/plain", SPAN("OK"));
}

/* Five containers: three drivers, one that is gone meanwhile, one whose inspection fails. */
static enum stand_in_then five(const char *path, struct buf *raw)
{
    static const char *const drivers[] = {"json-file", "local", ""};
    unsigned which = (unsigned)(path[strlen("/v1.41/containers/")] - '0');

    if (strcmp(path, "/_ping") == 0) {
        ping(raw);
    } else if (strstr(path, "/json?all=1")) {
        stand_in_json(raw, "[{\"Id\":\"" ID_OF("0") "\"},{\"Id\":\"" ID_OF(
                               "1") "\"},"
                                    "{\"Id\":\"" ID_OF("2") "\"},{\"Id\":\"" ID_OF(
                                        "3") "\"},"
                                             "{\"Id\":\"" ID_OF("4") "\"}]");
    } else if (which < 3) {
        char body[256];
        snprintf(
            body, sizeof(body),
            "{\"Id\":\"%.64s\",\"Name\":\"/n%u\",\"HostConfig\":{\"LogConfig\":{\"Type\":\"%s\"}}}",
            path + strlen("/v1.41/containers/"), 9 - which, drivers[which]);
        stand_in_json(raw, body);
    } else if (which == 3) {
        stand_in_answer(raw, "404 Not Found", "application/json", SPAN("{\"message\":\"gone\"}"));
    } else {
        stand_in_answer(raw, "500 Internal Server Error", "application/json",
                        SPAN("{\"message\":\"broken\"}"));
    }
    return STAND_IN_KEEP;
}

/* S8: one failure is asked for again, skipped and named; the others are there. S11 S16 S17. */
static void s8_a_failure_costs_no_other(void **state)
{
    CLEANUP(stand_in_deinit) struct stand_in daemon = {0};
    CLEANUP(discovery_deinit) struct discovery found = {0}, local = {0}, files = {0}, none = {0};
    struct skipped skipped = {0};
    struct error error = {""};

    stand_in_start(&daemon, five);
    struct discovery_options options = options_for(daemon.host, &skipped);
    assert_int_equal(discovery_from_engine(&found, &options, &error), 0);
    assert_int_equal(found.count, 3);
    assert_string_equal(found.items[0]->name, "n7"); /* by name */
    assert_string_equal(found.items[2]->name, "n9");
    assert_int_equal(skipped.count, 1);
    assert_string_equal(skipped.id, ID_OF("4"));
    assert_non_null(strstr(skipped.why, "/containers/" ID_OF("4") "/json: status 500: broken"));
    assert_int_equal(daemon.counts->requests, 2 + 5 + 1);

    struct discovery_counts counts = discovery_count(&found); /* S17 */
    assert_int_equal(counts.total, 3);
    assert_int_equal(counts.json_file, 2); /* S5: unset is json-file */
    assert_int_equal(counts.other, 1);

    assert_int_equal(discovery_filter(&local, &found, "local"), 0); /* S16 */
    assert_int_equal(local.count, 1);
    assert_string_equal(local.items[0]->name, "n8");
    assert_int_equal(discovery_filter(&files, &found, "json-file"), 0);
    assert_int_equal(files.count, 2);
    assert_int_equal(discovery_filter(&none, &found, "json"), 0);
    assert_int_equal(none.count, 0);
    assert_non_null(none.items);

    options.skipped = NULL; /* nobody wants to know */
    discovery_deinit(&found);
    assert_int_equal(discovery_from_engine(&found, &options, &error), 0);
    assert_int_equal(found.count, 3);
}

static enum stand_in_then empty(const char *path, struct buf *raw)
{
    if (strcmp(path, "/_ping") == 0)
        ping(raw);
    else
        stand_in_json(raw, "[]");
    return STAND_IN_KEEP;
}

/* S16: no containers are an empty list. */
static void s16_no_containers(void **state)
{
    CLEANUP(stand_in_deinit) struct stand_in daemon = {0};
    CLEANUP(discovery_deinit) struct discovery found = {0}, filtered = {0};
    struct discovery_options options;

    stand_in_start(&daemon, empty);
    options = options_for(daemon.host, NULL);
    assert_int_equal(discovery_from_engine(&found, &options, NULL), 0);
    assert_int_equal(found.count, 0);
    assert_non_null(found.items);
    assert_int_equal(discovery_filter(&filtered, &found, "local"), 0);
    assert_non_null(filtered.items);
    assert_int_equal(discovery_count(&found).total, 0);
}

static enum stand_in_then no_list(const char *path, struct buf *raw)
{
    if (strcmp(path, "/_ping") == 0)
        ping(raw);
    else
        stand_in_answer(raw, "500 Internal Server Error", "application/json",
                        SPAN("{\"message\":\"no list today\"}"));
    return STAND_IN_KEEP;
}

/* S9: the whole fails when listing fails, or nobody is there. */
static void s9_listing_fails_the_whole(void **state)
{
    CLEANUP(stand_in_deinit) struct stand_in daemon = {0};
    struct discovery found = {.count = 77};
    struct skipped skipped = {0};
    struct error error = {""};

    stand_in_start(&daemon, no_list);
    struct discovery_options options = options_for(daemon.host, &skipped);
    assert_int_equal(discovery_from_engine(&found, &options, &error), -EPROTO);
    assert_non_null(strstr(error.text, "/containers/json: status 500: no list today"));
    stand_in_kill(&daemon);
    assert_int_equal(discovery_from_engine(&found, &options, &error), -ECONNREFUSED);
    options.host = "nonsense";
    assert_int_equal(discovery_from_engine(&found, &options, &error), -EINVAL);
    assert_int_equal(found.count, 77);
    assert_int_equal(skipped.count, 0);
}

static enum stand_in_then silence(const char *path, struct buf *raw)
{
    return STAND_IN_HOLD;
}

/* S10: a deadline, and a way to give up before it. */
static void s10_deadline_and_cancel(void **state)
{
    CLEANUP(stand_in_deinit) struct stand_in daemon = {0};
    struct discovery found;
    struct error error = {""};
    int pipe_fds[2];

    stand_in_start(&daemon, silence);
    struct discovery_options options = options_for(daemon.host, NULL);
    options.deadline_ms = 50;
    assert_int_equal(discovery_from_engine(&found, &options, &error), -ETIMEDOUT);

    assert_int_equal(pipe(pipe_fds), 0);
    assert_int_equal(write(pipe_fds[1], "x", 1), 1);
    options.deadline_ms = 60 * 1000;
    options.cancel_fd = pipe_fds[0];
    assert_int_equal(discovery_from_engine(&found, &options, &error), -ECANCELED);
    close(pipe_fds[0]);
    close(pipe_fds[1]);
}

static void *discover_in_a_thread(void *options)
{
    for (int i = 0; i < 5; i++) {
        CLEANUP(discovery_deinit) struct discovery found = {0};
        if (discovery_from_engine(&found, options, NULL) != 0 || found.count != 3)
            return NULL;
    }
    return options;
}

/* S18: from several threads at once. */
static void s18_from_several_threads(void **state)
{
    CLEANUP(stand_in_deinit) struct stand_in daemon = {0};
    pthread_t threads[4];

    stand_in_start(&daemon, five);
    struct discovery_options options = options_for(daemon.host, NULL);
    options.skipped = NULL;
    for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, discover_in_a_thread, &options), 0);
    for (size_t i = 0; i < ARRAY_SIZE(threads); i++) {
        void *result = NULL;
        pthread_join(threads[i], &result);
        assert_ptr_equal(result, &options);
    }
}

static void write_text(int dir_fd, const char *name, struct span text)
{
    int fd = openat(dir_fd, name, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text.data, text.size), text.size);
    close(fd);
}

/* D18: the same from the disk alone; S8 and S9 hold there too. */
static void d18_from_disk(void **state)
{
    char path[] = "/tmp/test_discovery.XXXXXX";
    assert_non_null(mkdtemp(path));
    CLEANUP(close_fd) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CLEANUP(discovery_deinit) struct discovery found = {0};
    struct skipped skipped = {0};
    struct discovery_options options = options_for("none", &skipped);

    assert_int_equal(discovery_from_disk(&found, fd, &options, NULL), 0);
    assert_int_equal(found.count, 0);
    assert_non_null(found.items);
    discovery_deinit(&found);

    for (char digit = '0'; digit <= '9'; digit++) {
        char id[] = ID_OF("0"), config[128];
        id[0] = digit;
        assert_int_equal(mkdirat(fd, id, 0700), 0);
        CLEANUP(close_fd) int dir_fd = openat(fd, id, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        snprintf(config, sizeof(config), "{\"ID\":\"%s\",\"Name\":\"/same\"}", id);
        write_text(dir_fd, "config.v2.json", digit == '5' ? SPAN("{\"ID\"") : span_of(config));
        write_text(dir_fd, "hostconfig.json", SPAN("{\"LogConfig\":{\"Type\":\"local\"}}"));
    }
    assert_int_equal(discovery_from_disk(&found, fd, &options, NULL), 0);
    assert_int_equal(found.count, 9);
    assert_string_equal(found.items[0]->id, ID_OF("0")); /* equal names: by id */
    assert_string_equal(found.items[8]->id, ID_OF("9"));
    assert_int_equal(skipped.count, 1);
    assert_string_equal(skipped.id, ID_OF("5"));
    assert_int_equal(discovery_count(&found).other, 9);

    struct discovery none;
    struct error error = {""};
    assert_int_equal(discovery_from_disk(&none, -1, &options, &error), -EBADF);

    for (char digit = '0'; digit <= '9'; digit++) {
        char id[] = ID_OF("0");
        id[0] = digit;
        CLEANUP(close_fd) int dir_fd = openat(fd, id, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        unlinkat(dir_fd, "config.v2.json", 0);
        unlinkat(dir_fd, "hostconfig.json", 0);
        unlinkat(fd, id, AT_REMOVEDIR);
    }
    rmdir(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(s8_a_failure_costs_no_other), cmocka_unit_test(s16_no_containers),
        cmocka_unit_test(s9_listing_fails_the_whole),  cmocka_unit_test(s10_deadline_and_cancel),
        cmocka_unit_test(s18_from_several_threads),    cmocka_unit_test(d18_from_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
