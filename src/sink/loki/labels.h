/* labels — which label of a container goes where in Loki, and how that is written.
 *
 * Few and steady labels make the stream; the others go along with each line as structured metadata
 * (D48). Both are rendered once per container and stream, ready to be copied into a push.
 *
 * - Owns: the texts of what was rendered. Borrows the options' names and the host.
 * - Limits: LOKI_STREAM_LABELS_MAX names, which is also Loki's own limit; LABELS_TEXT_MAX bytes.
 * - Thread: one.
 * - Source of the format: Loki's pkg/push/push.proto; Prometheus' notation of label sets.
 */
#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "model/container.h"
#include "model/entry.h"
#include "sink/option.h"

enum { LOKI_STREAM_LABELS_MAX = 15 };

enum loki_format { LOKI_PROTOBUF, LOKI_JSON };

/* What a line may have beside its container's labels. */
enum loki_extra {
    LOKI_PARTIAL = 1 << 0,
    LOKI_CONTINUED = 1 << 1,
    LOKI_UNTERMINATED = 1 << 2,
    LOKI_TIME_MISSING = 1 << 3,
    LOKI_STREAM_MISSING = 1 << 4,
    LOKI_ATTRS = 1 << 5, /* of the record, as JSON */
    LOKI_TIME = 1 << 6,  /* the line's own, where it was sent with another (shift.h) */
    LOKI_EXTRAS_ALL = (1 << 7) - 1,
};

/* What was configured. */
struct loki_labels {
    enum loki_format format;
    const char *stream[LOKI_STREAM_LABELS_MAX]; /* sorted, each once */
    size_t stream_count;
    bool metadata_all;
    struct option_texts metadata; /* the names, unless all are wanted */
    unsigned extras;              /* those that are wanted */
    const char *host;             /* this machine's name */
};

/* The names as the options have them; NULL items: the usual ones. -EINVAL with words. */
int loki_labels_init(struct loki_labels *l, enum loki_format format, struct option_texts stream,
                     struct option_texts metadata, const char *host, struct error *error)
    MUST_CHECK;

/* Of one container, by enum stream. Its storage is read up to BUF_SLACK bytes past each text. */
struct loki_texts {
    struct buf storage;
    struct span name[STREAM_COUNT];     /* of the stream: {container_name="web", stream="stdout"} */
    uint64_t hash[STREAM_COUNT];        /* of the name */
    struct span labels[STREAM_COUNT];   /* JSON: the same as an object */
    struct span metadata[STREAM_COUNT]; /* fields of an entry; JSON: members, each behind a comma */
};

/* 0 or -ENOMEM, -ENOBUFS; *ret is to be deinited. */
int loki_labels_render(const struct loki_labels *l, const struct container *c,
                       struct loki_texts *ret) MUST_CHECK;
void loki_texts_deinit(struct loki_texts *t);

/* The extras that the entry has and that are wanted. `sent_ns` is the time that it is sent with. */
unsigned loki_extras_of(const struct loki_labels *l, const struct entry *e, int64_t sent_ns);
/* The flags among them are told by their names alone. */
struct loki_flag {
    enum loki_extra extra;
    enum entry_flags flag;
    const char *name;
};
enum { LOKI_FLAG_COUNT = 5 };
extern const struct loki_flag loki_flags[LOKI_FLAG_COUNT];
