// SPDX-License-Identifier: Apache-2.0
#include "docker/engine.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/connections.h"
#include "base/limits.h"
#include "base/name_lookup.h"
#include "docker/container_json.h"
#include "docker/engine_ask.h"

#include <errno.h>
#include <limits.h>

struct engine {
    CURLM *multi;
    struct connections connections; /* of multi */
    struct docker_host host;
    long deadline_ms;
    struct container_constants constants;
    struct engine_callbacks callbacks;
    void *context;

    /* Of a host with a name. */
    bool named;
    char name[HOST_NAME_MAX_BYTES];
    char addresses[NAME_ADDRESSES_MAX]; /* "": not known */
    struct name_lookup *lookup;         /* owned; NULL: none under way */
    struct error lookup_fault;

    struct ask_queue held; /* until the name is looked up; inspections wait where they always do */
    struct ask_queue waiting, in_flight;
    struct ask_queue unsent; /* could not be sent: answered in the next step */
    size_t unanswered, inspects;
    struct ask *events; /* of in_flight */
    uint64_t last_ticket;
    struct engine_version version;
    uint64_t nonsense;
    bool stepping;
};

int engine_open(struct engine **ret, const struct engine_options *options, struct error *error)
{
    CLEANUP(engine_close) struct engine *e = malloc(sizeof(*e));
    if (!e)
        return error_set(error, -ENOMEM, "the Engine's client: no memory");
    *e = (struct engine){
        .connections = CONNECTIONS_INIT(RESOURCE_ENGINE),
        .deadline_ms = options->deadline_ms,
        .constants = options->constants,
        .callbacks = options->callbacks,
        .context = options->context,
    };
    ask_queue_init(&e->held);
    ask_queue_init(&e->waiting);
    ask_queue_init(&e->in_flight);
    ask_queue_init(&e->unsent);

    if (options->deadline_ms <= 0)
        return error_set(error, -EINVAL, "the Engine's client: a deadline of %d ms",
                         options->deadline_ms);
    int r = docker_host_parse(&e->host, options->host, error);
    if (r < 0)
        return r;
    e->named = docker_host_name(&e->host, e->name);
    e->multi = curl_multi_init();
    if (!e->multi)
        return error_set(error, -ENOMEM, "the Engine's client: no memory");
    curl_multi_setopt(e->multi, CURLMOPT_MAXCONNECTS, 1L);
    *ret = TAKE(e);
    return 0;
}

struct engine *engine_close(struct engine *e)
{
    if (!e)
        return NULL;

    CHECK(!e->stepping);
    ask_queue_deinit(&e->held);
    ask_queue_deinit(&e->waiting);
    ask_queue_deinit(&e->in_flight);
    ask_queue_deinit(&e->unsent);
    curl_multi_cleanup(e->multi);
    connections_deinit(&e->connections);
    name_lookup_free(e->lookup);
    free(e);
    return NULL;
}

/* Counted as one that was sent, whether that succeeded or not. */
static void push_sent(struct engine *e, struct ask *a)
{
    ask_queue_push(a->failed ? &e->unsent : &e->in_flight, a);
    if (a->kind == ASK_INSPECT)
        e->inspects++;
}

/* Puts the ask on its way. One that cannot even be sent is answered in the next step. */
static void send_ask(struct engine *e, struct ask *a)
{
    char path[TRANSFER_PATH_MAX];
    struct engine_transfer_options options = {
        .host = &e->host,
        .addresses = e->named ? e->addresses : NULL,
        .path = path,
        .body_max = a->kind == ASK_LIST ? ENGINE_LIST_BYTES_MAX : CONTAINER_JSON_MAX,
        .deadline_ms = e->deadline_ms,
        .stream = a->kind == ASK_EVENTS,
        .owner = a,
        .connections = &e->connections,
    };

    ask_path(a, e->version, path);
    a->failed = e->host.kind == DOCKER_HOST_NONE
                    ? -ENOTCONN
                    : engine_transfer_start(&a->transfer, e->multi, &options);
    a->open_by_ns = clock_monotonic_ns() + e->deadline_ms * NS_PER_MS;
    push_sent(e, a);
}

