// SPDX-License-Identifier: Apache-2.0
/* What lies in a container's directory is Docker's, and after a crash nobody's: the text up to the
 * first newline is read as config.v2.json, the rest as hostconfig.json. A record that comes out
 * goes through the ledger's form and must come back the same. */
#include "base/check.h"
#include "base/limits.h"
#include "docker/container_json.h"
#include "docker/container_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void go_round(const struct container *c, const struct container_constants *constants)
{
    CLEANUP(container_unref) struct container *back = NULL;
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(CONTAINER_JSON_MAX);
    struct error error = {""};

    container_record_print(c, &text);
    CHECK(text.failed == 0);
    CHECK(container_record_parse(&back, buf_span(&text), constants, &error) == 0);
    CHECK(container_renders_same(c, back));
    CHECK(c->created_ns == back->created_ns);
    CHECK(c->started_ns == back->started_ns);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct container_constants constants = CONTAINER_CONSTANTS_DEFAULT;
    CLEANUP(container_unref) struct container *c = NULL;
    struct error error = {""};
    const char *text = (const char *)data;
    const char *newline = size ? memchr(text, '\n', size) : NULL;
    struct span config = {text, newline ? (size_t)(newline - text) : size};
    struct span hostconfig = {text + config.size, size - config.size};

    int r = container_from_disk(&c, config, hostconfig, &constants, &error);
    CHECK((r == 0) == (c != NULL));
    CHECK(r == 0 || error.text[0] != '\0');
    if (c)
        go_round(c, &constants);
    return 0;
}
