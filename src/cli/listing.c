// SPDX-License-Identifier: Apache-2.0
#include "cli/listing.h"

#include <inttypes.h>

#include "base/json_print.h"

static const char *cursor_word(enum cursor_kind kind)
{
    switch (kind) {
    case CURSOR_BEGINNING: return "beginning";
    case CURSOR_AT: return "at";
    case CURSOR_ENDED: return "ended";
    case CURSOR_DONE: break;
    }
    return "done";
}

/* What only we keep alive. */
static uint64_t pinned_bytes(const struct listing *l)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < l->pin_count; i++)
        bytes += l->pins[i].only_ours ? l->pins[i].bytes : 0;
    return bytes;
}

/* Which of the two roads does not know it; NULL: neither. */
static const char *missing_word(const struct inventory_item *item)
{
    if (!item->on_disk)
        return "disk";
    return item->listed ? NULL : "engine";
}

/* Of them all, or of those whose value is not empty. */
static void put_pairs(struct buf *to, const char *key, const struct pairs *pairs, bool empty_too)
{
    json_print_begin(to, key, '{');
    for (size_t i = 0; i < pairs->count; i++)
        if (empty_too || *pairs->items[i].value)
            json_print_text(to, pairs->items[i].key, pairs->items[i].value);
    json_print_end(to, '}');
}

static void put_record(const struct container *c, struct buf *to)
{
    json_print_text(to, "id", c->id);
    json_print_text(to, "name", c->name);
    json_print_text(to, "image", c->image);
    json_print_time(to, "created", c->created_ns);
    json_print_time(to, "started", c->started_ns);
    json_print_text(to, "state", c->state);
    json_print_text(to, "status", c->status);
    json_print_text(to, "platform", c->platform);
    json_print_text(to, "hostname", c->hostname);
    json_print_text(to, "command", c->command);
    put_pairs(to, "labels", &c->labels, true);
    put_pairs(to, "networks", &c->networks, true);
    put_pairs(to, "addresses", &c->networks, false);
    json_print_text(to, "log_driver", c->log_driver);
    json_print_text(to, "log_path", c->log_path);
}

static void put_gap(const struct gap *gap, struct buf *to)
{
    json_print_begin(to, NULL, '{');
    json_print_text(to, "reason", gap_reason_word(gap->reason));
    json_print_number_or_null(to, "bytes", gap->bytes, GAP_BYTES_UNKNOWN);
    json_print_time(to, "after", gap->after_ns);
    json_print_time(to, "before", gap->before_ns);
    json_print_number(to, "serial", gap->serial);
    json_print_number(to, "offset", gap->offset);
    json_print_end(to, '}');
}

/* What the route has to do with the container; NULL: nothing. A route that does not take it (any
 * more) is not behind. */
static const struct standing_source *concern(const struct listing *l, size_t i,
                                             uint64_t *ret_behind)
{
    const struct container *c = l->item->container;
    const struct standing_source *s = standing_find(&l->standings[i], c->id);
    bool wanted = match_container(&l->standings[i].route->match, c);
    if (!s || (!wanted && s->tally.lines_read == 0 && s->tally.gaps == 0))
        return NULL;
    *ret_behind = wanted ? extent_behind(l->extent, &s->cursor) : 0;
    return s;
}

static void put_route(const char *name, const struct standing_source *s, uint64_t behind,
                      struct buf *to)
{
    json_print_begin(to, NULL, '{');
    json_print_text(to, "name", name);
    json_print_number(to, "lines_delivered", s->tally.lines_delivered);
    json_print_number(to, "lines_read", s->tally.lines_read);
    json_print_number(to, "bytes_read", s->tally.bytes_read);
    json_print_number(to, "backlog_bytes", behind);
    json_print_number(to, "skipped_bytes", s->tally.bytes_skipped);
    json_print_begin(to, "position", '{');
    json_print_text(to, "kind", cursor_word(s->cursor.kind));
    json_print_number(to, "serial", s->cursor.segment.serial);
    json_print_number(to, "offset", s->cursor.offset);
    json_print_time(to, "time", s->cursor.last_ns);
    json_print_end(to, '}');
    json_print_begin(to, "gaps", '[');
    for (size_t i = 0; i < s->gap_count; i++)
        put_gap(&s->gaps[i], to);
    json_print_end(to, ']');
    json_print_end(to, '}');
}

