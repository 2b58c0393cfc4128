// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>

#include "base/clock.h"
#include "cli/container_lookup.h"
#include "cli/history.h"
#include "cli/log_find.h"
#include "cli/streamed_log.h"
#include "cli/time_option.h"
#include "cli/verb.h"
#include "docker/docker_host.h"
#include "route/tty.h"
#include "sink/encoder.h"

static const char usage[] =
    "usage: tallyman cat [options] CONTAINER|FILE\n"
    "\n"
    "Prints the whole log of a container, rotated and compressed files included, oldest first,\n"
    "straight from the disk or the journal: dockerd need not run. A log that cannot be read here\n"
    "is asked of the Engine, and received into $TMPDIR (/var/tmp) first. CONTAINER is a name or\n"
    "the beginning of an id; what has a '/' in it is a FILE. What is damaged is said on stderr,\n"
    "the rest is printed.\n"
    "\n"
    "options:\n" VERB_CONFIG_HELP
    "  -o, --output FORMAT  raw: the bytes as 'docker logs' prints them (the default)\n"
    "                       text: time, name, stream and message of each line\n"
    "                       ndjson: an object for each line, as a route writes it\n"
    "      --since TIME     from this time on: RFC 3339, seconds since 1970, or a duration\n"
    "                       before now such as 10m\n"
    "      --until TIME     up to this time, itself included\n"
    "      --stream NAME    only stdout, or only stderr\n"
    "  -h, --help           show this\n";

enum { OPTION_SINCE = 256, OPTION_UNTIL, OPTION_STREAM };

static const struct option options[] = {
    {"config", required_argument, NULL, 'c'},
    {"output", required_argument, NULL, 'o'},
    {"since", required_argument, NULL, OPTION_SINCE},
    {"until", required_argument, NULL, OPTION_UNTIL},
    {"stream", required_argument, NULL, OPTION_STREAM},
    {"help", no_argument, NULL, 'h'},
    {0},
};

struct cat_request {
    const char *config_path;
    const char *operand;
    enum sink_format format;
    int64_t since_ns, until_ns; /* both included */
    int stream;                 /* enum stream; -1: both */
};

struct cat {
    const struct cat_request *request;
    struct history *history;
    struct encoder encoder;
    struct stream_texts texts; /* of the encoder */
    struct buf out;
};

/* What a log has that is nobody's: no labels. */
static const char *const loose_fields[] = {
    "time",      "message",      "stream",       "attrs",          "partial",
    "continued", "unterminated", "time_missing", "stream_missing",
};

static bool is_any_time(const struct cat_request *q)
{
    return q->since_ns == INT64_MIN && q->until_ns == INT64_MAX;
}

static bool everything_wanted(const struct cat_request *q)
{
    return is_any_time(q) && q->stream < 0;
}

/* Leaves the entries that were asked for. */
static void filter(const struct cat_request *q, struct batch *batch)
{
    size_t kept = 0;
    for (size_t i = 0; i < batch->count; i++) {
        const struct entry *e = &batch->entries[i];
        if (e->time_ns >= q->since_ns && e->time_ns <= q->until_ns &&
            (q->stream < 0 || e->stream == q->stream))
            batch->entries[kept++] = *e;
    }
    batch->count = kept;
}

/* 0, or -errno: -EPIPE where nobody reads any more. */
static int write_out(struct buf *out)
{
    for (size_t at = 0; at < out->size;) {
        ssize_t n = write(STDOUT_FILENO, out->data + at, out->size - at);
        if (n < 0 && errno != EINTR)
            return -errno;
        at += n > 0 ? (size_t)n : 0;
    }
    buf_clear(out);
    return 0;
}

/* A record's own bytes: a newline only where it has one. */
static int put_records(struct cat *c, struct entries entries)
{
    char *to = buf_reserve(&c->out, raw_bound(entries));
    if (!to)
        return c->out.failed;
    for (size_t i = 0; i < entries.count; i++) {
        const struct entry *e = &entries.items[i];
        to = encode_copy(to, e->message);
        if (!(e->flags & ENTRY_UNTERMINATED))
            *to++ = '\n';
    }
    c->out.size = (size_t)(to - c->out.data);
    return 0;
}

