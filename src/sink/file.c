// SPDX-License-Identifier: Apache-2.0
#include "base/check.h"
#include "sink/catalog.h"
#include "sink/file_options.h"
#include "sink/output_table.h"
#include "sink/output_upkeep.h"
#include "sink/path_template.h"
#include "sink/rendered.h"

#include <errno.h>

/* Exactly once (sink/output.h says how). Lines are encoded into one buffer, which belongs to the
 * output that was written last and goes out when it is full, or another output's turn comes, or at
 * the flush. An output without a row in the ledger may not be written to yet: what is encoded for
 * it is held, up to a limit for all of them, beyond which the commit has to come first. So it has
 * to when an output is full, since only what is committed may be rotated.
 *
 * Whatever fails is SINK_FAILED: the route waits, recovers, and encodes again. */

enum {
    OUTPUT_SIZE_MIN = 64 * 1024,            /* bytes: less would be a rotation per commit */
    BUFFER_BYTES = 2 * OUTPUT_BUFFER_BYTES, /* a full one and the line that fills it, mostly */
};
#define OUTPUT_QUIET_NS (10 * NS_PER_SECOND) /* unused for so long, an output is closed */

struct sink {
    const struct sink_environment *environment; /* borrowed */
    struct encoder encoder;
    struct path_template *template; /* owned */
    struct output_shared shared;
    struct output_table outputs;
    struct output_upkeep upkeep;
    struct rendered_list rendered;
    struct output *touched; /* since the last commit; a list by next_touched */
    struct output *current; /* whose bytes are in the buffer */
    struct buf buffer;
    size_t held_bytes;    /* of all outputs */
    size_t open_count;    /* outputs that have a descriptor */
    uint64_t uses;        /* counts up: which output was used last */
    uint64_t uses_before; /* at the last look for quiet outputs */
    int64_t quiet_due_ns; /* when the next is, monotonic; 0: when one is open */
};

struct sink_target {
    struct output *output; /* the sink's */
    struct rendered rendered;
};

static struct sink *file_close(struct sink *s)
{
    if (!s)
        return NULL;
    output_upkeep_deinit(&s->upkeep);
    output_table_deinit(&s->outputs);
    path_template_free(s->template);
    buf_deinit(&s->buffer);
    free(s);
    return NULL;
}
DEFINE_CLEANUP(struct sink *, file_close)

static const struct sink_option file_rows[] = {
    {.name = "path",
     .kind = OPTION_TEMPLATE,
     .offset = offsetof(struct file_options, path),
     .required = true,
     .help = "The files to write. `{container_name}` and other labels in braces are replaced by "
             "the container's own; `{{` and `}}` stand for braces."},
    {.name = "max_size",
     .kind = OPTION_SIZE,
     .offset = offsetof(struct file_options, max_size),
     .fallback_words = "no rotation",
     .minimum = OUTPUT_SIZE_MIN,
     .maximum = INT64_C(1) << 50,
     .help = "A file that has reached this size is renamed to `NAME.1` before its next line, and a "
             "new one is begun; what was `NAME.1` becomes `NAME.2`. The path has to end in fixed "
             "text, such as `.ndjson`, or hold no label."},
    {.name = "max_files",
     .kind = OPTION_COUNT,
     .offset = offsetof(struct file_options, max_files),
     .fallback = "5",
     .minimum = 1,
     .maximum = ROTATED_FILES_MAX,
     .help = "How many rotated files are kept beside the one that is written; the oldest goes."},
    {.name = "compression",
     .kind = OPTION_CHOICE,
     .offset = offsetof(struct file_options, compression),
     .fallback = "none",
     .words = OPTION_WORDS("none", "gzip", "zstd"),
     .help = "Of rotated files: they become `NAME.1.gz` or `NAME.1.zst`."},
    {0},
};

