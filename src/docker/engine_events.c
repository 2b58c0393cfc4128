// SPDX-License-Identifier: Apache-2.0
#include "docker/engine_events.h"

#include "base/clock.h"
#include "docker/json_document.h"

#include <errno.h>

enum { RECORD_SEPARATOR = 0x1e /* RFC 7464 */ };

const char *const engine_event_actions[] = {
    "create", "start",   "restart",       "die",     "destroy",    "rename", "update",
    "pause",  "unpause", "health_status", "connect", "disconnect", NULL};

bool engine_event_matters(const struct engine_event *event)
{
    const char *const *action = engine_event_actions;

    while (*action && strcmp(*action, event->action) != 0)
        action++;
    return *action && event->container_id[0];
}

void event_stream_deinit(struct event_stream *s)
{
    buf_deinit(&s->pending);
}

bool event_stream_has_room(const struct event_stream *s, size_t size)
{
    return s->pending.size - s->taken + size <= EVENT_STREAM_MAX;
}

/* Moves what is left to the front, so that the buffer does not creep. */
static void drop_taken(struct event_stream *s)
{
    size_t left = s->pending.size - s->taken;

    if (s->taken && left)
        memmove(s->pending.data, s->pending.data + s->taken, left);
    s->pending.size = left;
    s->taken = 0;
}

int event_stream_feed(struct event_stream *s, struct span bytes)
{
    if (bytes.size == 0)
        return 0;
    drop_taken(s);
    if (s->skipping) {
        const char *end = memchr(bytes.data, '\n', bytes.size);
        if (!end)
            return 0;
        s->skipping = false;
        bytes.size -= (size_t)(end + 1 - bytes.data);
        bytes.data = end + 1;
    }
    buf_append(&s->pending, bytes);
    return s->pending.failed;
}

/* Without its newline and separator. */
static bool next_line(struct event_stream *s, struct span *ret)
{
    size_t left = s->pending.size - s->taken;
    if (left == 0)
        return false;

    char *from = s->pending.data + s->taken;
    char *end = memchr(from, '\n', left);
    if (!end) {
        if (left > EVENT_LINE_MAX) {
            s->skipping = true;
            s->nonsense++;
            s->taken = s->pending.size;
        }
        return false;
    }
    s->taken += (size_t)(end + 1 - from);
    while (from < end && (*from == RECORD_SEPARATOR || *from == ' '))
        from++;
    if (end > from && end[-1] == '\r')
        end--;
    *ret = (struct span){from, (size_t)(end - from)};
    return true;
}

/* Cut where the action's argument begins, and where it would not fit. */
static void copy_word(char to[EVENT_WORD_MAX], const char *word)
{
    snprintf(to, EVENT_WORD_MAX, "%.*s", (int)strcspn(word, ":"), word);
}

static void copy_id(char to[CONTAINER_ID_SIZE + 1], const char *id)
{
    snprintf(to, CONTAINER_ID_SIZE + 1, "%s", container_id_valid(id) ? id : "");
}

static int64_t event_time(struct json_document *d)
{
    int64_t ns = json_document_integer(d, "timeNano"), seconds;

    if (ns)
        return ns;
    return __builtin_mul_overflow(json_document_integer(d, "time"), NS_PER_SECOND, &seconds)
               ? 0
               : seconds;
}

static bool parse_event(struct span line, struct engine_event *ret)
{
    CLEANUP(json_document_deinit) struct json_document d;
    if (json_document_init(&d, "event", line, NULL) != 0)
        return false;

    struct engine_event event = {.time_ns = event_time(&d)};
    copy_word(event.type, json_document_text(&d, "Type"));
    copy_word(event.action, json_document_text(&d, "Action"));
    copy_id(event.id, json_document_text(&d, "Actor.ID"));
    if (strcmp(event.type, "container") == 0)
        memcpy(event.container_id, event.id, sizeof(event.id));
    else if (strcmp(event.type, "network") == 0)
        copy_id(event.container_id, json_document_text(&d, "Actor.Attributes.container"));
    if (d.failed || !*event.type || !*event.action)
        return false;
    *ret = event;
    return true;
}

bool event_stream_next(struct event_stream *s, struct engine_event *ret)
{
    struct span line;

    while (next_line(s, &line)) {
        if (line.size == 0)
            continue;
        if (parse_event(line, ret))
            return true;
        s->nonsense++;
    }
    return false;
}
