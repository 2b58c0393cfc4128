// SPDX-License-Identifier: Apache-2.0
#include <errno.h>

#include "source/journal_private.h"

int journal_stage_init(struct journal_stage *s)
{
    *s = (struct journal_stage){
        .text = BUF_INIT(READ_QUANTUM_BYTES + JOURNAL_MESSAGE_MAX),
        .records = malloc(BATCH_ENTRIES_MAX * sizeof(*s->records)),
        .next = malloc(BATCH_ENTRIES_MAX * sizeof(*s->next)),
    };
    return s->records && s->next ? 0 : -ENOMEM;
}

void journal_stage_deinit(struct journal_stage *s)
{
    buf_deinit(&s->text);
    free(s->records);
    free(s->next);
    *s = (struct journal_stage){0};
}

void journal_stage_clear(struct journal_stage *s)
{
    buf_clear(&s->text);
    s->count = 0;
}

bool journal_stage_is_full(const struct journal_stage *s)
{
    return s->count == BATCH_ENTRIES_MAX || s->text.size >= READ_QUANTUM_BYTES;
}

struct span journal_stage_message(const struct journal_stage *s, const struct journal_record *r)
{
    return r->too_long || !r->size ? (struct span){0}
                                   : (struct span){s->text.data + r->at, r->size};
}

int journal_stage_add(struct journal_stage *s, struct journal_handle *h,
                      const struct journal_place *place)
{
    struct journal_record *record = &s->records[s->count];
    int r = journal_handle_read(h, place, record, &s->text);
    if (r == -ENOMEM || r == -ENOBUFS)
        return r;
    if (r < 0) {
        s->text.size = record->at;
        record->damaged = true;
    }
    s->count++;
    return 0;
}
