// SPDX-License-Identifier: Apache-2.0
#include "verdict.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/limits.h"
#include "evidence.h"

/* What is found about one container. */
struct inquiry {
    const struct simulated *container;
    const struct history *history;
    const struct evidence *evidence;
    bool all_read;
    bool *consumed;            /* of each record: its text is in the output */
    bool *needed;              /* of each gap: something is missing there */
    size_t end;                /* behind the last record consumed */
    size_t last[STREAM_COUNT]; /* line delivered last */
    bool last_is_partial[STREAM_COUNT];
    struct error *error;
};

#define WRONG(q, format, ...)                                                                      \
    error_set((q)->error, -EBADMSG, "container %u: " format, (q)->container->number, __VA_ARGS__)

/* Takes the records of the line, from `at` on, whose texts make up the message; those that are
 * passed over must be missing for a reason. Returns the record behind, HISTORY_NONE at its end. */
static int take_records(struct inquiry *q, const struct delivered *d, const struct line *line,
                        size_t *at)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(64 * 1024);
    struct span left = span_of(d->message);
    size_t taken = 0;
    while (*at != HISTORY_NONE && (left.size || taken == 0)) {
        const struct record *record = &q->history->records[*at];
        buf_clear(&text);
        history_text(q->history, line, record->from, record->size, &text);
        if (record->size && !span_starts_with(left, buf_span(&text))) {
            *at = record->next;
            continue;
        }
        q->consumed[*at] = true;
        taken++;
        if (*at >= q->end)
            q->end = *at + 1;
        left.data += record->size;
        left.size -= record->size;
        *at = record->next;
        if (record->size == 0)
            break;
    }
    if (*at != HISTORY_NONE && q->history->records[*at].size == 0 &&
        !(d->flags & (ENTRY_UNTERMINATED | ENTRY_PARTIAL))) { /* the newline alone */
        q->consumed[*at] = true;
        if (*at >= q->end)
            q->end = *at + 1;
        *at = HISTORY_NONE;
    }
    if (left.size)
        return WRONG(q, "the line of %" PRId64 " is not what was written: %.60s… (%zu bytes left)",
                     line->time_ns, d->message, left.size);
    return 0;
}

/* Of a container that was pinned but not booked when tallyman was killed, and is removed then,
 * nobody knows the name. */
static bool may_be_nameless(const struct simulated *c)
{
    return c->maybe_nameless && !c->known && !c->present;
}

static int check_name(struct inquiry *q, const struct delivered *d, const struct line *line)
{
    if (!d->named)
        return may_be_nameless(q->container)
                   ? 0
                   : WRONG(q, "the line of %" PRId64 " bears no name", line->time_ns);
    /* What ends in nothing bears the name that held when that was found out. */
    bool sure =
        (size_t)(line - q->history->lines) < q->container->unsure &&
        !(d->flags & (ENTRY_UNTERMINATED | ENTRY_PARTIAL) && line->size >= SOURCE_CHUNK_BYTES);
    unsigned newest = sure ? line->name_newest : q->container->name;
    for (size_t i = line->first_record; i != HISTORY_NONE; i = q->history->records[i].next)
        if (q->history->generations[q->history->records[i].generation].emptied)
            return 0; /* the positions at which names began are those of the old content */
    if (d->name < line->name_oldest || d->name > newest)
        return WRONG(q, "the line of %" PRId64 " bears name-%u, not one of %u to %u", line->time_ns,
                     d->name, line->name_oldest, newest);
    return 0;
}

