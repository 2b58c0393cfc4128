// SPDX-License-Identifier: Apache-2.0
#include "world_private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/check.h"
#include "base/limits.h"
#include "base/rfc3339.h"
#include "source/local_file/frame_write.h"

enum { TEAR_BYTES = 4096 /* a reader may see a record end at such an offset */ };

static uint64_t end_of(const struct simulated *c)
{
    return c->append ? c->size : c->offset;
}

/* One write(2), or two with a look in between, where a page ends inside. */
static void write_bytes(struct world *w, struct simulated *c, struct span bytes)
{
    uint64_t at = end_of(c);
    if (at > c->size) /* what was truncated away is a hole now */
        history_add_damage(&c->history, (struct damage){.reason = GAP_NUL,
                                                        .generation = (unsigned)c->names.live,
                                                        .bytes = at - c->size});
    size_t first = bytes.size;
    uint64_t page = (at / TEAR_BYTES + 1) * TEAR_BYTES;
    if (page < at + bytes.size && random_chance(&w->random, 50))
        first = (size_t)(page - at);
    FAILS_NEVER(pwrite(c->fd, bytes.data, first, (off_t)at));
    if (first < bytes.size) {
        world_between(w);
        FAILS_NEVER(pwrite(c->fd, bytes.data + first, bytes.size - first, (off_t)(at + first)));
    }
    c->offset = c->size = at + bytes.size;
    c->counter += bytes.size;
}

static void append_escaped(struct buf *to, struct span text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '"')
            buf_append_char(to, '\\');
        buf_append_char(to, text.data[i]);
    }
}

static void print_frame(const struct line *line, uint64_t from, bool newline, struct span text,
                        struct buf *to)
{
    struct local_partial partial = {
        .last = newline, .ordinal = (uint32_t)(from / SOURCE_CHUNK_BYTES) + 1, .id = SPAN("id")};
    bool whole = newline && from == 0;
    CHECK(local_frame_write(to, (enum stream)line->stream, line->time_ns, text,
                            whole ? NULL : &partial) == 0);
}

/* As Docker writes it, with the zeros at the end of the time left out. */
static void print_record(const struct simulated *c, const struct line *line, uint64_t from,
                         uint64_t size, bool newline, struct buf *to)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(SOURCE_CHUNK_BYTES);
    char time[RFC3339_SIZE];
    history_text(&c->history, line, from, size, &text);
    if (c->driver != DRIVER_JSON_FILE) {
        print_frame(line, from, newline, buf_span(&text), to);
        CHECK(!text.failed);
        return;
    }
    rfc3339_format(time, line->time_ns);
    size_t time_size = RFC3339_SIZE - 1;
    while (time[time_size - 1] == '0')
        time_size--;
    if (time[time_size - 1] == '.')
        time_size--;

    buf_append(to, SPAN("{\"log\":\""));
    append_escaped(to, buf_span(&text));
    if (newline)
        buf_append(to, SPAN("\\n"));
    buf_append_format(to, "\",\"stream\":\"%s\",\"time\":\"%.*sZ\"}\n", stream_word(line->stream),
                      (int)time_size, time);
    CHECK(!text.failed && !to->failed);
}

static uint64_t some_size(struct world *w)
{
    uint64_t chance = random_below(&w->random, 1000);
    if (chance < 850)
        return random_below(&w->random, 120);
    if (chance < 930)
        return random_below(&w->random, 3000);
    if (chance < 960)
        return SOURCE_CHUNK_BYTES - 2 + random_below(&w->random, 5);
    if (chance < 999 || !w->long_lines)
        return random_below(&w->random, 4 * SOURCE_CHUNK_BYTES);
    return LINE_BYTES_MAX - 2 * SOURCE_CHUNK_BYTES +
           random_below(&w->random, 4 * SOURCE_CHUNK_BYTES);
}

static void begin_line(struct world *w, struct simulated *c, unsigned stream)
{
    struct history *h = &c->history;
    w->now_ns += 1000 + (int64_t)random_below(&w->random, 3) * 1000;
    struct line line = {.time_ns = w->now_ns,
                        .number = h->line_count,
                        .size = some_size(w),
                        .stream = stream,
                        .terminated = true,
                        .name_oldest = c->name_seen};
    history_begin_line(h, line);
    c->writing[stream] = (struct writing){.line = h->line_count - 1};
}

/* The next record of the stream's line. */
static void write_chunk(struct world *w, struct simulated *c, unsigned stream, bool to_the_end)
{
    struct history *h = &c->history;
    struct writing *writing = &c->writing[stream];
    struct line *line = &h->lines[writing->line];
    uint64_t left = line->size - writing->written;
    bool cut = left >= SOURCE_CHUNK_BYTES;
    uint64_t size = cut ? SOURCE_CHUNK_BYTES : left;
    bool last = !cut || (to_the_end && left == size && !line->terminated);

    CLEANUP(buf_deinit) struct buf record = BUF_INIT(RECORD_BYTES_MAX);
    print_record(c, line, writing->written, size, last && line->terminated, &record);
    write_bytes(w, c, buf_span(&record));
    line->name_newest = c->name;
    if ((c->junk_nul || c->junk_torn) && c->junk_name < line->name_oldest)
        line->name_oldest = c->junk_name; /* a record begins where its line does */
    line->ended = last;
    history_add_record(h, (struct record){.line = writing->line,
                                          .generation = (unsigned)c->names.live,
                                          .from = writing->written,
                                          .size = size,
                                          .file_bytes = record.size});
    c->junk_nul = c->junk_torn = false;
    writing->written += size;
    if (last)
        writing->line = HISTORY_NONE;
}

