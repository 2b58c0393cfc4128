// SPDX-License-Identifier: Apache-2.0
#include "agent/streams_private.h"

#include <errno.h>
#include <inttypes.h>

#include "base/clock.h"

/* The loop, and whose turn it is. A container is in one of four lists:
 *
 *     waiting → receiving → idle (it ended and does not run, or cannot be read)
 *        ↑          ↓
 *        +------- resting (its connection ended while it runs, or failed)
 *
 * Before streams are begun the Engine is pinged, and again after any of them has failed: one that
 * is down is asked by one ping in a while, however many wait for it. */

#define REFUSAL_LOG_INTERVAL_NS (60 * NS_PER_SECOND)

static void list_init(struct streamed_list *list)
{
    *list = (struct streamed_list){.end = &list->first};
}

static void list_remove(struct streamed *item)
{
    struct streamed_list *list = item->list;

    if (!list)
        return;
    *item->link = item->next;
    if (item->next)
        item->next->link = item->link;
    else
        list->end = item->link;
    list->count--;
    item->list = NULL;
}

static void list_push(struct streamed_list *list, struct streamed *item)
{
    list_remove(item);
    item->list = list;
    item->next = NULL;
    item->link = list->end;
    *list->end = item;
    list->end = &item->next;
    list->count++;
}

static void set_state(struct streams *s, struct streamed *item, enum stream_state state)
{
    enum stream_state before = atomic_load(&item->state);

    if (before == state)
        return;
    s->unreadable += (state == STREAM_UNREADABLE) - (before == STREAM_UNREADABLE);
    atomic_store(&item->state, state);
    s->states_changed = true;
}

static void enqueue(struct streams *s, struct streamed *item)
{
    list_push(&s->waiting, item);
    set_state(s, item, STREAM_WAITING);
}

static void set_idle(struct streams *s, struct streamed *item, enum stream_state state)
{
    list_push(&s->idle, item);
    set_state(s, item, state);
}

/* `backoff_ns` give or take a quarter, so that not all come at once; doubled for the next time. */
static int64_t patience(struct streams *s, int64_t *backoff_ns)
{
    s->random = s->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    int64_t half = *backoff_ns / 2, rest = *backoff_ns - half / 2;
    rest += (int64_t)(s->random >> 33) % (half + 1);
    *backoff_ns *= 2;
    if (*backoff_ns > STREAMS_BACKOFF_MAX_NS)
        *backoff_ns = STREAMS_BACKOFF_MAX_NS;
    return rest;
}

static void set_resting(struct streams *s, struct streamed *item)
{
    int64_t now = clock_monotonic_ns();

    if (item->progress || now - item->begun_at_ns >= STREAMS_BACKOFF_MAX_NS)
        item->backoff_ns = STREAMS_BACKOFF_MIN_NS;
    item->retry_at_ns = now + patience(s, &item->backoff_ns);
    if (item->retry_at_ns < s->resting_due_ns)
        s->resting_due_ns = item->retry_at_ns;
    list_push(&s->resting, item);
    set_state(s, item, STREAM_WAITING);
}

static void free_item(struct streams *s, struct streamed *item)
{
    list_remove(item);
    streams_end(s, item);
    set_state(s, item, STREAM_UNKNOWN);
    free(item);
}

static void drop(struct streams *s, struct streamed *item, unsigned removed_as)
{
    char name[STREAMS_REMOVED_NAME_MAX];
    struct error error = {""};

    free_item(s, item);
    if (removed_as &&
        spool_remove(s->directory, streams_removed_name(name, removed_as), &error) < 0)
        log_line(LOG_WARN, "stream.spool", "a spool cannot be removed", "error=%s",
                 LOG_QUOTE(error.text));
}

/* News begin again what rests or has ended; what cannot be read only if something is new. */
static void hear(struct streams *s, struct streamed *item, const struct stream_wish *wish)
{
    bool changed =
        !item->list || item->shape.tty != wish->shape.tty || item->running != wish->running;

    item->shape = wish->shape;
    item->running = wish->running;
    item->ask_again = true; /* a run may have come and gone behind what is being received */
    if (item->list == &s->receiving || item->list == &s->waiting)
        return;
    if (!changed && (item->list == &s->resting || item->state == STREAM_UNREADABLE))
        return;
    item->backoff_ns = STREAMS_BACKOFF_MIN_NS;
    enqueue(s, item);
}

