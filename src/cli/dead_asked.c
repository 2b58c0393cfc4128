// SPDX-License-Identifier: Apache-2.0
#include "cli/dead_asked.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <time.h>

#include "base/clock.h"
#include "cli/admin_ask.h"
#include "cli/dead_replay.h"

enum {
    ANSWER_BYTES_MAX = 64 * 1024,
    ASK_AGAIN_MS = 200,
    STATUS_STARTED = 202,
    STATUS_TOLD = 200,
};

DEFINE_CLEANUP(json_t *, json_decref)

/* The daemon's own word for why not, without its newline. */
static int refused(long status, struct buf *body, struct error *error)
{
    const char *text = buf_string(body);
    int size = text ? (int)strcspn(text, "\n") : 0;
    return error_set(error, -EIO, "the running tallyman says: %.*s (HTTP %ld)", size,
                     text ? text : "", status);
}

static int ask(const struct dead_request *request, const char *method, const char *path,
               long expected, json_t **ret, struct error *error)
{
    CLEANUP(buf_deinit) struct buf body = BUF_INIT(ANSWER_BYTES_MAX);
    long status = 0;
    int r = admin_ask(request->config->admin_listen, method, path, &status, &body, error);
    if (r < 0)
        return r;
    if (status != expected)
        return refused(status, &body, error);
    *ret = json_loadb(body.data, body.size, 0, NULL);
    return *ret ? 0 : error_set(error, -EPROTO, "the running tallyman's answer is no JSON");
}

static void append_query(struct buf *path, enum errand_kind kind,
                         const struct ledger_letter_filter *filter)
{
    char before = '?';
    if (filter->key) {
        buf_append_format(path, "?key=%" PRIu64, filter->key);
        before = '&';
    } else if (kind == ERRAND_DROP) {
        buf_append(path, SPAN("?all=true"));
        before = '&';
    }
    if (filter->reason) {
        buf_append_format(path, "%creason=", before);
        admin_ask_escape(path, filter->reason);
    }
}

/* Starts it; its number tells it from others. */
static int start(const struct dead_request *request, const struct route_config *route,
                 enum errand_kind kind, json_int_t *ret_number, struct error *error)
{
    CLEANUP(buf_deinit) struct buf path = BUF_INIT(ANSWER_BYTES_MAX);
    buf_append_format(&path, "/api/v1/routes/%s/dead/%s", route->name, errand_word(kind));
    append_query(&path, kind, &request->filter);
    const char *text = buf_string(&path);
    if (!text)
        return error_set(error, -ENOMEM, "no memory");

    CLEANUP(json_decref) json_t *answer = NULL;
    int r = ask(request, "POST", text, STATUS_STARTED, &answer, error);
    if (r == 0)
        *ret_number = json_integer_value(json_object_get(answer, "number"));
    return r;
}

static uint64_t number_of(const json_t *object, const char *key)
{
    return (uint64_t)json_integer_value(json_object_get(object, key));
}

static void take_progress(const json_t *told, struct letters_progress *ret)
{
    const char *state = json_string_value(json_object_get(told, "state"));
    const char *text = json_string_value(json_object_get(told, "text"));
    ret->state = state && strcmp(state, "done") == 0     ? LETTERS_DONE
                 : state && strcmp(state, "failed") == 0 ? LETTERS_FAILED
                                                         : LETTERS_ON_THEIR_WAY;
    ret->delivered = number_of(told, "delivered");
    ret->refused = number_of(told, "refused");
    ret->left = number_of(told, "left");
    ret->dropped = number_of(told, "dropped");
    snprintf(ret->text, sizeof(ret->text), "%s", text ? text : "");
}

static int look(const struct dead_request *request, const struct route_config *route,
                enum errand_kind kind, json_int_t number, struct letters_progress *ret,
                struct error *error)
{
    char path[PATH_BYTES_MAX];
    CLEANUP(json_decref) json_t *answer = NULL;
    snprintf(path, sizeof(path), "/api/v1/routes/%s/dead", route->name);
    int r = ask(request, "GET", path, STATUS_TOLD, &answer, error);
    if (r < 0)
        return r;
    const json_t *told = json_object_get(answer, errand_word(kind));
    if (json_integer_value(json_object_get(told, "number")) != number)
        return error_set(error, -ECANCELED, "somebody else began another %s meanwhile",
                         errand_word(kind));
    take_progress(told, ret);
    return 0;
}

int dead_asked(const struct dead_request *request, const struct route_config *route,
               enum errand_kind kind, struct letters_progress *ret, struct error *error)
{
    const struct timespec pause = {.tv_nsec = ASK_AGAIN_MS * NS_PER_MS};
    json_int_t number = 0;
    int r = start(request, route, kind, &number, error);
    while (r == 0) {
        r = look(request, route, kind, number, ret, error);
        if (r < 0 || ret->state == LETTERS_DONE)
            return r;
        if (ret->state == LETTERS_FAILED)
            return error_set(error, -EIO, "%s", ret->text);
        if (kind == ERRAND_REPLAY)
            dead_replay_show(route, ret);
        nanosleep(&pause, NULL);
    }
    return r;
}
