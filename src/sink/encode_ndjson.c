// SPDX-License-Identifier: Apache-2.0
#include "sink/encode_ndjson.h"

#include "base/json_text.h"
#include "base/nearest.h"
#include "sink/label_name.h"

#include <errno.h>

enum member {
    MEMBER_TIME = 1 << 0,
    MEMBER_MESSAGE = 1 << 1,
    MEMBER_STREAM = 1 << 2,
    MEMBER_SOURCE_TYPE = 1 << 3,
    MEMBER_SOURCE_ID = 1 << 4,
    MEMBER_ATTRS = 1 << 5,
    MEMBER_PARTIAL = 1 << 6,
    MEMBER_CONTINUED = 1 << 7,
    MEMBER_UNTERMINATED = 1 << 8,
    MEMBER_TIME_MISSING = 1 << 9,
    MEMBER_STREAM_MISSING = 1 << 10,
    MEMBERS_ALL = (1 << 11) - 1,
};

static const struct {
    const char *name;
    enum member member;
} members[] = {
    {"time", MEMBER_TIME},
    {"message", MEMBER_MESSAGE},
    {"stream", MEMBER_STREAM},
    {"source_type", MEMBER_SOURCE_TYPE},
    {"source_id", MEMBER_SOURCE_ID},
    {"attrs", MEMBER_ATTRS},
    {"partial", MEMBER_PARTIAL},
    {"continued", MEMBER_CONTINUED},
    {"unterminated", MEMBER_UNTERMINATED},
    {"time_missing", MEMBER_TIME_MISSING},
    {"stream_missing", MEMBER_STREAM_MISSING},
};

static const struct {
    enum entry_flags flag;
    enum member member;
    struct span text;
} flag_members[] = {
#define FLAG(flag, member, name)                                                                   \
    {                                                                                              \
        flag, member,                                                                              \
        {                                                                                          \
            ",\"" name "\":true", sizeof(",\"" name "\":true") - 1                                 \
        }                                                                                          \
    }
    FLAG(ENTRY_PARTIAL, MEMBER_PARTIAL, "partial"),
    FLAG(ENTRY_CONTINUED, MEMBER_CONTINUED, "continued"),
    FLAG(ENTRY_UNTERMINATED, MEMBER_UNTERMINATED, "unterminated"),
    FLAG(ENTRY_TIME_MISSING, MEMBER_TIME_MISSING, "time_missing"),
    FLAG(ENTRY_STREAM_MISSING, MEMBER_STREAM_MISSING, "stream_missing"),
#undef FLAG
};

#define TIME_BEGIN    ",\"time\":\""
#define MESSAGE_BEGIN ",\"message\":\""
#define ATTRS_BEGIN   ",\"attrs\":"

/* All of a line but message, labels and attrs, and some more. */
enum { LINE_FIXED_BYTES_MAX = 256 };

static int add_field(struct ndjson *n, const char *field, struct error *error)
{
    struct nearest near = nearest_to(span_of(field));
    for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
        if (strcmp(members[i].name, field) == 0) {
            n->members |= members[i].member;
            return 0;
        }
        nearest_offer(&near, span_of(members[i].name));
    }
    if (label_name_known(span_of(field)))
        return 0;
    label_name_offer(&near);
    return error_set(error, -EINVAL, "fields: \"%s\" is no member of the schema%s", field,
                     NEAREST_HINT(&near));
}

int ndjson_init(struct ndjson *n, const char *const *fields, size_t field_count,
                struct error *error)
{
    *n = (struct ndjson){.fields = fields, .field_count = field_count, .time = TIME_TEXT_INIT};
    if (!fields) {
        n->members = MEMBERS_ALL;
        return 0;
    }
    if (field_count == 0)
        return error_set(error, -EINVAL, "fields: names no member; leave it out to write them all");
    for (size_t i = 0; i < field_count; i++) {
        int r = add_field(n, fields[i], error);
        if (r < 0)
            return r;
    }
    return 0;
}

static bool wants_label(const struct ndjson *n, const char *key)
{
    if (!n->fields)
        return true;
    for (size_t i = 0; i < n->field_count; i++)
        if (strcmp(n->fields[i], key) == 0)
            return true;
    return false;
}

static void append_string(struct buf *to, const char *key, const char *value)
{
    buf_append(to, SPAN(",\""));
    buf_append(to, span_of(key));
    buf_append(to, SPAN("\":\""));
    json_text_escape(to, span_of(value));
    buf_append(to, SPAN("\""));
}