static void send_waiting(struct engine *e)
{
    if (e->lookup)
        return;
    while (e->held.first)
        send_ask(e, ask_queue_remove(&e->held, &e->held.first));
    while (e->waiting.first && e->inspects < ENGINE_INSPECTS_MAX)
        send_ask(e, ask_queue_remove(&e->waiting, &e->waiting.first));
}

static void fail_all(struct engine *e, struct ask_queue *queue, int code)
{
    while (queue->first) {
        struct ask *a = ask_queue_remove(queue, &queue->first);
        a->failed = code;
        push_sent(e, a);
    }
}

/* Nobody can be asked. */
static void lookup_failed(struct engine *e, int code)
{
    fail_all(e, &e->held, code);
    fail_all(e, &e->waiting, code);
}

/* A ping begins anew, so it asks anew where the name leads. */
static void look_up_for(struct engine *e, const struct ask *a)
{
    if (!e->named || e->lookup || (e->addresses[0] && a->kind != ASK_PING))
        return;
    int r = name_lookup_start(&e->lookup, e->name, (int)e->deadline_ms, &e->lookup_fault);
    if (r < 0)
        lookup_failed(e, r);
}

static void step_lookup(struct engine *e)
{
    if (!e->lookup || !name_lookup_step(e->lookup))
        return;
    int r = name_lookup_result(e->lookup, e->addresses, &e->lookup_fault);
    e->lookup = name_lookup_free(e->lookup);
    if (r < 0) {
        char host[HOST_NAME_MAX_BYTES + 8];
        error_prefix(&e->lookup_fault, "%s", docker_host_print(&e->host, host, sizeof(host)));
        lookup_failed(e, r);
    } else {
        e->lookup_fault.text[0] = '\0';
    }
    send_waiting(e);
}

static int ask(struct engine *e, struct ask template, uint64_t *ret_ticket)
{
    struct ask *a = malloc(sizeof(*a));
    if (!a)
        return -ENOMEM;
    *a = template;
    a->ticket = ++e->last_ticket;
    if (a->kind == ASK_EVENTS)
        e->events = a;
    else
        e->unanswered++;
    if (ret_ticket)
        *ret_ticket = a->ticket;

    ask_queue_push(a->kind == ASK_INSPECT ? &e->waiting : &e->held, a);
    look_up_for(e, a);
    send_waiting(e);
    return 0;
}

int engine_ping(struct engine *e, uint64_t *ret_ticket)
{
    return ask(e, (struct ask){.kind = ASK_PING}, ret_ticket);
}

int engine_info(struct engine *e, uint64_t *ret_ticket)
{
    return ask(e, (struct ask){.kind = ASK_INFO}, ret_ticket);
}

int engine_list(struct engine *e, uint64_t *ret_ticket)
{
    return ask(e, (struct ask){.kind = ASK_LIST}, ret_ticket);
}

int engine_inspect(struct engine *e, const char *id, uint64_t *ret_ticket)
{
    struct ask template = {.kind = ASK_INSPECT};

    if (!container_id_valid(id))
        return -EINVAL;
    memcpy(template.id, id, sizeof(template.id));
    return ask(e, template, ret_ticket);
}

int engine_events(struct engine *e, int64_t since_ns, uint64_t *ret_ticket)
{
    if (e->events)
        return -EBUSY;
    return ask(e, (struct ask){.kind = ASK_EVENTS, .since_ns = since_ns}, ret_ticket);
}

/* Out of the engine's books, whether it was answered or not. The ask itself lives on. */
static struct ask *detach(struct engine *e, struct ask_queue *queue, struct ask **link)
{
    struct ask *a = ask_queue_remove(queue, link);

    if (a->kind == ASK_INSPECT && queue != &e->waiting)
        e->inspects--;
    if (a->kind == ASK_EVENTS)
        e->events = NULL;
    else
        e->unanswered--;
    if (a->transfer)
        e->nonsense += engine_transfer_events(a->transfer)->nonsense;
    return a;
}

void engine_cancel(struct engine *e, uint64_t ticket)
{
    struct ask_queue *queues[] = {&e->in_flight, &e->waiting, &e->held, &e->unsent};

    for (size_t i = 0; i < ARRAY_SIZE(queues); i++) {
        struct ask **link = ask_queue_find(queues[i], ticket);
        if (!link)
            continue;
        ask_free(detach(e, queues[i], link));
        send_waiting(e);
        return;
    }
}