static int check_delivered(struct inquiry *q, const struct delivered *d, size_t *at)
{
    const struct history *h = q->history;
    size_t i = history_find_line(h, d->time_ns);
    if (i == HISTORY_NONE)
        return WRONG(q, "nobody wrote a line at %" PRId64 ": %.60s", d->time_ns, d->message);
    const struct line *line = &h->lines[i];
    if (line->stream != d->stream)
        return WRONG(q, "the line of %" PRId64 " is on the wrong stream", d->time_ns);
    size_t *last = &q->last[d->stream];
    bool emptied = q->history->generations[h->records[line->first_record].generation].emptied;
    if (*last != HISTORY_NONE && i < *last && !emptied)
        return WRONG(q, "the line of %" PRId64 " comes after that of %" PRId64, d->time_ns,
                     h->lines[*last].time_ns);
    if (i != *last && q->consumed[line->first_record])
        at[d->stream] = HISTORY_NONE;
    else if (i != *last)
        at[d->stream] = line->first_record;
    if (at[d->stream] == HISTORY_NONE)
        return WRONG(q, "the line of %" PRId64 " is delivered twice", d->time_ns);
    bool goes_on = i == *last, at_head = at[d->stream] == line->first_record;
    *last = i;
    q->last_is_partial[d->stream] = d->flags & ENTRY_PARTIAL;
    int r = take_records(q, d, line, &at[d->stream]);
    if (r == 0)
        r = check_name(q, d, line);
    bool head = at_head && q->consumed[line->first_record];
    if (r == 0 &&
        ((goes_on && !(d->flags & ENTRY_CONTINUED)) || (head && d->flags & ENTRY_CONTINUED)))
        r = WRONG(q, "the line of %" PRId64 " has flags %x, but %s", d->time_ns, d->flags,
                  head ? "is its head" : "continues");
    bool whole = at[d->stream] == HISTORY_NONE && line->ended && q->consumed[line->last_record];
    bool terminated = whole && line->terminated;
    if (r == 0 && !(d->flags & ENTRY_PARTIAL) && terminated != !(d->flags & ENTRY_UNTERMINATED))
        r = WRONG(q, "the line of %" PRId64 " has flags %x, but is%s terminated", d->time_ns,
                  d->flags, terminated ? "" : " not");
    return r;
}

/* A record that is in no entry, but need not be missing: its line is not delivered, and its text
 * may be in hand. */
static bool is_open(const struct inquiry *q, size_t record)
{
    const struct line *line = &q->history->lines[q->history->records[record].line];
    size_t last = q->last[line->stream];
    size_t mine = q->history->records[record].line;
    if (line->size < SOURCE_CHUNK_BYTES)
        return false;
    if (last != HISTORY_NONE &&
        (last > mine || (last == mine && !q->last_is_partial[line->stream])))
        return false; /* the stream went on: what it was is decided */
    if (q->all_read && !q->container->present)
        return false;
    return !line->ended || (!q->all_read && line->last_record >= q->end) ||
           (q->all_read && !line->terminated) || history_may_be_lost(q->history, line->last_record);
}

/* Is `after_ns` the time of the last record that was read before record `at`? What was read but is
 * not delivered may be it too. */
static bool is_last_before(const struct inquiry *q, size_t at, int64_t after_ns)
{
    for (; at > 0; at--) {
        const struct line *line = &q->history->lines[q->history->records[at - 1].line];
        bool read = q->consumed[at - 1];
        if ((read || line->size >= SOURCE_CHUNK_BYTES) && line->time_ns == after_ns)
            return true;
        if (read)
            return false;
    }
    return after_ns == GAP_TIME_UNKNOWN;
}

/* Has a gap of one of these reasons been booked over this record? */
static bool is_booked(struct inquiry *q, size_t record, unsigned reasons)
{
    bool booked = false;
    for (size_t i = 0; i < q->evidence->gap_count; i++) {
        const struct gap *g = &q->evidence->gaps[i];
        if (reasons & LOSS(g->reason) && is_last_before(q, record, g->after_ns))
            q->needed[i] = booked = true;
    }
    return booked;
}

/* The record was read, but its line was not whole when it could be read no more. */
static bool is_booked_as_open(struct inquiry *q, size_t record)
{
    const struct history *h = q->history;
    const struct line *line = &h->lines[h->records[record].line];
    bool booked = false;
    for (size_t i = 0; i < q->evidence->gap_count; i++) {
        const struct gap *g = &q->evidence->gaps[i];
        size_t last = g->reason == GAP_OPEN_LINE ? history_find_line(h, g->after_ns) : HISTORY_NONE;
        if (last == HISTORY_NONE || h->lines[last].last_record < line->first_record)
            continue;
        q->needed[i] = booked = true; /* of which stream it is, a gap does not say */
    }
    return booked;
}

