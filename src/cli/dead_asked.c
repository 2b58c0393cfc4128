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

/* What the daemon can be asked to do. */
enum job { JOB_REPLAY, JOB_DROP };

/* As it stands in the path, and in the answer about it. */
static const char *const job_words[] = {[JOB_REPLAY] = "replay", [JOB_DROP] = "drop"};

static void append_query(struct buf *path, enum job job, const struct ledger_letter_filter *filter)
{
    char before = '?';
    if (filter->key) {
        buf_append_format(path, "?key=%" PRIu64, filter->key);
        before = '&';
    } else if (job == JOB_DROP) {
        buf_append(path, SPAN("?all=true"));
        before = '&';
    }
    if (filter->reason) {
        buf_append_format(path, "%creason=", before);
        admin_ask_escape(path, filter->reason);
    }
}

/* Starts it; its number tells it from others. */
static int start(const struct dead_request *request, const struct route_config *route, enum job job,
                 json_int_t *ret_number, struct error *error)
{
    CLEANUP(buf_deinit) struct buf path = BUF_INIT(ANSWER_BYTES_MAX);
    buf_append_format(&path, "/api/v1/routes/%s/dead/%s", route->name, job_words[job]);
    append_query(&path, job, &request->filter);
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

/* How far it is: of a replay its progress, of a drop how many letters went at its end. */
struct outcome {
    struct letters_progress progress;
    uint64_t dropped;
};

static void take_outcome(const json_t *told, struct outcome *ret)
{
    const char *state = json_string_value(json_object_get(told, "state"));
    const char *text = json_string_value(json_object_get(told, "text"));
    struct letters_progress *progress = &ret->progress;
    progress->state = state && strcmp(state, "done") == 0     ? LETTERS_DONE
                      : state && strcmp(state, "failed") == 0 ? LETTERS_FAILED
                                                              : LETTERS_ON_THEIR_WAY;
    progress->delivered = number_of(told, "delivered");
    progress->refused = number_of(told, "refused");
    progress->left = number_of(told, "left");
    snprintf(progress->text, sizeof(progress->text), "%s", text ? text : "");
    ret->dropped = number_of(told, "dropped");
}

static int look(const struct dead_request *request, const struct route_config *route, enum job job,
                json_int_t number, struct outcome *ret, struct error *error)
{
    char path[PATH_BYTES_MAX];
    CLEANUP(json_decref) json_t *answer = NULL;
    snprintf(path, sizeof(path), "/api/v1/routes/%s/dead", route->name);
    int r = ask(request, "GET", path, STATUS_TOLD, &answer, error);
    if (r < 0)
        return r;
    const json_t *told = json_object_get(answer, job_words[job]);
    if (json_integer_value(json_object_get(told, "number")) != number)
        return error_set(error, -ECANCELED, "somebody else began another %s meanwhile",
                         job_words[job]);
    take_outcome(told, ret);
    return 0;
}

static int run(const struct dead_request *request, const struct route_config *route, enum job job,
               struct outcome *ret, struct error *error)
{
    const struct timespec pause = {.tv_nsec = ASK_AGAIN_MS * NS_PER_MS};
    json_int_t number = 0;
    int r = start(request, route, job, &number, error);
    while (r == 0) {
        r = look(request, route, job, number, ret, error);
        if (r < 0 || ret->progress.state == LETTERS_DONE)
            return r;
        if (ret->progress.state == LETTERS_FAILED)
            return error_set(error, -EIO, "%s", ret->progress.text);
        if (job == JOB_REPLAY)
            dead_replay_show(route, &ret->progress);
        nanosleep(&pause, NULL);
    }
    return r;
}

int dead_replay_asked(const struct dead_request *request, const struct route_config *route,
                      struct letters_progress *ret, struct error *error)
{
    struct outcome outcome = {.progress = *ret};
    int r = run(request, route, JOB_REPLAY, &outcome, error);
    *ret = outcome.progress;
    return r;
}

int dead_drop_asked(const struct dead_request *request, uint64_t *ret_count, struct error *error)
{
    struct outcome outcome = {0};
    int r = run(request, request->route, JOB_DROP, &outcome, error);
    *ret_count = outcome.dropped;
    return r;
}