static int negotiate(struct engine *e, const struct ask *a, struct error *error)
{
    const char *said = engine_transfer_api_version(a->transfer);
    struct engine_version theirs;

    if (!engine_version_parse(&theirs, said))
        return error_set(error, -EPROTO, "its Api-Version is \"%s\": is this a Docker Engine?",
                         said);
    if (engine_version_below(theirs, ENGINE_VERSION_LEAST))
        return error_set(error, -EPROTO, "it speaks API %s at most; from %u.%u on it could serve",
                         said, ENGINE_VERSION_LEAST.major, ENGINE_VERSION_LEAST.minor);
    e->version = engine_version_lower(theirs, ENGINE_VERSION_OURS);
    return 0;
}

/* The body's own faults, in words that begin with the request. */
static void note_fault(const struct ask *a, struct engine_result *result, struct error *error,
                       int r)
{
    if (r == 0)
        return;
    engine_transfer_prefix(a->transfer, error);
    result->code = r < 0 ? r : -EBADMSG;
    result->text = error->text;
}

static void answer_list(struct engine *e, const struct ask *a, struct engine_result *result,
                        struct error *error)
{
    CLEANUP_FREE struct engine_listed *items = NULL;
    size_t count = 0;

    if (result->code == 0)
        note_fault(a, result, error,
                   engine_answer_list(engine_transfer_body(a->transfer), &items, &count, error));
    if (e->callbacks.listed)
        e->callbacks.listed(e->context, result, items, count);
}

static void answer_inspect(struct engine *e, const struct ask *a, struct engine_result *result,
                           struct error *error)
{
    CLEANUP(container_unref) struct container *c = NULL;

    if (result->code == 0)
        note_fault(
            a, result, error,
            container_from_inspect(&c, engine_transfer_body(a->transfer), &e->constants, error));
    if (c && strcmp(c->id, a->id) != 0) {
        c = container_unref(c);
        note_fault(a, result, error,
                   error_set(error, -EBADMSG, "the answer speaks of another container"));
    }
    if (e->callbacks.inspected)
        e->callbacks.inspected(e->context, result, a->id, c);
}

static void answer_info(struct engine *e, const struct ask *a, struct engine_result *result,
                        struct error *error)
{
    char root[PATH_BYTES_MAX] = "";

    if (result->code == 0)
        note_fault(a, result, error,
                   engine_answer_root(engine_transfer_body(a->transfer), root, error));
    if (e->callbacks.informed)
        e->callbacks.informed(e->context, result, root);
}

static void answer(struct engine *e, const struct ask *a, int code, struct error *error)
{
    struct engine_result result = {.ticket = a->ticket, .code = code, .text = error->text};

    switch (a->kind) {
    case ASK_PING:
        if (code == 0)
            note_fault(a, &result, error, negotiate(e, a, error));
        if (e->callbacks.pinged)
            e->callbacks.pinged(e->context, &result, e->version);
        break;
    case ASK_INFO: answer_info(e, a, &result, error); break;
    case ASK_LIST: answer_list(e, a, &result, error); break;
    case ASK_INSPECT: answer_inspect(e, a, &result, error); break;
    case ASK_EVENTS:
        if (e->callbacks.events_ended)
            e->callbacks.events_ended(e->context, &result);
        break;
    }
}

/* Only an inspected container that is not there is an outcome; a daemon that does not know the
 * other requests is no Docker Engine. */
static int code_of(const struct ask *a, int r)
{
    if (r != TRANSFER_E_NOT_FOUND)
        return r;
    return a->kind == ASK_INSPECT ? ENGINE_E_NOT_FOUND : -EPROTO;
}

static void finish(struct engine *e, struct ask *finished, CURLcode code)
{
    struct ask *a = detach(e, &e->in_flight, ask_queue_find(&e->in_flight, finished->ticket));
    struct error error = {""};
    int r = engine_transfer_result(a->transfer, code, &error);

    answer(e, a, code_of(a, r), &error);
    ask_free(a);
}

static struct error why_unsent(const struct engine *e, const struct ask *a)
{
    struct error error = {""};

    if (e->lookup_fault.text[0])
        error = e->lookup_fault;
    else
        error_set(&error, 0, "%s",
                  a->failed == -ENOTCONN ? "there is no Engine to ask: its address is \"none\""
                                         : "no memory to ask the Engine");
    return error;
}

