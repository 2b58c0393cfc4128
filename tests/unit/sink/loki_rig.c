// SPDX-License-Identifier: Apache-2.0
#include "loki_rig.h"

#include "base/limits.h"

#include <stdlib.h>
#include <string.h>

static struct option_texts texts(const char *const *names)
{
    struct option_texts t = {names, 0};
    while (names && names[t.count])
        t.count++;
    return t;
}

static struct container *make_container(unsigned number)
{
    char id[CONTAINER_ID_SIZE + 1], name[16];
    snprintf(id, sizeof(id), "%064x", number);
    snprintf(name, sizeof(name), "web-%u", number);
    struct pair labels[] = {{"com.docker.compose.project", "shop"}, {"tier", "front"}};
    struct container *c = NULL;
    struct container_fields fields = {
        .id = id,
        .name = name,
        .image = "busybox:1.36",
        .labels = {labels, 2},
        .constants = CONTAINER_CONSTANTS_DEFAULT,
    };
    assert_int_equal(container_new(&c, &fields), 0);
    return c;
}

void loki_rig_init(struct loki_rig *r, enum loki_format format, const char *const *stream,
                   const char *const *metadata)
{
    struct error error = {0};
    *r = (struct loki_rig){.body = BUF_INIT(ENCODED_BYTES_MAX)};
    if (loki_labels_init(&r->labels, format, texts(stream), texts(metadata), "box", &error) < 0)
        fail_msg("%s", error.text);
    request_init(&r->q, format == LOKI_JSON ? FORM_JSON : FORM_BYTES);
    for (unsigned i = 0; i < LOKI_RIG_CONTAINERS; i++) {
        struct sink_target *t = &r->targets[i];
        r->containers[i] = make_container(i);
        assert_int_equal(loki_target_use(&r->list, t, &r->labels, r->containers[i]), 0);
        t->terms = loki_push_terms(&r->labels, &t->texts);
        loki_target_drop(&r->list, t);
    }
    r->sent = calloc(LOKI_RIG_LINES_MAX, sizeof(*r->sent));
    assert_non_null(r->sent);
}

void loki_rig_deinit(struct loki_rig *r)
{
    for (unsigned i = 0; i < LOKI_RIG_CONTAINERS; i++) {
        loki_target_drop(&r->list, &r->targets[i]);
        container_unref(r->containers[i]);
    }
    loki_plan_deinit(&r->plan);
    free(r->notes.items);
    request_deinit(&r->q);
    buf_deinit(&r->body);
    free(r->sent);
}

void loki_rig_add(struct loki_rig *r, unsigned container, const struct entry *entries, size_t count)
{
    struct entry *placed = calloc(count, sizeof(*placed));
    assert_non_null(placed);
    for (size_t i = 0; i < count; i++) {
        placed[i] = entries[i];
        placed[i].serial = 1;
        placed[i].offset = r->offsets[container]++;
    }
    struct batch b = {.form = r->q.form,
                      .container = r->containers[container],
                      .entries = placed,
                      .count = count};
    assert_int_equal(request_add(&r->q, &r->targets[container], r->targets[container].terms, &b),
                     0);
    free(placed);
}

void loki_rig_lines(struct loki_rig *r, unsigned container, enum stream stream, ...)
{
    struct entry entries[64];
    size_t count = 0;
    va_list list;
    va_start(list, stream);
    for (const char *text; (text = va_arg(list, const char *)); count++)
        entries[count] = (struct entry){
            .message = span_of(text), .time_ns = va_arg(list, int64_t), .stream = (uint8_t)stream};
    va_end(list);
    loki_rig_add(r, container, entries, count);
}

/* One field of a message: a number, or bytes. */
struct field {
    uint64_t number, value;
    struct span bytes;
};

static uint64_t read_varint(struct span *s)
{
    uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
        assert_true(s->size > 0 && shift < 64);
        uint64_t byte = (unsigned char)*s->data;
        s->data++;
        s->size--;
        value |= (byte & 0x7f) << shift;
        if (byte < 0x80)
            return value;
    }
}