/* False: the end is wanted. */
static bool take_news(struct streams *s)
{
    uint64_t count;

    (void)!read(s->wake_fd, &count, sizeof(count));
    for (;;) {
        pthread_mutex_lock(&s->lock);
        bool stop = s->stop;
        struct streamed *item = s->news;
        struct stream_wish wish = {0};
        if (item) {
            wish = item->wish;
            item->has_news = false;
            s->news = item->next_news;
            if (!s->news)
                s->news_end = &s->news;
        }
        pthread_mutex_unlock(&s->lock);

        if (!item)
            return !stop;
        if (wish.dropped)
            drop(s, item, wish.removed_as);
        else
            hear(s, item, &wish);
    }
}

static void shut_gate(struct streams *s, const char *why)
{
    char reason[HEALTH_REASON_MAX];

    s->gate = GATE_SHUT;
    s->gate_retry_at_ns = clock_monotonic_ns() + patience(s, &s->gate_backoff_ns);
    snprintf(reason, sizeof(reason),
             "the logs that are streamed stand still until the Engine answers; trying again: %s",
             why);
    health_raise(s->health, "stream.interrupted", "", reason);
}

void streams_pinged(void *context, int code, const char *text)
{
    struct streams *s = context;

    if (code) {
        shut_gate(s, text);
        return;
    }
    s->gate = GATE_OPEN;
    s->gate_backoff_ns = STREAMS_BACKOFF_MIN_NS;
    health_clear(s->health, "stream.interrupted", "");
}

static void ask_engine(struct streams *s)
{
    int r = log_streams_ping(s->connections);

    s->gate = GATE_ASKED;
    if (r < 0 && r != -EALREADY)
        shut_gate(s, strerror(-r));
}

/* The Engine ended it in order. A container that has run since it was asked may have written. */
static void ended_in_order(struct streams *s, struct streamed *item)
{
    if (item->running && !s->once)
        set_resting(s, item);
    else if (item->ask_again && !s->once)
        enqueue(s, item);
    else
        set_idle(s, item, STREAM_ENDED);
}

static void refused(struct streams *s, const struct streamed *item, const char *text)
{
    uint64_t suppressed;

    if (log_limit_pass(&s->refusal_log, REFUSAL_LOG_INTERVAL_NS, &suppressed))
        log_line(LOG_WARN, "stream.refused", "the Engine does not stream a log; trying again",
                 "container=%.12s error=%s suppressed=%" PRIu64, item->id, LOG_QUOTE(text),
                 suppressed);
}

void streams_ended(void *owner, enum log_stream_end end, const char *text)
{
    struct streamed *item = owner;
    struct streams *s = item->streams;

    item->stream = NULL;
    if (end == LOG_STREAM_ENDED && !streams_finish(s, item))
        end = LOG_STREAM_GIVEN_UP;
    streams_end(s, item);
    switch (end) {
    case LOG_STREAM_ENDED: ended_in_order(s, item); break;
    case LOG_STREAM_GONE: set_idle(s, item, STREAM_ENDED); break;
    case LOG_STREAM_UNREADABLE: set_idle(s, item, STREAM_UNREADABLE); break;
    case LOG_STREAM_GIVEN_UP: set_resting(s, item); break;
    case LOG_STREAM_REFUSED: refused(s, item, text); __attribute__((fallthrough));
    case LOG_STREAM_BROKEN:
        if (s->gate == GATE_OPEN)
            s->gate = GATE_ASK;
        set_resting(s, item);
        break;
    }
}

static void begin(struct streams *s, struct streamed *item)
{
    struct error error = {""};

    if (streams_begin(s, item, &error) < 0) {
        set_resting(s, item);
        return;
    }
    list_push(&s->receiving, item);
    set_state(s, item, STREAM_RECEIVING);
}

static void wake_rested(struct streams *s, int64_t now_ns)
{
    if (now_ns < s->resting_due_ns)
        return;
    s->resting_due_ns = INT64_MAX;
    for (struct streamed *item = s->resting.first, *next; item; item = next) {
        next = item->next;
        if (item->retry_at_ns <= now_ns)
            enqueue(s, item);
        else if (item->retry_at_ns < s->resting_due_ns)
            s->resting_due_ns = item->retry_at_ns;
    }
}

