// SPDX-License-Identifier: Apache-2.0
/* The body of an answer may come from anything that listens on the socket: each reader of bodies is
 * given it, and the event stream besides in two pieces, which must give the same as in one. */
#include "base/check.h"
#include "docker/container_json.h"
#include "docker/engine_answer.h"
#include "docker/engine_events.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_list(struct span body)
{
    CLEANUP_FREE struct engine_listed *items = NULL;
    struct error error = {""};
    size_t count = 0;
    int r = engine_answer_list(body, &items, &count, &error);

    CHECK((r == 0) == (items != NULL));
    for (size_t i = 0; i < count; i++)
        CHECK(container_id_valid(items[i].id));
}

static void read_inspect(struct span body)
{
    const struct container_constants constants = CONTAINER_CONSTANTS_DEFAULT;
    CLEANUP(container_unref) struct container *c = NULL;
    struct error error = {""};
    int r = container_from_inspect(&c, body, &constants, &error);

    CHECK((r == 0) == (c != NULL));
}

static void read_others(struct span body)
{
    char root[PATH_BYTES_MAX], message[ENGINE_MESSAGE_MAX];
    struct error error = {""};

    if (engine_answer_root(body, root, &error) == 0)
        CHECK(strlen(root) < PATH_BYTES_MAX);
    engine_answer_message(body, message);
    for (const char *p = message; *p; p++)
        CHECK((unsigned char)*p >= 0x20);
}

/* How many events there are, and a sum over them; fed in two pieces, cut at `cut`. */
static uint64_t read_events(struct span body, size_t cut)
{
    struct event_stream s = EVENT_STREAM_INIT;
    const struct span pieces[] = {{body.data, cut}, {body.data + cut, body.size - cut}};
    struct engine_event event;
    uint64_t sum = 0;

    for (size_t i = 0; i < ARRAY_SIZE(pieces); i++) {
        CHECK(event_stream_feed(&s, pieces[i]) == 0);
        while (event_stream_next(&s, &event))
            sum = sum * 31 + (uint64_t)event.time_ns + strlen(event.action);
    }
    sum = sum * 31 + s.nonsense;
    event_stream_deinit(&s);
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span body = {(const char *)data, size};

    if (size > EVENT_LINE_MAX / 2)
        return 0;
    read_list(body);
    read_inspect(body);
    read_others(body);
    CHECK(read_events(body, 0) == read_events(body, size / 2));
    return 0;
}
