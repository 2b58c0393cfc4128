// SPDX-License-Identifier: Apache-2.0
#include "route/sums.h"

static void tally_add_gap(struct tally *t, const struct gap *gap)
{
    t->gaps++;
    if (gap->bytes == GAP_BYTES_UNKNOWN)
        t->gaps_unknown++;
    else
        t->gap_bytes += (uint64_t)gap->bytes;
}

void tally_add_batch(struct tally *t, const struct batch *b)
{
    t->lines_read += b->count;
    t->lines_delivered += b->count;
    t->records_read += b->records;
    t->bytes_read += b->bytes_consumed;
    t->bytes_blank += b->bytes_blank;
    t->bytes_gap += b->bytes_gap;
    t->bytes_records += b->bytes_consumed - b->bytes_blank - b->bytes_gap;
    for (size_t i = 0; i < b->gap_count; i++)
        tally_add_gap(t, &b->gaps[i]);
}

void tally_add_filtered(struct tally *t, uint64_t lines)
{
    t->lines_read += lines;
    t->lines_filtered += lines;
}

void route_sums_count_reason(struct route_sums *s, const struct gap *gap)
{
    s->gaps[gap->reason]++;
    if (gap->bytes != GAP_BYTES_UNKNOWN)
        s->gap_bytes[gap->reason] += (uint64_t)gap->bytes;
}

void route_sums_add_gap(struct route_sums *s, const struct gap *gap)
{
    tally_add_gap(&s->tally, gap);
    route_sums_count_reason(s, gap);
}

void tally_add(struct tally *to, const struct tally *t)
{
    to->lines_read += t->lines_read;
    to->lines_delivered += t->lines_delivered;
    to->lines_filtered += t->lines_filtered;
    to->lines_refused += t->lines_refused;
    to->lines_lost += t->lines_lost;
    to->records_read += t->records_read;
    to->bytes_read += t->bytes_read;
    to->bytes_records += t->bytes_records;
    to->bytes_blank += t->bytes_blank;
    to->bytes_gap += t->bytes_gap;
    to->bytes_skipped += t->bytes_skipped;
    to->gaps += t->gaps;
    to->gap_bytes += t->gap_bytes;
    to->gaps_unknown += t->gaps_unknown;
}

void route_sums_move(struct route_sums *to, struct route_sums *from)
{
    tally_add(&to->tally, &from->tally);
    for (int i = 0; i < GAP_REASON_COUNT; i++) {
        to->gaps[i] += from->gaps[i];
        to->gap_bytes[i] += from->gap_bytes[i];
    }
    to->lines_too_old += from->lines_too_old;
    to->commits += from->commits;
    to->failures += from->failures;
    *from = (struct route_sums){0};
}