static int put_lines(struct cat *c, struct entries entries)
{
    while (entries.count) {
        size_t taken =
            encoder_encode(&c->encoder, &c->texts, entries, &c->out, OUTPUT_BUFFER_BYTES);
        entries.items += taken;
        entries.count -= taken;
        int r = c->out.failed;
        if (r == 0 && c->out.size >= OUTPUT_BUFFER_BYTES)
            r = write_out(&c->out);
        if (r < 0)
            return r;
    }
    return 0;
}

static void tell_gaps(const struct cat *c, const struct batch *batch)
{
    for (size_t i = 0; i < batch->gap_count; i++) {
        const struct gap *gap = &batch->gaps[i];
        char bytes[32] = "unknown size";
        if (gap->bytes != GAP_BYTES_UNKNOWN)
            snprintf(bytes, sizeof(bytes), "%" PRId64 " bytes", gap->bytes);
        fprintf(stderr, "tallyman cat: %s: offset %" PRIu64 ": damaged: %s, %s\n",
                history_path(c->history, gap->serial), gap->offset, bytes,
                gap_reason_word(gap->reason));
    }
}

static int print(struct cat *c, struct error *error)
{
    const struct cat_request *q = c->request;
    bool all = everything_wanted(q), tty = history_container(c->history)->tty;
    struct batch *batch;
    int r;

    while ((r = history_next(c->history, &batch, error)) == 0) {
        tell_gaps(c, batch);
        if (!all)
            filter(q, batch);
        if (tty && q->format != SINK_RAW)
            tty_strip(batch);
        struct entries entries = {batch->entries, batch->count};
        r = q->format == SINK_RAW ? put_records(c, entries) : put_lines(c, entries);
        if (r == 0 && c->out.size >= OUTPUT_BUFFER_BYTES)
            r = write_out(&c->out);
        if (r < 0)
            return error_set(error, r, "cannot write the output: %s", strerror(-r));
    }
    if (r == HISTORY_END)
        r = 0;
    int written = write_out(&c->out);
    if (written < 0)
        return error_set(error, written, "cannot write the output: %s", strerror(-written));
    return r;
}

/* `log` says which; how it is wanted is added here. */
static int cat_history(const struct cat_request *q, struct history_options log, struct error *error)
{
    struct line_options format = {.format = q->format};
    if (!log.container && q->format == SINK_NDJSON)
        format.fields = (struct option_texts){loose_fields, ARRAY_SIZE(loose_fields)};
    struct cat c = {.request = q, .out = BUF_INIT(ENCODED_BYTES_MAX)};
    int r = encoder_init(&c.encoder, &format, error);
    if (r < 0)
        return r;
    log.form = encoder_form(&c.encoder);
    log.records = q->format == SINK_RAW;
    r = history_open(&c.history, &log, error);
    if (r == 0)
        r = encoder_render(&c.encoder, history_container(c.history), &c.texts, error);
    /* A pipe that takes a whole buffer spares half the waiting. Anything else refuses. */
    fcntl(STDOUT_FILENO, F_SETPIPE_SZ, OUTPUT_BUFFER_BYTES);
    if (r == 0)
        r = print(&c, error);
    stream_texts_deinit(&c.texts);
    buf_deinit(&c.out);
    history_close(c.history);
    return r;
}

/* Why there is nothing to read. */
static int no_log(const struct cat_request *q, const struct container *c, struct error *error)
{
    return error_set(error, -ENOTSUP,
                     "%s: its log driver is %s, which keeps nothing that can be read here",
                     q->operand, c->log_driver);
}

static void warn(const char *text)
{
    fprintf(stderr, "tallyman cat: %s\n", text);
}

static int cat_streamed(const struct cat_request *q, struct container *container, const char *host,
                        struct error *error)
{
    const struct streamed_log_options wanted = {
        .docker_host = host,
        .container = container,
        .since_ns = q->since_ns,
        .untimed = container->tty && q->format == SINK_RAW && is_any_time(q),
        .warn = warn,
    };
    CLEANUP(close_fd) int fd = -1;
    int r = streamed_log_receive(&fd, &wanted, error);
    if (r < 0) {
        error_prefix(error, "%s", q->operand);
        return r;
    }
    const struct history_options log = {.path = "the log as the Engine gives it",
                                        .container = container,
                                        .received = true,
                                        .received_fd = fd};
    return cat_history(q, log, error);
}