static int check_rotation(const struct sink *s, const struct file_options *options,
                          struct error *error)
{
    if (options->max_size == 0)
        return options->compression == ROTATED_PLAIN
                   ? 0
                   : error_set(error, -EINVAL,
                               "compression: it is that of rotated files; set max_size, too");
    if (path_template_varies(s->template) && rotated_may_end_in(path_template_ending(s->template)))
        return error_set(error, -EINVAL,
                         "path: with max_size it has to end in fixed text such as .ndjson: a "
                         "container could be called like a rotated file of another");
    return 0;
}

static struct rotation rotation_of(const struct file_options *options)
{
    return (struct rotation){.max_size = (uint64_t)options->max_size,
                             .max_files = (unsigned)options->max_files,
                             .compression = options->compression};
}

static int file_open(struct sink **ret, const void *options_,
                     const struct sink_environment *environment, struct error *error)
{
    const struct file_options *options = options_;
    CLEANUP(file_close) struct sink *s = malloc(sizeof(*s));
    if (!s)
        return -ENOMEM;
    *s = (struct sink){.environment = environment, .buffer = BUF_INIT(ENCODED_BYTES_MAX)};
    if (!options->path)
        return error_set(error, -EINVAL, "path: sink file needs one");
    int r = encoder_init(&s->encoder, &options->lines, error);
    if (r == 0)
        r = path_template_parse(&s->template, options->path, error);
    if (r == 0)
        r = check_rotation(s, options, error);
    if (r < 0)
        return r;
    s->shared =
        (struct output_shared){.registry = environment->registry, .rotation = rotation_of(options)};
    if (options->max_size)
        path_template_leave_room(s->template, ROTATED_ENDING_MAX);
    *ret = TAKE(s);
    return 0;
}

static enum message_form file_form(const struct sink *s)
{
    return encoder_form(&s->encoder);
}

static void shut(struct sink *s, struct output *o)
{
    if (o->fd < 0)
        return;
    output_close(o);
    s->open_count--;
}

static bool is_idle(const struct output *o)
{
    return o->targets == 0 && !o->touched;
}

/* Outputs of containers that are gone, or quiet, are remembered, so that one that comes back is
 * known; not without end. */
static void forget_oldest(struct sink *s)
{
    struct output *oldest = NULL;
    for (size_t i = 0; i < s->outputs.count; i++) {
        struct output *o = s->outputs.items[i];
        if (is_idle(o) && (!oldest || o->used < oldest->used))
            oldest = o;
    }
    if (!oldest)
        return;
    shut(s, oldest);
    output_table_remove(&s->outputs, oldest);
}

static int bind_output(struct sink *s, const struct container *c, struct output **ret,
                       struct error *error)
{
    char path[PATH_BYTES_MAX];
    int r = path_template_render(s->template, c, path, error);
    if (r < 0)
        return r;
    if (s->outputs.count >= OUTPUTS_REMEMBERED_MAX)
        forget_oldest(s);
    r = output_table_get(&s->outputs, &s->shared, path, ret);
    if (r < 0)
        return error_set(error, r, "%s: %s", path, strerror(-r));
    (*ret)->used = ++s->uses;
    return 0;
}

static int file_bind(struct sink *s, const struct container *c, struct sink_target **ret,
                     struct error *error)
{
    CLEANUP_FREE struct sink_target *target = calloc(1, sizeof(*target));
    if (!target)
        return -ENOMEM;
    int r = bind_output(s, c, &target->output, error);
    if (r < 0)
        return r;
    target->output->targets++;
    *ret = TAKE(target);
    return 0;
}

/* The output stays open until it has been quiet for a while: its next line may be near. */
static struct sink_target *file_rest(struct sink *s, struct sink_target *target)
{
    target->output->targets--;
    rendered_drop(&s->rendered, &target->rendered);
    free(target);
    return NULL;
}

static struct sink_target *file_unbind(struct sink *s, struct sink_target *target)
{
    if (!target)
        return NULL;
    struct output *o = target->output;
    file_rest(s, target);
    if (is_idle(o))
        shut(s, o);
    return NULL;
}