/* Only those that are there now: a callback that asks again at once must not keep us here. */
static void answer_unsent(struct engine *e)
{
    uint64_t last = e->last_ticket;

    while (e->unsent.first && e->unsent.first->ticket <= last) {
        struct ask *a = detach(e, &e->unsent, &e->unsent.first);
        struct error error = why_unsent(e, a);
        answer(e, a, a->failed, &error);
        ask_free(a);
    }
}

static bool waits_for_events(const struct engine *e)
{
    return e->events && e->events->transfer && !e->events->told_open;
}

/* A callback may cancel the stream, so it is looked up anew each time. */
static void deliver_events(struct engine *e)
{
    struct engine_event event;

    if (waits_for_events(e) && engine_transfer_opened(e->events->transfer)) {
        e->events->told_open = true;
        if (e->callbacks.events_opened)
            e->callbacks.events_opened(e->context);
    }
    while (e->events && e->events->transfer &&
           event_stream_next(engine_transfer_events(e->events->transfer), &event))
        if (e->callbacks.event && engine_event_matters(&event))
            e->callbacks.event(e->context, &event);
    if (e->events && e->events->transfer)
        engine_transfer_resume(e->events->transfer);
}

/* libcurl's deadlines are for whole answers, and this one must not end. */
static void give_up_opening(struct engine *e)
{
    if (waits_for_events(e) && clock_monotonic_ns() >= e->events->open_by_ns)
        finish(e, e->events, CURLE_OPERATION_TIMEDOUT);
}

void engine_step(struct engine *e)
{
    int running, left;
    CURLMsg *message;

    CHECK(!e->stepping);
    e->stepping = true;
    step_lookup(e);
    curl_multi_perform(e->multi, &running);
    connections_compare(&e->connections);
    deliver_events(e);
    while ((message = curl_multi_info_read(e->multi, &left)) != NULL)
        finish(e, engine_transfer_owner(message->easy_handle), message->data.result);
    give_up_opening(e);
    answer_unsent(e);
    send_waiting(e);
    e->stepping = false;
}

/* In milliseconds, of `timeout_ms` or what is left until there is something to step for. */
static int time_to_step(const struct engine *e, int timeout_ms)
{
    if (e->unsent.first)
        return 0;
    if (timeout_ms < 0)
        timeout_ms = INT_MAX;
    if (!waits_for_events(e))
        return timeout_ms;
    int64_t left_ns = e->events->open_by_ns - clock_monotonic_ns();
    int64_t left_ms = left_ns > 0 ? left_ns / NS_PER_MS + 1 : 0;
    return left_ms < timeout_ms ? (int)left_ms : timeout_ms;
}

int engine_poll(struct engine *e, struct pollfd *extra, size_t count, int timeout_ms)
{
    struct curl_waitfd waits[ENGINE_POLL_EXTRA_MAX + NAME_LOOKUP_FDS_MAX];
    struct pollfd lookup[NAME_LOOKUP_FDS_MAX];
    size_t looking = 0;
    int ready = 0;

    if (count > ENGINE_POLL_EXTRA_MAX)
        return -EINVAL;
    timeout_ms = time_to_step(e, timeout_ms);
    if (e->lookup)
        looking = name_lookup_wait(e->lookup, lookup, &timeout_ms);
    for (size_t i = 0; i < count + looking; i++) {
        const struct pollfd *p = i < count ? &extra[i] : &lookup[i - count];
        waits[i] = (struct curl_waitfd){.fd = p->fd, .events = p->events};
    }

    CURLMcode code =
        curl_multi_poll(e->multi, waits, (unsigned)(count + looking), timeout_ms, &ready);
    if (code != CURLM_OK)
        return code == CURLM_OUT_OF_MEMORY ? -ENOMEM : -EIO;
    for (size_t i = 0; i < count; i++)
        extra[i].revents = waits[i].revents;
    return ready;
}

size_t engine_unanswered(const struct engine *e)
{
    return e->unanswered;
}

struct engine_version engine_version_spoken(const struct engine *e)
{
    return e->version;
}

uint64_t engine_events_nonsense(const struct engine *e)
{
    uint64_t now = e->events && e->events->transfer
                       ? engine_transfer_events(e->events->transfer)->nonsense
                       : 0;
    return e->nonsense + now;
}
