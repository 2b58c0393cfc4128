// SPDX-License-Identifier: Apache-2.0
#include "docker/disk.h"

#include "base/limits.h"
#include "sample.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include <cmocka.h>

#define ID       "4749f2110d79a2ef531456e1074e9a351d1c89191e0f3567a97bb52baa326754"
#define OTHER_ID "5749f2110d79a2ef531456e1074e9a351d1c89191e0f3567a97bb52baa326754"

static const struct container_constants constants = {"docker", "ssw-log-capturer"};

/* A containers directory of the test's own. */
struct place {
    char path[64];
    int fd;
};

static int set_up(void **state)
{
    struct place *p = calloc(1, sizeof(*p));
    snprintf(p->path, sizeof(p->path), "/tmp/test_disk.XXXXXX");
    p->fd = mkdtemp(p->path) ? open(p->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    *state = p;
    return p->fd < 0 ? -1 : 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    return remove(path);
}

static int tear_down(void **state)
{
    struct place *p = *state;
    nftw(p->path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    close(p->fd);
    free(p);
    return 0;
}

static void write_file(struct place *p, const char *id, const char *name, struct span text)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", p->path, id);
    mkdir(path, 0700);
    snprintf(path, sizeof(path), "%s/%s/%s", p->path, id, name);
    CLEANUP(fclose) FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(text.data, 1, text.size, file), text.size);
}

static void write_sample(struct place *p, const char *id)
{
    CLEANUP(buf_deinit) struct buf config = sample_read("inspect/running-config.v2.json");
    CLEANUP(buf_deinit) struct buf hostconfig = sample_read("inspect/running-hostconfig.json");
    write_file(p, id, "config.v2.json", buf_span(&config));
    write_file(p, id, "hostconfig.json", buf_span(&hostconfig));
}

static int answer(struct place *p, const char *id, struct error *error)
{
    CLEANUP(container_unref) struct container *c = NULL;
    int r = disk_read_container(&c, p->fd, id, &constants, error);
    assert_int_equal(r == 0, c != NULL);
    return r;
}

/* D18: no socket, the whole record. */
static void d18_a_record_from_disk_alone(void **state)
{
    struct place *p = *state;
    CLEANUP(container_unref) struct container *c = NULL;

    write_sample(p, ID);
    assert_int_equal(disk_read_container(&c, p->fd, ID, &constants, NULL), 0);
    assert_string_equal(c->name, "df-in");
    assert_string_equal(c->log_driver, "json-file");
    assert_string_equal(c->state, "running");
}

/* A container being born: nothing, one file, half a file, all. */
static void missing_and_half_files_are_not_yet(void **state)
{
    struct place *p = *state;
    CLEANUP(buf_deinit) struct buf config = sample_read("inspect/running-config.v2.json");
    struct error error = {""};

    assert_int_equal(answer(p, ID, &error), DISK_E_GONE);
    write_file(p, ID, "hostname", SPAN("x\n"));
    assert_int_equal(answer(p, ID, &error), DISK_E_NOT_YET);
    assert_non_null(strstr(error.text, "container 4749f2110d79: config.v2.json"));
    write_file(p, ID, "config.v2.json", (struct span){config.data, 1000});
    assert_int_equal(answer(p, ID, &error), DISK_E_NOT_YET);
    write_file(p, ID, "hostconfig.json", SPAN(""));
    assert_int_equal(answer(p, ID, &error), DISK_E_NOT_YET);
    write_sample(p, ID);
    assert_int_equal(answer(p, ID, &error), 0);
}

/* R13: what can never be read says why. */
static void bad_files_say_why(void **state)
{
    struct place *p = *state;
    struct error error = {""};
    char path[256];

    write_sample(p, OTHER_ID);
    assert_int_equal(answer(p, OTHER_ID, &error), -EBADMSG);
    assert_non_null(strstr(error.text, "speaks of container 4749f2110d79"));

    write_sample(p, ID);
    write_file(p, ID, "hostconfig.json", SPAN("{]"));
    assert_int_equal(answer(p, ID, &error), -EBADMSG);
    assert_non_null(strstr(error.text, "container 4749f2110d79: hostconfig.json:1:"));

    snprintf(path, sizeof(path), "%s/%s/hostconfig.json", p->path, ID);
    unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0); /* must not block */
    assert_int_equal(answer(p, ID, &error), -EBADMSG);
    unlink(path);
    assert_int_equal(symlink("/etc/passwd", path), 0);
    assert_int_equal(answer(p, ID, &error), -ELOOP);

    snprintf(path, sizeof(path), "%s/%s/config.v2.json", p->path, ID);
    assert_int_equal(truncate(path, CONTAINER_JSON_MAX + 1), 0);
    assert_int_equal(answer(p, ID, &error), -EFBIG);
    assert_int_equal(truncate(path, 3 * CONTAINER_JSON_MAX), 0);
    assert_int_equal(answer(p, ID, &error), -EFBIG);

    snprintf(path, sizeof(path), "%s/file", p->path);
    assert_int_equal(symlink("/", path), 0);
    struct container *c = NULL;
    assert_true(disk_read_container(&c, p->fd, "file", &constants, &error) < 0);
}

struct heard {
    int containers, failures, last_code;
    char failed_id[CONTAINER_ID_SIZE + 1];
};

static void hear_container(void *context, struct container *c)
{
    struct heard *heard = context;
    heard->containers++;
    assert_string_equal(c->id, ID);
}

static void hear_failure(void *context, const char *id, int code, const struct error *error)
{
    struct heard *heard = context;
    heard->failures++;
    heard->last_code = code;
    snprintf(heard->failed_id, sizeof(heard->failed_id), "%s", id);
    assert_true(error->text[0] != '\0');
}

/* S8: one that fails is named and costs no other; what is no container is no matter at all. */
static void s8_a_failure_is_skipped(void **state)
{
    struct place *p = *state;
    struct heard heard = {0};
    struct disk_listener listener = {&heard, hear_container, hear_failure};

    write_sample(p, ID);
    write_file(p, OTHER_ID, "config.v2.json", SPAN("nonsense"));
    write_file(p, OTHER_ID, "hostconfig.json", SPAN("{}"));
    write_file(p, "not-an-id", "config.v2.json", SPAN("x"));
    write_file(p, ID "0", "config.v2.json", SPAN("x"));
    for (int i = 1; i <= 2; i++) { /* twice: the caller's descriptor is not moved */
        assert_int_equal(disk_list(p->fd, &constants, &listener, NULL), 0);
        assert_int_equal(heard.containers, i);
        assert_int_equal(heard.failures, i);
    }
    assert_string_equal(heard.failed_id, OTHER_ID);
    assert_int_equal(heard.last_code, -EBADMSG);
}

/* S9: only a directory that cannot be listed fails the whole. */
static void s9_listing_fails_as_a_whole(void **state)
{
    struct disk_listener listener = {NULL, hear_container, hear_failure};
    struct error error = {""};

    assert_int_equal(disk_list(-1, &constants, &listener, &error), -EBADF);
    assert_non_null(strstr(error.text, "containers directory"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(d18_a_record_from_disk_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(missing_and_half_files_are_not_yet, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bad_files_say_why, set_up, tear_down),
        cmocka_unit_test_setup_teardown(s8_a_failure_is_skipped, set_up, tear_down),
        cmocka_unit_test(s9_listing_fails_as_a_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