void writing_record(struct world *w, struct simulated *c)
{
    unsigned stream = random_chance(&w->random, 30) ? STREAM_STDERR : STREAM_STDOUT;
    if (rotation_due(c))
        rotation_rotate(w, c);
    if (c->writing[stream].line == HISTORY_NONE)
        begin_line(w, c, stream);
    write_chunk(w, c, stream, false);
}

/* The program has ended: what it had begun ends without a newline. */
void writing_end_lines(struct world *w, struct simulated *c)
{
    for (unsigned stream = 0; stream < STREAM_COUNT; stream++) {
        struct writing *writing = &c->writing[stream];
        if (writing->line == HISTORY_NONE && random_chance(&w->random, 30))
            begin_line(w, c, stream);
        if (writing->line == HISTORY_NONE)
            continue;
        struct line *line = &c->history.lines[writing->line];
        line->terminated = false;
        line->size = writing->written + random_below(&w->random, 200);
        if (line->size == writing->written && writing->written == 0)
            line->size = 1;
        if (line->size > writing->written) {
            if (rotation_due(c))
                rotation_rotate(w, c);
            write_chunk(w, c, stream, true);
        }
        line->ended = true;
        writing->line = HISTORY_NONE;
    }
}

static void book(struct simulated *c, enum gap_reason reason, uint64_t bytes)
{
    history_add_damage(
        &c->history,
        (struct damage){.reason = reason, .generation = (unsigned)c->names.live, .bytes = bytes});
}

/* Before it is written: a look amid that may find another name. */
static void note_junk(struct simulated *c, bool *kind)
{
    if (!c->junk_nul && !c->junk_torn)
        c->junk_name = c->name_seen;
    *kind = true;
}

/* The disk was full in the middle of a record that nobody will see whole. */
static void write_fragment(struct world *w, struct simulated *c)
{
    CLEANUP(buf_deinit) struct buf record = BUF_INIT(RECORD_BYTES_MAX);
    struct line lost = {.time_ns = w->now_ns, .number = UINT64_MAX, .size = 50, .terminated = true};
    print_record(c, &lost, 0, lost.size, true, &record);
    size_t size = 1 + random_below(&w->random, record.size - 1);
    note_junk(c, &c->junk_torn);
    write_bytes(w, c, (struct span){record.data, size});
    book(c, GAP_TORN, size);
}

static void write_nuls(struct world *w, struct simulated *c)
{
    static const char nuls[5000];
    size_t size = 1 + random_below(&w->random, sizeof(nuls));
    note_junk(c, &c->junk_nul);
    write_bytes(w, c, (struct span){nuls, size});
    book(c, GAP_NUL, size);
}

static void write_garbage(struct world *w, struct simulated *c)
{
    static const char garbage[] = "this is {no} \"record\" at all\n";
    write_bytes(w, c, (struct span){garbage, sizeof(garbage) - 1});
    book(c, GAP_MALFORMED, sizeof(garbage) - 1);
}

void writing_damage(struct world *w, struct simulated *c)
{
    if (rotation_due(c))
        return;
    bool hole = end_of(c) > c->size;
    bool clean = !c->junk_nul && !c->junk_torn && !hole;
    bool frames = c->driver != DRIVER_JSON_FILE;
    switch (random_below(&w->random, 4)) {
    case 0: /* among frames it may wait for what its mark claims: the end tells */
        if (!c->junk_nul && !hole && !frames)
            write_fragment(w, c);
        break;
    case 1:
        if (!c->junk_torn)
            write_nuls(w, c);
        break;
    case 2:
        if (clean)
            write_garbage(w, c);
        break;
    default:
        if (clean && !frames) {
            write_bytes(w, c, SPAN("\n"));
            history_add_damage(
                &c->history,
                (struct damage){.blank = true, .generation = (unsigned)c->names.live, .bytes = 1});
        }
    }
}

/* Somebody empties the file in place. */
void writing_truncate(struct world *w, struct simulated *c)
{
    struct history *h = &c->history;
    world_trace(w, c, "is truncated, %llu bytes%s", (unsigned long long)c->size,
                c->append ? "" : "; what follows stands behind a hole");
    FAILS_NEVER(ftruncate(c->fd, 0));
    unsigned old = (unsigned)c->names.live, new = history_add_generation(h);
    h->generations[old].may_be_lost |= LOSS(GAP_TRUNCATED) | LOSS(GAP_ROTATED) | LOSS(GAP_REMOVED);
    if (!c->append) /* NULs where NULs were read last: then it is the same file, with more of them
                     */
        h->generations[old].may_be_lost |= LOSS(GAP_NUL);
    h->generations[new].names = h->generations[old].names;
    h->generations[old].names = 0;
    h->generations[new].emptied = true;
    h->generations[new].may_be_lost |= LOSS(GAP_TRUNCATED); /* with it, where it is rotated soon */
    h->excuses[GAP_TRUNCATED]++;
    h->excuses[GAP_EMPTY_ROTATION]++;
    c->names.live = (int)new;
    c->size = 0;
    c->junk_nul = c->junk_torn = false;
}
