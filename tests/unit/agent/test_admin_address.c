// SPDX-License-Identifier: Apache-2.0
/* agent/admin_address.h: which texts are addresses, and how their sockets come to be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/admin_address.h"

static void assert_listens(const struct admin_address *a, const char *text, int *ret_fd)
{
    struct error error = {""};
    if (admin_address_listen(a, text, ret_fd, &error) < 0)
        fail_msg("%s", error.text);
}

static void four_kinds_of_texts_are_addresses(void **state)
{
    static const struct {
        const char *text;
        int family;
    } good[] = {{"127.0.0.1:9777", AF_INET}, {"0.0.0.0:1", AF_INET},   {"[::1]:65535", AF_INET6},
                {"[::]:9777", AF_INET6},     {"unix:/run/s", AF_UNIX}, {"none", 0}};
    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        struct admin_address a;
        assert_true(admin_address_parse(&a, good[i].text));
        assert_int_equal(a.size ? a.socket.any.sa_family : 0, good[i].family);
    }
}

static void no_other_text_is(void **state)
{
    static const char *const bad[] = {"",
                                      "9777",
                                      "127.0.0.1",
                                      "127.0.0.1:",
                                      "127.0.0.1:0",
                                      ":9777",
                                      "127.0.0.1:65536",
                                      "127.0.0.1:99999999999",
                                      "127.0.0.1:97x",
                                      "localhost:9777",
                                      "::1:9777",
                                      "[::1]",
                                      "[:9777",
                                      "[]:9777",
                                      "unix:",
                                      "unix:run/s",
                                      "NONE",
                                      "1.2.3:9777",
                                      "127.0.0.1:-1"};
    struct admin_address a;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        if (admin_address_parse(&a, bad[i]))
            fail_msg("\"%s\" was taken", bad[i]);
    char path[300] = "unix:/";
    memset(path + 6, 'a', 200);
    assert_false(admin_address_parse(&a, path));
}

struct place {
    char directory[64], path[80], text[96];
    struct admin_address address;
};

static void place_init(struct place *p)
{
    snprintf(p->directory, sizeof(p->directory), "/tmp/tallyman-admin-XXXXXX");
    assert_non_null(mkdtemp(p->directory));
    snprintf(p->path, sizeof(p->path), "%s/s", p->directory);
    snprintf(p->text, sizeof(p->text), "unix:%s", p->path);
    assert_true(admin_address_parse(&p->address, p->text));
}

static void place_deinit(struct place *p)
{
    unlink(p->path);
    rmdir(p->directory);
}

static void a_local_socket_is_for_its_group(void **state)
{
    struct place p;
    struct stat st;
    int fd;
    mode_t before = umask(0);
    place_init(&p);
    assert_listens(&p.address, p.text, &fd);
    assert_int_equal(stat(p.path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0660);
    umask(before);
    close_fd(fd);
    admin_address_remove(&p.address);
    assert_int_equal(access(p.path, F_OK), -1);
    place_deinit(&p);
}

static void a_socket_that_was_left_is_replaced(void **state)
{
    struct place p;
    int fd;
    place_init(&p);
    assert_listens(&p.address, p.text, &fd);
    close_fd(fd); /* as kill -9 does */
    assert_listens(&p.address, p.text, &fd);
    close_fd(fd);
    place_deinit(&p);
}

static void what_somebody_uses_is_left_alone(void **state)
{
    struct place p;
    struct error error = {""};
    int fd, second = -1;
    place_init(&p);
    assert_listens(&p.address, p.text, &fd);
    assert_int_equal(admin_address_listen(&p.address, p.text, &second, &error), -EADDRINUSE);
    assert_non_null(strstr(error.text, "somebody else listens at"));
    close_fd(fd);
    unlink(p.path);

    FILE *file = fopen(p.path, "w");
    assert_non_null(file);
    fclose(file);
    assert_int_equal(admin_address_listen(&p.address, p.text, &second, &error), -EEXIST);
    assert_non_null(strstr(error.text, "is no socket"));
    place_deinit(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(four_kinds_of_texts_are_addresses),
        cmocka_unit_test(no_other_text_is),
        cmocka_unit_test(a_local_socket_is_for_its_group),
        cmocka_unit_test(a_socket_that_was_left_is_replaced),
        cmocka_unit_test(what_somebody_uses_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
