// SPDX-License-Identifier: Apache-2.0
#include "sink/catalog.h"
#include "sink/line_options.h"

#include <errno.h>

/* Delivers nowhere: what it takes is what reading, decoding and matching cost. The form of message
 * follows from `format`, as for a sink that writes. */

struct sink {
    enum message_form form;
};

struct null_options {
    enum sink_format format;
};

struct sink_target {
    char unused;
};

static struct sink *null_close(struct sink *s)
{
    free(s);
    return NULL;
}

static const struct sink_option null_rows[] = {
    {.name = "format",
     .kind = OPTION_CHOICE,
     .offset = offsetof(struct null_options, format),
     .fallback = "ndjson",
     .words = SINK_FORMAT_WORDS,
     .help = "What lines are decoded for: JSON (`ndjson`), or their bytes."},
    {0},
};

static int null_open(struct sink **ret, const void *options_,
                     const struct sink_environment *environment, struct error *error)
{
    const struct null_options *options = options_;
    struct sink *s = malloc(sizeof(*s));
    if (!s)
        return -ENOMEM;
    *s = (struct sink){.form = options->format == SINK_NDJSON ? FORM_JSON : FORM_BYTES};
    *ret = s;
    return 0;
}

static enum message_form null_form(const struct sink *s)
{
    return s->form;
}

static int null_bind(struct sink *s, const struct container *c, struct sink_target **ret,
                     struct error *error)
{
    struct sink_target *target = calloc(1, sizeof(*target));
    if (!target)
        return -ENOMEM;
    *ret = target;
    return 0;
}

static struct sink_target *null_unbind(struct sink *s, struct sink_target *target)
{
    free(target);
    return NULL;
}

static int null_encode(struct sink *s, struct sink_target *target, const struct batch *batch,
                       struct error *error)
{
    return 0;
}

static int null_flush(struct sink *s, struct error *error)
{
    return SINK_DELIVERED;
}

const struct sink_ops null_sink = {
    .type = "null",
    .help = "Lines go nowhere: they are read, decoded and counted.",
    .options_size = sizeof(struct null_options),
    .options = {{.items = null_rows}},
    .open = null_open,
    .close = null_close,
    .form = null_form,
    .bind = null_bind,
    .unbind = null_unbind,
    .rest = null_unbind,
    .encode = null_encode,
    .flush = null_flush,
};
