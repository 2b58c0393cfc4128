// SPDX-License-Identifier: Apache-2.0
#include "fixture.h"

#include <sys/mman.h>
#include <unistd.h>

void fixture_init(struct fixture *f, enum message_form form)
{
    *f = (struct fixture){0};
    json_file_init(&f->decoder, form);
    assert_int_equal(batch_init(&f->batch, form), 0);
    f->batch.ingest_ns = INGEST_NS;
}

static void forget_input(struct fixture *f)
{
    if (f->pages)
        munmap(f->pages, f->pages_size);
    f->pages = NULL;
}

void fixture_deinit(struct fixture *f)
{
    forget_input(f);
    batch_deinit(&f->batch);
}

void fixture_decode(struct fixture *f, struct span input)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t readable = (input.size + BUF_SLACK + page - 1) / page * page;
    if (f->pages_size != readable + page)
        forget_input(f);
    if (!f->pages) {
        f->pages_size = readable + page;
        f->pages =
            mmap(NULL, f->pages_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        assert_true(f->pages != MAP_FAILED);
        assert_int_equal(mprotect(f->pages + readable, page, PROT_NONE), 0);
    }
    char *start = f->pages + readable - BUF_SLACK - input.size;
    memcpy(start, input.data, input.size);
    memset(start + input.size, '"', BUF_SLACK);
    f->input = (struct span){start, input.size};

    batch_reset(&f->batch);
    const struct record_position position = {.serial = 7, .after_ns = GAP_TIME_UNKNOWN};
    json_file_decode(&f->decoder, f->input, &position, &f->batch, &f->result);
    assert_int_equal(f->batch.bytes_consumed, f->result.consumed);
    assert_int_equal(f->batch.records, f->batch.count);
    assert_false(f->batch.arena.overflowed);
}

void assert_span(struct span is, struct span expected)
{
    if (!span_equal(is, expected))
        fail_msg("is \"%.*s\" (%zu bytes), expected \"%.*s\" (%zu bytes)", (int)is.size, is.data,
                 is.size, (int)expected.size, expected.data, expected.size);
}

void assert_gap(const struct gap *gap, enum gap_reason reason, uint64_t offset, int64_t bytes)
{
    assert_string_equal(gap_reason_word(gap->reason), gap_reason_word(reason));
    assert_int_equal(gap->serial, 7);
    assert_int_equal(gap->offset, offset);
    assert_int_equal(gap->bytes, bytes);
}

void assert_accounted(const struct fixture *f, uint64_t record_bytes)
{
    uint64_t sum = record_bytes + f->batch.bytes_blank;
    for (size_t i = 0; i < f->batch.gap_count; i++)
        sum += (uint64_t)f->batch.gaps[i].bytes;
    assert_int_equal(sum, f->batch.bytes_consumed);
}

void for_each_isa(void (*test)(struct fixture *f))
{
    for (int form = FORM_BYTES; form <= FORM_JSON; form++) {
        for (int isa = 0; isa < JSON_FILE_ISA_COUNT; isa++) {
            struct fixture f;
            fixture_init(&f, (enum message_form)form);
            if (json_file_use(&f.decoder, (enum json_file_isa)isa) == 0)
                test(&f);
            fixture_deinit(&f);
        }
    }
}
