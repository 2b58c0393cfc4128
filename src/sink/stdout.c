// SPDX-License-Identifier: Apache-2.0
#include "base/check.h"
#include "sink/catalog.h"
#include "sink/rendered.h"

#include <errno.h>
#include <poll.h>

/* At least once: what a crash or a failed write leaves undecided is written again. A line that was
 * torn by a failure is ended before that, so that it costs no other line. A reader that goes away
 * ends the route (-EPIPE; the program ignores SIGPIPE), a slow one holds it up. */

struct sink {
    struct encoder encoder;
    struct rendered_list rendered;
    struct buf buffer; /* encoded, not yet written */
    bool torn;         /* the last byte written is no newline */
};

struct sink_target {
    struct rendered rendered;
};

static struct sink *stdout_close(struct sink *s)
{
    if (!s)
        return NULL;
    buf_deinit(&s->buffer);
    free(s);
    return NULL;
}
DEFINE_CLEANUP(struct sink *, stdout_close)

static int stdout_open(struct sink **ret, const void *options,
                       const struct sink_environment *environment, struct error *error)
{
    CLEANUP(stdout_close) struct sink *s = malloc(sizeof(*s));
    if (!s)
        return -ENOMEM;
    *s = (struct sink){.buffer = BUF_INIT(ENCODED_BYTES_MAX)};
    int r = encoder_init(&s->encoder, options, error);
    if (r < 0)
        return r;
    *ret = TAKE(s);
    return 0;
}

static enum message_form stdout_form(const struct sink *s)
{
    return encoder_form(&s->encoder);
}

static int stdout_bind(struct sink *s, const struct container *c, struct sink_target **ret,
                       struct error *error)
{
    CLEANUP_FREE struct sink_target *target = calloc(1, sizeof(*target));
    if (!target)
        return -ENOMEM;
    *ret = TAKE(target);
    return 0;
}

static struct sink_target *stdout_unbind(struct sink *s, struct sink_target *target)
{
    if (!target)
        return NULL;
    rendered_drop(&s->rendered, &target->rendered);
    free(target);
    return NULL;
}

static int wait_writable(struct error *error)
{
    struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};
    if (poll(&out, 1, -1) < 0 && errno != EINTR)
        return error_set(error, -errno, "waiting for stdout: %s", strerror(errno));
    return 0;
}

/* What a failed write means: 0 to go on, or the answer. */
static int write_failed(struct error *error)
{
    if (errno == EINTR)
        return 0;
    if (errno == EAGAIN)
        return wait_writable(error);
    if (errno == EPIPE)
        return error_set(error, -EPIPE, "stdout was closed by its reader");
    error_set(error, -errno, "writing to stdout: %s", strerror(errno));
    return SINK_FAILED;
}

static int write_out(struct sink *s, struct error *error)
{
    struct span left = buf_span(&s->buffer);
    while (left.size) {
        ssize_t n = write(STDOUT_FILENO, left.data, left.size);
        if (n < 0) {
            int r = write_failed(error);
            if (r != 0)
                return r;
            continue;
        }
        if (n > 0)
            s->torn = left.data[n - 1] != '\n';
        left = (struct span){left.data + n, left.size - (size_t)n};
    }
    buf_clear(&s->buffer);
    return 0;
}

static int stdout_encode(struct sink *s, struct sink_target *target, const struct batch *batch,
                         struct error *error)
{
    CHECK(batch->form == encoder_form(&s->encoder));
    struct entries left = {batch->entries, batch->count};
    if (left.count &&
        rendered_use(&s->rendered, &target->rendered, &s->encoder, batch->container, error) < 0)
        return SINK_FAILED;
    while (left.count) {
        size_t taken = encoder_encode(&s->encoder, &target->rendered.texts, left, &s->buffer,
                                      OUTPUT_BUFFER_BYTES);
        left = (struct entries){left.items + taken, left.count - taken};
        if (s->buffer.failed) {
            error_set(error, s->buffer.failed, "encoding: %s", strerror(-s->buffer.failed));
            return SINK_FAILED;
        }
        if (s->buffer.size < OUTPUT_BUFFER_BYTES)
            continue;
        int r = write_out(s, error);
        if (r != 0)
            return r;
    }
    return 0;
}

static int stdout_flush(struct sink *s, struct error *error)
{
    return write_out(s, error);
}

static int stdout_recover(struct sink *s, const struct sink_rows *rows, struct sink_rows *changed,
                          struct error *error)
{
    buf_clear(&s->buffer);
    if (s->torn)
        buf_append_char(&s->buffer, '\n');
    return 0;
}

const struct sink_ops stdout_sink = {
    .type = "stdout",
    .help = "Lines go to standard output, at least once.",
    .options_size = sizeof(struct line_options),
    .options = {{line_option_rows, 0, "lines"}},
    .open = stdout_open,
    .close = stdout_close,
    .form = stdout_form,
    .bind = stdout_bind,
    .unbind = stdout_unbind,
    .rest = stdout_unbind,
    .encode = stdout_encode,
    .flush = stdout_flush,
    .recover = stdout_recover,
};
