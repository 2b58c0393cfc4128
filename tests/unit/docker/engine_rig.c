// SPDX-License-Identifier: Apache-2.0
#include "engine_rig.h"

#include "sample.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void hear(struct heard *h, const struct engine_result *result)
{
    h->code = result->code;
    h->ticket = result->ticket;
    snprintf(h->text, sizeof(h->text), "%s", result->text);
}

static void on_pinged(void *context, const struct engine_result *result, struct engine_version v)
{
    struct heard *h = context;
    hear(h, result);
    h->pings++;
    h->version = v;
}

static void on_informed(void *context, const struct engine_result *result, const char *root)
{
    struct heard *h = context;
    hear(h, result);
    h->infos++;
    snprintf(h->root, sizeof(h->root), "%s", root);
}

static void on_listed(void *context, const struct engine_result *result,
                      const struct engine_listed *items, size_t count)
{
    struct heard *h = context;
    hear(h, result);
    h->lists++;
    h->listed_count = (unsigned)count;
}

static void on_inspected(void *context, const struct engine_result *result, const char *id,
                         struct container *c)
{
    struct heard *h = context;
    hear(h, result);
    h->inspects++;
    h->inspected_well += c != NULL;
    assert_int_equal(c != NULL, result->code == 0);
    assert_true(container_id_valid(id));
    snprintf(h->name, sizeof(h->name), "%s", c ? c->name : "");
}

static void on_opened(void *context)
{
    ((struct heard *)context)->opened++;
}

static void on_event(void *context, const struct engine_event *event)
{
    struct heard *h = context;
    assert_int_equal(h->opened, 1);
    h->events++;
    memcpy(h->last_action, event->action, sizeof(h->last_action));
    if (h->cancel)
        engine_cancel(h->engine, h->cancel);
}

static void on_ended(void *context, const struct engine_result *result)
{
    struct heard *h = context;
    hear(h, result);
    h->ended++;
}

void open_engine(struct heard *h, const char *host, int deadline_ms)
{
    struct engine_options options = {
        .host = host,
        .deadline_ms = deadline_ms,
        .constants = CONTAINER_CONSTANTS_DEFAULT,
        .callbacks = {on_pinged, on_informed, on_listed, on_inspected, on_opened, on_event,
                      on_ended},
        .context = h,
    };
    struct error error = {""};
    *h = (struct heard){0};
    if (engine_open(&h->engine, &options, &error) != 0)
        fail_msg("%s", error.text);
}

void close_engine(struct heard *h)
{
    h->engine = engine_close(h->engine);
    assert_null(h->engine);
}

void step_until(struct heard *h, const unsigned *counter, unsigned value)
{
    int64_t give_up_ns = clock_monotonic_ns() + 20 * NS_PER_SECOND;

    while (*counter < value) {
        assert_true(clock_monotonic_ns() < give_up_ns);
        assert_true(engine_poll(h->engine, NULL, 0, 1000) >= 0);
        engine_step(h->engine);
    }
    assert_int_equal(*counter, value);
}

void answer_sample(struct buf *raw, const char *name)
{
    CLEANUP(buf_deinit) struct buf text = sample_read(name);
    stand_in_json(raw, buf_string(&text));
}

bool ends_with(const char *path, const char *end)
{
    return span_ends_with(span_of(path), span_of(end));
}

enum stand_in_then genuine(const char *path, struct buf *raw)
{
    if (strcmp(path, "/_ping") == 0) {
        CLEANUP(buf_deinit) struct buf text = sample_read("api-logs/ping.http");
        buf_append(raw, buf_span(&text));
        return STAND_IN_CLOSE;
    }
    if (strcmp(path, "/v1.41/info") == 0)
        answer_sample(raw, "inspect/info.json");
    else if (strcmp(path, "/v1.41/containers/json?all=1") == 0)
        answer_sample(raw, "inspect/list.json");
    else if (strcmp(path, "/v1.41/containers/" ID "/json") == 0)
        answer_sample(raw, "inspect/running.json");
    else {
        CLEANUP(buf_deinit) struct buf text = sample_read("api-logs/err-404.http");
        buf_append(raw, buf_span(&text));
        return STAND_IN_CLOSE;
    }
    return STAND_IN_KEEP;
}

unsigned entries_of(const char *path)
{
    CLEANUP(closedir) DIR *dir = opendir(path);
    unsigned count = 0;

    assert_non_null(dir);
    while (readdir(dir))
        count++;
    return count;
}