static int write_current(struct sink *s, struct error *error)
{
    if (!s->current || s->buffer.size == 0)
        return 0;
    int r = output_write(s->current, buf_span(&s->buffer), error);
    buf_clear(&s->buffer);
    return r;
}

/* Of a full buffer, up to a multiple of its size in the file: the kernel copies into whole large
 * pages for a quarter less. The rest waits for more. */
static int write_full(struct sink *s, struct error *error)
{
    struct buf *b = &s->buffer;
    if (b->size < OUTPUT_BUFFER_BYTES)
        return 0;
    size_t rest = (s->current->end + b->size) % OUTPUT_BUFFER_BYTES;
    size_t whole = b->size - rest;
    int r = output_write(s->current, (struct span){b->data, whole}, error);
    memmove(b->data, b->data + whole, rest);
    b->size = rest;
    return r;
}

/* Closes the least recently used outputs until one more may be opened. What was written to them is
 * made durable first: the descriptor would take the news of a failed write-out with it. */
static int make_room(struct sink *s, struct error *error)
{
    while (s->open_count && s->open_count >= s->environment->outputs_open_max) {
        struct output *oldest = NULL;
        for (size_t i = 0; i < s->outputs.count; i++) {
            struct output *o = s->outputs.items[i];
            if (o->fd >= 0 && (!oldest || o->used < oldest->used))
                oldest = o;
        }
        CHECK(oldest);
        int r = oldest == s->current ? write_current(s, error) : 0;
        if (r == 0)
            r = output_sync(oldest, error);
        if (r < 0)
            return r;
        shut(s, oldest);
    }
    return 0;
}

/* Open, and known to be what we left. An output that is only held for needs no descriptor. */
static int make_ready(struct sink *s, struct output *o, struct error *error)
{
    o->used = ++s->uses;
    if (o->touched && (o->fd >= 0 || !o->booked))
        return 0;
    if (o->fd < 0) {
        int r = make_room(s, error);
        if (r < 0)
            return r;
    }
    bool was_open = o->fd >= 0;
    int r = o->touched ? output_reopen(o, error) : output_ready(o, error);
    s->open_count += (size_t)(o->fd >= 0) - (size_t)was_open;
    if (r < 0 || o->touched)
        return r;
    o->touched = true;
    o->next_touched = s->touched;
    s->touched = o;
    s->held_bytes += o->held.size;
    return 0;
}

/* Into the buffer, and out of it whenever it is full. */
static int encode_ahead(struct sink *s, struct sink_target *target, struct entries left,
                        struct error *error)
{
    if (s->current != target->output) {
        int r = write_current(s, error);
        if (r < 0)
            return r;
        s->current = target->output;
    }
    buf_begin_aligned(&s->buffer, BUFFER_BYTES);
    while (left.count) {
        size_t taken = encoder_encode(&s->encoder, &target->rendered.texts, left, &s->buffer,
                                      OUTPUT_BUFFER_BYTES);
        left = (struct entries){left.items + taken, left.count - taken};
        if (s->buffer.failed)
            return error_set(error, s->buffer.failed, "encoding for %s: %s", s->current->path,
                             strerror(-s->buffer.failed));
        int r = write_full(s, error);
        if (r < 0)
            return r;
    }
    return 0;
}

static int encode_held(struct sink *s, struct sink_target *target, struct entries entries,
                       struct error *error)
{
    struct output *o = target->output;
    if (s->held_bytes + encoder_bound(&s->encoder, &target->rendered.texts, entries) >
        OUTPUT_HELD_BYTES_MAX)
        return SINK_COMMIT_FIRST;
    size_t before = o->held.size;
    encoder_encode(&s->encoder, &target->rendered.texts, entries, &o->held, SIZE_MAX);
    s->held_bytes += o->held.size - before;
    return o->held.failed ? error_set(error, o->held.failed, "encoding for %s: %s", o->path,
                                      strerror(-o->held.failed))
                          : 0;
}

/* An output that was emptied in place meanwhile has to be booked anew: what is in the buffer for it
 * is held, like all that follows. */