void listing_print_json(const struct listing *l, struct buf *to)
{
    const struct inventory_item *item = l->item;
    json_print_begin(to, NULL, '{');
    put_record(item->container, to);
    json_print_text(to, "driver", item->container->log_driver);
    json_print_text(to, "kind", log_kind_word(item->place.kind));
    json_print_text(to, "path", item->place.path);
    json_print_number(to, "size", l->extent->size);
    if (missing_word(item))
        json_print_text(to, "missing", missing_word(item));
    if (l->pin_count) {
        json_print_begin(to, "pins", '{');
        json_print_text(to, "way", pin_way_word(PIN_LINK));
        json_print_number(to, "count", l->pin_count);
        json_print_number(to, "bytes", pinned_bytes(l));
        json_print_end(to, '}');
    }
    json_print_begin(to, "routes", '[');
    for (size_t i = 0; i < l->standing_count; i++) {
        uint64_t behind;
        const struct standing_source *s = concern(l, i, &behind);
        if (s)
            put_route(l->standings[i].route->name, s, behind, to);
    }
    json_print_end(to, ']');
    json_print_end(to, '}');
}

/* "1.5 MiB" */
static const char *size_text(uint64_t bytes, char to[32])
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
    double value = (double)bytes;
    size_t unit = 0;
    if (bytes < 1024) {
        snprintf(to, 32, "%" PRIu64 " B", bytes);
        return to;
    }
    for (value /= 1024; value >= 1024 && unit + 1 < ARRAY_SIZE(units); value /= 1024)
        unit++;
    snprintf(to, 32, "%.1f %s", value, units[unit]);
    return to;
}
#define SIZE_TEXT(bytes) size_text((bytes), (char[32]){0})

static void print_route(const char *name, const struct standing_source *s, uint64_t behind,
                        FILE *to)
{
    fprintf(to, "  route %s: %" PRIu64 " lines delivered, %s behind", name,
            s->tally.lines_delivered, SIZE_TEXT(behind));
    if (s->tally.gaps)
        fprintf(to, ", %" PRIu64 " gaps of %s", s->tally.gaps, SIZE_TEXT(s->tally.gap_bytes));
    if (s->tally.gaps_unknown)
        fprintf(to, " (%" PRIu64 " of unknown size)", s->tally.gaps_unknown);
    if (s->tally.bytes_skipped)
        fprintf(to, ", %s skipped by start", SIZE_TEXT(s->tally.bytes_skipped));
    fputc('\n', to);
}

void listing_print_head(FILE *to, size_t name_width)
{
    fprintf(to, "%-*s  %-12s  %-10s  %-9s  %-9s  %10s  %s\n", (int)name_width, "NAME", "ID",
            "STATE", "DRIVER", "SOURCE", "SIZE", "PATH");
}

void listing_print_text(const struct listing *l, FILE *to, size_t name_width)
{
    const struct container *c = l->item->container;
    fprintf(to, "%-*s  %.12s  %-10s  %-9s  %-9s  %10s  %s\n", (int)name_width, c->name, c->id,
            c->state, c->log_driver, log_kind_word(l->item->place.kind), SIZE_TEXT(l->extent->size),
            l->item->place.path);
    for (size_t i = 0; i < l->standing_count; i++) {
        uint64_t behind;
        const struct standing_source *s = concern(l, i, &behind);
        if (s)
            print_route(l->standings[i].route->name, s, behind, to);
    }
    if (l->pin_count)
        fprintf(to, "  pins: %zu by %s, %s that Docker has let go of\n", l->pin_count,
                pin_way_word(PIN_LINK), SIZE_TEXT(pinned_bytes(l)));
    if (l->item->place.kind == LOG_KIND_NONE)
        fprintf(to, "  not collected: its driver keeps nothing that can be read\n");
    if (!l->item->on_disk)
        fprintf(to, "  not on the disk: only the Engine shows it\n");
    else if (!l->item->listed)
        fprintf(to, "  not in the Engine's list: only the disk shows it\n");
}
