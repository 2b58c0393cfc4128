// SPDX-License-Identifier: Apache-2.0
#include "docker/container_record.h"

#include "base/json_text.h"
#include "base/rfc3339.h"
#include "docker/json_document.h"
#include "docker/json_pairs.h"
#include "model/container_fold.h"

#include <errno.h>
#include <inttypes.h>

static void print_string(struct buf *to, const char *text)
{
    buf_append_char(to, '"');
    json_text_escape(to, span_of(text));
    buf_append_char(to, '"');
}

/* `,"key":`; the id, printed first, needs no comma. */
static void print_key(struct buf *to, const char *key)
{
    buf_append_format(to, ",\"%s\":", key);
}

static void print_text(struct buf *to, const char *key, const char *text)
{
    if (!*text)
        return;
    print_key(to, key);
    print_string(to, text);
}

static void print_time(struct buf *to, const char *key, int64_t ns)
{
    char text[RFC3339_SIZE + 1] = "";

    if (ns == RFC3339_ZERO_NS)
        return;
    rfc3339_format(text, ns);
    print_text(to, key, text);
}

static void print_integer(struct buf *to, const char *key, int64_t value)
{
    if (value == 0)
        return;
    print_key(to, key);
    buf_append_format(to, "%" PRId64, value);
}

static void print_pairs(struct buf *to, const char *key, const struct pairs *pairs)
{
    if (pairs->count == 0)
        return;
    print_key(to, key);
    for (size_t i = 0; i < pairs->count; i++) {
        buf_append_char(to, i == 0 ? '{' : ',');
        print_string(to, pairs->items[i].key);
        buf_append_char(to, ':');
        print_string(to, pairs->items[i].value);
    }
    buf_append_char(to, '}');
}

void container_record_print(const struct container *c, struct buf *to)
{
    char room[CONTAINER_LOG_PATH_MAX];

    buf_append(to, SPAN("{\"id\":"));
    print_string(to, c->id);
    print_text(to, "name", c->name);
    print_text(to, "image", c->image);
    print_time(to, "created", c->created_ns);
    print_time(to, "started", c->started_ns);
    print_text(to, "state", c->state);
    print_text(to, "status", c->status);
    print_text(to, "platform", c->platform);
    print_text(to, "hostname", c->hostname);
    print_text(to, "command", c->command);
    print_pairs(to, "labels", &c->labels);
    print_pairs(to, "networks", &c->networks);
    print_text(to, "network_mode", c->network_mode);
    print_text(to, "log_driver", c->log_driver);
    print_text(to, "log_path", container_log_path(c, room));
    print_integer(to, "rotation_bytes", c->rotation_bytes);
    if (c->cache_disabled)
        buf_append(to, SPAN(",\"cache_disabled\":true"));
    if (c->tty)
        buf_append(to, SPAN(",\"tty\":true"));
    buf_append_char(to, '}');
}

/* Only what we printed is read here, so a time that does not parse is damage. */
static int64_t parse_time(struct json_document *d, const char *path)
{
    json_t *value = json_document_any(d, path);
    int64_t ns = RFC3339_ZERO_NS;

    if (value && rfc3339_parse(span_of(json_document_text(d, path)), &ns) < 0)
        json_document_wrong(d, path, NULL, "an RFC 3339 time", value);
    return ns;
}

int container_record_parse(struct container **ret, struct span text,
                           const struct container_constants *constants, struct error *error)
{
    CLEANUP(json_document_deinit) struct json_document d;
    CLEANUP(json_pairs_free) struct pair *labels = NULL;
    CLEANUP(json_pairs_free) struct pair *networks = NULL;

    int r = json_document_init(&d, "container record", text, error);
    if (r != 0)
        return r < 0 ? r : -EBADMSG; /* it was committed whole */

    struct container_fields f = {
        .id = json_document_text(&d, "id"),
        .name = json_document_text(&d, "name"),
        .image = json_document_text(&d, "image"),
        .created_ns = parse_time(&d, "created"),
        .started_ns = parse_time(&d, "started"),
        .state = json_document_text(&d, "state"),
        .status = json_document_text(&d, "status"),
        .platform = json_document_text(&d, "platform"),
        .hostname = json_document_text(&d, "hostname"),
        .command = json_document_text(&d, "command"),
        .network_mode = json_document_text(&d, "network_mode"),
        .log_driver = json_document_text(&d, "log_driver"),
        .log_path = json_document_text(&d, "log_path"),
        .rotation_bytes = json_document_integer(&d, "rotation_bytes"),
        .cache_disabled = json_document_flag(&d, "cache_disabled"),
        .tty = json_document_flag(&d, "tty"),
        .constants = *constants,
    };
    r = json_pairs_texts(&d, "labels", &labels, &f.labels);
    if (r == 0)
        r = json_pairs_texts(&d, "networks", &networks, &f.networks);
    if (r == 0)
        r = d.failed;
    if (r < 0)
        return r == -ENOMEM ? error_set(error, r, "container record: no memory") : r;

    r = container_new(ret, &f);
    return r < 0 ? error_set(error, r, "container record: %s",
                             r == -EINVAL ? "no container id of 64 hex digits" : "no memory")
                 : 0;
}
