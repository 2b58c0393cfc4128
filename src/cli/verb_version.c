// SPDX-License-Identifier: Apache-2.0
#include "cli/commit.h"
#include "cli/verb.h"

#include <curl/curl.h>
#include <getopt.h>
#include <jansson.h>
#include <sqlite3.h>
#include <xxhash.h>
#include <yaml.h>
#include <zlib.h>

static const char usage[] = "usage: tallyman version\n"
                            "\n"
                            "Shows the version, the commit, the compiler, and the libraries in "
                            "use.\n"
                            "\n"
                            "  -h, --help  show this\n";

static const struct option options[] = {
    {"help", no_argument, NULL, 'h'},
    {0},
};

#ifdef __clang__
static const char compiler[] = "clang " __clang_version__;
#else
static const char compiler[] = "gcc " __VERSION__;
#endif

/* The versions that are loaded, which need not be those it was compiled with. */
static void print_version(void)
{
    unsigned xxhash = XXH_versionNumber();

    printf("tallyman %s\n", TALLYMAN_VERSION);
    printf("commit   %s\n", tallyman_commit);
    printf("compiler %s\n", compiler);
    printf("curl     %s\n", curl_version_info(CURLVERSION_NOW)->version);
    printf("jansson  %s\n", jansson_version_str());
    printf("sqlite   %s\n", sqlite3_libversion());
    printf("xxhash   %u.%u.%u\n", xxhash / 10000, xxhash / 100 % 100, xxhash % 100);
    printf("yaml     %s\n", yaml_get_version_string());
    printf("zlib     %s\n", zlibVersion());
}

int verb_version(int count, char **arguments)
{
    int option;

    while ((option = getopt_long(count, arguments, "h", options, NULL)) != -1) {
        switch (option) {
        case 'h': fputs(usage, stdout); return VERB_DONE;
        default: return verb_misused(arguments);
        }
    }
    enum verb_exit end = verb_no_operands(count, arguments);
    if (end == VERB_DONE)
        print_version();
    return end;
}