/* Of a file that was emptied before anything of it was read, perhaps nobody knows what it held. Nor
 * of a container older than the route that was gone before the route's first run came to it. */
static bool is_unknowable(const struct inquiry *q, size_t record, unsigned reasons)
{
    const struct record *records = q->history->records;
    bool begun = false;
    for (size_t i = 0; i < q->history->record_count; i++)
        begun |= q->consumed[i] && records[i].generation == records[record].generation;
    bool late = q->container->late && q->container->created_ns <= q->evidence->route_since_ns;
    return late || reasons & LOSS_UNKNOWN || (reasons & LOSS(GAP_TRUNCATED) && !begun);
}

static int check_missing(struct inquiry *q)
{
    const struct history *h = q->history;
    size_t end = q->all_read ? h->record_count : q->end; /* what is behind may not be read yet */
    for (size_t i = 0; i < h->record_count; i++) {
        if (q->consumed[i])
            continue;
        unsigned reasons = history_may_be_lost(h, i);
        if (may_be_nameless(q->container) && q->container->driver != DRIVER_JSON_FILE)
            reasons |= LOSS(GAP_MALFORMED); /* nobody knows its format either */
        bool booked = is_booked(q, i, reasons);
        booked |= is_booked_as_open(q, i);
        if (is_open(q, i))
            continue;
        const struct line *line = &h->lines[h->records[i].line];
        if (!reasons && i < end)
            return WRONG(q, "%s record %zu (line of %" PRId64 ", generation %u) is missing",
                         stream_word(line->stream), i, line->time_ns, h->records[i].generation);
        bool due = i < q->end || !q->container->present; /* else when something follows */
        if (!booked && due && i < end && !is_unknowable(q, i, reasons))
            return WRONG(q,
                         "record %zu (line of %" PRId64
                         ", generation %u) was lost (reasons %x) without a gap",
                         i, line->time_ns, h->records[i].generation, reasons);
    }
    return 0;
}

/* The last record before `at` that is delivered, as an index + 1. */
static size_t delivered_before(const struct inquiry *q, size_t at)
{
    while (at > 0 && !q->consumed[at - 1])
        at--;
    return at;
}

/* The damage of one reason between two delivered records. */
static int check_damage(struct inquiry *q, enum gap_reason reason, size_t from)
{
    uint64_t least = 0, most = 0, booked = 0;
    size_t until = 0;
    for (size_t i = 0; i < q->history->damage_count; i++) {
        const struct damage *d = &q->history->damages[i];
        if (history_reason(q->history, d) != reason ||
            delivered_before(q, d->records_before) != from)
            continue;
        until = d->records_before;
        most += d->bytes;
        bool passed = d->records_before < q->end;
        if (passed && !q->history->generations[d->generation].may_be_lost)
            least += d->bytes;
    }
    for (size_t i = 0; i < q->evidence->gap_count; i++) {
        const struct gap *g = &q->evidence->gaps[i];
        if (g->reason != reason || g->bytes == GAP_BYTES_UNKNOWN ||
            !is_last_before(q, until, g->after_ns))
            continue;
        booked += (uint64_t)g->bytes;
        q->needed[i] = true;
    }
    if (booked >= least && booked <= most)
        return 0;
    return WRONG(q,
                 "%" PRIu64 " bytes are booked as %s between the records %zu and %zu, not %" PRIu64
                 " to %" PRIu64,
                 booked, gap_reason_word(reason), from, until, least, most);
}

static int check_damages(struct inquiry *q)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < q->history->damage_count; i++) {
        const struct damage *d = &q->history->damages[i];
        enum gap_reason reason = history_reason(q->history, d);
        if (reason != GAP_REASON_COUNT)
            r = check_damage(q, reason, delivered_before(q, d->records_before));
    }
    return r;
}

/* The numbers of a line's chunks show that its head, or one amid it, is missing: beside what tells
 * of the file in which that was, or where nothing does. */