static int heed_cut(struct sink *s, struct output *o, struct error *error)
{
    size_t held = o->held.size;
    int r = output_heed_cut(o, error);
    if (r < 0 || o->booked)
        return r;
    if (s->current == o) {
        buf_append(&o->held, buf_span(&s->buffer));
        buf_clear(&s->buffer);
        s->current = NULL;
    }
    s->held_bytes += o->held.size - held;
    return o->held.failed;
}

static int outcome(int r)
{
    return r < 0 ? SINK_FAILED : r;
}

static bool is_full(const struct sink *s, const struct output *o)
{
    return output_is_full(o, s->current == o ? s->buffer.size : 0);
}

static int file_encode(struct sink *s, struct sink_target *target, const struct batch *batch,
                       struct error *error)
{
    CHECK(batch->form == encoder_form(&s->encoder));
    struct entries entries = {batch->entries, batch->count};
    if (entries.count == 0)
        return 0;
    if (target->output->touched && is_full(s, target->output))
        return SINK_COMMIT_FIRST;
    int r = rendered_use(&s->rendered, &target->rendered, &s->encoder, batch->container, error);
    if (r == 0)
        r = make_ready(s, target->output, error);
    if (r == 0 && s->current && s->current != target->output)
        r = heed_cut(s, s->current, error);
    if (r == 0)
        r = heed_cut(s, target->output, error);
    if (r < 0)
        return outcome(r);
    return outcome(target->output->booked ? encode_ahead(s, target, entries, error)
                                          : encode_held(s, target, entries, error));
}

static int file_prepare(struct sink *s, struct sink_rows *rows, struct error *error)
{
    for (struct output *o = s->touched; o; o = o->next_touched) {
        int r = heed_cut(s, o, error);
        if (r < 0)
            return outcome(r);
        if (o->booked)
            continue;
        r = sink_rows_add(rows, output_row(o));
        if (r < 0)
            return outcome(error_set(error, r, "booking %s: %s", o->path, strerror(-r)));
        o->vouched = o->end;
    }
    return 0;
}

/* Every output has its row by now. */
static int write_held(struct sink *s, struct output *o, struct error *error)
{
    if (o->unpacked && !o->booked)
        output_upkeep_wake(&s->upkeep, &s->outputs);
    o->booked = true;
    if (o->held.size == 0)
        return 0;
    int r = make_ready(s, o, error);
    if (r == 0)
        r = output_write(o, buf_span(&o->held), error);
    s->held_bytes -= o->held.size;
    buf_deinit(&o->held);
    return r;
}

static int write_all(struct sink *s, struct error *error)
{
    int r = write_current(s, error);
    for (struct output *o = s->touched; o && r == 0; o = o->next_touched)
        r = write_held(s, o, error);
    return r;
}

static int file_flush(struct sink *s, struct error *error)
{
    int r = write_all(s, error);
    if (r < 0)
        return outcome(r);
    for (struct output *o = s->touched; o; o = o->next_touched)
        output_start_sync(o);
    for (struct output *o = s->touched; o; o = o->next_touched) {
        r = output_sync(o, error);
        if (r < 0)
            return outcome(r);
    }
    s->current = NULL;
    if (s->buffer.capacity > BUFFER_BYTES) /* one giant line made it grow */
        buf_deinit(&s->buffer);
    return SINK_DELIVERED;
}

static int file_checkpoint(struct sink *s, struct sink_rows *rows, struct error *error)
{
    while (s->touched) {
        struct output *o = s->touched;
        if (o->end != o->vouched) {
            int r = sink_rows_add(rows, output_row(o));
            if (r < 0)
                return outcome(error_set(error, r, "booking %s: %s", o->path, strerror(-r)));
            o->vouched = o->end;
        }
        s->touched = o->next_touched;
        o->touched = false;
        if (is_idle(o))
            shut(s, o);
    }
    return 0;
}

static void reset(struct sink *s)
{
    for (size_t i = 0; i < s->outputs.count; i++)
        output_reset(s->outputs.items[i]);
    buf_clear(&s->buffer);
    s->touched = NULL;
    s->current = NULL;
    s->held_bytes = 0;
    s->open_count = 0;
}

