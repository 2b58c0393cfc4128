// SPDX-License-Identifier: Apache-2.0
#include "docker/log_path.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/rfc3339.h"

#define ID   "4749f2110d79a2ef531456e1074e9a351d1c89191e0f3567a97bb52baa326754"
#define HOME "/r/containers/" ID

static struct log_place place_of(const char *driver, const char *log_path,
                                 struct log_surroundings around)
{
    CLEANUP(container_unref) struct container *c = NULL;
    struct container_fields f = {.id = ID, .log_driver = driver, .log_path = log_path};
    struct log_place place;

    assert_int_equal(container_new(&c, &f), 0);
    assert_int_equal(log_place_of(&place, c, &around, NULL), 0);
    return place;
}

static bool is_served(enum log_kind kind, const char *driver)
{
    CLEANUP(container_unref) struct container *c = NULL;
    assert_int_equal(container_new(&c, &(struct container_fields){.id = ID, .log_driver = driver}),
                     0);
    return log_kind_serves(kind, c);
}

/* S73: driver x files x socket. S5 D7: a file driver's container is never streamed while there is
 * a root to read from, whether or not its file is there; nor is one whose driver only sends. */
static void s73_the_routing_table(void **state)
{
    const struct log_surroundings bare = {0}, engine = {.engine = true, .spools = "/s"},
                                  files = {.root = "/r"},
                                  all = {.root = "/r",
                                         .cache_present = true,
                                         .journal = true,
                                         .engine = true},
                                  both = {.root = "/r", .engine = true, .spools = "/s"},
                                  journal = {.root = "/r", .journal = true, .engine = true},
                                  cache = {.root = "/r", .cache_present = true, .engine = true};
    const struct {
        const char *driver;
        const struct log_surroundings *around;
        const char *kind, *path;
    } cases[] = {
        {"", &files, "json-file", HOME "/" ID "-json.log"},
        {"json-file", &all, "json-file", HOME "/" ID "-json.log"},
        {"json-file", &both, "json-file", HOME "/" ID "-json.log"},
        {"json-file", &engine, "stream", "/s/" ID "/container.log"},
        {"json-file", &bare, "none", ""},
        {"local", &all, "local", HOME "/local-logs/container.log"},
        {"local", &engine, "stream", "/s/" ID "/container.log"},
        {"syslog", &cache, "cache", HOME "/container-cached.log"},
        {"syslog", &both, "cache", HOME "/container-cached.log"},
        {"syslog", &files, "cache", HOME "/container-cached.log"},
        {"syslog", &engine, "stream", "/s/" ID "/container.log"},
        {"fluentd", &all, "cache", HOME "/container-cached.log"},
        {"some/plugin:latest", &both, "stream", "/s/" ID "/container.log"},
        {"some/plugin:latest", &cache, "cache", HOME "/container-cached.log"},
        {"some/plugin:latest", &files, "none", ""},
        {"journald", &journal, "journald", ""},
        {"journald", &all, "journald", ""},
        {"journald", &cache, "cache", HOME "/container-cached.log"},
        {"journald", &both, "stream", "/s/" ID "/container.log"},
        {"none", &all, "none", ""},
        {"none", &engine, "none", ""},
        {"JSON-FILE", &both, "stream", "/s/" ID "/container.log"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct log_place place = place_of(cases[i].driver, "", *cases[i].around);
        assert_string_equal(log_kind_word(place.kind), cases[i].kind);
        assert_string_equal(place.path, cases[i].path);
    }
}

static enum log_kind kind_with(struct container_fields f, struct log_surroundings around)
{
    CLEANUP(container_unref) struct container *c = NULL;
    struct log_place place;

    f.id = ID;
    assert_int_equal(container_new(&c, &f), 0);
    assert_int_equal(log_place_of(&place, c, &around, NULL), 0);
    return place.kind;
}

/* S73: nobody needs to look for a cache that decides nothing. */
static void s73_who_minds_the_cache(void **state)
{
    static const char *const drivers[] = {"json-file", "local", "journald", "syslog", "a-plugin"};
    for (size_t i = 0; i < ARRAY_SIZE(drivers); i++) {
        CLEANUP(container_unref) struct container *c = NULL;
        struct container_fields f = {.id = ID, .log_driver = drivers[i]};
        struct log_surroundings around = {.root = "/r", .engine = true};
        assert_int_equal(container_new(&c, &f), 0);
        enum log_kind without = place_of(drivers[i], "", around).kind;
        around.cache_present = true;
        if (!log_place_minds_cache(c))
            assert_int_equal(place_of(drivers[i], "", around).kind, without);
        assert_int_equal(log_place_minds_cache(c), i >= 2);
    }
}

/* S73: what `cache-disabled` takes away. A driver that reads back does not mind. */
static void s73_without_the_cache(void **state)
{
    const struct log_surroundings files = {.root = "/r", .engine = true}, engine = {.engine = true};
    struct container_fields f = {.log_driver = "syslog", .cache_disabled = true};

    assert_int_equal(kind_with(f, files), LOG_KIND_NONE);
    assert_int_equal(kind_with(f, engine), LOG_KIND_NONE);
    f.log_driver = "journald";
    assert_int_equal(kind_with(f, files), LOG_KIND_STREAM);
    f.log_driver = "json-file";
    assert_int_equal(kind_with(f, files), LOG_KIND_JSON_FILE);
}

/* S73: whether a plugin's log is kept in the cache shows when its container has been started. */
static void s73_a_plugin_before_its_first_start(void **state)
{
    const struct log_surroundings files = {.root = "/r", .engine = true};
    struct container_fields f = {.log_driver = "some/plugin:latest", .started_ns = RFC3339_ZERO_NS};

    assert_int_equal(kind_with(f, files), LOG_KIND_NONE);
    f.started_ns = 1;
    assert_int_equal(kind_with(f, files), LOG_KIND_STREAM);
}

/* S73: a source keeps its kind, so that a driver that is changed later may write past it. A stream
 * is what the Engine reads, from whichever it is. */
static void s73_a_driver_that_was_changed(void **state)
{
    const struct {
        enum log_kind kind;
        const char *serves, *misses;
    } cases[] = {
        {LOG_KIND_JSON_FILE, "json-file", "local"}, {LOG_KIND_JSON_FILE, "", "journald"},
        {LOG_KIND_LOCAL, "local", "json-file"},     {LOG_KIND_JOURNALD, "journald", "syslog"},
        {LOG_KIND_CACHE, "fluentd", "json-file"},   {LOG_KIND_CACHE, "journald", "local"},
        {LOG_KIND_STREAM, "local", NULL},           {LOG_KIND_NONE, "none", NULL},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_true(is_served(cases[i].kind, cases[i].serves));
        assert_true(!cases[i].misses || !is_served(cases[i].kind, cases[i].misses));
    }
}

/* Only Docker's own names count, and only those of the container's kind. */
static void names_of_a_log(void **state)
{
    const struct {
        enum log_kind kind;
        const char *name;
        enum log_name expected;
    } cases[] = {
        {LOG_KIND_JSON_FILE, ID "-json.log", LOG_NAME_LIVE},
        {LOG_KIND_JSON_FILE, ID "-json.log.1", LOG_NAME_ROTATED},
        {LOG_KIND_JSON_FILE, ID "-json.log.2.gz", LOG_NAME_ROTATED},
        {LOG_KIND_JSON_FILE, ID "-json.logs", LOG_NAME_OTHER},
        {LOG_KIND_JSON_FILE, ID, LOG_NAME_OTHER},
        {LOG_KIND_JSON_FILE, "container.log", LOG_NAME_OTHER},
        {LOG_KIND_JSON_FILE, "", LOG_NAME_OTHER},
        {LOG_KIND_LOCAL, "container.log", LOG_NAME_LIVE},
        {LOG_KIND_STREAM, "container.log.1", LOG_NAME_ROTATED},
        {LOG_KIND_CACHE, "container-cached.log", LOG_NAME_LIVE},
        {LOG_KIND_CACHE, "container.log", LOG_NAME_OTHER},
        {LOG_KIND_JOURNALD, "container.log", LOG_NAME_OTHER},
        {LOG_KIND_NONE, "container.log", LOG_NAME_OTHER},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_int_equal(log_name_of(cases[i].kind, ID, cases[i].name), cases[i].expected);
}

/* S6: inspect's path where it lies inside the root as seen from here, else the usual one. */
static void s6_log_path_inside_the_root(void **state)
{
    const char *usual = HOME "/" ID "-json.log";
    const struct {
        const char *root, *log_path, *expected;
    } cases[] = {
        {"/r", "/r/elsewhere/x-json.log", "/r/elsewhere/x-json.log"},
        {"/r/", "/r/containers/x.log", "/r/containers/x.log"},
        {"/r", "/var/lib/docker/containers/x-json.log", usual},
        {"/r", "/rr/x", usual},
        {"/r", "/r/../etc/shadow", usual},
        {"/r", "/r/a/..", usual},
        {"/r", "/r/..a/b", "/r/..a/b"},
        {"/r", "", usual},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct log_place place = place_of("json-file", cases[i].log_path,
                                          (struct log_surroundings){.root = cases[i].root});
        assert_string_equal(place.path, cases[i].expected);
    }
}

static void a_path_too_long_is_refused(void **state)
{
    static char root[PATH_BYTES_MAX];
    CLEANUP(container_unref) struct container *c = NULL;
    struct container_fields f = {.id = ID};
    struct log_surroundings around = {.root = root};
    struct log_place place;
    struct error error = {""};

    memset(root, 'r', sizeof(root) - 1);
    assert_int_equal(container_new(&c, &f), 0);
    assert_int_equal(log_place_of(&place, c, &around, &error), -ENAMETOOLONG);
    assert_non_null(strstr(error.text, "container 4749f2110d79"));
}

/* S7: there, not there yet, and no file at all. D7: waiting is the answer, not another kind. */
static void s7_checked_before_it_is_offered(void **state)
{
    char root[] = "/tmp/test_log_path.XXXXXX", path[512];
    assert_non_null(mkdtemp(root));
    struct log_place place = place_of("json-file", "", (struct log_surroundings){.root = root});
    assert_int_equal(log_place_check(&place), LOG_PLACE_E_WAIT);

    snprintf(path, sizeof(path), "%s/x.log", root);
    place = place_of("json-file", path, (struct log_surroundings){.root = root});
    assert_int_equal(place.kind, LOG_KIND_JSON_FILE);
    assert_int_equal(log_place_check(&place), LOG_PLACE_E_WAIT);
    int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(log_place_check(&place), 0);
    unlink(path);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(log_place_check(&place), -EINVAL);
    rmdir(path);
    rmdir(root);

    place = (struct log_place){.kind = LOG_KIND_STREAM};
    assert_int_equal(log_place_check(&place), LOG_PLACE_E_WAIT);
    memset(place.path, 'x', sizeof(place.path) - 1);
    assert_int_equal(log_place_check(&place), -ENAMETOOLONG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(s73_the_routing_table),
        cmocka_unit_test(s73_who_minds_the_cache),
        cmocka_unit_test(s73_without_the_cache),
        cmocka_unit_test(s73_a_plugin_before_its_first_start),
        cmocka_unit_test(s73_a_driver_that_was_changed),
        cmocka_unit_test(names_of_a_log),
        cmocka_unit_test(s6_log_path_inside_the_root),
        cmocka_unit_test(a_path_too_long_is_refused),
        cmocka_unit_test(s7_checked_before_it_is_offered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