static bool is_shown_by_numbers(const struct inquiry *q, const struct gap *g)
{
    const struct history *h = q->history;
    bool shown = g->reason == GAP_OPEN_LINE || g->reason == GAP_DROPPED;
    size_t line = shown ? history_find_line(h, g->before_ns) : HISTORY_NONE;
    if (line == HISTORY_NONE)
        return false;
    size_t i = h->lines[line].first_record;
    while (g->reason == GAP_DROPPED && i != h->lines[line].last_record && q->consumed[i])
        i = h->records[i].next;
    return !q->consumed[i];
}

static int check_gaps(struct inquiry *q)
{
    unsigned unneeded[GAP_REASON_COUNT] = {0};
    for (size_t i = 0; i < q->evidence->gap_count; i++) {
        const struct gap *g = &q->evidence->gaps[i];
        if (!q->needed[i] && !is_shown_by_numbers(q, g) &&
            ++unneeded[g->reason] > q->history->excuses[g->reason])
            return WRONG(q,
                         "a gap is booked where nothing is missing: %s, serial %" PRIu64
                         " offset %" PRIu64 ", %" PRId64 " bytes, after %" PRId64,
                         gap_reason_word(g->reason), g->serial, g->offset, g->bytes, g->after_ns);
    }
    return 0;
}

static int check_sums(struct inquiry *q)
{
    const struct tally *t = &q->evidence->tally;
    uint64_t least = 0, most = 0;
    for (size_t i = 0; i < q->history->record_count; i++) {
        if (q->consumed[i])
            least += q->history->records[i].file_bytes;
        if (q->consumed[i] || is_open(q, i) || is_booked_as_open(q, i))
            most += q->history->records[i].file_bytes;
    }
    if (!tally_adds_up(t))
        return WRONG(q, "the tally does not add up (%" PRIu64 " lines read)", t->lines_read);
    if (t->lines_delivered != q->evidence->count)
        return WRONG(q, "%" PRIu64 " lines are told, %zu are there", t->lines_delivered,
                     q->evidence->count);
    if (t->bytes_records < least || t->bytes_records > most)
        return WRONG(q, "%" PRIu64 " bytes of records are told, it were %" PRIu64 " to %" PRIu64,
                     t->bytes_records, least, most);
    if (t->gaps != q->evidence->gap_count)
        return WRONG(q, "%" PRIu64 " gaps are told, %zu are there", t->gaps,
                     q->evidence->gap_count);
    return 0;
}

static int inquire(struct inquiry *q)
{
    size_t at[STREAM_COUNT] = {HISTORY_NONE, HISTORY_NONE};
    int r = 0;
    if (!q->evidence->attached)
        return 0; /* it died before the route had come to it */
    for (size_t i = 0; r == 0 && i < q->evidence->count; i++)
        r = check_delivered(q, &q->evidence->items[i], at);
    if (r == 0)
        r = check_missing(q);
    if (r == 0)
        r = check_damages(q);
    if (r == 0)
        r = check_gaps(q);
    return r == 0 ? check_sums(q) : r;
}

static int reach_one(struct simulated *c, const struct verdict_options *options,
                     struct error *error)
{
    CLEANUP(evidence_deinit) struct evidence evidence;
    int r = evidence_gather(&evidence, options->ledger, c->id, error);
    if (r < 0)
        return r;
    c->attached = evidence.attached;
    struct inquiry q = {
        .container = c,
        .history = &c->history,
        .evidence = &evidence,
        .all_read = options->all_read,
        .consumed = calloc(c->history.record_count + 1, sizeof(bool)),
        .needed = calloc(evidence.gap_count + 1, sizeof(bool)),
        .last = {HISTORY_NONE, HISTORY_NONE},
        .error = error,
    };
    r = q.consumed && q.needed ? inquire(&q) : -ENOMEM;
    free(q.consumed);
    free(q.needed);
    return r;
}

int verdict_reach(struct world *w, const struct verdict_options *options, struct error *error)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < w->count; i++)
        r = reach_one(&w->containers[i], options, error);
    return r;
}
