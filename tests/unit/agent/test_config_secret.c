// SPDX-License-Identifier: Apache-2.0
/* R13, and design §8: what is secret is in no error, and in nothing that is printed: not one byte
 * of it, nor its length. */
#include "load.h"
#include "wire.h"

#include "agent/config_secret.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* Of bytes that nothing else here has, so that a single one would be found. */
#define SECRET "\xc3\xbf\xc3\xbe\xc3\xbd"

#define WIRE(options) "routes: [{name: a, sink: {type: wire, url: \"http://x\", " options "}}]"
#define OPTIONS(c)    ((const struct wire_options *)(c)->routes[0].sink.options)

static void assert_no_byte_of_it(const char *text)
{
    assert_null(strpbrk(text, SECRET));
}

/* What is printed of a file, which must have none of the secret, and all of `lines`. */
static void assert_prints(const char *yaml, const char *lines)
{
    struct config *c = load(yaml);
    char *text = config_printed(c);
    assert_no_byte_of_it(text);
    if (!strstr(text, lines))
        fail_msg("%s is not in: %s", lines, text);
    free(text);
    config_free(c);
}

static void a_secret_of_the_file_is_hidden(void **state)
{
    struct config *c = load(WIRE("username: u, password: \"" SECRET "\""));
    assert_string_equal(OPTIONS(c)->password, SECRET);
    config_free(c);

    assert_prints(WIRE("username: u, password: \"" SECRET "\""),
                  "      password: \"(hidden)\" # to be filled in\n");
    assert_prints(WIRE("username: u, password: \"" SECRET SECRET SECRET "\""),
                  "      password: \"(hidden)\" # to be filled in\n");
}

static void a_secret_of_the_environment_is_printed_as_its_name(void **state)
{
    setenv("T_SECRET", SECRET, 1);
    struct config *c = load(WIRE("username: u, password: \"${T_SECRET}\""));
    assert_string_equal(OPTIONS(c)->password, SECRET);
    char *text = config_printed(c);
    assert_no_byte_of_it(text);
    assert_non_null(strstr(text, "      password: \"${T_SECRET}\"\n"));
    config_free(c);

    c = load(text);
    assert_string_equal(OPTIONS(c)->password, SECRET);
    free(text);
    config_free(c);

    /* What stands beside the name, and a default, are of the file. */
    assert_prints(WIRE("username: u, password: \"" SECRET "${T_SECRET}\""), "\"(hidden)\"");
    assert_prints(WIRE("username: u, password: \"${T_UNSET:-" SECRET "}\""), "\"(hidden)\"");
}

static void headers_that_carry_secrets_are_hidden(void **state)
{
    static const char *const names[] = {"Authorization", "X-AUTHORIZATION-2", "x-token",
                                        "Api-Key",       "X-Secret",          "cookie",
                                        "X-Scope-Pass"};
    char yaml[512], lines[128];

    setenv("T_SECRET", SECRET, 1);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        snprintf(yaml, sizeof(yaml), WIRE("headers: {X-Tenant: seen, %s: \"a" SECRET "\"}"),
                 names[i]);
        snprintf(lines, sizeof(lines),
                 "      headers:\n"
                 "        \"X-Tenant\": \"seen\"\n"
                 "        \"%s\": \"(hidden)\" # to be filled in\n",
                 names[i]);
        assert_prints(yaml, lines);
    }
    assert_prints(WIRE("headers: {Authorization: \"${T_SECRET}\"}"),
                  "        \"Authorization\": \"${T_SECRET}\"\n");
    struct config *c = load(WIRE("headers: {Authorization: \"Bearer ${T_SECRET}\"}"));
    assert_string_equal(OPTIONS(c)->headers.items[0].value, "Bearer " SECRET);
    config_free(c);
}

/* Where it stands, and what is wrong; not what was written. */
static void refuses(const char *yaml, const char *sentence)
{
    char whole[ERROR_TEXT_MAX];
    snprintf(whole, sizeof(whole), FILE_NAME ":%s", sentence);
    assert_no_byte_of_it(whole);
    assert_refused(yaml, whole);
}

static void an_error_quotes_no_secret_R13(void **state)
{
    setenv("T_LINES", SECRET "\n" SECRET, 1);
    unsetenv("T_UNSET");
    refuses(WIRE("password: \"(hidden)\""),
            "1:66: \"sink.password\" was hidden when this file was printed: fill it in");
    refuses(WIRE("password: \"\""),
            "1:66: \"sink.password\" is empty; leave the key out, or fill it");
    refuses(WIRE("password: [\"" SECRET "\"]"),
            "1:66: \"sink.password\" must be a text, which is never shown, not a list");
    refuses(WIRE("password: \"" SECRET "$" SECRET "\""),
            "1:66: a lone \"$\": write \"$$\" for a dollar sign, \"${NAME}\" for a variable of the "
            "environment");
    refuses(WIRE("password: \"${" SECRET "}\""),
            "1:66: \"${…}\" names no variable: write ${NAME} or ${NAME:-default}");
    refuses(WIRE("password: \"" SECRET "${" SECRET "\""), "1:66: a \"${\" without its \"}\"");
    refuses(WIRE("password: \"a${T_UNSET}\""),
            "1:66: the environment variable … is not set: set it, or write ${…:-…} with a default");
    refuses(WIRE("password: \"${T_UNSET}\""),
            "1:66: the environment variable T_UNSET is not set: set it, or write ${T_UNSET:-…} "
            "with a default");
    refuses(WIRE("password: \"${T_LINES}\""),
            "1:66: the environment variable T_LINES holds more than one line of plain text");
    refuses(WIRE("headers: {\"Authorization: " SECRET "\"}"),
            "1:66: \"sink.headers\" has a name that is none of a header's: letters, digits and "
            "\"-\", then a colon and the value");
    refuses(WIRE("headers: [\"Authorization: " SECRET "\"]"),
            "1:65: \"sink.headers\" must be a map of headers, each with a text");
}

static void a_url_with_a_password_is_refused_and_not_quoted_R13(void **state)
{
    static const char *const urls[] = {
        "https://u:" SECRET "@x",   "https://" SECRET "@x/",     "https://u:a/" SECRET "@x",
        "https://u:1/" SECRET "@x", "ftp://u:" SECRET "@x:3100", "u:" SECRET "@x",
    };
    char yaml[256];

    for (size_t i = 0; i < ARRAY_SIZE(urls); i++) {
        snprintf(yaml, sizeof(yaml), "routes: [{name: a, sink: {type: wire, url: \"%s\"}}]",
                 urls[i]);
        refuses(yaml, "1:44: \"sink.url\" must be a URL with the scheme http or https; this one "
                      "has an \"@\": a user and a password have keys of their own; elsewhere it is "
                      "%40");
    }
    refuses("routes: [{name: a, sink: {type: wire, url: \"https://x:" SECRET "\"}}]",
            "1:44: \"sink.url\" must be a URL with the scheme http or https; this one has a port "
            "that is no number from 1 to 65535");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_secret_of_the_file_is_hidden),
        cmocka_unit_test(a_secret_of_the_environment_is_printed_as_its_name),
        cmocka_unit_test(headers_that_carry_secrets_are_hidden),
        cmocka_unit_test(an_error_quotes_no_secret_R13),
        cmocka_unit_test(a_url_with_a_password_is_refused_and_not_quoted_R13),
    };
    return cmocka_run_group_tests(tests, enter_directory, leave_directory);
}
