// SPDX-License-Identifier: Apache-2.0
#include "rig.h"

#include "sink/path_template.h"

#include <errno.h>
#include <string.h>

static void expect(const char *template, const char *name, const char *project, const char *path)
{
    CLEANUP(path_template_free) struct path_template *t = NULL;
    CLEANUP(container_unref) struct container *c = rig_container(name, project);
    struct error error = {0};
    char rendered[PATH_BYTES_MAX];
    if (path_template_parse(&t, template, &error) < 0)
        fail_msg("%s", error.text);
    assert_int_equal(path_template_render(t, c, rendered, &error), 0);
    assert_string_equal(rendered, path);
}

static void test_placeholders_are_labels(void **state)
{
    expect("/log/{container_name}.ndjson", "web-1", NULL, "/log/web-1.ndjson");
    expect("/log/{compose_project}/{container_name}-{container_id}", "web-1", "shop",
           "/log/shop/web-1-0123456789ab");
    expect("/log/{{{image}}}", "web-1", NULL, "/log/{busybox:1.36}");
    expect("/all.log", "web-1", NULL, "/all.log");
}

/* What a container is called never chooses a directory. */
static void test_values_cannot_leave_their_directory(void **state)
{
    expect("/log/{compose_project}/x", "n", "..", "/log/__/x");
    expect("/log/{compose_project}/x", "n", ".", "/log/_/x");
    expect("/log/.{compose_project}", "n", ".", "/log/__");
    expect("/log/{compose_project}.x", "n", "../../etc/passwd", "/log/.._.._etc_passwd.x");
    expect("/log/{compose_project}", "n", "/", "/log/_");
    expect("/log/{compose_project}", "n", "a\nb\x7f", "/log/a_b_");
    expect("/log/{compose_project}/{container_name}", "n", NULL, "/log/_/n");
    expect("/log/{container_name}{compose_project}", "", ".", "/log/_.");
}

/* Two long names that differ only at their ends stay two, and fit every file system. */
static void test_long_components_are_cut_and_stay_distinct(void **state)
{
    CLEANUP(path_template_free) struct path_template *t = NULL;
    assert_int_equal(path_template_parse(&t, "/log/{compose_project}/x", NULL), 0);
    char project[2][301], path[2][PATH_BYTES_MAX];
    for (int i = 0; i < 2; i++) {
        memset(project[i], 'a', 300);
        project[i][299] = (char)('0' + i);
        project[i][300] = '\0';
        CLEANUP(container_unref) struct container *c = rig_container("n", project[i]);
        assert_int_equal(path_template_render(t, c, path[i], NULL), 0);
        assert_int_equal(strlen(path[i]), strlen("/log/") + 255 + strlen("/x"));
        assert_memory_equal(path[i] + strlen(path[i]) - 2, "/x", 2);
    }
    assert_string_not_equal(path[0], path[1]);
}

static void test_a_path_has_a_maximum(void **state)
{
    CLEANUP(path_template_free) struct path_template *t = NULL;
    char template[20 * sizeof("/{compose_project}")] = "", project[301];
    for (int i = 0; i < 20; i++)
        memcpy(template + i * 18, "/{compose_project}", 19);
    memset(project, 'a', 300);
    project[300] = '\0';
    assert_int_equal(path_template_parse(&t, template, NULL), 0);
    CLEANUP(container_unref) struct container *c = rig_container("n", project);
    struct error error = {0};
    char path[PATH_BYTES_MAX];
    assert_int_equal(path_template_render(t, c, path, &error), -ENAMETOOLONG);
    assert_non_null(strstr(error.text, "4095"));
}

static void expect_refused(const char *template, const char *words)
{
    struct path_template *t = NULL;
    struct error error = {0};
    assert_int_equal(path_template_parse(&t, template, &error), -EINVAL);
    assert_null(t);
    if (!strstr(error.text, words))
        fail_msg("\"%s\" lacks \"%s\"", error.text, words);
}

/* R13: each error says where in the template. */
static void test_bad_templates_are_refused_with_the_place(void **state)
{
    expect_refused("log/x", "column 1: the path must be absolute");
    expect_refused("", "column 1: the path must be absolute");
    expect_refused("/log/{contaner_name}", "column 6: {contaner_name}");
    expect_refused("/log/{contaner_name}", "\"container_name\"");
    expect_refused("/log/{stream}", "column 6: {stream}");
    expect_refused("/log/{}", "column 6: {}");
    expect_refused("/log/{container_name", "column 6: `{` without");
    expect_refused("/log/{container_name/x}", "column 6: `{` without");
    expect_refused("/log/x}", "column 7: `}` without");
    expect_refused("/log//x", "column 6: a file or directory name is missing");
    expect_refused("/log/", "column 6: a file or directory name is missing");
    expect_refused("/", "column 2: a file or directory name is missing");
    expect_refused("/log/../x", "column 6: `.` and `..`");
    expect_refused("/log/./x", "column 6: `.` and `..`");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_placeholders_are_labels),
        cmocka_unit_test(test_values_cannot_leave_their_directory),
        cmocka_unit_test(test_long_components_are_cut_and_stay_distinct),
        cmocka_unit_test(test_a_path_has_a_maximum),
        cmocka_unit_test(test_bad_templates_are_refused_with_the_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
