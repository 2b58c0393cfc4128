// SPDX-License-Identifier: Apache-2.0
/* At which size Docker begins another log file (docker-logs §3.1, §4.1, §4.5). */
#include "docker/log_rotation.h"

#include "model/container.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* R1: all units are decimal; what is not understood is unknown, which is no promise. */
static void r1_sizes_as_docker_reads_them(void **state)
{
    const struct {
        const char *max_size;
        int64_t bytes;
    } cases[] = {
        {"3k", 3000},
        {"10m", 10000000},
        {"1.5k", 1500},
        {"10MB", 10000000},
        {"1 GiB", 1000000000},
        {"512", 512},
        {"7b", 7},
        {"2t", INT64_C(2000000000000)},
        {"0", CONTAINER_ROTATION_UNKNOWN},
        {"-1", CONTAINER_ROTATION_UNKNOWN},
        {"big", CONTAINER_ROTATION_UNKNOWN},
        {"10x", CONTAINER_ROTATION_UNKNOWN},
        {"10mm", CONTAINER_ROTATION_UNKNOWN},
        {"99999999p", CONTAINER_ROTATION_UNKNOWN},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(log_rotation_bytes("json-file", cases[i].max_size), cases[i].bytes);
}

static void r1_where_nothing_is_given(void **state)
{
    assert_int_equal(log_rotation_bytes("json-file", ""), CONTAINER_ROTATES_NEVER);
    assert_int_equal(log_rotation_bytes("local", ""), 20 * 1024 * 1024);
    assert_int_equal(log_rotation_bytes("syslog", ""), 20 * 1024 * 1024); /* its cache */
    assert_int_equal(log_rotation_bytes("local", "1m"), 1000000);
    assert_int_equal(log_rotation_bytes("", ""), CONTAINER_ROTATION_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(r1_sizes_as_docker_reads_them),
        cmocka_unit_test(r1_where_nothing_is_given),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