static int recover_row(struct sink *s, const struct sink_row *row, struct sink_rows *changed,
                       struct error *error)
{
    struct output *o;
    bool differs;
    int r = output_table_get(&s->outputs, &s->shared, row->path, &o);
    if (r < 0)
        return error_set(error, r, "%s: %s", row->path, strerror(-r));
    r = output_recover(o, row, &differs, error);
    if (r == 0 && differs) {
        struct sink_row now = output_row(o);
        now.path = row->path;
        r = sink_rows_add(changed, now);
    }
    if (r == 0 && is_idle(o) && s->outputs.count > OUTPUTS_REMEMBERED_MAX)
        output_table_remove(&s->outputs, o);
    return r;
}

static int file_recover(struct sink *s, const struct sink_rows *rows, struct sink_rows *changed,
                        struct error *error)
{
    reset(s);
    for (size_t i = 0; i < rows->count; i++) {
        int r = recover_row(s, &rows->items[i], changed, error);
        if (r < 0)
            return outcome(r);
    }
    if (s->shared.rotation.compression != ROTATED_PLAIN)
        output_upkeep_wake(&s->upkeep, &s->outputs);
    return 0;
}

/* So that a file that somebody moved or removed is not kept by an output that has no more lines.
 * When the next look is due. */
static int64_t close_quiet(struct sink *s, int64_t now_ns)
{
    bool due = s->quiet_due_ns && now_ns >= s->quiet_due_ns;
    for (size_t i = 0; due && i < s->outputs.count; i++) {
        struct output *o = s->outputs.items[i];
        if (!o->touched && o->used <= s->uses_before)
            shut(s, o);
    }
    if (due || !s->quiet_due_ns) {
        s->uses_before = s->uses;
        s->quiet_due_ns = now_ns + OUTPUT_QUIET_NS;
    }
    if (s->open_count)
        return s->quiet_due_ns;
    s->quiet_due_ns = 0;
    return INT64_MAX;
}

static int64_t file_tend(struct sink *s, int64_t now_ns)
{
    int64_t quiet_due_ns = close_quiet(s, now_ns);
    int64_t upkeep_due_ns = output_upkeep_step(&s->upkeep, &s->outputs, now_ns);
    return quiet_due_ns < upkeep_due_ns ? quiet_due_ns : upkeep_due_ns;
}

static bool file_unfinished(const struct sink *s, int64_t now_ns)
{
    return output_upkeep_unfinished(&s->upkeep, now_ns);
}

static const struct sink_event file_events[] = {
    {"rotated", "outputs that were full, and renamed"},
    {"moved", "outputs that somebody else moved, removed, replaced or emptied; lines go on in what "
              "stands in their place"},
    {"not_compressed", "tries to compress a rotated file that failed, to be made again"},
    {0},
};

static void file_count(const struct sink *s, uint64_t ret[SINK_EVENTS_MAX])
{
    ret[0] = __atomic_load_n(&s->shared.rotated, __ATOMIC_RELAXED);
    ret[1] = __atomic_load_n(&s->shared.moved, __ATOMIC_RELAXED);
    ret[2] = __atomic_load_n(&s->upkeep.failures, __ATOMIC_RELAXED);
}

const struct sink_ops file_sink = {
    .type = "file",
    .help = "Lines go to files, exactly once.",
    .options_size = sizeof(struct file_options),
    .options = {{.items = file_rows},
                {line_option_rows, offsetof(struct file_options, lines), "lines"}},
    .open = file_open,
    .close = file_close,
    .form = file_form,
    .bind = file_bind,
    .unbind = file_unbind,
    .rest = file_rest,
    .encode = file_encode,
    .prepare = file_prepare,
    .flush = file_flush,
    .checkpoint = file_checkpoint,
    .recover = file_recover,
    .tend = file_tend,
    .unfinished = file_unfinished,
    .events = file_events,
    .count = file_count,
};