static void begin_waiting(struct streams *s, int64_t now_ns)
{
    wake_rested(s, now_ns);
    if (!s->waiting.first)
        return;
    if (s->gate == GATE_ASK || (s->gate == GATE_SHUT && now_ns >= s->gate_retry_at_ns))
        ask_engine(s);
    while (s->gate == GATE_OPEN && s->waiting.first && s->receiving.count < STREAMS_MAX)
        begin(s, s->waiting.first);
}

/* Nobody waits for an Engine that does not answer: so it is nobody's trouble. */
static void forget_interruption(struct streams *s)
{
    if (s->gate != GATE_SHUT || s->waiting.first || s->resting.first)
        return;
    s->gate = GATE_ASK;
    health_clear(s->health, "stream.interrupted", "");
}

static void tell_full(struct streams *s)
{
    char reason[HEALTH_REASON_MAX];

    s->full_told = s->waiting.count;
    snprintf(reason, sizeof(reason),
             "%zu containers wait until one of the %d logs that are streamed ends; let tallyman "
             "read Docker's files, which have no such limit",
             s->waiting.count, STREAMS_MAX);
    health_raise(s->health, "streams.waiting", "", reason);
}

/* That there are more containers than connections is told once it lasts. */
static void watch_fullness(struct streams *s, int64_t now_ns)
{
    if (!s->waiting.first || s->receiving.count < STREAMS_MAX) {
        if (s->full_told)
            health_clear(s->health, "streams.waiting", "");
        s->full_told = 0;
        s->full_since_ns = INT64_MAX;
        return;
    }
    if (s->full_since_ns == INT64_MAX)
        s->full_since_ns = now_ns;
    if (now_ns >= s->full_since_ns + STREAMS_WAITING_TOLD_NS && s->full_told != s->waiting.count)
        tell_full(s);
}

static void publish(struct streams *s)
{
    struct log_streams_count connections = log_streams_count(s->connections);

    pthread_mutex_lock(&s->lock);
    s->status = (struct streams_status){
        .receiving = s->receiving.count,
        .waiting = s->waiting.count + s->resting.count,
        .unreadable = s->unreadable,
        .opened = connections.opened,
        .closed = connections.closed,
        .bytes = s->bytes,
        .dropped_files = s->dropped_files,
    };
    pthread_mutex_unlock(&s->lock);
    if (s->states_changed && s->monitor_fd >= 0)
        (void)!write(s->monitor_fd, &(uint64_t){1}, sizeof(uint64_t));
    s->states_changed = false;
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Milliseconds until something is due; -1: never. */
static int timeout_ms(const struct streams *s, int64_t now_ns)
{
    int64_t due = s->resting_due_ns;

    if (s->gate == GATE_SHUT && s->waiting.first)
        due = earlier(due, s->gate_retry_at_ns);
    if (s->full_since_ns != INT64_MAX && !s->full_told)
        due = earlier(due, s->full_since_ns + STREAMS_WAITING_TOLD_NS);
    if (due == INT64_MAX)
        return -1;
    return due <= now_ns ? 0 : (int)((due - now_ns) / NS_PER_MS) + 1;
}

static void free_all(struct streams *s)
{
    struct streamed_list *lists[] = {&s->receiving, &s->waiting, &s->resting, &s->idle};

    for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
        while (lists[i]->first)
            free_item(s, lists[i]->first);
}

void *streams_run(void *context)
{
    struct streams *s = context;

    list_init(&s->receiving);
    list_init(&s->waiting);
    list_init(&s->resting);
    list_init(&s->idle);
    s->resting_due_ns = s->full_since_ns = INT64_MAX;
    s->gate_backoff_ns = STREAMS_BACKOFF_MIN_NS;
    s->random = (uint64_t)clock_now_ns();
    while (take_news(s)) {
        log_streams_step(s->connections);
        int64_t now = clock_monotonic_ns();
        begin_waiting(s, now);
        forget_interruption(s);
        watch_fullness(s, now);
        publish(s);
        if (log_streams_poll(s->connections, s->wake_fd, timeout_ms(s, now)) < 0)
            usleep(100 * 1000);
    }
    free_all(s);
    publish(s);
    return NULL;
}