static void append_texts(const struct ndjson *n, const struct container *c, unsigned stream,
                         struct buf *to)
{
    if (n->members & MEMBER_MESSAGE)
        buf_append(to, SPAN("\""));
    if (n->members & MEMBER_STREAM)
        append_string(to, "stream", stream_word(stream));
    if (n->members & MEMBER_SOURCE_TYPE)
        append_string(to, "source_type", "docker");
    if (n->members & MEMBER_SOURCE_ID) {
        char id[CONTAINER_SHORT_ID_SIZE + 1] = "";
        memcpy(id, c->id, CONTAINER_SHORT_ID_SIZE);
        append_string(to, "source_id", id);
    }
    for (size_t i = 0; i < c->rendered.count; i++)
        if (wants_label(n, c->rendered.items[i].key))
            append_string(to, c->rendered.items[i].key, c->rendered.items[i].value);
}

int ndjson_render(const struct ndjson *n, const struct container *c, struct stream_texts *ret)
{
    *ret = (struct stream_texts){.storage = BUF_INIT(LABELS_TEXT_MAX)};
    size_t begin[STREAM_COUNT + 1] = {0};
    (void)!buf_reserve(&ret->storage, 1); /* memory even where there is no text: spans point in */
    for (unsigned stream = 0; stream < STREAM_COUNT; stream++) {
        append_texts(n, c, stream, &ret->storage);
        begin[stream + 1] = ret->storage.size;
    }
    if (ret->storage.failed) {
        int r = ret->storage.failed;
        stream_texts_deinit(ret);
        return r;
    }
    for (unsigned stream = 0; stream < STREAM_COUNT; stream++)
        ret->of[stream] =
            (struct span){ret->storage.data + begin[stream], begin[stream + 1] - begin[stream]};
    return 0;
}

/* Both streams' texts are equally long. */
size_t ndjson_line_bytes(const struct ndjson *n, const struct container *c, struct buf *scratch)
{
    size_t bytes = SPAN("{}\n").size;
    if (n->members & MEMBER_TIME)
        bytes += SPAN(TIME_BEGIN "\"").size + RFC3339_SIZE;
    if (n->members & MEMBER_MESSAGE)
        bytes += SPAN(MESSAGE_BEGIN).size;
    buf_clear(scratch);
    append_texts(n, c, STREAM_STDOUT, scratch);
    return bytes + scratch->size;
}

static inline size_t entry_bound(const struct stream_texts *texts, const struct entry *e)
{
    return LINE_FIXED_BYTES_MAX + e->message.size + texts->of[e->stream].size + e->attrs.size;
}

size_t ndjson_bound(const struct stream_texts *texts, struct entries entries)
{
    size_t bound = 0;
    for (size_t i = 0; i < entries.count; i++)
        bound += entry_bound(texts, &entries.items[i]);
    return bound;
}

/* What few lines have. */
static __attribute__((noinline)) char *put_rare(const struct ndjson *n, const struct entry *e,
                                                char *p)
{
    if (e->attrs.size && (n->members & MEMBER_ATTRS)) {
        p = encode_copy(p, SPAN(ATTRS_BEGIN));
        p = encode_copy(p, e->attrs);
    }
    for (size_t i = 0; i < ARRAY_SIZE(flag_members); i++)
        if ((e->flags & flag_members[i].flag) && (n->members & flag_members[i].member))
            p = encode_copy(p, flag_members[i].text);
    return p;
}

/* Each member begins with a comma; the first one's becomes the brace. */
static inline char *put_line(struct ndjson *n, const struct stream_texts *texts,
                             const struct entry *e, char *line)
{
    char *p = line;
    if (n->members & MEMBER_TIME) {
        p = encode_copy(p, SPAN(TIME_BEGIN));
        time_text_put(&n->time, p, e->time_ns);
        p += RFC3339_SIZE;
        *p++ = '"';
    }
    if (n->members & MEMBER_MESSAGE) {
        p = encode_copy(p, SPAN(MESSAGE_BEGIN));
        p = encode_copy(p, e->message);
    }
    p = stream_texts_copy(p, texts->of[e->stream]);
    if (__builtin_expect(e->attrs.size || e->flags, 0))
        p = put_rare(n, e, p);
    if (p == line)
        p++;
    *line = '{';
    return encode_copy(p, SPAN("}\n"));
}

size_t ndjson_encode(struct ndjson *n, const struct stream_texts *texts, struct entries entries,
                     struct buf *to, size_t full)
{
    size_t taken = 0;
    while (taken < entries.count && to->size < full) {
        const struct entry *e = &entries.items[taken];
        char *line = buf_reserve(to, entry_bound(texts, e));
        if (!line)
            break;
        to->size += (size_t)(put_line(n, texts, e, line) - line);
        taken++;
    }
    return taken;
}