static bool read_field(struct span *s, struct field *ret)
{
    if (s->size == 0)
        return false;
    uint64_t tag = read_varint(s);
    *ret = (struct field){.number = tag >> 3, .value = read_varint(s)};
    if ((tag & 7) == 2) {
        assert_true(ret->value <= s->size);
        ret->bytes = (struct span){s->data, ret->value};
        s->data += ret->value;
        s->size -= ret->value;
    } else {
        assert_int_equal(tag & 7, 0);
    }
    return true;
}

static void keep(char to[LOKI_RIG_TEXT_MAX], struct span s)
{
    size_t size = s.size < LOKI_RIG_TEXT_MAX - 1 ? s.size : LOKI_RIG_TEXT_MAX - 1;
    memcpy(to, s.data, size);
    to[size] = '\0';
}

static void read_pair(struct span s, char metadata[LOKI_RIG_TEXT_MAX])
{
    struct span texts[3] = {0};
    struct field f;
    while (read_field(&s, &f)) {
        assert_in_range(f.number, 1, 2);
        texts[f.number] = f.bytes;
    }
    size_t size = strlen(metadata);
    snprintf(metadata + size, LOKI_RIG_TEXT_MAX - size, "%.*s=%.*s;", (int)texts[1].size,
             texts[1].data, (int)texts[2].size, texts[2].data);
}

static int64_t read_time(struct span s)
{
    int64_t ns = 0;
    struct field f;
    while (read_field(&s, &f))
        ns += f.number == 1 ? (int64_t)f.value * 1000000000 : (int64_t)f.value;
    return ns;
}

static void read_entry(struct span s, struct sent *ret)
{
    struct field f;
    ret->metadata[0] = '\0';
    ret->size = SIZE_MAX;
    while (read_field(&s, &f)) {
        if (f.number == 1) {
            ret->ns = read_time(f.bytes);
        } else if (f.number == 2) {
            keep(ret->line, f.bytes);
            ret->size = f.bytes.size;
        } else {
            assert_int_equal(f.number, 3);
            read_pair(f.bytes, ret->metadata);
        }
    }
    assert_int_not_equal(ret->size, SIZE_MAX);
}

static void read_stream(struct loki_rig *r, struct span s)
{
    struct span labels = {0};
    struct field f;
    while (read_field(&s, &f)) {
        if (f.number == 1) {
            labels = f.bytes;
            continue;
        }
        assert_int_equal(f.number, 2);
        assert_true(r->sent_count < LOKI_RIG_LINES_MAX);
        struct sent *sent = &r->sent[r->sent_count++];
        keep(sent->stream, labels);
        read_entry(f.bytes, sent);
    }
}

void loki_rig_push(struct loki_rig *r, size_t first, size_t end)
{
    for (size_t i = 0; i < r->q.part_count; i++)
        assert_int_equal(
            loki_target_use(&r->list, r->q.parts[i].target, &r->labels, r->q.parts[i].container),
            0);
    assert_int_equal(loki_plan_make(&r->plan, &r->q, (struct request_range){first, end}), 0);
    assert_int_equal(loki_plan_note(&r->plan, &r->notes), 0);
    buf_clear(&r->body);
    r->sent_count = 0;
    if (r->labels.format == LOKI_JSON) {
        loki_push_json(&r->labels, &r->plan, &r->body);
        assert_int_equal(r->body.failed, 0);
        return;
    }
    loki_push_protobuf(&r->labels, &r->plan, &r->body);
    assert_int_equal(r->body.failed, 0);
    struct span s = buf_span(&r->body);
    struct field f;
    while (read_field(&s, &f)) {
        assert_int_equal(f.number, 1);
        read_stream(r, f.bytes);
    }
    assert_int_equal(r->sent_count, end - first);
}

void loki_rig_push_all(struct loki_rig *r)
{
    loki_rig_push(r, 0, r->q.count);
}

void loki_rig_delivered(struct loki_rig *r)
{
    loki_notes_apply(&r->notes);
}

void loki_rig_next(struct loki_rig *r)
{
    request_clear(&r->q);
}

size_t loki_rig_times(const struct loki_rig *r, const char *stream, const char *line,
                      int64_t *times, size_t max)
{
    size_t count = 0;
    for (size_t i = 0; i < r->sent_count; i++) {
        if (strstr(r->sent[i].stream, stream) == NULL || strcmp(r->sent[i].line, line) != 0)
            continue;
        assert_true(count < max);
        times[count++] = r->sent[i].ns;
    }
    return count;
}