static int cat_found(const struct cat_request *q, const struct config *config,
                     const struct container_lookup_options *from,
                     const struct container_found *found, struct error *error)
{
    const struct log_find_options find = {
        .docker_root = found->on_disk ? from->docker_root : NULL,
        .journal_directory = config->journal_directory,
        .engine = strcmp(from->docker_host, "none") != 0,
    };
    struct log_place place;
    int r = log_find(&place, found->container, &find, error);
    if (r < 0)
        return r;
    struct history_options log = {.container = found->container,
                                  .journal_directory = config->journal_directory};
    if (place.kind == LOG_KIND_STREAM)
        return cat_streamed(q, found->container, from->docker_host, error);
    if (place.path[0])
        log.path = place.path;
    else if (place.kind != LOG_KIND_JOURNALD)
        return no_log(q, found->container, error);
    return cat_history(q, log, error);
}

static int cat_container(const struct cat_request *q, const struct config *config,
                         struct error *error)
{
    char root[PATH_BYTES_MAX];
    const struct container_lookup_options from = {
        .docker_root = verb_docker_root(config, root),
        .docker_host = docker_host_find(config->docker_host),
        .constants = {config->label_source, config->label_service},
    };
    struct container_found found;
    int r = container_lookup(&found, &from, q->operand, error);
    if (r < 0)
        return r;
    r = cat_found(q, config, &from, &found, error);
    container_unref(found.container);
    return r;
}

static enum verb_exit cat(const struct cat_request *q)
{
    CLEANUP(config_free) struct config *config = NULL;
    struct error error = {""};
    enum verb_exit end = verb_load_config(&config, q->config_path);
    if (end != VERB_DONE)
        return end;

    int r = strchr(q->operand, '/')
                ? cat_history(q, (struct history_options){.path = q->operand}, &error)
                : cat_container(q, config, &error);
    if (r < 0 && r != -EPIPE) /* a closed pipe ends it silently, as for every program */
        fprintf(stderr, "tallyman cat: %s\n", error.text);
    return r < 0 ? VERB_FAILED : VERB_DONE;
}

static bool take_format(const char *word, enum sink_format *ret)
{
    static const char *const words[] = {
        [SINK_NDJSON] = "ndjson", [SINK_TEXT] = "text", [SINK_RAW] = "raw"};
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        if (strcmp(word, words[i]) != 0)
            continue;
        *ret = (enum sink_format)i;
        return true;
    }
    return false;
}

static bool take_stream(const char *word, int *ret)
{
    for (int i = 0; i < STREAM_COUNT; i++) {
        if (strcmp(word, stream_word((unsigned)i)) != 0)
            continue;
        *ret = i;
        return true;
    }
    return false;
}

/* What is wrong with the value of the option; NULL where nothing is. */
static const char *take_option(struct cat_request *q, int option, int64_t now_ns)
{
    static const char no_time[] = "is no time, such as 2026-11-23T16:02:11Z or 10m";
    switch (option) {
    case 'c': q->config_path = optarg; return NULL;
    case 'o': return take_format(optarg, &q->format) ? NULL : "is none of raw, text, ndjson";
    case OPTION_SINCE: return time_option_parse(optarg, now_ns, &q->since_ns) == 0 ? NULL : no_time;
    case OPTION_UNTIL: return time_option_parse(optarg, now_ns, &q->until_ns) == 0 ? NULL : no_time;
    default: return take_stream(optarg, &q->stream) ? NULL : "is none of stdout, stderr";
    }
}

int verb_cat(int count, char **arguments)
{
    struct cat_request q = {
        .format = SINK_RAW, .since_ns = INT64_MIN, .until_ns = INT64_MAX, .stream = -1};
    int64_t now_ns = clock_now_ns();
    int option;

    while ((option = getopt_long(count, arguments, "c:o:h", options, NULL)) != -1) {
        if (option == 'h') {
            fputs(usage, stdout);
            return VERB_DONE;
        }
        if (option == '?')
            return verb_misused(arguments);
        const char *wrong = take_option(&q, option, now_ns);
        if (wrong) {
            fprintf(stderr, "%s: '%s' %s\n", arguments[0], optarg, wrong);
            return verb_misused(arguments);
        }
    }
    if (optind == count) {
        fprintf(stderr, "%s: which container, or which file?\n", arguments[0]);
        return verb_misused(arguments);
    }
    q.operand = arguments[optind++];
    enum verb_exit end = verb_no_operands(count, arguments);
    return end == VERB_DONE ? cat(&q) : end;
}
